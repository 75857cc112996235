"""The figures that README.md quotes are those of the runs that it names."""

from collections.abc import Iterator

import pytest

from tests.blocks import ROOT

RESULTS = [ROOT / "benchmarks" / "results.md", ROOT / "benchmarks" / "turns" / "results.md"]
MEASURED = ("sessions", "server", "options")
"""The columns that say what was measured; all others are figures."""


def rows_of(text: str) -> Iterator[dict[str, str]]:
    """Each row of the tables in Markdown text, by the names of its columns."""
    names: list[str] = []
    for line in text.splitlines():
        cells = [cell.strip() for cell in line.strip("|").split("|")]
        if not line.startswith("|"):
            names = []
        elif not names:
            names = cells
        elif not all(set(cell) <= set("-:") for cell in cells):
            assert len(cells) == len(names), line
            yield {name or "server": cell for name, cell in zip(names, cells, strict=True)}


def facts_of(row: dict[str, str]) -> set[tuple[str, str]]:
    return {(name, cell) for name, cell in row.items() if name in MEASURED}


def recorded() -> Iterator[dict[str, str]]:
    for path in RESULTS:
        for row in rows_of(path.read_text()):
            if "early cuts" in row:
                row["cut early"] = f"{row['early cuts']} of {row['turns']}"
            yield row


RECORDED = list(recorded())
QUOTED = list(rows_of((ROOT / "README.md").read_text().partition("\n## Benchmarks\n")[2]))


def test_the_tables_are_found():
    assert len(QUOTED) >= 20


@pytest.mark.parametrize("row", QUOTED, ids=lambda row: ", ".join(cell for _, cell in sorted(facts_of(row))))
def test_each_figure_is_one_of_the_run(row):
    of_the_same = [other for other in RECORDED if facts_of(row) <= facts_of(other)]
    for name, cell in row.items():
        assert cell in [other.get(name) for other in of_the_same], f"{name}: {cell}"
