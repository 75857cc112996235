import threading

ENDING_S = 10


def threads_left() -> list[str]:
    """The names of handlers' threads that do not end. One that was woken may not have had its turn yet."""
    threads = [thread for thread in threading.enumerate() if thread.name.startswith("rtc ")]
    for thread in threads:
        thread.join(ENDING_S)
    return [thread.name for thread in threads if thread.is_alive()]
