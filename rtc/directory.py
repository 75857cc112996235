"""The streams the project has configured."""

from django.core.exceptions import ImproperlyConfigured
from django.utils.module_loading import import_string

from rtc.conf import conf
from rtc.streams import Stream

DEFAULT_ALIAS = "default"


def get_stream(alias: str) -> Stream | None:
    """The stream of that alias; None when there is none.

    Raises:
        ImproperlyConfigured: when what `RTC_STREAMS` names can't be imported or is no `Stream`.
    """
    path = conf.RTC_STREAMS.get(alias)
    if path is None:
        return None
    try:
        stream = import_string(path)
    except ImportError as error:
        raise ImproperlyConfigured(
            f"RTC_STREAMS[{alias!r}] names {path!r}, which can't be imported: {error}"
        ) from error
    except ImproperlyConfigured as error:
        raise ImproperlyConfigured(f"RTC_STREAMS[{alias!r}] names {path!r}, which can't be made: {error}") from error
    if not isinstance(stream, Stream):
        raise ImproperlyConfigured(
            f"RTC_STREAMS[{alias!r}] names {path!r}, which is a {type(stream).__name__}, not a Stream."
        )
    return stream
