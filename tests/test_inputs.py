"""`POST /input_hook`: what it takes, and what it answers."""

import json

import numpy as np
import pytest
from django.test import AsyncClient

from rtc import CloseStream, Stream, records
from rtc.input_views import MAX_CONTAINERS, MAX_SEPARATORS
from rtc.models import Input, Session, Worker
from rtc.payloads import input_payload
from rtc.worker import local_worker
from tests.hooks import OK, Asking, BlockingAsking, Phone, ended, post
from tests.virtual_time import until

pytestmark = pytest.mark.django_db(transaction=True)


class LastWords(Asking):
    """Closes at once, but has seconds of audio to play before."""

    def __init__(self):
        super().__init__()
        self.left = [(24000, b"")]

    async def emit(self):
        if self.left:
            self.left.clear()
            return 24000, np.zeros(24000 * 5, np.int16)
        return CloseStream("bye")


asking = Stream(Asking)
blocking = Stream(BlockingAsking)
last_words = Stream(LastWords)


@pytest.fixture(autouse=True)
def streams(settings):
    names = {"default": "asking", "blocking": "blocking", "last_words": "last_words"}
    settings.RTC_STREAMS = {alias: f"{__name__}.{name}" for alias, name in names.items()}


@pytest.mark.parametrize("alias", ["default", "blocking"])
async def test_a_handler_asks_and_gets_what_is_posted(alias):
    phone = await Phone(alias).start()
    for values in ([1, "two", None], [], [{"chat": []}]):
        assert (await phone.hear_of("send_input")) == {"type": "send_input", "data": []}
        assert await post({"webrtc_id": "a", "inputs": values}) == OK
        assert await phone.hear("got") == ["__webrtc_value__", *values]
    await phone.hang_up()


@pytest.mark.parametrize(
    ("message", "arguments"),
    [
        ({"inputs": [1, 2]}, [1, 2]),
        ({"inputs": []}, []),
        ({"inputs": "text"}, ["text"]),
        ({"inputs": None}, [None]),
        ({"inputs": {"a": 1}}, [{"a": 1}]),
        ({"inputs": [[1, 2]]}, [[1, 2]]),
        ({"chatbot": [{"role": "user"}]}, [[{"role": "user"}]]),
        ({"conf_threshold": 0.3}, [0.3]),
        ({"z": 1, "a": 2, "m": [3]}, [1, 2, [3]]),
        ({"inputs": [1], "other": 2}, [1]),
        ({}, []),
    ],
)
async def test_what_becomes_an_argument(message, arguments):
    phone = await Phone().start()
    assert await post({"webrtc_id": "a", **message}) == OK
    assert await phone.hear("got") == ["__webrtc_value__", *arguments]
    await phone.hang_up()


async def test_keys_keep_their_order_wherever_the_id_stands():
    phone = await Phone().start()
    assert await post(b'{"z":1,"webrtc_id":"a","b":2,"z":3}') == OK
    assert await phone.hear("got") == ["__webrtc_value__", 3, 2]
    await phone.hang_up()


MALFORMED = {
    "blank": b" ",
    "not json": b"{",
    "no object": b"[]",
    "null": b"null",
    "no id": b'{"inputs":[]}',
    "id no string": b'{"webrtc_id":5}',
    "id too long": b'{"webrtc_id":"' + b"a" * 65 + b'"}',
    "id with a newline": b'{"webrtc_id":"a\\n"}',
    "id with NUL": b'{"webrtc_id":"a\\u0000"}',
    "id of half a surrogate pair": b'{"webrtc_id":"\\ud800"}',
    "not UTF-8": b'{"webrtc_id":"a","inputs":"\xff"}',
    "UTF-16": '{"webrtc_id":"a"}'.encode("utf-16"),
    "surrogate in UTF-8": b'{"webrtc_id":"a","inputs":"\xed\xa0\x80"}',
    "NaN": b'{"webrtc_id":"a","inputs":[NaN]}',
    "infinity": b'{"webrtc_id":"a","inputs":[-Infinity]}',
    "nested too deeply": b'{"webrtc_id":"a","inputs":' + b"[" * 100_000 + b"]" * 100_000 + b"}",
    "unclosed": b'{"webrtc_id":"a","inputs":' + b"[" * 100_000,
    "a number too long to read": b'{"webrtc_id":"a","inputs":' + b"9" * 5_000 + b"}",
    "raw control character": b'{"webrtc_id":"a","inputs":"\x00"}',
    "two values": b'{"webrtc_id":"a"}{}',
}


@pytest.mark.parametrize("body", MALFORMED.values(), ids=MALFORMED)
async def test_malformed_bodies_are_refused_and_harm_nothing(body):
    phone = await Phone().start()
    status, answer = await post(body)
    assert (status, answer["error"] in ("bad_json", "bad_session_id")) == (400, True)
    assert await post({"webrtc_id": "a", "inputs": [1]}) == OK
    assert await phone.hear("got") == ["__webrtc_value__", 1]
    await phone.hang_up()
    await ended("a")
    assert await Input.objects.acount() == 1


ODD = {
    "NUL": b'"a\\u0000b"',
    "half a surrogate pair": b'"\\ud800"',
    "a number beyond any float": b"1e999",
    "large integer": b"9" * 4_000,
    "nested": b"[" * 400 + b"]" * 400,
    "every script": '"\u202e\U0001f399 \u05d0"'.encode(),
}


@pytest.mark.parametrize("value", ODD.values(), ids=ODD)
async def test_odd_values_reach_the_handler_and_the_record(value, settings):
    phone = await Phone().start()
    assert await post(b'{"webrtc_id":"a","inputs":[' + value + b"]}") == OK
    await phone.hear("got")
    await phone.hang_up()
    await ended("a")
    record = await Input.objects.aget()
    assert "\0" not in record.payload and record.payload.isascii()
    assert json.loads(record.payload) == [json.loads(value)]


def nest(depth):
    value = []
    for _ in range(depth):
        value = [value]
    return value


@pytest.mark.parametrize("values", [[object()], [nest(100_000)], [{1, 2}]], ids=["object", "deep", "set"])
def test_what_is_no_json_is_named_in_the_record(values):
    (text,) = json.loads(input_payload(values))
    assert text.startswith(type(values[0]).__name__)


@pytest.mark.parametrize(
    ("content_type", "status"),
    [
        ("application/json", 200),
        ("application/json; charset=utf-8", 200),
        ("text/plain", 415),
        ("application/x-www-form-urlencoded", 415),
        ("multipart/form-data; boundary=x", 415),
        ("", 415),
    ],
)
async def test_only_json_is_taken(content_type, status):
    phone = await Phone().start()
    assert (await post({"webrtc_id": "a"}, content_type=content_type))[0] == status
    await phone.hang_up()


@pytest.mark.parametrize("method", ["get", "put", "delete", "patch", "head"])
async def test_other_methods(method):
    response = await getattr(AsyncClient(), method)("/input_hook")
    assert response.status_code == 405
    assert response["Allow"] == "POST, OPTIONS"


async def test_the_limit_is_exact_and_ours_alone(settings):
    settings.DATA_UPLOAD_MAX_MEMORY_SIZE = 100
    settings.RTC_MAX_INPUT_BYTES = 5_000
    phone = await Phone().start()
    head = b'{"webrtc_id":"a","inputs":["'
    for size, status in ((5_000, 200), (5_001, 413)):
        body = head + b"x" * (size - len(head) - 3) + b'"]}'
        assert len(body) == size
        assert (await post(body))[0] == status
    assert (await post(b"x" * 5_001))[1]["error"] == "too_big"
    await phone.hang_up()


@pytest.mark.parametrize(("count", "status"), [(MAX_CONTAINERS - 2, 200), (MAX_CONTAINERS - 1, 413)])
async def test_how_many_arrays_and_objects_a_body_may_hold(count, status):
    phone = await Phone().start()
    body = f'{{"webrtc_id":"a","inputs":[{",".join(["[]"] * count)}]}}'.encode()
    assert (await post(body))[0] == status
    await phone.hang_up()


def body(values):
    return f'{{"webrtc_id":"a","inputs":{values}}}'.encode()


@pytest.mark.parametrize(
    "fill",
    [
        lambda count: body(f"[{','.join(['1e-9'] * (count - 2))}]"),
        lambda count: body("{" + ",".join(f'"{key}":1' for key in range((count - 2) // 2)) + "}"),
        lambda count: body(f"[{','.join([json.dumps(',:[{')] * (count - 2))}]"),
    ],
    ids=["numbers", "keys", "strings"],
)
@pytest.mark.parametrize(("more", "status"), [(0, 200), (2, 413)])
async def test_how_many_values_a_body_may_hold(fill, more, status):
    phone = await Phone().start()
    assert (await post(fill(MAX_SEPARATORS + more)))[0] == status
    await phone.hang_up()


@pytest.mark.parametrize("text", ["1,2,3,", "[[]],", '{"a": [1, "b"]}, ', "C:\\dir, ", '\\"'])
async def test_a_text_may_hold_what_it_likes(text):
    phone = await Phone().start()
    assert await post({"webrtc_id": "a", "inputs": [text * (500_000 // len(text))]}) == OK
    await phone.hang_up()


async def test_a_whole_chat_is_taken():
    phone = await Phone().start()
    message = {"role": "user", "content": "Well, you see: " * 16, "metadata": {"title": None}, "options": None}
    chat = json.dumps({"webrtc_id": "a", "chatbot": [message] * 6_000})
    assert 1_900_000 < len(chat) < 2_097_152
    assert await post(chat.encode()) == OK
    await phone.hang_up()


async def test_of_a_long_body_the_beginning_is_kept_as_it_came(monkeypatch):
    monkeypatch.setattr(records, "input_payload", lambda values: pytest.fail("written anew"))
    phone = await Phone().start()
    sent = body(f'[{"1e-9 , " * 20_000}"\u00e4"]')
    assert await post(sent) == OK
    await phone.hang_up()
    await ended("a")
    record = await Input.objects.aget()
    assert (record.payload, record.size) == (sent.decode()[:10_000], len(sent.decode()))


async def test_a_project_that_keeps_long_inputs_keeps_them_whole(settings):
    settings.RTC_STORED_INPUT_CHARS = 2_000_000
    phone = await Phone().start()
    assert await post(body(f"[{'1e-9,' * 20_000}1]")) == OK
    await phone.hang_up()
    await ended("a")
    record = await Input.objects.aget()
    assert json.loads(record.payload) == [1e-9] * 20_000 + [1]
    assert record.size == len(record.payload)


async def test_a_long_input_is_kept_in_part(settings):
    settings.RTC_STORED_INPUT_CHARS = 100
    phone = await Phone().start()
    assert await post({"webrtc_id": "a", "inputs": "x" * 1_000}) == OK
    await phone.hang_up()
    await ended("a")
    record = await Input.objects.aget()
    assert (record.payload, record.size) == ('["' + "x" * 98, 1_004)


async def test_no_such_session_and_one_that_is_over():
    assert (await post({"webrtc_id": "a"}))[0] == 404
    phone = await Phone().start()
    await phone.hang_up()
    for _ in range(3):
        status, answer = await post({"webrtc_id": "a"})
        assert (status, answer["error"]) == (410, "session_over")


async def test_right_after_the_end_it_is_over_though_not_on_record_yet():
    """The end is written by a thread; what the hook reads then must not be older."""
    for count in range(10):
        phone = await Phone().start(f"s{count}")
        await phone.say(event="stop")
        await until(lambda: not local_worker().calls)
        assert (await post({"webrtc_id": f"s{count}"}))[0] == 410
        await phone.disconnect()


async def test_a_session_that_says_its_last_words_takes_no_input():
    phone = await Phone("last_words").start()
    call = next(iter(local_worker().calls.values()))
    await until(lambda: call._session.state.value == "closing")
    status, answer = await post({"webrtc_id": "a"})
    assert (status, answer["error"]) == (409, "not_taking_input")
    await phone.hang_up()


async def test_a_session_that_is_about_to_start_takes_no_input():
    worker_pk = await local_worker().row()
    await Session.objects.acreate(session_id="a", stream="default", state="active", worker_id=worker_pk)
    assert (await post({"webrtc_id": "a"}))[0] == 409


@pytest.mark.parametrize("worker", ["other", None])
async def test_a_session_of_another_worker(worker):
    if worker:
        worker = await Worker.objects.acreate(name="other", host="other", pid=1)
    await Session.objects.acreate(session_id="a", stream="default", state="active", worker=worker)
    status, answer = await post({"webrtc_id": "a"})
    assert (status, answer["error"]) == (503, "worker_unreachable")


def sync_middleware(get_response):
    """As many a third party's: Django runs the view beneath it from a thread."""
    return lambda request: get_response(request)


async def test_beneath_a_synchronous_middleware(settings):
    settings.MIDDLEWARE = [*settings.MIDDLEWARE, f"{__name__}.sync_middleware"]
    phone = await Phone().start()
    assert await post({"webrtc_id": "a", "inputs": [1]}) == OK
    assert await phone.hear("got") == ["__webrtc_value__", 1]
    await phone.hang_up()
