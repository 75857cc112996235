"""Calls a stream of a running server: see `Command.help`."""

import argparse
import asyncio
import json
import ssl
import wave
from collections.abc import Callable
from importlib import import_module
from pathlib import Path
from typing import Any

import numpy as np
import soxr
from django.contrib.auth import get_user_model
from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.urls import NoReverseMatch, reverse
from numpy.typing import NDArray

from rtc.core.formats import MAX_SAMPLE_RATE, MIN_SAMPLE_RATE
from rtc.testing.dialling import AFTER_S, SILENT_RATE, read_audio
from rtc.tickets import make_ticket

SERVER = "http://127.0.0.1:8000"
SILENT_S = 10.0
PREFIX = "Is the prefix right in {socket}? --url takes the address of the list of streams."
HINTS = {
    "not_found": PREFIX,
    "no_such_stream": PREFIX,
    "not_there": "Is the server running? --url says where, with the prefix: http://127.0.0.1:8000/voice/",
    "not_logged_in": "--user NAME calls as a user.",
    "not_allowed": "That is what the stream's authorize decided; --user NAME calls as another.",
    "concurrency_limit_reached": "As many are live as the stream's concurrency_limit allows; the admin shows them.",
    "user_limit_reached": "As many of this user are live as RTC_USER_CONCURRENCY_LIMIT allows; the admin shows them.",
    "server_limit_reached": "As many are live as RTC_CONCURRENCY_LIMIT allows; the admin shows them.",
    "worker_lost": "The server process had been silent for too long, and starts anew. Call again.",
    "ticket_expired": "The ticket was made just now: compare the clocks of the two machines.",
    "ticket_invalid": "The server must have the SECRET_KEY and the database of the settings that this command has.",
}
FINE = {"client_stop", "handler_closed", "time_limit", ""}


class Command(BaseCommand):
    help = (
        "Calls a stream of a running server, says a WAV file, and writes what it hears to another. Outputs go to "
        "standard output, one JSON value a line."
    )
    requires_system_checks = []

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("alias", help="Which stream.")
        parser.add_argument("wav", nargs="?", type=Path, help="What to say, 16-bit; without it, silence.")
        parser.add_argument("--output", type=Path, metavar="WAV", help="Where to write what is heard.")
        parser.add_argument("--seconds", type=_seconds, help=f"When to hang up; {AFTER_S:g} s after the file.")
        parser.add_argument(
            "--input",
            action="append",
            default=[],
            type=_json,
            metavar="JSON",
            help="What to answer when the stream asks for input; several, for each time. A list is several values.",
        )
        parser.add_argument("--params", type=_object, default={}, metavar="JSON", help="An object for the handler.")
        parser.add_argument("--user", metavar="NAME", help="Call as this user, with a connect ticket.")
        parser.add_argument("--url", help=f"Of the list of streams, or the socket; by default on {SERVER}.")

    def handle(self, *args: Any, **options: Any) -> None:
        remote = _remote()
        rate, samples = _audio(options["wav"])
        seconds = options["seconds"]
        if seconds is None:
            seconds = samples.size / rate + AFTER_S if options["wav"] else SILENT_S
        try:
            address = remote.Address.of(options["url"] or _own_address(), options["alias"])
        except ValueError as error:
            raise CommandError(str(error)) from error
        ticket = _ticket(options["alias"], options["user"])
        if options["output"]:
            _check_writable(options["output"])
        with _progress_bar(seconds) as bar:
            call = remote.RemoteCall(
                address,
                samples,
                rate,
                seconds,
                inputs=options["input"],
                params=options["params"],
                ticket=ticket,
                report=Reporter(bar, self.stdout, self.stderr),
            )
            try:
                self._run(call)
            finally:
                if options["output"] and call.heard.samples.size:
                    write_wav(options["output"], rate, call.heard.samples)
        self._conclude(call, options["output"])

    def _run(self, call: Any) -> None:
        exceptions = import_module("websockets.exceptions")
        try:
            asyncio.run(call.run())
        except KeyboardInterrupt:
            self.stderr.write("Hung up.", str)
        except (OSError, TimeoutError, exceptions.WebSocketException) as error:
            missing = isinstance(error, exceptions.InvalidStatus) and error.response.status_code == 404
            unreached = isinstance(error, OSError) and not isinstance(error, ssl.SSLError) and not call.connected
            hint = _hint("not_found" if missing else "not_there" if unreached else "", call.address)
            raise CommandError(f"No call to {call.address.socket}: {error or type(error).__name__}{hint}") from error
        except import_module("rtc.remote").CallRefused as error:
            raise CommandError(f"{error}{_hint(error.reason, call.address)}") from error

    def _conclude(self, call: Any, output: Path | None) -> None:
        heard = call.heard.samples
        level = int(np.abs(heard.astype(np.int32)).max(initial=0))
        self.stderr.write(f"Heard {heard.size / call.sample_rate:.1f} s, peak {level / 32768:.0%}.", str)
        if output:
            self.stderr.write(f"Written to {output}." if heard.size else f"Nothing was written to {output}.", str)
        if call.end_reason not in FINE:
            raise CommandError(f"The call ended: {call.end_text or call.end_reason}")


class Reporter:
    """Shows what a call reports, beside the progress bar."""

    def __init__(self, bar: Any, stdout: Any, stderr: Any) -> None:
        self._bar = bar
        self._stdout = stdout
        self._stderr = stderr

    def __call__(self, kind: str, value: Any) -> None:
        if kind == "progress":
            self._bar.update(value - self._bar.n)
        elif kind == "output":
            self._write(self._stdout, json.dumps(value, ensure_ascii=False))
        else:
            self._write(self._stderr, value, str if kind == "note" else None)

    def _write(self, stream: Any, line: str, style: Callable[[str], str] | None = None) -> None:
        self._bar.clear()
        stream.write(line, style)
        self._bar.refresh()


def write_wav(path: Path, rate: int, samples: NDArray[np.int16]) -> None:
    with wave.open(str(path), "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(rate)
        file.writeframes(samples.astype("<i2").tobytes())


def _audio(path: Path | None) -> tuple[int, NDArray[np.int16]]:
    """At a rate the wire takes. Raises: CommandError."""
    if path is None:
        return SILENT_RATE, np.zeros(0, np.int16)
    try:
        rate, samples = read_audio(path)
    except (OSError, ValueError, EOFError, wave.Error) as error:
        raise CommandError(f"{path} can't be read: {error}") from error
    taken = min(max(rate, MIN_SAMPLE_RATE), MAX_SAMPLE_RATE)
    return taken, samples if taken == rate else soxr.resample(samples, rate, taken)


def _check_writable(path: Path) -> None:
    """Before the call, whose audio would be lost. Raises: CommandError."""
    is_new = not path.exists()
    try:
        path.open("ab").close()
    except OSError as error:
        raise CommandError(f"{path} can't be written: {error.strerror}") from error
    if is_new:
        path.resolve().unlink()  # not a link that led nowhere yet


def _hint(reason: str, address: Any) -> str:
    return f"\n{HINTS[reason].format(socket=address.socket)}" if reason in HINTS else ""


def _remote() -> Any:
    """The client, which needs more than the server does. Raises: CommandError."""
    try:
        import_module("tqdm")
        return import_module("rtc.remote")
    except ImportError as error:
        raise CommandError(f'{error}. Install it with: pip install "fastrtc-django[call]"') from error


def _progress_bar(seconds: float) -> Any:
    """On standard error, if that is a terminal."""
    return import_module("tqdm").tqdm(
        total=round(seconds, 2), unit="s", disable=None, bar_format="{l_bar}{bar}| {n:.1f}/{total:.1f} s"
    )


def _own_address() -> str:
    try:
        return f"{SERVER}{reverse('rtc:streams')}"
    except NoReverseMatch as error:
        raise CommandError("rtc.urls is not part of the URLconf here; --url says where the streams are.") from error


def _ticket(alias: str, name: str | None) -> str:
    if not name:
        return ""
    model = get_user_model()
    try:
        return make_ticket(alias, model._default_manager.get_by_natural_key(name))
    except model.DoesNotExist as error:
        raise CommandError(f"There is no user {name!r}.") from error


def _json(text: str) -> Any:
    try:
        return json.loads(text)
    except ValueError as error:
        raise argparse.ArgumentTypeError(f"{text!r} is not JSON") from error


def _object(text: str) -> dict[str, Any]:
    value = _json(text)
    if not isinstance(value, dict):
        raise argparse.ArgumentTypeError(f"{text!r} is no JSON object")
    return value


def _seconds(text: str) -> float:
    try:
        seconds = float(text)
    except ValueError as error:
        raise argparse.ArgumentTypeError(f"{text!r} is no number") from error
    if not 0 < seconds < 24 * 3600:
        raise argparse.ArgumentTypeError("a call lasts more than 0 s and less than a day")
    return seconds
