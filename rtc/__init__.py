"""Real-time voice for Django. What handlers need can be imported from here, with or without Django set up."""

from rtc.context import Context, Warning, WebRTCError, get_current_context
from rtc.convert import (
    aggregate_bytes_to_16bit,
    async_aggregate_bytes_to_16bit,
    audio_to_bytes,
    audio_to_file,
    audio_to_float32,
    audio_to_int16,
    create_message,
    wait_for_item,
)
from rtc.emission import AdditionalOutputs, AudioEmitType, CloseStream
from rtc.handlers import AsyncStreamHandler, StreamHandler
from rtc.streams import Stream

__all__ = [
    "AdditionalOutputs",
    "AsyncStreamHandler",
    "AudioEmitType",
    "CloseStream",
    "Context",
    "Stream",
    "StreamHandler",
    "Warning",
    "WebRTCError",
    "aggregate_bytes_to_16bit",
    "async_aggregate_bytes_to_16bit",
    "audio_to_bytes",
    "audio_to_file",
    "audio_to_float32",
    "audio_to_int16",
    "create_message",
    "get_current_context",
    "wait_for_item",
]
