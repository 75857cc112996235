"""Servers that take signals in another way than `signal.signal`, as granian and hypercorn do."""

import atexit
import signal

from rtc import termination
from rtc.worker import LocalWorker


async def test_where_no_signal_can_be_taken_the_row_is_still_ended_at_exit(monkeypatch):
    registered = []
    monkeypatch.setattr(atexit, "register", lambda *call: registered.append(call))
    monkeypatch.setattr(signal, "getsignal", lambda number: signal.SIG_DFL)
    monkeypatch.setattr(signal, "signal", lambda *call: registered.append(call))
    worker = LocalWorker()
    termination.install(worker)
    termination.install(worker)
    [(retire, whose, _)] = registered
    assert whose is worker and retire is termination._retire


async def test_where_one_can_be_it_is_taken_once(monkeypatch):
    def server(number, frame):
        pass

    taken = [server]
    monkeypatch.setattr(atexit, "register", lambda *call: None)
    monkeypatch.setattr(signal, "getsignal", lambda number: taken[-1])
    monkeypatch.setattr(signal, "signal", lambda number, handler: taken.append(handler))
    worker = LocalWorker()
    termination.install(worker)
    termination.install(worker)
    assert len(taken) == 2 and isinstance(taken[1], termination.Termination)
