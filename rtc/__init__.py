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
from rtc.core.turn_options import AlgoOptions, SileroVadOptions
from rtc.emission import AdditionalOutputs, AudioEmitType, CloseStream
from rtc.handlers import AsyncStreamHandler, StreamHandler
from rtc.replies import ReplyOnPause
from rtc.reply import Reply, get_current_reply
from rtc.silero import get_silero_model
from rtc.speech import HibariTTSOptions, MoonshineSTT, get_stt_model, get_tts_model, stt_for_chunks
from rtc.stop_words import ReplyOnStopWords
from rtc.streams import Stream
from rtc.voice_activity import ModelOptions, PauseDetectionModel

__all__ = [
    "AdditionalOutputs",
    "AlgoOptions",
    "AsyncStreamHandler",
    "AudioEmitType",
    "CloseStream",
    "Context",
    "HibariTTSOptions",
    "ModelOptions",
    "MoonshineSTT",
    "PauseDetectionModel",
    "Reply",
    "ReplyOnPause",
    "ReplyOnStopWords",
    "SileroVadOptions",
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
    "get_current_reply",
    "get_silero_model",
    "get_stt_model",
    "get_tts_model",
    "stt_for_chunks",
    "wait_for_item",
]
