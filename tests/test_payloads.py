import dataclasses
import datetime
import decimal
import json
import uuid

import numpy as np
import pytest
from django.utils.translation import gettext_lazy

from rtc.payloads import output_payload


@dataclasses.dataclass
class Point:
    x: np.float32
    labels: list[uuid.UUID]


UTC = datetime.UTC


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (None, None),
        ({"a": [1, 2.5, "\u00fc", True]}, {"a": [1, 2.5, "\u00fc", True]}),
        ((1, 2), [1, 2]),
        (np.int16(-3), -3),
        (np.float32(0.25), 0.25),
        (np.longdouble(0.25), 0.25),
        (np.bool_(True), True),
        (np.str_("a"), "a"),
        (np.arange(6, dtype=np.int16).reshape(2, 3), [[0, 1, 2], [3, 4, 5]]),
        (np.array(5.0), 5.0),
        (np.array([]), []),
        (np.datetime64("2030-01-02T03:04:05.000000006"), "2030-01-02T03:04:05.000000006"),
        (datetime.datetime(2030, 1, 2, 3, 4, 5, 678000, tzinfo=UTC), "2030-01-02T03:04:05.678Z"),
        (datetime.date(2030, 1, 2), "2030-01-02"),
        (datetime.time(3, 4), "03:04:00"),
        (datetime.timedelta(seconds=90), "P0DT00H01M30S"),
        (decimal.Decimal("1.10"), "1.10"),
        (uuid.UUID(int=1), "00000000-0000-0000-0000-000000000001"),
        (gettext_lazy("yes"), "yes"),
        (Point(np.float32(0.5), [uuid.UUID(int=2)]), {"x": 0.5, "labels": ["00000000-0000-0000-0000-000000000002"]}),
    ],
    ids=lambda value: type(value).__name__,
)
def test_values_that_have_json(value, expected):
    assert json.loads(output_payload((value,))) == expected


def test_one_argument_stands_alone_and_several_are_a_list():
    assert output_payload(({"a": 1},)) == '{"a": 1}'
    assert output_payload((1, "two")) == '[1, "two"]'
    assert output_payload(([1],)) == "[1]"
    assert output_payload(()) == "[]"


def test_a_payload_is_one_line():
    payload = output_payload(("a\nb\r\u2028\x00",))
    assert payload.isascii()
    assert payload.isprintable()


@pytest.mark.parametrize(
    ("value", "named"),
    [
        (b"secret", "bytes"),
        ({1}, "set"),
        (object(), "object"),
        (Point, "type"),
        (1j, "complex"),
        (np.complex64(1j), "complex"),
        (np.bytes_(b"secret"), "bytes"),
        ([{"a": [lambda: None]}], "function"),
        ({np.int64(1): 1}, "int64"),
    ],
)
def test_values_that_have_none_are_refused_by_the_name_of_their_type(value, named):
    with pytest.raises(TypeError, match=rf"\b{named}\b") as caught:
        output_payload((value,))
    assert "secret" not in str(caught.value)


@pytest.mark.parametrize("value", [float("nan"), float("inf"), np.float32("nan"), np.array([np.inf])], ids=str)
def test_numbers_that_json_does_not_know_are_refused(value):
    with pytest.raises(ValueError, match="float"):
        output_payload((value,))


def test_values_without_end_are_refused():
    circle = []
    circle.append(circle)
    with pytest.raises(ValueError, match="Circular"):
        output_payload((circle,))
    deep = []
    for _ in range(100_000):
        deep = [deep]
    with pytest.raises(ValueError, match="nested too deeply: list"):
        output_payload((deep,))
