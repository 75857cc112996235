"""Settings: one typed property each, read anew at each access, so that overriding them just works."""

from typing import Any

from django.conf import settings

from rtc.version import __version__


class Conf:
    """What `settings.RTC_…` says, or the default."""

    @property
    def RTC_STREAMS(self) -> dict[str, str]:
        """Alias → dotted path of a `Stream`."""
        return self._get("RTC_STREAMS", {})

    @property
    def RTC_ALLOWED_ORIGINS(self) -> list[str]:
        """Origins besides the server's own whose pages may connect: `https://shop.example`, or `*`."""
        return self._get("RTC_ALLOWED_ORIGINS", [])

    @property
    def RTC_CONTENT_SECURITY_POLICY(self) -> bool:
        """Send a strict Content-Security-Policy with the app's own pages, where the project's middleware makes none."""
        return self._get("RTC_CONTENT_SECURITY_POLICY", True)

    @property
    def RTC_SEND_LEAD_MS(self) -> int:
        """How far ahead of what has been played audio is sent, ms."""
        return self._get("RTC_SEND_LEAD_MS", 200)

    @property
    def RTC_INPUT_QUEUE_MS(self) -> int:
        """How much audio may wait for a handler before the oldest is dropped, ms."""
        return self._get("RTC_INPUT_QUEUE_MS", 5_000)

    @property
    def RTC_MAX_UTTERANCE_S(self) -> float:
        """How long a turn of the user's may get before it is handed over without a pause, s."""
        return self._get("RTC_MAX_UTTERANCE_S", 120.0)

    @property
    def RTC_OUTPUT_QUEUE_MS(self) -> int:
        """How much audio may wait to be sent before the handler is made to wait, ms."""
        return self._get("RTC_OUTPUT_QUEUE_MS", 30_000)

    @property
    def RTC_MAX_AUDIO_BYTES(self) -> int:
        """The most audio one frame of a client may hold, bytes."""
        return self._get("RTC_MAX_AUDIO_BYTES", 64 * 1024)

    @property
    def RTC_MAX_FRAMES_PER_S(self) -> int:
        """How many frames of a client are taken in a second; the rest wait with it."""
        return self._get("RTC_MAX_FRAMES_PER_S", 1_000)

    @property
    def RTC_MAX_UNSENT_BYTES(self) -> int:
        """How much may wait, on Daphne, for a client that does not read before it is cut off, bytes."""
        return self._get("RTC_MAX_UNSENT_BYTES", 8 * 1024 * 1024)

    @property
    def RTC_MAX_PARAMS_BYTES(self) -> int:
        """The most JSON `params` of a client's `start` may be, bytes."""
        return self._get("RTC_MAX_PARAMS_BYTES", 4 * 1024)

    @property
    def RTC_ERROR_LIMIT(self) -> int:
        """How many errors of a client within RTC_ERROR_WINDOW_S are forgiven."""
        return self._get("RTC_ERROR_LIMIT", 20)

    @property
    def RTC_ERROR_WINDOW_S(self) -> float:
        """See RTC_ERROR_LIMIT, s."""
        return self._get("RTC_ERROR_WINDOW_S", 10.0)

    @property
    def RTC_START_TIMEOUT_S(self) -> float:
        """How long an open socket may take to send `start`, s."""
        return self._get("RTC_START_TIMEOUT_S", 20.0)

    @property
    def RTC_IDLE_TIMEOUT_S(self) -> float | None:
        """How long a client may send nothing, s; None: for ever. A stream's `idle_timeout` goes before."""
        return self._get("RTC_IDLE_TIMEOUT_S", 60.0)

    @property
    def RTC_CLOSE_GRACE_S(self) -> float:
        """How long a session that has reached its time limit may play what is queued, s."""
        return self._get("RTC_CLOSE_GRACE_S", 10.0)

    @property
    def RTC_START_UP_HOLD_MS(self) -> int:
        """How long audio waits for a handler's `start_up` to return, ms."""
        return self._get("RTC_START_UP_HOLD_MS", 1_000)

    @property
    def RTC_SHUTDOWN_TIMEOUT_S(self) -> float:
        """How long a handler's `shutdown` may take, s."""
        return self._get("RTC_SHUTDOWN_TIMEOUT_S", 5.0)

    @property
    def RTC_SHOW_HANDLER_ERRORS(self) -> bool:
        """Tell clients what an exception of a handler's said; follows DEBUG."""
        return self._get("RTC_SHOW_HANDLER_ERRORS", settings.DEBUG)

    @property
    def RTC_CONCURRENCY_LIMIT(self) -> int | None:
        """How many sessions may run at once, over all streams and workers; None: any number."""
        return self._get("RTC_CONCURRENCY_LIMIT", None)

    @property
    def RTC_USER_CONCURRENCY_LIMIT(self) -> int | None:
        """How many sessions one logged-in user may run at once, over all streams and workers; None: any number."""
        return self._get("RTC_USER_CONCURRENCY_LIMIT", None)

    @property
    def RTC_ADMISSION_QUEUE(self) -> int:
        """How many sessions may wait to be admitted by one worker before more are refused as `busy`."""
        return self._get("RTC_ADMISSION_QUEUE", 500)

    @property
    def RTC_ADMISSION_TIMEOUT_S(self) -> float:
        """How long the database may take to admit a session before it is refused as `no_database`, s."""
        return self._get("RTC_ADMISSION_TIMEOUT_S", 5.0)

    @property
    def RTC_HEARTBEAT_S(self) -> float:
        """How often a worker records how it is doing, and its sessions' figures, s."""
        return self._get("RTC_HEARTBEAT_S", 5.0)

    @property
    def RTC_WORKER_LOST_S(self) -> float:
        """How long a worker may be silent before others end its sessions, s."""
        return self._get("RTC_WORKER_LOST_S", 15.0)

    @property
    def RTC_LEASE_S(self) -> float:
        """How often a worker with sessions records that it lives, s; one without does so every RTC_HEARTBEAT_S."""
        return self._get("RTC_LEASE_S", 1.0)

    @property
    def RTC_WORKER_FENCE_S(self) -> float:
        """How long a worker may be silent before it ends its own sessions, s; 4/5 of RTC_WORKER_LOST_S."""
        return self._get("RTC_WORKER_FENCE_S", 0.8 * self.RTC_WORKER_LOST_S)

    @property
    def RTC_MAX_LAG_MS(self) -> float | None:
        """Event-loop lag from which on a worker takes no new sessions, ms; None: it takes them at any."""
        return self._get("RTC_MAX_LAG_MS", 250.0)

    @property
    def RTC_SWITCH_INTERVAL_MS(self) -> float | None:
        """After how long a thread that computes gives way to another, ms; None: Python's 5. Read at the first call."""
        return self._get("RTC_SWITCH_INTERVAL_MS", 0.5)

    @property
    def RTC_DRAIN_S(self) -> float:
        """How long the sessions of a worker that is told to stop may go on, s."""
        return self._get("RTC_DRAIN_S", 30.0)

    @property
    def RTC_CLOSE_HANDSHAKE_S(self) -> float:
        """How long Daphne waits for a client to answer its close frame, s, up to a second less; read at its start."""
        return self._get("RTC_CLOSE_HANDSHAKE_S", 10.0)

    @property
    def RTC_VERSION(self) -> str:
        """The release that a worker runs, for the admin; the package's own unless the project says so."""
        return self._get("RTC_VERSION", __version__)

    @property
    def RTC_ANSWER_TIMEOUT_S(self) -> float:
        """How long another worker may take to answer, s."""
        return self._get("RTC_ANSWER_TIMEOUT_S", 2.0)

    @property
    def RTC_MESSAGE_CHARS(self) -> int:
        """The longest input that goes over the channel layer; a longer one goes through the database, characters."""
        return self._get("RTC_MESSAGE_CHARS", 64 * 1024)

    @property
    def RTC_READY_NEEDS_CHANNEL_LAYER(self) -> bool:
        """Whether `/readyz` is red while the channel layer is away, although sessions can start."""
        return self._get("RTC_READY_NEEDS_CHANNEL_LAYER", False)

    @property
    def RTC_METRICS_TOKEN(self) -> str:
        """Bearer token that reads `/metrics`; empty: only staff who may view workers read it."""
        return self._get("RTC_METRICS_TOKEN", "")

    @property
    def RTC_INPUT_TIMEOUT_S(self) -> float | None:
        """How long a handler may wait for input that it asked for, s; None: for ever."""
        return self._get("RTC_INPUT_TIMEOUT_S", 300.0)

    @property
    def RTC_MAX_INPUT_BYTES(self) -> int:
        """The largest body `/input_hook` takes, bytes."""
        return self._get("RTC_MAX_INPUT_BYTES", 2 * 1024 * 1024)

    @property
    def RTC_STORED_INPUT_CHARS(self) -> int:
        """How much of an input's JSON the record keeps, characters."""
        return self._get("RTC_STORED_INPUT_CHARS", 10_000)

    @property
    def RTC_TIMELINE_LIMIT(self) -> int:
        """How many entries the timeline of one session holds."""
        return self._get("RTC_TIMELINE_LIMIT", 500)

    @property
    def RTC_TICKET_MAX_AGE_S(self) -> int:
        """How long a connect ticket is good for, s."""
        return self._get("RTC_TICKET_MAX_AGE_S", 60)

    @property
    def RTC_OUTPUTS_WAIT_S(self) -> float:
        """How long `/outputs` waits for a session that has not started yet, s."""
        return self._get("RTC_OUTPUTS_WAIT_S", 30.0)

    @property
    def RTC_OUTPUTS_POLL_S(self) -> float:
        """How often open `/outputs` look for what no announcement told of, s."""
        return self._get("RTC_OUTPUTS_POLL_S", 2.0)

    @property
    def RTC_OUTPUT_QUEUE(self) -> int:
        """How many outputs of one session may wait to be stored before the handler is made to wait."""
        return self._get("RTC_OUTPUT_QUEUE", 1_000)

    @property
    def RTC_RETENTION_DAYS(self) -> int:
        """How many days ended sessions are kept; `manage.py rtc_purge` deletes what is older."""
        return self._get("RTC_RETENTION_DAYS", 30)

    @property
    def RTC_DATABASE_PATIENCE_S(self) -> float:
        """How long records wait for a database that is locked or away before they are given up, s."""
        return self._get("RTC_DATABASE_PATIENCE_S", 60.0)

    @staticmethod
    def _get(name: str, default: Any) -> Any:
        return getattr(settings, name, default)


conf = Conf()
