"""Real-time voice for Django. What handlers need can be imported from here, with or without Django set up."""

import sys
from typing import TYPE_CHECKING, Any

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
from rtc.own_pauses import AppState
from rtc.porting import (
    UIArgs,
    found_in_modules,
    get_cloudflare_turn_credentials,
    get_cloudflare_turn_credentials_async,
    get_hf_turn_credentials,
    get_hf_turn_credentials_async,
    get_turn_credentials,
    get_turn_credentials_async,
    get_twilio_turn_credentials,
    take_for_modules,
)
from rtc.replies import ReplyOnPause
from rtc.reply import Reply, get_current_reply
from rtc.silero import get_silero_model
from rtc.speech import (
    AudioChunk,
    HibariTTSOptions,
    KokoroTTSOptions,
    MoonshineSTT,
    STTModel,
    TTSModel,
    TTSOptions,
    get_stt_model,
    get_tts_model,
    stt_for_chunks,
)
from rtc.stop_words import ReplyOnStopWords
from rtc.streams import Stream
from rtc.voice_activity import ModelOptions, PauseDetectionModel

__all__ = [
    "AdditionalOutputs",
    "AlgoOptions",
    "AppState",
    "AsyncStreamHandler",
    "AudioChunk",
    "AudioEmitType",
    "CloseStream",
    "Context",
    "HibariTTSOptions",
    "KokoroTTSOptions",
    "ModelOptions",
    "MoonshineSTT",
    "PauseDetectionModel",
    "Reply",
    "ReplyOnPause",
    "ReplyOnStopWords",
    "STTModel",
    "SileroVadOptions",
    "Stream",
    "StreamHandler",
    "TTSModel",
    "TTSOptions",
    "UIArgs",
    "Warning",
    "WebRTCError",
    "aggregate_bytes_to_16bit",
    "async_aggregate_bytes_to_16bit",
    "audio_to_bytes",
    "audio_to_file",
    "audio_to_float32",
    "audio_to_int16",
    "create_message",
    "get_cloudflare_turn_credentials",
    "get_cloudflare_turn_credentials_async",
    "get_current_context",
    "get_current_reply",
    "get_hf_turn_credentials",
    "get_hf_turn_credentials_async",
    "get_silero_model",
    "get_stt_model",
    "get_tts_model",
    "get_turn_credentials",
    "get_turn_credentials_async",
    "get_twilio_turn_credentials",
    "stt_for_chunks",
    "wait_for_item",
]


if not TYPE_CHECKING:  # else every name would be one of ours to a type checker

    def __getattr__(name: str) -> Any:
        return found_in_modules(name)


take_for_modules(sys.modules[__name__])
