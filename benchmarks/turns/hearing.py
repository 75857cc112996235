"""From when audio came back to what that means: which turn was answered, and when."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt

from benchmarks.turns.apps.replies import THINKING_S
from benchmarks.turns.callers import Caller
from benchmarks.turns.speech import SAMPLE_RATE, Track, Turn
from rtc.core.audio import decode_mulaw, encode_mulaw

NEW_REPLY_S = 0.3
"""Audio after so much silence is another reply."""
_SURE_SAMPLES = 960
"""So many equal samples in a row are no chance."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """How one turn was answered.

    Args:
        label: of the turn.
        latency_ms: from the turn's last sound to the first audio of the next reply, without what the reply function
            took; None: there was none before the next turn.
        early: replies that began before the turn's last sound.
    """

    label: str
    latency_ms: float | None
    early: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Interruption:
    """How one turn ended the reply before it, ms from when 0.2 s of it had been spoken.

    Args:
        last_audio_ms: the reply's last audio message.
        clear_ms: the next `clear`; None: none came before the turn's end.
    """

    label: str
    last_audio_ms: float
    clear_ms: float | None


def answers(caller: Caller, track: Track) -> list[Answer]:
    starts_s = _reply_starts(caller)
    found = []
    for turn, until_s in _turns(track):
        early = np.count_nonzero((starts_s >= turn.onset_s) & (starts_s < turn.end_s))
        after = starts_s[(starts_s >= turn.end_s) & (starts_s < until_s)]
        latency_ms = (float(after[0]) - turn.end_s - THINKING_S) * 1000 if after.size else None
        found.append(Answer(label=turn.label, latency_ms=latency_ms, early=int(early)))
    return found


def interruptions(caller: Caller, track: Track) -> list[Interruption]:
    """Of the turns during which a reply was being sent as they began."""
    heard_s = np.array(caller.heard_at) - caller.first_sample_at
    tags = np.frombuffer(bytes(caller.heard), np.uint8)
    clears_s = np.array([at for at, kind in caller.messages if kind == "clear"]) - caller.first_sample_at
    found = []
    for turn, _ in _turns(track):
        before = int(np.searchsorted(heard_s, turn.onset_s))
        if not before or turn.onset_s - heard_s[before - 1] > NEW_REPLY_S:
            continue
        others = np.flatnonzero(tags[before:] != tags[before - 1])
        last_s = heard_s[before + (int(others[0]) if others.size else len(heard_s) - before) - 1]
        clears = clears_s[(clears_s >= turn.onset_s) & (clears_s < turn.end_s)]
        found.append(
            Interruption(
                label=turn.label,
                last_audio_ms=float(last_s - turn.convincing_s) * 1000,
                clear_ms=float(clears[0] - turn.convincing_s) * 1000 if clears.size else None,
            )
        )
    return found


def lost_ms(track: Track, folder: Path) -> dict[str, float]:
    """How much of each turn's phrases is in none of the utterances in the folder, all of them of that one track.

    Raises:
        ValueError: an utterance is no part of the track.
    """
    sent = decode_mulaw(encode_mulaw(track.samples.astype(np.float32)))
    covered = np.zeros(sent.size, bool)
    for path in sorted(folder.glob("*.npy")):
        for start, stop in _places(np.load(path).reshape(-1), sent):
            covered[start:stop] = True
    lost = {}
    for turn in track.turns:
        spoken = [covered[round(begin_s * SAMPLE_RATE) : round(end_s * SAMPLE_RATE)] for begin_s, end_s in turn.phrases]
        lost[turn.label] = sum(int(np.count_nonzero(~phrase)) for phrase in spoken) / SAMPLE_RATE * 1000
    return lost


def _places(utterance: npt.NDArray[np.int16], sent: npt.NDArray[np.int16]) -> list[tuple[int, int]]:
    """Where the utterance's stretches are in what was sent. It need not be in one piece, nor all of the track."""
    places = []
    whole = sent.tobytes()
    position = 0
    while position + _SURE_SAMPLES <= utterance.size:
        found = whole.find(utterance[position : position + _SURE_SAMPLES].tobytes())
        if found < 0 or found % 2:
            position += _SURE_SAMPLES
            continue
        start = found // 2
        rest = min(utterance.size - position, sent.size - start)
        unequal = np.flatnonzero(utterance[position : position + rest] != sent[start : start + rest])
        length = int(unequal[0]) if unequal.size else rest
        places.append((start, start + length))
        position += length
    if utterance.size >= 2 * _SURE_SAMPLES and not places:
        raise ValueError("an utterance is no part of what was said")
    return places


def _turns(track: Track) -> list[tuple[Turn, float]]:
    """Each turn, and when the next begins."""
    onsets_s = [turn.onset_s for turn in track.turns[1:]]
    return list(zip(track.turns, [*onsets_s, track.duration_s], strict=True))


def _reply_starts(caller: Caller) -> npt.NDArray[np.float64]:
    """Seconds into the track at which replies began to be heard."""
    heard_s = np.array(caller.heard_at) - caller.first_sample_at
    tags = np.frombuffer(bytes(caller.heard), np.uint8)
    if not heard_s.size:
        return heard_s
    new = (np.diff(heard_s) > NEW_REPLY_S) | (np.diff(tags.astype(int)) != 0)
    starts: npt.NDArray[np.float64] = heard_s[np.concatenate([[True], new])]
    return starts
