"""Masks written as predictions: each with the row that says of which image, or crop, it is."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from analysis.plain.folder import temporary_folder
from analysis.plain.mask_file import read_plain
from analysis.plain.meaning import FolderMasks
from formats.classes import ClassTable
from formats.console import say, show_as
from formats.disk.whole_files import write_unfinished
from formats.errors import SagesegError
from formats.manifest import ManifestRow
from formats.masks import encode_mask, resize_mask
from formats.parallel import map_all
from formats.predictions import Predictions, mask_path, open_predictions, write_predictions_tables
from formats.texts.wording import name_first

Size = tuple[int, int]
"""Width, height."""
MASKS_OF = "masks_of"
"""What predictions.json calls the folder that they were read from."""


@dataclass(frozen=True)
class Placed:
    """A mask's file and its row, whose size the mask has once it is `scaled`."""

    path: Path
    row: ManifestRow
    scaled: bool = False


def whole_row(name: str, split: str, group: str, source: str, size: Size) -> ManifestRow:
    """The row of a whole image."""
    return ManifestRow(name, split, group, source, 0, 0, *size, *size)


def placed_whole(
    path: Path, size: Size, row: ManifestRow, resized: Size | None = None, of: str | None = None
) -> Placed:
    """A mask of a whole image: of its size, of the size `resized` that prep made of it, or of the same ratio of its
    sides. Raises SagesegError for any other, which names the file `of` that size, or the row's source."""
    image = (row.width, row.height)
    if size not in (image, resized) and size[0] * image[1] != size[1] * image[0]:
        raise wrong_size(path, size, of or row.source, image)
    return Placed(path, row, scaled=size != image)


def wrong_size(path: Path, size: Size, what: str, expected: Size) -> SagesegError:
    return SagesegError(
        f"{path}: {size[0]}×{size[1]} pixels, but {what} has {expected[0]}×{expected[1]}; expected that size, or for a "
        "whole image the same ratio of its sides: bring the masks to it first, by nearest neighbour (Pillow: "
        "mask.resize(size, Image.NEAREST))"
    )


def tell_scaled(root: Path, placed: Sequence[Placed]) -> None:
    scaled = [each for each in placed if each.scaled]
    if scaled:
        row = scaled[0].row
        say(
            f"note: {root}: {len(scaled)} masks are smaller or larger than their images, such as "
            f"{scaled[0].path.name}; brought to their size ({row.width}×{row.height}) by nearest neighbour"
        )


def tell_unmatched(root: Path, keys: Sequence[str], why: str) -> None:
    if keys:
        say(f"note: {root}: {len(keys)} masks left out, {why}: {name_first(keys)}")


def as_predictions(
    masks: FolderMasks,
    placed: Sequence[Placed],
    meaning: Mapping[int, int],
    classes: ClassTable,
    workers: int | None,
) -> Predictions:
    """Predictions in a folder that is gone when the command ends; lines for a person name the folder of the masks."""
    root = temporary_folder(masks.root.resolve().name)
    (root / "masks").mkdir()
    show_as(f"{root / 'masks'}", str(masks.root))
    show_as(str(root), str(masks.root))
    write_masks(masks, [(each.path, mask_path(root, each.row.id), each.row) for each in placed], meaning, workers)
    rows = sorted((each.row for each in placed), key=lambda row: (row.source, row.y, row.x))
    write_predictions_tables(root, rows, classes, {MASKS_OF: masks.root.as_posix()})
    return open_predictions(root)


def write_masks(
    masks: FolderMasks,
    work: Sequence[tuple[Path, Path, ManifestRow]],
    meaning: Mapping[int, int],
    workers: int | None,
) -> None:
    """Write masks at the sizes of their rows, each from its file to its place."""
    items = [(path, masks.ids(path, meaning), to, (row.width, row.height)) for path, to, row in work]
    for _ in map_all(_write_one, items, workers=workers, label="reading masks"):
        pass


def _write_one(work: tuple[Path, Mapping[int, int], Path, Size]) -> None:
    path, ids, to, size = work
    write_unfinished(to, encode_mask(resize_mask(read_plain(path, ids), *size)))
