import pytest

from rtc.signals import session_ended, session_started


def pytest_collection_modifyitems(items):
    # What takes real time goes last, so that a plain mistake shows at once. The browser comes after all else: its
    # driver keeps an event loop running in the main thread, beside which no asynchronous test can have its own.
    items.sort(key=lambda item: (item.get_closest_marker("live") is not None, "/browser/" in str(item.path)))


@pytest.fixture
def told():
    """`(what, session id, state or end reason)` of each signal that a session has started or ended, in order."""
    told = []

    def started(session, **kwargs):
        told.append(("started", session.session_id, session.state))

    def ended(session, **kwargs):
        told.append(("ended", session.session_id, session.end_reason))

    session_started.connect(started)
    session_ended.connect(ended)
    yield told
    session_started.disconnect(started)
    session_ended.disconnect(ended)
