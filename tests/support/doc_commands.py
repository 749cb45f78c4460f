"""The command lines of README and docs, as a reader finds them."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parents[2]
PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").rglob("*.md"))]
_FENCED = re.compile(r"^```(?:sh|console)?\n(.*?)^```$", re.DOTALL | re.MULTILINE)
_OTHER_FENCED = re.compile(r"^```.*?^```$", re.DOTALL | re.MULTILINE)
_INDENTED = re.compile(r"(?:^    .*\n)+", re.MULTILINE)
_COMMAND = re.compile(
    r"^\s*(?:\$ )?((?:[A-Z_]+=\S+ )*(?:\.venv/bin/)?"
    r"(?:sageseg|make|python3?|pip|pytest|aws|docker|curl|export|eval|bash|awk)\b.*?)"
    r"(?:\s+#.*)?$",
    re.MULTILINE,
)
_INLINE = re.compile(r"`(sageseg [^`…]*[ =](?:[A-Z]|\w+\.\w+)[^`…]*)`")
"""A sentence names a command; with a file or a name in it, it is one to be typed."""


@dataclass(frozen=True)
class DocCommand:
    """One line of a page; its words are as they stand there, continued lines joined."""

    page: str
    line: str

    def __str__(self) -> str:
        return f"{self.page}: {self.line}"


def doc_commands(path: Path) -> Iterator[DocCommand]:
    """Every command line of a page, in the order of the page."""
    text = re.sub(r"\\\n\s*", "", path.read_text(encoding="utf-8"))
    found: list[tuple[int, str]] = []
    for block in _FENCED.finditer(text):
        found += _lines(block[1], block.start(1))
    rest = _OTHER_FENCED.sub(lambda block: re.sub(r"[^\n]", "x", block[0]), text)
    for block in _INDENTED.finditer(rest):
        found += _lines(block[0], block.start())
    found += [(inline.start(), inline[1]) for inline in _INLINE.finditer(rest)]
    yield from (DocCommand(path.name, line) for _, line in sorted(found))


def _lines(block: str, start: int) -> list[tuple[int, str]]:
    return [(start + found.start(), found[1]) for found in _COMMAND.finditer(block)]
