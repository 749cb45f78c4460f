"""The picture of the house: what passes through its rooms, and who may import whom, from CONTRIBUTING's order."""

from __future__ import annotations

import html
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

_PATH = ("raw labels", "prep", "dataset", "jobs", "predictions", "analysis", "report")
"""What passes through; every other one is a house."""
_WIDTH, _MARGIN, _GAP, _LINE, _HEAD = 440, 8, 8, 20, 26
_CHARACTER = 8.4
"""Pixels of a letter of the font, at most."""
_STYLE = """
svg { --ink: #1d2733; --paper: #ffffff; --soft: #eef3f8; --edge: #7a8899; --flow: #0a6b58; }
@media (prefers-color-scheme: dark) {
  svg { --ink: #e6ebf1; --paper: #16202b; --soft: #24313f; --edge: #8fa0b3; --flow: #5fd0b5; }
}
text { font: 13px ui-sans-serif, system-ui, sans-serif; fill: var(--ink); }
.title { font-weight: 700; }
.said { font-size: 12px; }
.thing { font-style: italic; fill: var(--flow); }
.house { fill: var(--paper); stroke: var(--edge); stroke-width: 1.2; }
.room { fill: var(--soft); }
.arrow { stroke: var(--flow); stroke-width: 2; fill: none; }
.head { fill: var(--flow); }
"""


@dataclass(frozen=True)
class _Drawn:
    """Elements of the picture and the height that they take."""

    elements: tuple[str, ...]
    height: float


def floors(contributing: str) -> dict[str, list[list[str]]]:
    """The order of CONTRIBUTING.md: by house, its floors from the lowest up, each with its rooms."""
    lines = re.findall(r"^    ([a-z/]+): (.*)$", contributing, re.MULTILINE)
    return {house: [floor.split(", ") for floor in order.split(" ← ")] for house, order in lines if " ← " in order}


def draw_house(contributing: str) -> str:
    """The picture as an SVG of one column, which a narrow screen shows as well as a wide one."""
    order = floors(contributing)
    drawn = _stacked(list(_column(order)))
    height = drawn.height + _MARGIN
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {_WIDTH} {height:g}" role="img" '
        f'aria-labelledby="title"><title id="title">{_description(order)}</title><style>{_STYLE}</style>'
        f'<rect width="{_WIDTH}" height="{height:g}" rx="8" style="fill: var(--paper)"/>'
        f"{''.join(drawn.elements)}</svg>\n"
    )


def write_house(root: Path) -> None:
    """Draw the picture anew where the docs show it."""
    picture = draw_house((root / "CONTRIBUTING.md").read_text(encoding="utf-8"))
    (root / "docs" / "pictures" / "house.svg").write_text(picture, encoding="utf-8")


def _description(order: Mapping[str, Sequence[Sequence[str]]]) -> str:
    return f"{' to '.join(_PATH)}; all stand on {' and '.join(room for room in order['house'][0])}"


def _column(order: Mapping[str, list[list[str]]]) -> Iterator[_Drawn]:
    for number, name in enumerate(_PATH):
        if number:
            yield _arrow()
        yield _house(name, "", order[name]) if number % 2 else _thing(name)
    yield _Drawn((), _GAP)
    yield _house("sageseg", "the command: all verbs, and experiments", order["sageseg"])
    yield _house("aws", "what prep and jobs need of AWS", [])
    yield _house("formats", "what lies on disk: all stand on it", [])


def _stacked(parts: Sequence[_Drawn]) -> _Drawn:
    elements, top = [], float(_MARGIN)
    for part in parts:
        elements.append(f'<g transform="translate(0 {top:g})">{"".join(part.elements)}</g>')
        top += part.height
    return _Drawn(tuple(elements), top)


def _thing(name: str) -> _Drawn:
    return _Drawn((f'<text class="thing" x="{_WIDTH / 2:g}" y="15" text-anchor="middle">{name}</text>',), 20)


def _arrow() -> _Drawn:
    x = _WIDTH / 2
    line = f'<path class="arrow" d="M{x:g} 2V16"/><path class="head" d="M{x - 5:g} 14h10l-5 8z"/>'
    return _Drawn((line,), 24)


def _house(name: str, said: str, rooms: Sequence[Sequence[str]]) -> _Drawn:
    """A house with its floors, the lowest first: a room may use those on floors above it in the picture."""
    inner = [f'<text class="title" x="{_MARGIN + 10}" y="18">{name}</text>']
    if said:
        inner.append(f'<text class="said" x="{_MARGIN + 90}" y="18">{html.escape(said)}</text>')
    top = float(_HEAD)
    for number, floor in enumerate(rooms):
        if number:
            inner.append(f'<text x="{_MARGIN + 12}" y="{top + 14:g}">↑</text>')
        for row in _rows(floor):
            x = float(_MARGIN + 30)
            for room in row:
                width = len(room) * _CHARACTER + 12
                inner.append(f'<rect class="room" x="{x:g}" y="{top:g}" width="{width:g}" height="{_LINE}" rx="4"/>')
                inner.append(f'<text x="{x + 6:g}" y="{top + 14:g}">{room}</text>')
                x += width + 6
            top += _LINE + 4
    height = top + 4
    box = f'<rect class="house" x="{_MARGIN}" width="{_WIDTH - 2 * _MARGIN}" height="{height:g}" rx="8"/>'
    return _Drawn((box, *inner), height + _GAP)


def _rows(floor: Sequence[str]) -> Iterator[list[str]]:
    """The rooms of a floor, broken where a row is full."""
    row, used = list[str](), 0.0
    for room in floor:
        width = len(room) * _CHARACTER + 18
        if row and used + width > _WIDTH - 2 * _MARGIN - 40:
            yield row
            row, used = [], 0.0
        row.append(room)
        used += width
    yield row
