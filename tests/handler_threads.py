import threading

ENDING_S = 10


def handler_threads() -> list[threading.Thread]:
    """Those of all handlers that run now."""
    return [thread for thread in threading.enumerate() if thread.name.startswith("rtc ")]


def threads_left() -> list[str]:
    """The names of handlers' threads that do not end. One that was woken may not have had its turn yet."""
    threads = handler_threads()
    for thread in threads:
        thread.join(ENDING_S)
    return [thread.name for thread in threads if thread.is_alive()]
