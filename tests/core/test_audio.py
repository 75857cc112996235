import re

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from rtc.core.audio import (
    decode_mulaw,
    decode_pcm16,
    encode_mulaw,
    encode_pcm16,
    to_float32,
    to_frame,
    to_int16,
    to_mono,
)

EVERY_INT16 = np.arange(-32768, 32768).astype(np.int16)
EVERY_CODE = bytes(range(256))

int16_arrays = hnp.arrays(np.int16, st.integers(0, 500))


def textbook_encode(sample: int) -> int:
    """G.711 mu-law by segment search, in 16-bit terms."""
    sign, magnitude = (0x80, -sample) if sample < 0 else (0, sample)
    magnitude = min(magnitude, 32635) + 132
    segment = 7
    while segment > 0 and magnitude < 1 << (segment + 7):
        segment -= 1
    return ~(sign | segment << 4 | (magnitude >> (segment + 3)) & 15) & 0xFF


def textbook_decode(code: int) -> int:
    code = ~code & 0xFF
    magnitude = (((code & 15) * 2 + 33 << (code >> 4 & 7)) - 33) * 4
    return -magnitude if code & 0x80 else magnitude


class TestMulaw:
    def test_encodes_every_sample_as_the_textbook_does(self):
        assert encode_mulaw(EVERY_INT16) == bytes(textbook_encode(int(x)) for x in EVERY_INT16)

    def test_decodes_every_code_as_the_textbook_does(self):
        decoded = decode_mulaw(EVERY_CODE)
        assert decoded.dtype == np.int16
        assert decoded.tolist() == [textbook_decode(code) for code in EVERY_CODE]

    @pytest.mark.parametrize(
        ("code", "sample"), [(0x00, -32124), (0x80, 32124), (0x7F, 0), (0xFF, 0), (0x7E, -8), (0xFE, 8)]
    )
    def test_decodes_the_ends_of_the_scale(self, code, sample):
        assert decode_mulaw(bytes([code])).tolist() == [sample]

    def test_every_code_survives_decoding_but_the_negative_zero(self):
        expected = EVERY_CODE.replace(b"\x7f", b"\xff")
        assert encode_mulaw(decode_mulaw(EVERY_CODE)) == expected

    def test_every_sample_survives_within_a_quantum(self):
        samples = EVERY_INT16.astype(np.int32)
        error = np.abs(decode_mulaw(encode_mulaw(EVERY_INT16)) - samples)
        inside = np.abs(samples) <= 32635
        half_step = 4 << np.maximum(0, np.log2(np.abs(samples) + 132).astype(int) - 7)
        assert (error[inside] <= half_step[inside]).all()
        assert error.max() == 32768 - 32124

    @given(hnp.arrays(np.int16, st.integers(0, 99)))
    def test_takes_arrays_that_are_not_contiguous(self, samples):
        assert encode_mulaw(samples[::2]) == encode_mulaw(samples[::2].copy())

    def test_takes_float32(self):
        samples = np.linspace(-1, 1, 999, dtype=np.float32)
        assert encode_mulaw(samples) == encode_mulaw(to_int16(samples))

    def test_refuses_other_dtypes(self):
        with pytest.raises(TypeError, match="float64"):
            encode_mulaw(np.zeros(3))

    def test_decodes_to_a_fresh_array(self):
        decode_mulaw(EVERY_CODE)[:] = 1
        assert decode_mulaw(b"\x00").tolist() == [-32124]


class TestPcm16:
    @given(int16_arrays)
    def test_survives_both_ways(self, samples):
        assert np.array_equal(decode_pcm16(encode_pcm16(samples)), samples)

    def test_is_little_endian(self):
        assert encode_pcm16(np.array([1, -2], np.int16)) == b"\x01\x00\xfe\xff"
        assert decode_pcm16(b"\x01\x00\xfe\xff").tolist() == [1, -2]

    def test_decodes_to_a_fresh_array(self):
        assert decode_pcm16(b"\x01\x00").flags.writeable

    def test_takes_float32(self):
        assert encode_pcm16(np.array([1.0], np.float32)) == b"\xff\x7f"

    def test_refuses_half_a_sample(self):
        with pytest.raises(ValueError, match="3 bytes"):
            decode_pcm16(b"abc")


class TestScaling:
    @pytest.mark.parametrize("convert", [to_int16, to_float32])
    @pytest.mark.parametrize("dtype", [np.float64, np.int32, np.uint8])
    def test_names_the_dtype_it_refuses(self, convert, dtype):
        with pytest.raises(TypeError, match=np.dtype(dtype).name):
            convert(np.zeros(4, dtype))

    def test_hands_through_what_needs_no_change(self):
        integers, floats = np.zeros((1, 3), np.int16), np.zeros((1, 3), np.float32)
        assert to_int16(integers) is integers
        assert to_float32(floats) is floats

    def test_int16_survives_float32_within_a_quantum(self):
        floats = to_float32(EVERY_INT16)
        assert floats.dtype == np.float32
        assert floats[[0, -1]].tolist() == [-1.0, 32767 / 32768]
        assert np.abs(to_int16(floats).astype(int) - EVERY_INT16).max() <= 1

    def test_clips_what_is_too_loud(self):
        loud = np.array([[1.5, 1.0, 0.5, 0.0, -1.0, -9.0, np.inf, -np.inf]], np.float32)
        assert to_int16(loud).tolist() == [[32767, 32767, 16384, 0, -32767, -32767, 32767, -32767]]

    def test_turns_nan_into_silence(self):
        assert to_int16(np.array([np.nan, 1.0], np.float32)).tolist() == [0, 32767]


class TestFrame:
    @pytest.mark.parametrize("shape", [(4,), (1, 4)])
    def test_an_int16_frame_stays_as_it_is(self, shape):
        samples = np.arange(4, dtype=np.int16).reshape(shape)
        assert np.shares_memory(to_frame(samples), samples) and to_frame(samples).shape == (4,)

    def test_float32_is_scaled(self):
        assert to_frame(np.array([[0.5, -1.0, 1.5]], np.float32)).tolist() == [16384, -32767, 32767]
        assert to_frame(np.zeros((1, 0), np.float32)).size == 0

    def test_float32_that_was_never_scaled_down_is_refused(self):
        with pytest.raises(ValueError, match="from -1 to 1, and this reaches 7999: divide it by 32768"):
            to_frame(np.array([[10, -7999]], np.float32))

    @pytest.mark.parametrize("dtype", [np.float64, np.int32])
    def test_another_dtype_is_named(self, dtype):
        with pytest.raises(TypeError, match=np.dtype(dtype).name):
            to_frame(np.zeros((1, 4), dtype))

    @pytest.mark.parametrize("shape", [(2, 4), (4, 1), (1, 1, 4)])
    def test_another_shape_is_named(self, shape):
        with pytest.raises(ValueError, match=re.escape(str(shape))):
            to_frame(np.zeros(shape, np.int16))


class TestMono:
    @pytest.mark.parametrize("shape", [(4,), (1, 4)])
    def test_takes_one_channel(self, shape):
        samples = np.arange(4, dtype=np.int16)
        assert to_mono(samples.reshape(shape)).tolist() == [0, 1, 2, 3]

    @pytest.mark.parametrize("shape", [(2, 3), (3, 1), (1, 1, 4), ()])
    @pytest.mark.parametrize("layout", ["mono"])
    def test_names_the_shape_it_refuses(self, shape, layout):
        with pytest.raises(ValueError, match=str(shape).replace("(", r"\(").replace(")", r"\)")):
            to_mono(np.zeros(shape, np.int16), layout)

    @pytest.mark.parametrize("shape", [(3,), (1, 3), (3, 2), (2, 2, 2)])
    def test_refuses_shapes_that_are_not_stereo(self, shape):
        with pytest.raises(ValueError, match="shape"):
            to_mono(np.zeros(shape, np.int16), "stereo")

    def test_refuses_other_layouts(self):
        with pytest.raises(ValueError, match="'5.1'"):
            to_mono(np.zeros(6, np.int16), "5.1")

    @pytest.mark.parametrize("dtype", [np.int16, np.float32])
    def test_averages_two_channels_however_they_lie(self, dtype):
        left, right = np.array([30000, -4, 0], dtype), np.array([32000, 8, 2], dtype)
        interleaved = np.stack([left, right], axis=1).reshape(-1)
        for stereo in (np.stack([left, right]), interleaved, interleaved.reshape(1, -1)):
            mono = to_mono(stereo, "stereo")
            assert mono.tolist() == [31000, 2, 1]
            assert mono.dtype == dtype
