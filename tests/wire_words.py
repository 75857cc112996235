"""The words that our code can say on the wire, read from its source."""

import ast
from collections.abc import Iterator

from tests.blocks import ROOT

SOURCES = [path for path in sorted((ROOT / "rtc").rglob("*.py")) if not {"testing", "remote"} & set(path.parts)]
ENDERS = {
    "Expire": "reason",
    "_expire": "reason",
    "Finish": "reason",
    "Refused": 0,
    "BadTicket": 0,
    "_end": 0,
    "refuse": 0,
    "expel": 0,
}
"""What takes the reason that a session ends for, and where."""
ERRORS = {"ProtocolError": 0, "_error": 0, "Error": "code"}
"""What takes the code of an `error` message."""


def constants() -> dict[str, set[object]]:
    """Values of module-level constants by their names."""
    found: dict[str, set[object]] = {}
    for tree in _trees():
        for node in tree.body:
            if isinstance(node, ast.Assign) and isinstance(node.value, ast.Constant):
                for target in node.targets:
                    if isinstance(target, ast.Name):
                        found.setdefault(target.id, set()).add(node.value.value)
    return found


def end_reasons() -> set[str]:
    return _words(ENDERS)


def error_codes() -> set[str]:
    return _words(ERRORS)


def refusals() -> set[tuple[int, str]]:
    """Status and code of what `/input_hook` and `/outputs` answer when they can't serve."""
    pairs = set()
    for call, _ in _calls("Refusal"):
        status, code, *_ = call.args
        pairs |= {(value, word) for value in _values(status, {}) for word in _values(code, {})}
    return pairs


def close_codes() -> set[int]:
    """All that a constant says a socket is closed with."""
    named = {value for values in constants().values() for value in values}
    return {value for value in named if isinstance(value, int) and (value == 1000 or 4400 <= value < 4600)}


def _words(places: dict[str, str | int]) -> set[str]:
    found: set[str] = set()
    for name, place in places.items():
        for call, choices in _calls(name):
            found |= {value for node in _argument(call, place) for value in _values(node, choices)}
    return {word for word in found if word}


def _argument(call: ast.Call, place: str | int) -> Iterator[ast.expr]:
    if isinstance(place, int):
        yield from call.args[place : place + 1]
    else:
        yield from (keyword.value for keyword in call.keywords if keyword.arg == place)


def _values(node: ast.expr, choices: dict[str, ast.expr]) -> set:
    """What a constant, a name of one, or a choice of two stands for; nothing for what is only known at run time."""
    if isinstance(node, ast.Constant):
        return {node.value}
    if isinstance(node, ast.IfExp):
        return _values(node.body, choices) | _values(node.orelse, choices)
    if isinstance(node, ast.Name) and node.id in choices:
        return _values(choices[node.id], {})
    if isinstance(node, ast.Name | ast.Attribute):
        return constants().get(node.id if isinstance(node, ast.Name) else node.attr, set())
    return set()


def _calls(name: str) -> Iterator[tuple[ast.Call, dict[str, ast.expr]]]:
    """Each call of that name, with the variables of its function that are a choice of two."""
    for tree in _trees():
        for function in ast.walk(tree):
            if not isinstance(function, ast.FunctionDef | ast.AsyncFunctionDef):
                continue
            choices = dict(_choices(function))
            for node in ast.walk(function):
                if isinstance(node, ast.Call) and name in (
                    getattr(node.func, "id", None),
                    getattr(node.func, "attr", None),
                ):
                    yield node, choices


def _choices(function: ast.AST) -> Iterator[tuple[str, ast.expr]]:
    for node in ast.walk(function):
        if isinstance(node, ast.Assign) and isinstance(node.value, ast.IfExp):
            yield from ((target.id, node.value) for target in node.targets if isinstance(target, ast.Name))


_parsed: list[ast.Module] = []


def _trees() -> list[ast.Module]:
    if not _parsed:
        _parsed.extend(ast.parse(path.read_text()) for path in SOURCES)
    return _parsed
