"""The code blocks of Markdown files."""

import re
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]

_HEADING = re.compile(r"(#+) +(.*?) *$")
_FENCE = re.compile(r"(`{3,}) *([\w-]*)(.*)$")
_FILE = re.compile(r"(?:#|//) (\S+\.\w+)(, at the end)?$")


@dataclass(frozen=True, slots=True)
class Block:
    """Args: language: what stands behind the fence. heading: the nearest above it. place: file and line."""

    language: str
    text: str
    heading: str
    place: str

    @property
    def file(self) -> tuple[str, bool] | None:
        """The file that its first line, a comment, says to write, and whether to add to it."""
        found = _FILE.match(self.text.partition("\n")[0])
        return None if found is None else (found[1], found[2] is not None)


def blocks_of(path: Path) -> list[Block]:
    found: list[Block] = []
    heading, fence, language, begun = "", "", "", 0
    lines = path.read_text().splitlines()
    for index, line in enumerate(lines):
        if fence:
            if line.strip() == fence:
                text = "\n".join(lines[begun + 1 : index]) + "\n"
                found.append(Block(language, text, heading, f"{path.relative_to(ROOT)}:{begun + 1}"))
                fence = ""
        elif match := _FENCE.match(line):
            fence, language, begun = match[1], match[2], index
        elif match := _HEADING.match(line):
            heading = match[2]
    assert not fence, f"{path}:{begun + 1} is never closed"
    return found
