"""The class names of a source, as people and annotation tools write them down, and which of them is the background.

The one rule of every reader: docs/readers.md, "Class lists".
"""

from __future__ import annotations

import difflib
import re
from dataclasses import dataclass, replace
from pathlib import Path

from formats.classes import BACKGROUND, IGNORE, IGNORE_NAME, ClassTable, class_table, voc_palette
from formats.console import say
from formats.errors import SagesegError, for_all
from formats.texts.given_files import read_text
from formats.texts.told_numbers import parse_whole
from prep.readers.classes.class_rows import colour_rows, roboflow_rows
from prep.readers.classes.list_format import check_format
from prep.readers.colour_masks import Colour
from prep.readers.labelled_image import REGION

BACKGROUND_NAMES = (BACKGROUND, "background")
NO_BACKGROUND = "none"
"""What --background takes where every line is a class."""
CLASS_LISTS = (
    "labelmap.txt",
    "labels.txt",
    "class_names.txt",
    "classes.txt",
    "_classes.csv",
    "class_dict.csv",
    "label_colors.txt",
)
"""The names under which tools leave a class list beside masks; the last three are Roboflow's, Kaggle's and CamVid's."""
BLACK: Colour = (0, 0, 0)
_LIKE_BACKGROUND = ("bg", "void", "unlabeled", "unlabelled", "none", *BACKGROUND_NAMES)
_LIKE_IGNORE = ("ignored", "ignore", "void")
_COLOURED = re.compile(r"[^:]+:\s*\d+\s*,\s*\d+\s*,\s*\d+\s*(:.*)?")
_WITHOUT_COLOUR = re.compile(r"[^:]+:\s*:.*")
_BARE = re.compile(r"[^:]+:{2,3}")
# fmt: off
_VOC_2012 = (
    "aeroplane", "bicycle", "bird", "boat", "bottle", "bus", "car", "cat", "chair", "cow", "diningtable", "dog",
    "horse", "motorbike", "person", "pottedplant", "sheep", "sofa", "train", "tvmonitor",
)
# fmt: on


@dataclass(frozen=True)
class Line:
    """One line of a class list: a name, its colour in a labelmap.txt, and whether it means ignore (255)."""

    name: str
    colour: Colour | None = None
    ignored: bool = False


@dataclass(frozen=True)
class ClassList:
    """The lines of a class list that count, in their order. `where` names the list in messages; `gap` is the number of
    an empty line between names, which programs that count lines count too."""

    where: str
    lines: tuple[Line, ...]
    is_map: bool = False
    gap: int | None = None

    @property
    def has_colours(self) -> bool:
        return any(line.colour for line in self.lines)


VOC_2012 = ClassList("Pascal VOC 2012's classes", tuple(map(Line, ("background", *_VOC_2012))))


@dataclass(frozen=True)
class Numbering:
    """What the lines mean: the classes, the id of each mask value from 0 on (where masks hold ids), of each name and of
    each colour; ignore (255) is among the ids."""

    classes: ClassTable
    of_value: tuple[int, ...]
    of_name: dict[str, int]
    of_colour: dict[Colour, int]


def read_class_list(path: Path) -> ClassList:
    """A list of one name per line, as labelme's labels.txt, of `name:red,green,blue:parts:actions`, as CVAT and
    Datumaro write labelmap.txt, or a table as `class_rows` reads it: the lines say which. Raises SagesegError for lines
    that are none of these."""
    texts = [text.strip() for text in read_text(path, "one class per line").splitlines()]
    written = [text for text in texts if text and not text.startswith("# ")]
    if not written:
        raise SagesegError(f"{path}: no class in it; expected one class per line")
    if path.name == "labelmap.txt" or any(map(_COLOURED.fullmatch, written)) or all(map(_BARE.fullmatch, written)):
        lines = for_all(lambda text: _line_of_map(text, path), [text for text in written if not text.startswith("#")])
        return ClassList(str(path), tuple(lines), is_map=True)
    coloured, valued = colour_rows(written, path), roboflow_rows(written, path)
    if coloured is not None:
        return ClassList(str(path), tuple(_coloured(name, colour, path) for name, colour in coloured), is_map=True)
    if valued is not None:
        return ClassList(str(path), tuple(map(Line, valued)))
    check_format(written, path)
    if len(written) < len([text for text in texts if text]):
        raise SagesegError(f"{path}: a line begins with '# '; expected one class per line, without comments")
    names = [text for text in written if text not in (IGNORE_NAME, REGION)]
    return ClassList(str(path), tuple(map(Line, names)), gap=_gap(texts))


def find_class_list(*folders: Path) -> ClassList | None:
    """The class list that lies in one of these folders. Raises SagesegError where two name other classes."""
    paths = [folder / name for folder in folders for name in CLASS_LISTS if (folder / name).is_file()]
    found = [read_class_list(path) for path in paths]
    names = [[_plain(line.name) for line in listed.lines if not line.ignored] for listed in found]
    for listed, own in zip(found, names, strict=True):
        if own != names[0]:
            raise SagesegError(f"{found[0].where} and {listed.where} name other classes; say which holds with --labels")
    return found[0] if found else None


def _plain(name: str) -> str:
    """The background has one name here."""
    return BACKGROUND if name in BACKGROUND_NAMES else name


def _gap(texts: list[str]) -> int | None:
    """The number of the first empty line that has names after it."""
    last = max((number for number, text in enumerate(texts, start=1) if text), default=0)
    return next((number for number, text in enumerate(texts[:last], start=1) if not text), None)


def _line_of_map(text: str, path: Path) -> Line:
    if not (_COLOURED.fullmatch(text) or _WITHOUT_COLOUR.fullmatch(text)):
        raise SagesegError(f"{path}: {text!r}: expected name:red,green,blue:parts:actions, as CVAT writes it")
    name, _, rest = (part.strip() for part in text.partition(":"))
    written = re.findall(r"\d+", rest.partition(":")[0])
    levels = [level for level in map(parse_whole, written) if level is not None and level <= 255]
    if len(levels) < len(written):
        raise SagesegError(f"{path}: {text!r}: expected red, green and blue from 0 to 255")
    return _coloured(name, (levels[0], levels[1], levels[2]) if levels else None, path)


def _coloured(name: str, colour: Colour | None, path: Path) -> Line:
    like_ignore = name.casefold() in _LIKE_IGNORE
    ignored = name == IGNORE_NAME or (like_ignore and colour == _border())
    if like_ignore and not ignored and colour != BLACK:
        say(f"note: {path}: {name} is a class; write {IGNORE_NAME} in its place where its pixels shall be ignored")
    return Line(name, colour, ignored)


def _border() -> Colour:
    """The colour of VOC's borders, which are ignored."""
    red, green, blue = voc_palette()[IGNORE].tolist()
    return red, green, blue


def find_background(classes: ClassList, asked: str | None) -> int | None:
    """The number of the line that is the background; None where the list has none.

    `asked` is what --background says. Raises SagesegError for a name that is not in the list, and for two lines that
    are the background.
    """
    names = [line.name for line in classes.lines]
    if asked == NO_BACKGROUND:
        _check_none(classes, names)
        return None
    if asked is not None and asked not in (*names, *BACKGROUND_NAMES):
        nearest = difflib.get_close_matches(asked, [*names, "background"], n=1, cutoff=0)[0]
        raise SagesegError(
            f"--background {asked}: no line of {classes.where}; the nearest is {nearest!r}: pass that, or none"
        )
    wanted = (asked,) if asked in names else BACKGROUND_NAMES
    found = [number for number, name in enumerate(names) if name in wanted and not classes.lines[number].ignored]
    if len(found) > 1:
        both = f"{names[found[0]]} and {names[found[1]]}"
        raise SagesegError(f"{classes.where}: {both} are both the background; remove one")
    if asked in names and asked not in BACKGROUND_NAMES and found:
        say(f"note: {classes.where}: {asked} is the background, class 0, which datasets call {BACKGROUND}")
    if found:
        return found[0]
    return None if asked else _black_line(classes)


def _check_none(classes: ClassList, names: list[str]) -> None:
    for name in (NO_BACKGROUND, BACKGROUND):
        if name in names:
            raise SagesegError(
                f"--background none: {classes.where} has a line {name}; if that is the background, write background "
                "there and leave the option out, else give the class another name"
            )


def _black_line(classes: ClassList) -> int | None:
    """The line of a map whose colour is black."""
    found = [number for number, line in enumerate(classes.lines) if line.colour == BLACK and not line.ignored]
    if not found:
        return None
    say(
        f"note: {classes.where}: no line is called background, and {classes.lines[found[0]].name} is black: it is the "
        f"background, class 0; --background {NO_BACKGROUND} makes it a class"
    )
    return found[0]


def number_lines(classes: ClassList, background: int | None, *, zero_is_background: bool = False) -> Numbering:
    """Class ids for the lines: the background is 0, the others follow in their order.

    Where masks hold ids, value n is line n; with `zero_is_background`, of a list without background, line n - 1.
    Raises SagesegError for names and colours that stand twice.
    """
    ids, names = [], [BACKGROUND]
    for number, line in enumerate(classes.lines):
        ids.append(0 if number == background else IGNORE if line.ignored else len(names))
        if ids[-1] == len(names):
            names.append(line.name)
    by_name = {line.name: class_id for line, class_id in zip(classes.lines, ids, strict=True)}
    return Numbering(
        class_table(names, Path(classes.where)),
        (0, *ids) if zero_is_background else tuple(ids),
        {BACKGROUND: 0, **by_name, IGNORE_NAME: IGNORE},
        _colours(classes, ids, background) if classes.has_colours else {},
    )


def _colours(classes: ClassList, ids: list[int], background: int | None) -> dict[Colour, int]:
    own: dict[Colour, int] = {}
    for line, class_id in zip(classes.lines, ids, strict=True):
        if line.colour is not None and own.setdefault(line.colour, class_id) != class_id:
            raise SagesegError(
                f"{classes.where}: {line.name} has the colour of another label; give each label a colour of its own"
            )
    written = background is not None and classes.lines[background].colour
    return {_border(): IGNORE} | ({} if written else {BLACK: 0}) | own


def with_vocs_colours(listed: ClassList) -> ClassList:
    """A list without colours with those that Datumaro 1.13 paints and reads beside one: VOC's palette in the order of
    the lines."""
    colours = map(tuple, voc_palette().tolist())
    return replace(
        listed,
        lines=tuple(replace(line, colour=colour) for line, colour in zip(listed.lines, colours, strict=False)),
    )


def check_lines(listed: ClassList) -> None:
    """Raise SagesegError for a list whose lines, where masks hold ids, may mean other ids than their numbers."""
    if listed.gap:
        raise SagesegError(
            f"{listed.where}: line {listed.gap} is empty, so the ids of the lines after it are not clear; remove it"
        )


def unclear_background(classes: ClassList, values: str) -> SagesegError:
    """What is asked where masks hold ids and the list has no background: its lines fit them in two ways."""
    names = [line.name for line in classes.lines]
    like = next((name for name in names if name.casefold() in _LIKE_BACKGROUND), None)
    return SagesegError(
        f"{classes.where}: no line is the background, and the masks use {values}: "
        + (f"pass --background {like} if that is it, " if like else "pass ")
        + f"--background none if value 0 is {names[0]}, or --background background if 0 is a background that the list "
        "leaves out"
    )
