import base64
import json

import pytest
from hypothesis import given

from rtc.core.exceptions import ProtocolError
from rtc.core.formats import MediaFormat
from rtc.core.messages import (
    MAX_AUDIO_BYTES,
    MAX_MARK_NAME,
    MAX_PARAMS_BYTES,
    TOO_BIG,
    Clear,
    End,
    Error,
    Failed,
    FetchOutput,
    Log,
    Mark,
    Media,
    Ping,
    Pong,
    SendInput,
    Start,
    Started,
    Stop,
    StopWord,
    Warn,
    parse,
    parse_audio,
    serialize,
)
from tests.core import strategies

FORMAT = {"encoding": "mulaw", "sample_rate": 24000, "framing": "json"}


@given(strategies.client_messages)
def test_what_was_serialized_parses_to_the_same(message):
    assert parse(serialize(message)) == message


@given(strategies.payloads)
def test_audio_is_written_as_the_standard_library_writes_base64(payload):
    wire = {"event": "media", "media": {"payload": base64.b64encode(payload).decode()}}
    assert json.loads(serialize(Media(payload))) == Media(payload).to_wire() == wire


@given(strategies.payload_texts)
def test_what_is_taken_for_base64_is_read_as_the_standard_library_reads_it(text):
    try:
        payload = parse(json.dumps({"event": "media", "media": {"payload": text}})).payload
    except ProtocolError as error:
        assert error.code == "bad_base64"
    else:
        assert payload == base64.b64decode(text, validate=True)


@given(strategies.hostile_frames)
def test_junk_raises_only_protocol_errors(text):
    try:
        parse(text)
    except ProtocolError as error:
        assert error.code
        assert str(error) == f"{error.code}: {error.detail}"


@pytest.mark.parametrize(
    ("message", "wire"),
    [
        (Start(session_id="a"), {"event": "start", "websocket_id": "a"}),
        (
            Start(session_id="a", media_format=MediaFormat(sample_rate=24000), params={"b": 1}),
            {"event": "start", "websocket_id": "a", "media_format": FORMAT, "params": {"b": 1}},
        ),
        (
            Start(session_id="a", params={"b": 1}, ticket="t"),
            {"event": "start", "websocket_id": "a", "params": {"b": 1, "ticket": "t"}},
        ),
        (Media(b"\x00\xff"), {"event": "media", "media": {"payload": "AP8="}}),
        (Media(b""), {"event": "media", "media": {"payload": ""}}),
        (Mark(name="m"), {"event": "mark", "mark": {"name": "m"}}),
        (Stop(), {"event": "stop"}),
        (Ping(), {"event": "ping"}),
        (Pong(), {"event": "pong"}),
        (Clear(), {"event": "clear"}),
        (
            Started(session_id="a", media_format=MediaFormat(sample_rate=24000), output=MediaFormat(sample_rate=24000)),
            {"event": "started", "session_id": "a", "media_format": FORMAT, "output": FORMAT},
        ),
        (SendInput(), {"type": "send_input", "data": []}),
        (FetchOutput(), {"type": "fetch_output", "data": []}),
        (Log(text="started_talking"), {"type": "log", "data": "started_talking"}),
        (StopWord(), {"type": "stopword", "data": ""}),
        (Warn(text="w"), {"type": "warning", "data": "w", "message": "w"}),
        (Error(code="c", text="t"), {"type": "error", "code": "c", "data": "t", "message": "t"}),
        (
            Failed(reason="concurrency_limit_reached", limit=2),
            {"status": "failed", "meta": {"error": "concurrency_limit_reached", "limit": 2}},
        ),
        (
            Failed(reason="connection_already_exists"),
            {"status": "failed", "meta": {"error": "connection_already_exists"}},
        ),
        (End(reason="idle"), {"type": "end", "data": {"reason": "idle"}}),
        (End(reason="done", text="bye"), {"type": "end", "data": {"reason": "done", "message": "bye"}}),
    ],
    ids=lambda value: type(value).__name__ if not isinstance(value, dict) else "",
)
def test_wire_form(message, wire):
    assert json.loads(serialize(message)) == wire == message.to_wire()


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("", "bad_json"),
        ("{", "bad_json"),
        ('{"event": NaN}', "bad_json"),
        ('{"event": "ping", "n": Infinity}', "bad_json"),
        ("[" * 50_000 + "]" * 50_000, "bad_json"),
        ("1" * 5_000, "bad_json"),
        ("null", "unknown_event"),
        ('["event", "ping"]', "unknown_event"),
        ("{}", "unknown_event"),
        ('{"event": "hello"}', "unknown_event"),
        ('{"event": ["ping"]}', "unknown_event"),
        ('{"event": "media"}', "bad_media"),
        ('{"event": "media", "media": "AP8="}', "bad_media"),
        ('{"event": "media", "media": {}}', "bad_media"),
        ('{"event": "media", "media": {"payload": 1}}', "bad_media"),
        ('{"event": "media", "media": {"payload": "A"}}', "bad_base64"),
        ('{"event": "media", "media": {"payload": "AP8"}}', "bad_base64"),
        ('{"event": "media", "media": {"payload": "AP8=AP8="}}', "bad_base64"),
        ('{"event": "media", "media": {"payload": "AP 8="}}', "bad_base64"),
        ('{"event": "media", "media": {"payload": "AAAA="}}', "bad_base64"),
        ('{"event": "media", "media": {"payload": "ÄÖÜß"}}', "bad_base64"),
        ('{"event": "start"}', "bad_session_id"),
        ('{"event": "start", "websocket_id": 5}', "bad_session_id"),
        ('{"event": "start", "websocket_id": ""}', "bad_session_id"),
        ('{"event": "start", "websocket_id": "a b"}', "bad_session_id"),
        ('{"event": "start", "websocket_id": "a\\n"}', "bad_session_id"),
        ('{"event": "start", "websocket_id": "é"}', "bad_session_id"),
        ('{"event": "start", "websocket_id": "' + "a" * 65 + '"}', "bad_session_id"),
        ('{"event": "start", "websocket_id": "a", "params": []}', "bad_params"),
        ('{"event": "start", "websocket_id": "a", "params": null}', "bad_params"),
        ('{"event": "start", "websocket_id": "a", "params": {"ticket": 5}}', "bad_ticket"),
        ('{"event": "start", "websocket_id": "a", "media_format": 5}', "bad_media_format"),
        ('{"event": "mark"}', "bad_mark"),
        ('{"event": "mark", "mark": {"name": 1}}', "bad_mark"),
        ('{"event": "mark", "mark": {"name": ""}}', "bad_mark"),
        (json.dumps({"event": "mark", "mark": {"name": "m" * (MAX_MARK_NAME + 1)}}), "bad_mark"),
    ],
)
def test_junk_is_named(text, code):
    with pytest.raises(ProtocolError) as caught:
        parse(text)
    assert caught.value.code == code
    assert caught.value.close_code is None


def outcome(text):
    try:
        return parse(text)
    except ProtocolError as error:
        return error.code, error.close_code


@given(strategies.payload_texts)
def test_the_short_cut_for_audio_gives_what_the_parser_gives(payload):
    compact = f'{{"event":"media","media":{{"payload":"{payload}"}}}}'
    spaced = f'{{ "event": "media", "media": {{ "payload": "{payload}" }} }}'
    assert outcome(compact) == outcome(spaced)
    assert parse_audio(spaced) is None
    audio = parse_audio(compact)
    assert audio is None or outcome(compact) == Media(audio)


@given(strategies.payloads.filter(len))
def test_the_short_cut_for_audio_is_taken_by_what_browsers_send(payload):
    assert parse_audio(serialize(Media(payload))) == payload
    assert parse_audio(serialize(Media(payload)), max_audio_bytes=len(payload) - 1) is None


@pytest.mark.parametrize("text", ["", '{"event":"media","media":{"payload":"}}', '{"event":"media"}', '"}}'])
def test_the_short_cut_for_audio_is_not_taken_by_junk(text):
    assert parse_audio(text) is None


@pytest.mark.parametrize("separators", [(",", ":"), (", ", ": ")], ids=["compact", "spaced"])
def test_a_frame_holds_64_kib_of_audio_and_no_more(separators):
    def frame(size):
        payload = base64.b64encode(bytes(size)).decode()
        return json.dumps({"event": "media", "media": {"payload": payload}}, separators=separators)

    assert parse(frame(MAX_AUDIO_BYTES)) == Media(bytes(MAX_AUDIO_BYTES))
    with pytest.raises(ProtocolError) as caught:
        parse(frame(MAX_AUDIO_BYTES + 1))
    assert caught.value.close_code == TOO_BIG


def test_a_frame_too_long_for_any_message_is_not_even_read():
    with pytest.raises(ProtocolError) as caught:
        parse(" " * (2 * MAX_AUDIO_BYTES + MAX_PARAMS_BYTES + 1))
    assert caught.value.close_code == TOO_BIG


def test_params_hold_4_kib_and_no_more():
    def frame(size):
        params = {"a": "b" * (size - len('{"a": ""}'))}
        return json.dumps({"event": "start", "websocket_id": "a", "params": params})

    assert len(json.dumps(parse(frame(MAX_PARAMS_BYTES)).params)) == MAX_PARAMS_BYTES
    with pytest.raises(ProtocolError, match="params_too_big"):
        parse(frame(MAX_PARAMS_BYTES + 1))


@pytest.mark.parametrize(("character", "size"), [("ж", 2), ("😀", 4), (r"\u0436", 2), (r"\ud800", 3)])
def test_params_are_counted_in_bytes_of_utf_8(character, size):
    def frame(count):
        return f'{{"event": "start", "websocket_id": "a", "params": {{"a": "{character * count}"}}}}'

    count = (MAX_PARAMS_BYTES - len('{"a": ""}')) // size
    assert len(parse(frame(count)).params["a"]) == count
    with pytest.raises(ProtocolError, match="params_too_big"):
        parse(frame(count + 1))


def test_params_nested_too_deeply_are_refused():
    codes = set()
    for depth in (*range(100, 2000, 10), *range(900, 1000), *range(2000, 20_000, 500)):  # each Python has its own limit
        nested = '{"a":' * depth + "1" + "}" * depth
        try:
            parse(f'{{"event": "start", "websocket_id": "a", "params": {nested}}}', max_params_bytes=200_000)
        except ProtocolError as error:
            codes.add(error.code)
    assert codes <= {"bad_json", "bad_params"}
    assert codes


def test_unknown_keys_are_ignored():
    assert parse('{"event": "ping", "time": 5, "media": {}}') == Ping()
