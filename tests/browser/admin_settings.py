from tests.browser.settings import *  # noqa: F403

RTC_HEARTBEAT_S = 0.5
