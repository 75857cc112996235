"""What other code may want to know of sessions. All are sent outside the event loop, in the order things happened, by a
thread that does nothing else: see `rtc.telling`.

`session_started`, `session_ended`: `session`, the row. `session_ended` is sent exactly once, by whichever process
recorded the end.
`handler_failed`: `session_pk`, `error`, a `HandlerError` whose cause is what the handler raised.
`turn_finished`: `session_pk`, `turn`, a dict of figures, sent when the reply to a turn was played, stopped or failed:
`said_s`, how long the turn was; `delay_s`, from its end to the reply's first audio (None: there was none); `reply_s`,
how much audio was emitted, and `heard_s`, how much of it was heard; `interrupted`; `failed`.
"""

from django.dispatch import Signal

session_started = Signal()
session_ended = Signal()
handler_failed = Signal()
turn_finished = Signal()
