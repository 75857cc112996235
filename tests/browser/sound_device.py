"""A microphone and a speaker that programs take for real ones: a PulseAudio server with devices that are not there."""

import os
import subprocess
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import soxr

from tests.browser.recording import COMPARED_RATE, Recording
from tests.browser.speech import SAMPLE_RATE

# Not the microphone's, as where the two are of different make.
SPEAKER_RATE = 44100
RATES = {"mouth": SAMPLE_RATE, "speaker": SPEAKER_RATE}
DEVICES = f"""
load-module module-native-protocol-unix auth-anonymous=1 socket={{socket}}
load-module module-null-sink sink_name=mouth rate={SAMPLE_RATE} channels=1 sink_properties=device.description=Mouth
load-module module-remap-source source_name=microphone master=mouth.monitor source_properties=device.description=Desk
load-module module-remap-source source_name=headset master=mouth.monitor source_properties=device.description=Headset
load-module module-null-sink sink_name=speaker rate={SPEAKER_RATE} sink_properties=device.description=Loudspeaker
set-default-sink speaker
set-default-source microphone
"""
START_TIMEOUT_S = 10
POLL_S = 0.02


class SoundDevice:
    """`environment` lets a program find it. Raises: RuntimeError from `with`, if the server does not start."""

    def __init__(self, directory: Path) -> None:
        self._directory = directory
        self._socket = directory / "socket"
        private = {"HOME": str(directory), "XDG_RUNTIME_DIR": str(directory)}
        self.environment = {**os.environ, **private, "PULSE_SERVER": f"unix:{self._socket}"}

    def __enter__(self) -> "SoundDevice":
        script, log_path = self._directory / "devices.pa", self._directory / "pulseaudio.log"
        script.write_text(DEVICES.format(socket=self._socket))
        with log_path.open("wb") as log:
            self._server = self._run("pulseaudio", "-n", f"--file={script}", "--exit-idle-time=-1", stderr=log)
        give_up_at = time.monotonic() + START_TIMEOUT_S
        while subprocess.run(["pactl", "info"], env=self.environment, capture_output=True).returncode:
            if self._server.poll() is not None or time.monotonic() > give_up_at:
                self._server.kill()
                self._server.wait()
                raise RuntimeError(f"pulseaudio did not start:\n{log_path.read_text()}")
            time.sleep(POLL_S)
        return self

    def __exit__(self, *exc_info: object) -> None:
        _end(self._server)

    @contextmanager
    def speaking(self, samples: np.ndarray) -> Iterator[None]:
        """The microphone hears `samples` over and over, without a gap: int16 of shape (n,) at SAMPLE_RATE."""
        player = self._stream("pacat", "mouth", SAMPLE_RATE, stdin=subprocess.PIPE)
        thread = threading.Thread(target=_write_for_ever, args=(player, samples.astype("<i2").tobytes()))
        thread.start()
        try:
            yield
        finally:
            _end(player)
            thread.join()
            player.stdin.close()

    @contextmanager
    def recording(self, name: str) -> Iterator["Recorder"]:
        """What is said to the "mouth", or played by the "speaker"."""
        path = self._directory / f"{name}.raw"
        with path.open("wb") as file:
            process = self._stream("parec", f"{name}.monitor", RATES[name], "--latency-msec=20", stdout=file)
        try:
            yield Recorder(path, RATES[name])
        finally:
            _end(process)

    def _stream(self, program: str, device: str, rate: int, *options: str, **files) -> subprocess.Popen[bytes]:
        return self._run(
            program, f"--device={device}", f"--rate={rate}", "--format=s16le", "--channels=1", *options, **files
        )

    def _run(self, *command: str, **files) -> subprocess.Popen[bytes]:
        return subprocess.Popen(command, env=self.environment, **files)


class Recorder:
    def __init__(self, path: Path, rate: int) -> None:
        self._path = path
        self._rate = rate

    def recorded(self) -> Recording:
        """On a clock on which it ends now."""
        now_s = time.monotonic()
        data = self._path.read_bytes()
        samples = np.frombuffer(data[: len(data) // 2 * 2], "<i2") / 32768
        samples = soxr.resample(samples, self._rate, COMPARED_RATE)
        return Recording(samples=samples, start_s=now_s - samples.size / COMPARED_RATE)


def _write_for_ever(player: subprocess.Popen[bytes], data: bytes) -> None:
    try:
        while True:
            player.stdin.write(data)
    except BrokenPipeError:
        pass  # it has been ended


def _end(process: subprocess.Popen[bytes]) -> None:
    process.terminate()
    process.wait()
