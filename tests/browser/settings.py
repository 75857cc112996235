from pathlib import Path

from fastrtc_project.settings import *  # noqa: F403
from fastrtc_project.settings import MIDDLEWARE as DEMO_MIDDLEWARE
from fastrtc_project.settings import RTC_STREAMS as DEMO_STREAMS
from fastrtc_project.settings import TEMPLATES as DEMO_TEMPLATES

ALLOWED_HOSTS = ["127.0.0.1", "localhost", "insecure.test"]  # each another origin

# The pages have to work where nothing inline and nothing from elsewhere may run.
MIDDLEWARE = [
    *DEMO_MIDDLEWARE,
    "tests.browser.middleware.content_security_policy",
    "tests.browser.middleware.project_policy",
]

HERE = Path(__file__).resolve().parent
ROOT_URLCONF = "tests.browser.urls"
TEMPLATES = [{**DEMO_TEMPLATES[0], "DIRS": [*DEMO_TEMPLATES[0]["DIRS"], HERE / "templates"]}]

# The sample client's page comes from the server under test, so that it is of the same origin.
STATICFILES_DIRS = [
    ("browser", HERE / "pages"),
    ("alawmulaw", HERE / "node_modules" / "alawmulaw" / "dist"),
]

RTC_STREAMS = {
    **DEMO_STREAMS,
    "asking": "tests.live.streams.asking",
    "form": "tests.browser.streams.form",
    "letters": "tests.browser.streams.letters",
    "talkative": "tests.browser.streams.talkative",
}
