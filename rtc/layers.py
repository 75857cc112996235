"""The channel layer between worker processes."""

from typing import Any

from channels.layers import DEFAULT_CHANNEL_LAYER, InMemoryChannelLayer, channel_layers
from django.conf import settings


def make_layer() -> Any:
    """A channel layer of our own, so that the project's traffic and ours don't wait for one another; None when none is
    configured that reaches other processes.
    """
    if DEFAULT_CHANNEL_LAYER not in getattr(settings, "CHANNEL_LAYERS", {}):
        return None
    layer = channel_layers.make_backend(DEFAULT_CHANNEL_LAYER)
    return None if isinstance(layer, InMemoryChannelLayer) else layer
