import pytest
from hypothesis import given

from rtc.core.exceptions import ProtocolError
from rtc.core.formats import Encoding, Framing, MediaFormat
from tests.core import strategies


@given(strategies.media_formats)
def test_what_was_written_reads_the_same(media_format):
    assert MediaFormat.from_wire(media_format.to_wire()) == media_format


def test_only_the_rate_must_be_said():
    media_format = MediaFormat.from_wire({"sample_rate": 16000})
    assert media_format == MediaFormat(encoding=Encoding.MULAW, sample_rate=16000, framing=Framing.JSON)


@pytest.mark.parametrize("rate", [None, True, "24000", 24000.0, 7999, 48001, -1, [24000]])
def test_bad_rates(rate):
    with pytest.raises(ProtocolError, match="sample_rate") as caught:
        MediaFormat.from_wire({"sample_rate": rate})
    assert caught.value.code == "bad_media_format"


@pytest.mark.parametrize("key", ["encoding", "framing"])
@pytest.mark.parametrize("value", [None, "opus", "", 1, [], {}, ["mulaw"]])
def test_bad_choices(key, value):
    with pytest.raises(ProtocolError, match="encoding is mulaw or pcm_s16le, framing json or binary"):
        MediaFormat.from_wire({"sample_rate": 24000, key: value})


@pytest.mark.parametrize("value", ["mulaw", 8000, [], True])
def test_a_format_is_an_object(value):
    with pytest.raises(ProtocolError, match="not an object"):
        MediaFormat.from_wire(value)


def test_bytes_per_sample():
    assert [encoding.bytes_per_sample for encoding in Encoding] == [1, 2]
