"""Whole images put together of their crops; what was dropped is taken from the image that prep read, where it lies."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from formats.crops import Box, owned_boxes
from formats.dataset import Dataset
from formats.errors import SagesegError
from formats.images import Rgb, read_image
from formats.manifest import ManifestRow
from formats.masks import Mask, resize_mask
from formats.prepared.label_map import LabelMap
from formats.prepared.resampling import resize_image
from formats.prepared.resize import recorded_resize, resized_size
from formats.prepared.value_range import recorded_range
from prep.preview.images import Drawing, encode_clear, encode_picture, fit, read_at_least, read_crop_mask

MAP_SIDES = (400, 320, 256, 200, 160)
_GREY = 128
_ANOTHER = 16
"""An image that differs from the kept crops by more grey levels, on average, is not the one that prep read."""


@dataclass(frozen=True)
class SourceImages:
    """The folder that prep read images from, if it was found."""

    folder: Path | None

    def read(self, dataset: Dataset, row: ManifestRow) -> Rgb | None:
        """The whole image that a crop was cut from; None where there is none of its name and size."""
        path = self.folder / row.source if self.folder else None
        if path is None or not path.is_file():
            return None
        try:
            image = read_image(path, recorded_range(dataset.info.get("options") or {}))
        except SagesegError:  # it is shown as one that is not there; what is wrong with it is no business of a preview
            return None
        return image if image.shape[:2] == (row.source_height, row.source_width) else None


def find_sources(dataset: Dataset, given: Path | None) -> SourceImages:
    """Where the images lie that prep read: in the folder that is `given`, or in one of those that dataset.json names,
    here or beside the dataset. Raises SagesegError for a given folder that holds none of them."""
    names = [row.source for row in dataset.rows if not row.kept]
    if given and not given.is_dir():
        raise SagesegError(f"--images {given}: no such folder; expected the folder that prep read")
    if given:
        if not any((given / name).is_file() for name in dict.fromkeys(row.source for row in dataset.rows)):
            raise SagesegError(
                f"--images {given}: no {dataset.rows[0].source} there; expected the folder that prep read"
            )
        return SourceImages(given)
    words = [word.partition("=")[2] or word for word in map(str, dataset.info.get("command") or [])]
    folders = [Path(word) for word in words if word] + [dataset.root.resolve().parent / word for word in words if word]
    found = (folder for folder in folders if names and _holds(folder, names[0]))
    return SourceImages(next(found, None))


def _holds(folder: Path, name: str) -> bool:
    try:
        return (folder / name).is_file()
    except (OSError, ValueError):  # a word that is no path, such as a pattern
        return False


def draw_map(
    dataset: Dataset,
    rows: Sequence[ManifestRow],
    sources: SourceImages,
    side: int = MAP_SIDES[0],
    label_map: LabelMap | None = None,
) -> Drawing:
    """All crops of one image in their places, at a small scale; dropped crops stay grey where the image that prep read
    is not to be had."""
    first = rows[0]
    width, height = resized_size(first.source_width, first.source_height, recorded_resize(dataset.info))
    size = fit(width, height, side)
    canvas = np.full((size[1], size[0], 3), _GREY, np.uint8)
    mask = np.zeros((size[1], size[0]), np.uint8)
    scale = size[0] / width, size[1] / height
    drawn = np.zeros(mask.shape, np.bool_)
    for row in rows:
        if row.kept:
            place = _place(row.box, scale, size)
            image = read_at_least(dataset, row, max(1, round(max(row.width * scale[0], row.height * scale[1]))))
            _paste(canvas, image, row, place, scale)
            _paste_mask(mask, read_crop_mask(dataset, row, label_map), row, place, scale)
            drawn[place] = True
    whole = _behind(canvas, drawn, sources.read(dataset, first)) if any(not row.kept for row in rows) else None
    owned = owned_boxes([row.box for row in rows], width, height)
    kept, dropped = (tuple(owned[row.box] for row in rows if row.kept is state) for state in (True, False))
    return Drawing(
        key=f"image={first.source}",
        name=first.source,
        about=f"{first.split} · {first.group} · {width} × {height} · {len(kept)} kept, {len(dropped)} dropped",
        image=encode_picture(canvas if whole is None else whole),
        mask=encode_clear(mask, len(dataset.classes)),
        width=width,
        height=height,
        kept=kept,
        dropped=dropped,
        behind=whole is not None,
    )


_Place = tuple[slice, slice]


def _place(box: Box, scale: tuple[float, float], size: tuple[int, int]) -> _Place:
    left, right = (min(round(x * scale[0]), size[0]) for x in (box.left, box.left + box.width))
    top, bottom = (min(round(y * scale[1]), size[1]) for y in (box.top, box.top + box.height))
    return slice(top, max(bottom, top + 1)), slice(left, max(right, left + 1))


def _scaled_size(row: ManifestRow, scale: tuple[float, float]) -> tuple[int, int]:
    return max(1, round(row.width * scale[0])), max(1, round(row.height * scale[1]))


def _paste(canvas: Rgb, image: Rgb, row: ManifestRow, place: _Place, scale: tuple[float, float]) -> None:
    inside = canvas[place]
    width, height = _scaled_size(row, scale)
    small = resize_image(image, max(width, inside.shape[1]), max(height, inside.shape[0]))
    inside[:] = small[: inside.shape[0], : inside.shape[1]]


def _paste_mask(canvas: Mask, mask: Mask, row: ManifestRow, place: _Place, scale: tuple[float, float]) -> None:
    inside = canvas[place]
    width, height = _scaled_size(row, scale)
    small = resize_mask(mask, max(width, inside.shape[1]), max(height, inside.shape[0]))
    inside[:] = small[: inside.shape[0], : inside.shape[1]]


def _behind(canvas: Rgb, drawn: np.typing.NDArray[np.bool_], whole: Rgb | None) -> Rgb | None:
    """The canvas with the whole image behind what is drawn; None without it, or where it is another image."""
    if whole is None:
        return None
    small = resize_image(whole, canvas.shape[1], canvas.shape[0])
    if drawn.any():
        apart = np.abs(small[drawn].astype(np.int16) - canvas[drawn]).mean()
        if apart > _ANOTHER:
            return None
    return np.where(drawn[:, :, None], canvas, small)
