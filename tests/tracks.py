"""Recorded tracks: what the model made of spoken audio, window by window.

`python -m tests.tracks` records them anew.
"""

import json
from pathlib import Path

import numpy as np

from rtc.core.windows import Windows
from rtc.silero import ModelState, SileroModel
from tests.voices import conversation

FILE = Path(__file__).parent / "data" / "tracks.json"

SCRIPTS = {
    "questions": (0.5, "Could you look that up for me?", 1.6, "Yes.", 0.9, "No, the other one.", 1.5),
    "hesitation": (0.3, "My number is four", 0.4, "seven one", 0.55, "nine nine", 0.7, "two.", 1.5),
    "list": (0.1, "Take a note: buy milk, and then bread, and, well, some butter.", 2.0),
    "short words": (0.4, "Yes.", 0.3, "No.", 0.6, "Well.", 1.1, "Stop!", 0.5, "Go on.", 1.5),
    "at once": ("Good morning, I am calling about the order that should have come on Tuesday.", 1.5),
}
NOISES_DBFS = (-70.0, -40.0, -28.0)


def record():
    tracks = {}
    for name, script in SCRIPTS.items():
        for noise_dbfs in NOISES_DBFS:
            audio, _ = conversation(*script, noise_dbfs=noise_dbfs)
            windows, state, model = Windows(48000), ModelState(), SileroModel()
            judged = [model.judge([window], [state])[0] for window in windows.add(audio)]
            probabilities, powers = zip(*judged, strict=True)
            tracks[f"{name}, noise at {noise_dbfs:.0f} dB"] = {
                "probabilities": np.round(probabilities, 3).tolist(),
                "powers": [float(f"{power:.3g}") for power in powers],
            }
    return tracks


def load():
    """Name → list of (probability, power) of each window."""
    recorded = json.loads(FILE.read_text())
    return {name: list(zip(track["probabilities"], track["powers"], strict=True)) for name, track in recorded.items()}


if __name__ == "__main__":
    lines = [f" {json.dumps(name)}: {json.dumps(track)}" for name, track in record().items()]
    FILE.write_text("{\n" + ",\n".join(lines) + "\n}\n")
