"""Imports go one way: see docs/architecture.md."""

import ast
from graphlib import TopologicalSorter
from pathlib import Path

import pytest

import rtc

PACKAGE = Path(rtc.__file__).parent
LAYERS = ["rtc.handlers", "rtc.runner", "rtc.calls", "rtc.consumers", "rtc.routing"]
VIEWS = ["rtc.admin", "rtc.health_views", "rtc.input_views", "rtc.metrics", "rtc.output_views", "rtc.views"]


def name_of(path: Path) -> str:
    return ".".join(path.relative_to(PACKAGE.parent).with_suffix("").parts).removesuffix(".__init__")


FILES = {name_of(path): path for path in PACKAGE.rglob("*.py")}


def imported_by(source: str) -> set[str]:
    """What a module imports of ours when it is loaded; not what only type checkers see."""
    found = set()
    for node in ast.parse(source).body:
        if isinstance(node, ast.ImportFrom) and node.module:
            members = {f"{node.module}.{alias.name}" for alias in node.names}
            found |= {member if member in FILES else node.module for member in members}
        elif isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
    return found & FILES.keys()


IMPORTS = {name: imported_by(path.read_text()) for name, path in FILES.items()}


def behind(name: str) -> set[str]:
    """All that loading it loads; the packages that hold a module are left out."""
    found, unseen = set(), [name]
    while unseen:
        new = IMPORTS[unseen.pop()] - found
        found |= new
        unseen += new
    return found


def test_no_import_leads_back_to_where_it_comes_from():
    assert list(TopologicalSorter(IMPORTS).static_order())  # CycleError, with the modules


@pytest.mark.parametrize("place", range(len(LAYERS)), ids=LAYERS)
def test_each_layer_knows_those_below(place):
    assert behind(LAYERS[place]) & set(LAYERS) == set(LAYERS[:place])


@pytest.mark.parametrize("name", VIEWS)
def test_views_do_not_know_the_consumers(name):
    assert "rtc.consumers" not in behind(name)


@pytest.mark.parametrize("name", ["rtc.calls", "rtc.testing"])
def test_a_call_knows_no_table(name):
    assert "rtc.models" not in behind(name)


def test_an_import_is_seen():
    source = "import rtc.runner\nfrom rtc import conf, registry\nfrom rtc.core.turns import State\nfrom os import path"
    assert imported_by(source) == {"rtc.runner", "rtc.conf", "rtc.registry", "rtc.core.turns"}
