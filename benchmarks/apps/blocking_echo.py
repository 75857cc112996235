from __future__ import annotations

from benchmarks.apps.blocking_handler import blocking_echo
from rtc import Stream, StreamHandler

stream = Stream(blocking_echo(StreamHandler), modality="audio", mode="send-receive")
