"""python -m benchmarks.turns.onsets: how soon speech interrupts a reply, and how often what is no speech does.

Without a server: the windows of each track are judged at once, and what turns make of them is timed on the track.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace

import numpy as np

from benchmarks.report import table
from benchmarks.turns.speech import NOISE_DBFS, SAMPLE_RATE, Samples, Track, noise, tracks
from rtc.core.audio import decode_mulaw, encode_mulaw
from rtc.core.speech import Measure, SpeechMeter
from rtc.core.turn_events import Interrupted
from rtc.core.turn_options import TurnOptions
from rtc.core.turns import Turns
from rtc.core.windows import Windows
from rtc.silero import ModelState, get_silero_model

PHRASES = (
    *("What time do you open?", "No, wait, that is not it.", "Please tell me more.", "How much is it?", "She said so."),
    *("Stop it now.", "Hold on, please.", "Excuse me, one question.", "Actually, never mind.", "Four seven one."),
    *("Could you look that up?", "Maybe tomorrow then.", "That is wrong.", "Sorry, I meant Sunday.", "Let me think."),
    *("You are right.", "When is it over?", "Why not today?", "Thanks, that is all.", "Help me with this."),
    *("Hello, are you there?", "Five chairs, please.", "Zero or nine?", "Just a moment.", "But I said no."),
    *("Do it again.", "Cancel the order.", "Voices in my head.", "Yes, but when?", "Under the table."),
)
SHIFTS_S = (0.0, 0.008, 0.016, 0.024)
"""By how much a track begins later, so that its phrases begin anywhere in a window."""
NO_SPEECH_S = 300.0
LOUDER_DBFS = -25.0
OVERTONES = 8
LATE_MS = 100


def main() -> None:
    spoken = [shifted(track, shift_s) for track in tracks(tuple((text,) for text in PHRASES)) for shift_s in SHIFTS_S]
    speech = [(track, measures(track.samples)) for track in spoken]
    others = {name: measures(samples) for name, samples in no_speech()}
    minutes = NO_SPEECH_S / 60
    rows = []
    for label, ahead in (("as heard", False), ("with what surely follows", True)):
        found = [ms for track, heard in speech for ms in latencies_ms(track, heard, ahead=ahead)]
        figures = [f"{value:.0f}" for value in np.percentile(found, (50, 95, 100))]
        false = [f"{len(interruptions_s(heard, ahead=ahead)) / minutes:.1f}" for heard in others.values()]
        rows.append([label, str(len(found)), *figures, str(sum(ms > LATE_MS for ms in found)), *false])
    print("From 0.2 s of sound to the end of the window that interrupts, and false interruptions a minute:\n")
    header = "speech counted", "onsets", "median ms", "p95 ms", "worst ms", f"> {LATE_MS} ms"
    print(table((*header, *others), rows))


def shifted(track: Track, shift_s: float) -> Track:
    before = np.zeros(round(shift_s * SAMPLE_RATE))
    turns = tuple(turn.later(shift_s) for turn in track.turns)
    return Track(samples=np.concatenate([before, track.samples]), turns=turns)


def measures(samples: Samples) -> list[Measure]:
    options = TurnOptions()
    meter = SpeechMeter(options.vad, options.algo.audio_chunk_duration, options.onset_span_s)
    model, state = get_silero_model(), ModelState()
    heard = decode_mulaw(encode_mulaw(samples.astype(np.float32)))
    return [meter.add(*model.judge([window], [state])[0]) for window in Windows(SAMPLE_RATE).add(heard)]


def interruptions_s(heard: list[Measure], *, ahead: bool) -> list[float]:
    """When replies were interrupted, one of which is always under way."""
    found = []
    turns = replying()
    for measure in heard:
        events = turns.measured(measure if ahead else replace(measure, coming_s=0.0))
        if any(isinstance(event, Interrupted) for event in events):
            found.append(measure.end_s)
            turns = replying()
    return found


def replying() -> Turns:
    turns = Turns(TurnOptions())
    turns.replying()
    turns.audible()
    return turns


def latencies_ms(track: Track, heard: list[Measure], *, ahead: bool) -> list[float]:
    """Raises: ValueError, when a turn interrupted nothing."""
    interrupted_s = np.array(interruptions_s(heard, ahead=ahead))
    found = []
    for turn in track.turns:
        after_s = interrupted_s[(interrupted_s > turn.onset_s) & (interrupted_s < turn.end_s + 1.0)]
        if not after_s.size:
            raise ValueError(f"turn {turn.label} interrupted nothing")
        found.append(float(after_s[0] - turn.convincing_s) * 1000)
    return found


def no_speech() -> Iterator[tuple[str, Samples]]:
    """Each NO_SPEECH_S long."""
    size = round(NO_SPEECH_S * SAMPLE_RATE)
    for name, level_dbfs in {**NOISE_DBFS, "louder": LOUDER_DBFS}.items():
        yield f"{name} noise", noise(size, level_dbfs, seed=50)
    room = noise(size, NOISE_DBFS["room"], seed=51)
    for name, sound in (("knocks", knock), ("tones", tone)):
        yield name, room + scattered(sound, size)


def scattered(sound: Callable[[np.random.Generator], Samples], size: int) -> Samples:
    """At -30 to -18 dB of full scale, 0.3 to 1.5 s apart."""
    rng = np.random.default_rng(52)
    samples = np.zeros(size)
    position = SAMPLE_RATE
    while position < size - SAMPLE_RATE:
        piece = sound(rng)
        level = 10 ** (rng.uniform(-30, -18) / 20)
        samples[position : position + piece.size] += piece * level / np.sqrt(np.mean(np.square(piece)))
        position += piece.size + round(rng.uniform(0.3, 1.5) * SAMPLE_RATE)
    return samples


def knock(rng: np.random.Generator) -> Samples:
    times_s = np.arange(0, 0.08, 1 / SAMPLE_RATE)
    return rng.standard_normal(times_s.size) * np.exp(-times_s / rng.uniform(0.008, 0.02))


def tone(rng: np.random.Generator) -> Samples:
    """With overtones, struck: as of a piano or a bell."""
    times_s = np.arange(0, rng.uniform(0.15, 0.5), 1 / SAMPLE_RATE)
    phase = 2 * np.pi * rng.uniform(110, 600) * times_s
    struck: Samples = sum(np.sin(phase * harmonic) / harmonic for harmonic in range(1, OVERTONES))
    return struck * np.exp(-times_s / 0.3) * (1 - np.exp(-times_s / 0.01))


if __name__ == "__main__":
    main()
