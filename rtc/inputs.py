"""What is made of an input before a handler gets it."""

import gc
import json
from typing import Any, NoReturn

from django.core.exceptions import ValidationError
from django.forms import BoundField, Form, JSONField, MultiValueField

from rtc.answers import Refusal
from rtc.calls import Call
from rtc.database import perform, perform_apart
from rtc.models import Session

ID = "webrtc_id"
INPUTS = "inputs"


def parse(text: str) -> Any:
    """The JSON of a body. Raises: ValueError, RecursionError.

    On the event loop, since the parser lets no other thread run either. What takes most of its time is the garbage
    collector, which goes over the new objects again and again: 2 MB of chat take 35 ms with it and 3 ms without.
    """
    collecting = gc.isenabled()
    gc.disable()
    try:
        return json.loads(text, parse_constant=_refuse_constant)
    finally:
        if collecting:
            gc.enable()


def _refuse_constant(name: str) -> NoReturn:
    raise ValueError(f"{name} is not JSON")


async def take(call: Call, session_pk: int, message: dict[str, Any], text: str) -> None:
    """Hand the values of a message to the handler of a call that runs here.

    Args:
        text: the JSON that it was read from.

    Raises:
        Refusal: 400 with the errors of the stream's form, 409 or 410.
    """
    sent = arguments(message)
    values = sent
    if call.stream.input_form is not None:
        values = await perform_apart(cleaned, call.stream.input_form, message)
    if not call.take_input(values, sent, text):
        raise await not_taking(session_pk)


def arguments(message: dict[str, Any]) -> list[Any]:
    """A handler's extra arguments: `inputs`, or without it each further key, in the order sent."""
    if INPUTS not in message:
        return [value for key, value in message.items() if key != ID]
    inputs = message[INPUTS]
    return inputs if type(inputs) is list else [inputs]


def cleaned(form_class: type[Form], message: dict[str, Any]) -> list[Any]:
    """The form's `cleaned_data` in the order of its fields. Reads the database if a field does.

    Raises:
        Refusal: 400 with the form's errors.
    """
    form = form_class(_bound(form_class, message))
    errors = _fit(form)
    if errors or not form.is_valid():
        text = "The inputs do not satisfy the form."
        raise Refusal(400, "invalid_inputs", text, errors=errors or form.errors.get_json_data())
    return [form.cleaned_data.get(name) for name in form.fields]


def _bound(form_class: type[Form], message: dict[str, Any]) -> dict[str, Any]:
    """The values by the names of the fields. An object in `inputs` names them; a list follows their order."""
    if INPUTS not in message:
        return {key: value for key, value in message.items() if key != ID}
    inputs = message[INPUTS]
    if type(inputs) is dict:
        return inputs
    values = arguments(message)
    names = list(form_class.base_fields)
    if len(values) > len(names):
        raise Refusal(400, "invalid_inputs", f"The form has {len(names)} fields.", errors={})
    return dict(zip(names, values, strict=False))


def _fit(form: Form) -> dict[str, Any]:
    """Hand values over as text to fields that take nothing else. Gives the errors of those where that is no use.

    Forms are made for what browsers send, which is text; on a number or a list some fields fail instead of refusing it.
    """
    errors = {}
    for name, field in form.fields.items():
        value = form.data.get(name)
        if isinstance(value, str | None) and not isinstance(field, MultiValueField | JSONField):
            continue
        if _takes(form[name], value):
            continue
        if isinstance(value, int | float):
            form.data = {**form.data, name: str(value)}  # another: what was sent goes on record as it came
        else:
            errors[name] = [{"message": "Enter a single value.", "code": "invalid"}]
    return errors


def _takes(bound: BoundField, value: Any) -> bool:
    """Whether a field can be handed that value, if only to refuse it itself."""
    try:
        made = bound.field.clean(bound.data)
    except ValidationError:
        return True
    except (AttributeError, TypeError, ValueError, OverflowError, RecursionError):
        return False
    several = getattr(bound.field.widget, "allow_multiple_selected", False)
    # Python's text of a list, or that there is one, is nothing that somebody has entered.
    return several or not (isinstance(value, list | dict) and isinstance(made, str | bool))


async def not_taking(session_pk: int) -> Refusal:
    """Why a session that this worker runs, or ran, takes no input."""
    # Its end may not be on record yet. What the thread that writes the record reads comes after that.
    if await perform(Session.objects.live().filter(pk=session_pk).exists):
        return Refusal(409, "not_taking_input", "The session takes no input now: it starts, or says its last words.")
    return Refusal(410, "session_over", "The session is over.")
