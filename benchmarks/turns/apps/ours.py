from __future__ import annotations

from benchmarks.turns.apps.replies import SAMPLE_RATE, beep, lecture
from rtc import AlgoOptions, ReplyOnPause, Stream

RATES = {"input_sample_rate": SAMPLE_RATE, "output_sample_rate": SAMPLE_RATE}

default = Stream(ReplyOnPause(beep, **RATES))
quick = Stream(
    ReplyOnPause(beep, algo_options=AlgoOptions(audio_chunk_duration=0.2, speech_threshold=0.02), **RATES),
)
talkative = Stream(ReplyOnPause(lecture, **RATES))
