"""What clients send, well formed and not, for Hypothesis."""

import base64
import json

from hypothesis import strategies as st

from rtc.core.formats import MAX_SAMPLE_RATE, MIN_SAMPLE_RATE, Encoding, Framing, MediaFormat
from rtc.core.messages import MAX_MARK_NAME, MAX_PARAMS_BYTES, Mark, Media, Ping, Start, Stop, serialize

session_ids = st.from_regex(r"[A-Za-z0-9_.-]{1,64}", fullmatch=True)
payloads = st.binary(max_size=2048)
payload_texts = payloads.map(lambda payload: base64.b64encode(payload).decode()) | st.text(max_size=12)
media_formats = st.builds(
    MediaFormat,
    encoding=st.sampled_from(Encoding),
    sample_rate=st.integers(MIN_SAMPLE_RATE, MAX_SAMPLE_RATE),
    framing=st.sampled_from(Framing),
)
json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(max_size=20),
    lambda children: st.lists(children, max_size=4) | st.dictionaries(st.text(max_size=10), children, max_size=4),
    max_leaves=10,
)
params = st.dictionaries(st.text(max_size=10), json_values, max_size=4).filter(
    lambda value: len(json.dumps(value)) <= MAX_PARAMS_BYTES
)

tickets = st.text("abcXYZ019._-", max_size=20)
starts = st.builds(
    Start,
    session_id=session_ids,
    media_format=st.none() | media_formats,
    params=params.filter(lambda value: "ticket" not in value and len(json.dumps(value)) < MAX_PARAMS_BYTES - 64),
    ticket=tickets,
)
media = st.builds(Media, payloads)
marks = st.builds(Mark, name=st.text(min_size=1, max_size=MAX_MARK_NAME))
client_messages = starts | media | marks | st.builds(Stop) | st.builds(Ping)


@st.composite
def broken_frames(draw: st.DrawFn) -> str:
    """A good frame with a few characters replaced, left out or put in."""
    text = serialize(draw(client_messages))
    for _ in range(draw(st.integers(1, 4))):
        start = draw(st.integers(0, len(text)))
        end = draw(st.integers(start, min(len(text), start + 3)))
        text = text[:start] + draw(st.text(max_size=3)) + text[end:]
    return text


@st.composite
def wrong_frames(draw: st.DrawFn) -> str:
    """JSON with the keys of a good frame, where one of them has any value at all, or none."""
    frame = draw(client_messages).to_wire()
    place = draw(st.sampled_from([frame, *(value for value in frame.values() if isinstance(value, dict) and value)]))
    key = draw(st.sampled_from(sorted(place)))
    if draw(st.booleans()):
        del place[key]
    else:
        place[key] = draw(json_values)
    return json.dumps(frame)


json_texts = json_values.map(json.dumps)
hostile_frames = st.text() | json_texts | broken_frames() | wrong_frames()
