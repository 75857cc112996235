"""The same handler, mounted the way FastRTC's documentation does."""

from __future__ import annotations

from fastapi import FastAPI  # type: ignore[import-not-found]
from fastrtc import Stream, StreamHandler  # type: ignore[import-not-found]

from benchmarks.apps.blocking_handler import blocking_echo

NO_LIMIT = 100_000  # FastRTC's own default is one caller

stream = Stream(handler=blocking_echo(StreamHandler), modality="audio", mode="send-receive", concurrency_limit=NO_LIMIT)
application = FastAPI()
stream.mount(application)
