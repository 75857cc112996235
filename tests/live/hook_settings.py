from tests.live.settings import *  # noqa: F403

RTC_STREAMS = {
    "answering": "tests.live.hook_streams.answering",
    "members": "tests.live.hook_streams.members",
    "echo": "tests.live.hook_streams.echo_of_inputs",
}
RTC_ALLOWED_ORIGINS = ["https://friend.example"]
