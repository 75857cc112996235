"""Outputs and inputs as JSON."""

import dataclasses
import json
from typing import Any

import numpy as np
from django.core.serializers.json import DjangoJSONEncoder


class PayloadEncoder(DjangoJSONEncoder):
    """Beyond Django's dates, times, Decimal, UUID and lazy strings: NumPy numbers and arrays, dataclasses, and what has
    Pydantic's `model_dump()`, as the objects of SDKs do.
    """

    def default(self, value: Any) -> Any:
        if isinstance(value, np.datetime64):
            return str(value)  # item() makes an int of one in nanoseconds
        if isinstance(value, np.floating):
            return float(value)
        if isinstance(value, np.generic | np.ndarray):
            return value.tolist()
        if dataclasses.is_dataclass(value) and not isinstance(value, type):
            return dataclasses.asdict(value)
        if not isinstance(value, type) and callable(dump := getattr(value, "model_dump", None)):
            return dump(mode="json")
        return super().default(value)


def output_payload(args: tuple[Any, ...]) -> str:
    """The JSON of one additional output: of its only argument, or of the list of several.

    Raises:
        TypeError: a value that has no JSON, naming its type.
        ValueError: NaN or an infinity, which JSON does not know, or a value that holds itself or is nested too deeply.
    """
    value = args[0] if len(args) == 1 else list(args)
    try:
        return json.dumps(value, cls=PayloadEncoder, allow_nan=False)
    except RecursionError as error:
        raise ValueError(f"an output is nested too deeply: {type(value).__name__}") from error


def input_payload(values: list[Any]) -> str:
    """The JSON of one input, in ASCII: a NUL character or half a surrogate pair stays an escape. What is no JSON, from
    code that hands input over by itself, is named by its type.
    """
    try:
        return json.dumps(values, cls=PayloadEncoder)
    except (TypeError, ValueError, RecursionError) as error:
        return json.dumps([f"{type(value).__name__}: {type(error).__name__}" for value in values])
