"""What code in other threads of this process may ask of its live calls."""

from rtc.worker import workers


def hang_up(session_pk: int, text: str = "") -> bool:
    """Have a live session ended, from any thread; `text` is told to its client.

    Returns: whether the session runs in this process, so that it can be asked.
    """
    for loop, local in workers():
        call = local.calls.get(session_pk)
        if call is None:
            continue
        try:
            loop.call_soon_threadsafe(call.hang_up, text)
        except RuntimeError:  # that loop was closed meanwhile
            continue
        return True
    return False
