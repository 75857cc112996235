"""By what rules turns are taken: FastRTC's options, by their names and defaults, and ours."""

from dataclasses import dataclass, field, replace

from rtc.core.windows import WINDOW_S


@dataclass
class SileroVadOptions:
    """FastRTC's options of the voice activity model, and what each does here, where every window of 32 ms is judged
    as it comes and not a block of audio at once.

    Args:
        threshold: a window that is at least so likely to be speech counts as speech; once it does, those that follow
            do down to 0.15 less.
        min_speech_duration_ms: speech that is not longer than this does not begin a turn.
        max_speech_duration_s: `vad()` cuts speech that is longer; a turn is cut by `AlgoOptions` alone.
        min_silence_duration_ms: speech begins anew after a silence as long as this, or as `audio_chunk_duration` where
            that is shorter. When a turn is over is for `AlgoOptions` to say.
        window_size_samples: a window has 512 samples at 16 kHz, whatever this says; the model knows no other.
        speech_pad_ms: how much `vad()` adds on either side of each piece of speech. A turn has 200 ms before its
            speech, and what comes after it until the pause is noticed.
    """

    threshold: float = 0.5
    min_speech_duration_ms: int = 250
    max_speech_duration_s: float = float("inf")
    min_silence_duration_ms: int = 2000
    window_size_samples: int = 1024
    speech_pad_ms: int = 400


@dataclass
class AlgoOptions:
    """FastRTC's options of turn taking, all in seconds. They are looked at every 32 ms, not once a chunk.

    Args:
        audio_chunk_duration: how far back is looked.
        started_talking_threshold: with more speech than this in there, a turn begins. Where the chunk is too short to
            hold so much, one window more than that is looked at.
        speech_threshold: with less speech than this in there, the turn is over.
        max_continuous_speech_s: a turn that gets as long is handed over there; its rest goes into the next call.
    """

    audio_chunk_duration: float = 0.6
    started_talking_threshold: float = 0.2
    speech_threshold: float = 0.1
    max_continuous_speech_s: float = float("inf")


@dataclass(frozen=True, kw_only=True)
class TurnOptions:
    """All that turns are taken by.

    Args:
        can_interrupt: whether the user is listened to during a reply.
        interrupt_after_s: how much speech within the chunk stops a reply.
        resume: whether a reply is held first, and goes on when what interrupted it was too short to be a turn.
        longest_s: a turn that gets as long is handed over, whatever the other options say.
    """

    algo: AlgoOptions = field(default_factory=AlgoOptions)
    vad: SileroVadOptions = field(default_factory=SileroVadOptions)
    can_interrupt: bool = True
    interrupt_after_s: float | None = None
    resume: bool = False
    longest_s: float = float("inf")

    @property
    def onset_span_s(self) -> float:
        """How far back is looked for speech that begins a turn or interrupts a reply."""
        most_s = max(self.algo.started_talking_threshold, self.interrupt_threshold_s)
        return max(self.algo.audio_chunk_duration, most_s + WINDOW_S)

    @property
    def interrupt_threshold_s(self) -> float:
        return self.algo.started_talking_threshold if self.interrupt_after_s is None else self.interrupt_after_s

    def limited(self, longest_s: float) -> "TurnOptions":
        return replace(self, longest_s=longest_s)

    def __post_init__(self) -> None:
        algo = self.algo
        if algo.audio_chunk_duration < WINDOW_S:
            raise ValueError(f"audio_chunk_duration is at least {WINDOW_S} s, got {algo.audio_chunk_duration}")
        if not 0 < algo.speech_threshold <= algo.audio_chunk_duration:
            raise ValueError(
                f"speech_threshold is above 0 and at most audio_chunk_duration, got {algo.speech_threshold}"
            )
        if algo.started_talking_threshold < 0 or self.interrupt_threshold_s < 0 or algo.max_continuous_speech_s <= 0:
            raise ValueError("started_talking_threshold, interrupt_after_s and max_continuous_speech_s are positive")
