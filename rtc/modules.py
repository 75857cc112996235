"""The modules that the widget's script imports: a page names them all, so that none waits for another to ask for it."""

import re
from functools import cache
from pathlib import Path
from urllib.parse import urljoin

from django.apps import apps
from django.contrib.staticfiles.storage import staticfiles_storage
from django.templatetags.static import static

DIRECTORY = Path(__file__).parent / "static" / "rtc"
SCRIPT = "widget.js"
IMPORTED = re.compile(r'^(?:import|\}) .*"\./([\w-]+\.js)";$', re.MULTILINE)


def module_urls() -> list[str]:
    """Their addresses as the browser makes them: beside the script's, unless the storage puts others in their place."""
    has_storage = apps.is_installed("django.contrib.staticfiles")
    if has_storage and getattr(staticfiles_storage, "support_js_module_import_aggregation", False):
        return [static(f"rtc/{name}") for name in modules()]
    script = static(f"rtc/{SCRIPT}")
    return [urljoin(script, name) for name in modules()]


@cache
def modules() -> tuple[str, ...]:
    """The names of all that the script imports, directly or not, the nearest first."""
    found = [SCRIPT]
    for name in found:
        text = (DIRECTORY / name).read_text(encoding="utf-8")
        found += [imported for imported in IMPORTED.findall(text) if imported not in found]
    return tuple(found[1:])
