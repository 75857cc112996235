import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rtc.core.rates import MAX_WAIT_S, MIN_GAP_S, MIN_SPAN_S, USUAL_RATES, RateEstimator
from tests.core import arrivals

NO_USUAL_RATE = 11111

# Jitter is random, not adversarial: the seeds are Hypothesis's to choose, the same in each run.
statistical = settings(derandomize=True, max_examples=150, deadline=None)
rngs = st.integers(0, 2**32 - 1).map(np.random.default_rng)
voice_rates = st.sampled_from([16000, 22050, 24000, 32000, 44100, 48000])
browser_rates = st.sampled_from([44100, 48000])
live_message_samples = st.sampled_from([480, 512, 1024, 2048])


def decide(message_samples, times_s, declared_rate=NO_USUAL_RATE):
    """The rate and the seconds from the first arrival to the decision; (None, None) if there is none."""
    estimator = RateEstimator(declared_rate)
    for now in times_s:
        rate = estimator.add(message_samples, now)
        if rate is not None:
            return rate, now - times_s[0]
    return None, None


class TestLiveAudio:
    @pytest.mark.parametrize("sample_rate", USUAL_RATES)
    @pytest.mark.parametrize("message_samples", [160, 480, 1024, 2048])
    def test_a_clean_link_tells_every_usual_rate(self, sample_rate, message_samples):
        times_s = arrivals.captured(sample_rate, message_samples)
        rate, after_s = decide(message_samples, times_s)
        assert rate == sample_rate
        assert MIN_SPAN_S <= after_s <= max(MIN_SPAN_S + 0.1, 6 * message_samples / sample_rate)

    @given(voice_rates, live_message_samples, st.lists(st.floats(0, 0.004), min_size=1, max_size=40))
    def test_no_pattern_of_small_delays_misleads(self, sample_rate, message_samples, delays_s):
        sent = arrivals.captured(sample_rate, message_samples)
        late = arrivals.in_order(sent + np.resize(delays_s, sent.size))
        assert decide(message_samples, late)[0] == sample_rate

    @statistical
    @given(browser_rates, rngs)
    def test_ten_milliseconds_of_jitter(self, sample_rate, rng):
        sent = arrivals.captured(sample_rate, 2048)
        rate, after_s = decide(2048, arrivals.jittered(sent, rng))
        assert rate == sample_rate
        assert after_s < 1.0

    def test_jitter_costs_half_a_second_in_the_middle(self):
        for sample_rate, most_s in ((44100, 0.6), (48000, 0.5)):
            sent = arrivals.captured(sample_rate, 2048)
            rngs = map(np.random.default_rng, range(100))
            waits = [decide(2048, arrivals.jittered(sent, rng))[1] for rng in rngs]
            assert MIN_SPAN_S < np.median(waits) < most_s

    def test_a_very_bad_link_costs_a_second(self):
        """A floor that could also step down would cost a fifth more."""
        sent = arrivals.captured(48000, 2048)
        late = [arrivals.exponential(sent, np.random.default_rng(seed), 0.06) for seed in range(100)]
        assert np.median([decide(2048, times_s)[1] for times_s in late]) < 1.1

    @statistical
    @given(voice_rates, live_message_samples, rngs)
    def test_a_bad_link(self, sample_rate, message_samples, rng):
        sent = arrivals.captured(sample_rate, message_samples)
        rate, after_s = decide(message_samples, arrivals.exponential(sent, rng))
        assert rate == sample_rate
        assert after_s < 2.2

    @statistical
    @given(browser_rates, rngs)
    def test_bunches(self, sample_rate, rng):
        rate, after_s = decide(2048, arrivals.bunched(arrivals.captured(sample_rate, 2048), rng))
        assert rate == sample_rate
        assert after_s < MAX_WAIT_S

    @statistical
    @given(browser_rates, rngs, st.sampled_from([0.1, 0.2]))
    def test_bunches_in_step(self, sample_rate, rng, period_s):
        """Two messages each 100 ms look for a while like 40960 Hz."""
        times_s = arrivals.bunched(arrivals.captured(sample_rate, 2048), rng, period_s, period_s)
        assert decide(2048, times_s)[0] == sample_rate

    @statistical
    @given(browser_rates, rngs, st.floats(0.05, 0.9))
    def test_a_stall_that_is_made_up_for(self, sample_rate, rng, stall_s):
        times_s = arrivals.stalled(arrivals.captured(sample_rate, 2048), rng, stall_s)
        assert decide(2048, times_s)[0] == sample_rate

    @pytest.mark.parametrize("sample_rate", [44100, 48000])
    def test_large_messages_are_no_gaps(self, sample_rate):
        times_s = arrivals.captured(sample_rate, 16384, 10.0)
        assert decide(16384, times_s)[0] == sample_rate


class TestGaps:
    @statistical
    @given(browser_rates, rngs, st.one_of(st.floats(0.03, 0.1), st.floats(0.1, 20.0)))
    def test_a_pause_does_not_look_like_a_lower_rate(self, sample_rate, rng, pause_s):
        times_s = arrivals.interrupted(arrivals.captured(sample_rate, 2048), rng, pause_s)
        assert decide(2048, times_s)[0] == sample_rate

    @given(voice_rates, st.integers(1, 40), st.floats(MIN_GAP_S + 0.05, 1e4))
    def test_never_decides_on_a_gap(self, sample_rate, messages_before, gap_s):
        estimator = RateEstimator(NO_USUAL_RATE)
        sent = arrivals.captured(sample_rate, 1024)[:messages_before]
        before = [estimator.add(1024, now) for now in sent][-1]
        assert estimator.add(1024, sent[-1] + gap_s) == before

    def test_gap_after_gap_ends_the_wait_with_the_declared_rate(self):
        times_s = np.arange(100) * 0.5
        rate, after_s = decide(960, np.repeat(times_s, 2) + np.tile([0, 0.001], 100))
        assert rate == NO_USUAL_RATE
        assert after_s < 5.0
        assert after_s % 0.5 == pytest.approx(0.001)  # not with the message that ended the gap

    def test_a_pause_is_not_part_of_the_wait(self):
        sent = arrivals.captured(48000, 2048)
        times_s = np.concatenate([sent[:5], sent[5:] + 60.0])
        rate, after_s = decide(2048, times_s)
        assert rate == 48000
        assert after_s > 60.0


class TestTheDeclaredRate:
    @pytest.mark.parametrize("message_samples", [160, 960, 2048, 48000])
    def test_holds_at_once_for_a_file_sent_as_fast_as_it_goes(self, message_samples):
        times_s = arrivals.START_S + np.arange(2000) * 1e-4
        rate, after_s = decide(message_samples, times_s, 16000)
        assert rate == 16000
        assert after_s < 0.2

    @pytest.mark.parametrize("sample_rate", [11025, 20000, 38000, 64000, 144000])
    def test_holds_when_no_usual_rate_fits(self, sample_rate):
        sent = arrivals.captured(sample_rate, 2048)
        rate, after_s = decide(2048, arrivals.jittered(sent, np.random.default_rng(3)))
        assert rate == NO_USUAL_RATE
        assert after_s < MAX_WAIT_S

    @pytest.mark.parametrize("declared_rate", [11025, 12000, 48000])
    def test_is_found_like_the_usual_ones(self, declared_rate):
        times_s = arrivals.captured(declared_rate, 1024)
        rate, after_s = decide(1024, times_s, declared_rate)
        assert rate == declared_rate
        assert after_s < 0.6

    def test_holds_when_the_arrivals_stay_unclear(self):
        rng = np.random.default_rng(0)
        times_s = arrivals.START_S + np.cumsum(rng.uniform(0.0, 0.3, 100))
        counts = rng.integers(100, 12000, 100)
        estimator = RateEstimator(NO_USUAL_RATE)
        rates = [estimator.add(int(n), now) for n, now in zip(counts, times_s, strict=True)]
        decided = next(i for i, rate in enumerate(rates) if rate is not None)
        assert rates[decided] == NO_USUAL_RATE
        assert times_s[decided] - times_s[0] < MAX_WAIT_S + 0.5


class TestConclude:
    def test_a_little_audio_is_enough_for_a_guess(self):
        estimator = RateEstimator(48000)
        for now in arrivals.captured(16000, 1024)[:5]:
            assert estimator.add(1024, now) is None
        assert not estimator.decided
        assert estimator.conclude() == 16000
        assert estimator.decided

    @pytest.mark.parametrize("message_count", [0, 1, 2])
    def test_too_little_gives_the_declared_rate(self, message_count):
        estimator = RateEstimator(48000)
        for now in arrivals.captured(16000, 1024)[:message_count]:
            estimator.add(1024, now)
        assert estimator.conclude() == 48000

    def test_what_is_unclear_gives_the_declared_rate(self):
        estimator = RateEstimator(24000)
        for now in arrivals.captured(48000, 1024)[:4]:
            estimator.add(1024, now)
        assert estimator.conclude() == 24000

    def test_keeps_what_was_decided(self):
        estimator = RateEstimator(8000)
        for now in arrivals.captured(48000, 1024):
            estimator.add(1024, now)
        assert estimator.conclude() == 48000


@settings(max_examples=200, deadline=None)
@given(st.lists(st.tuples(st.integers(0, 65536), st.floats(0, 1.0)), max_size=80), st.sampled_from([8000, 48000]))
def test_decides_once_whatever_comes(messages, declared_rate):
    estimator = RateEstimator(declared_rate)
    now = arrivals.START_S
    first = None
    for sample_count, silence_s in messages:
        now += silence_s
        rate = estimator.add(sample_count, now)
        assert estimator.decided == (rate is not None)
        assert rate in (None, *USUAL_RATES)
        assert first is None or rate == first
        first = rate
    concluded = estimator.conclude()
    assert first is None or concluded == first
    assert estimator.add(960, now) == concluded
