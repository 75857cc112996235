import numpy as np
import pytest

from rtc.emission import AdditionalOutputs, CloseStream, plain_audio, take_apart

SAMPLES = np.zeros(480, np.int16)
OUTPUTS = AdditionalOutputs(1, "two")
CLOSE = CloseStream()


@pytest.mark.parametrize(
    ("value", "parts"),
    [
        (None, (None, None)),
        (frame := (24000, SAMPLES), (frame, None)),
        (stereo := (24000, SAMPLES, "stereo"), (stereo, None)),
        (OUTPUTS, (None, OUTPUTS)),
        (CLOSE, (None, CLOSE)),
        ((frame, OUTPUTS), (frame, OUTPUTS)),
        ((stereo, OUTPUTS), (stereo, OUTPUTS)),
        ((frame, CLOSE), (frame, CLOSE)),
        ((None, OUTPUTS), (None, OUTPUTS)),
    ],
)
def test_an_emission_has_audio_and_the_rest(value, parts):
    assert take_apart(value) == parts


@pytest.mark.parametrize("samples", [SAMPLES, SAMPLES[np.newaxis], SAMPLES[:0], SAMPLES[::2]])
def test_one_channel_of_int16_alone_is_plain_audio(samples):
    sample_rate, plain = plain_audio((24000, samples))
    assert sample_rate == 24000
    assert plain.shape == (samples.size,)
    assert np.shares_memory(plain, samples) or not samples.size


@pytest.mark.parametrize(
    "value",
    [
        None,
        OUTPUTS,
        CLOSE,
        (frame, OUTPUTS),
        stereo,
        (24000, SAMPLES.astype(np.float32)),
        (24000, SAMPLES.astype(">i2")),
        (24000, np.zeros((2, 480), np.int16)),
        (24000, np.zeros((1, 1, 480), np.int16)),
        (24000, np.zeros((), np.int16)),
        (24000, SAMPLES.tolist()),
        (np.int64(24000), SAMPLES),
        (24000.0, SAMPLES),
        (0, SAMPLES),
        (-1, SAMPLES),
        [24000, SAMPLES],
        (24000,),
    ],
)
def test_nothing_else_is_plain_audio(value):
    assert plain_audio(value) is None


@pytest.mark.parametrize(
    "value",
    [
        "audio",
        5,
        b"",
        SAMPLES,
        (),
        (24000,),
        (24000, [0, 0]),
        (24000, SAMPLES, "mono", 1),
        ("audio", OUTPUTS),
        [24000, 1],
    ],
    ids=[
        "text",
        "number",
        "bytes",
        "array alone",
        "empty",
        "rate alone",
        "list for an array",
        "four",
        "text with outputs",
        "list",
    ],
)
def test_what_is_no_emission_is_named(value):
    with pytest.raises(TypeError, match=r"expected \(sample_rate, array\)"):
        take_apart(value)


def test_a_tuple_that_is_no_emission_is_named_by_its_parts():
    with pytest.raises(TypeError, match=r"got \(ndarray, int\)$"):
        take_apart((SAMPLES, 24000))


def test_outputs_keep_their_arguments_and_a_close_its_words():
    assert OUTPUTS.args == (1, "two")
    assert CLOSE.msg == "Stream closed"
    assert CloseStream("bye").msg == "bye"
