"""What the colours of masks say: grey levels, VOC's palette, a labelmap.txt, or Cityscapes' colours."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from analysis.plain.mask_file import MaskLook
from formats.cityscapes import EVALUATED, IGNORED
from formats.classes import IGNORE, read_labelmap, voc_palette
from formats.errors import SagesegError
from formats.texts.wording import name_first

LABELMAP = "labelmap.txt"


@dataclass(frozen=True)
class ColourTable:
    """The value 0..255 of each colour (red·2¹⁶ + green·2⁸ + blue). Values are class ids, or where there are `names`
    those of the classes that are called so; 255 is ignore then."""

    where: str
    values: Mapping[int, int]
    names: Mapping[int, str] = field(default_factory=dict)


def pack(red: int, green: int, blue: int) -> int:
    return red << 16 | green << 8 | blue


GREY = ColourTable("grey levels", {level * 0x010101: level for level in range(256)})
_VOC = ColourTable("VOC's palette", {pack(*colour): value for value, colour in enumerate(voc_palette().tolist())})
_CITYSCAPES = ColourTable(
    "Cityscapes' colours",
    {pack(*colour): IGNORE for colour in IGNORED.values()}
    | {pack(*colour): value for value, (_, colour) in EVALUATED.items()},
    {value: name for value, (name, _) in EVALUATED.items()},
)


def choose_table(root: Path, looks: Sequence[MaskLook]) -> ColourTable:
    """The table that holds all colours of a folder's masks: that of a labelmap.txt beside them first. Raises
    SagesegError where none does."""
    colours = {colour for look in looks for colour in look.colours.values()}
    beside = find_label_map(root) if looks else None
    own = [_of_label_map(beside)] if beside else []
    tables = [*own, GREY, _VOC, _CITYSCAPES]
    for table in tables:
        if table.values.keys() >= colours:
            return table
    nearest = max([*own, _VOC, _CITYSCAPES], key=lambda table: len(table.values.keys() & colours))
    unknown = sorted(colours - nearest.values.keys())
    wrong = [look.path for look in looks if set(look.colours.values()) & set(unknown)]
    raise SagesegError(
        f"{wrong[0]}: colour {name_first([_text(colour) for colour in unknown])} is not in {nearest.where}; expected "
        f"class ids in one channel, grey, VOC's colours, Cityscapes', or those of a {LABELMAP} in {root}, a line "
        f"name:red,green,blue:: for each; so in {len(wrong)} masks: "
        f"{name_first([path.relative_to(root) for path in wrong])}"
    )


def find_label_map(root: Path) -> Path | None:
    """The labelmap.txt of a folder of masks; of VOC's layout that above it."""
    folders = [root, root.parent] if root.name == "SegmentationClass" else [root]
    return next((folder / LABELMAP for folder in folders if (folder / LABELMAP).is_file()), None)


def _of_label_map(path: Path) -> ColourTable:
    _, ids = read_labelmap(path)
    return ColourTable(str(path), {pack(*colour): class_id for colour, class_id in ids.items()})


def _text(colour: int) -> str:
    return f"({colour >> 16},{colour >> 8 & 255},{colour & 255})"
