"""What other code may want to know of sessions. All are sent outside the event loop, in the order things happened.

`session_started`, `session_ended`: `session`, the row. `session_ended` is sent exactly once, by whichever process
recorded the end.
`handler_failed`: `session_pk`, `error`, a `HandlerError` whose cause is what the handler raised.
`turn_finished`: `session_pk`, `turn`, a dict of figures.
"""

from django.dispatch import Signal

session_started = Signal()
session_ended = Signal()
handler_failed = Signal()
turn_finished = Signal()
