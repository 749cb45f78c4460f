"""Predicted masks cleaned: small objects go, all but the largest go, holes are filled."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import asdict, astuple, dataclass
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import numpy.typing as npt

from analysis.masks.reading import BACKGROUND_ID, read_prediction
from analysis.masks.sources import Source
from analysis.options import AS_PREDICTED, Cleaning
from formats.classes import IGNORE
from formats.console import say
from formats.crops import Box
from formats.masks import Mask
from formats.objects.labelled import Labelled, label


@dataclass(frozen=True)
class Changes:
    """What cleaning did: objects that became background, and holes that were filled, with their pixels."""

    removed: int = 0
    removed_pixels: int = 0
    filled: int = 0
    filled_pixels: int = 0

    def __add__(self, other: Changes) -> Changes:
        return Changes(*(mine + theirs for mine, theirs in zip(astuple(self), astuple(other), strict=True)))


NO_CHANGES = Changes()
_NO_LEAST = ("--least-pixels", 1)
"""As good as nothing."""


def clean(mask: Mask, rules: Cleaning) -> tuple[Mask, Changes]:
    """A mask of class ids, (height, width) uint8, cleaned, and what was done; the mask itself stays as it is.

    First, class by class, the objects (of eight neighbours) of fewer than `least_pixels` become background; then all
    but the `largest`, of equal ones those that come first in reading order are kept. Then holes are filled: background
    (of four neighbours) that touches neither the image's edge nor anything but one class, and has at most `fill_holes`
    pixels, becomes that class. 255 is neither class nor background: it stays, and what touches it is no hole. Cleaned
    again by the same rules nothing changes.
    """
    if not rules:
        return mask, NO_CHANGES
    cleaned, changes = mask.copy(), NO_CHANGES
    for class_id, window in foreground_windows(mask):
        if rules.least_pixels > 1 or rules.largest:
            objects = label(_flags(mask[window] == class_id))
            gone = _not_kept(objects, rules)
            _paint(cleaned[window], objects, gone, BACKGROUND_ID)
            changes += Changes(removed=int(gone.sum()), removed_pixels=int(objects.pixels[gone].sum()))
    if rules.fill_holes:
        for class_id, window in foreground_windows(cleaned):
            around = label(_flags(cleaned[window] != class_id), neighbours=4)
            holes = enclosed(around) & (around.pixels <= rules.fill_holes)
            holes &= around.count_in(_flags(cleaned[window] != BACKGROUND_ID)) == 0
            _paint(cleaned[window], around, holes, class_id)
            changes += Changes(filled=int(holes.sum()), filled_pixels=int(around.pixels[holes].sum()))
    return cleaned, changes


def foreground_windows(mask: Mask) -> Iterator[tuple[int, tuple[slice, slice]]]:
    """The foreground classes of a mask, and the smallest window that holds each."""
    for class_id in np.flatnonzero(np.bincount(mask.ravel(), minlength=IGNORE + 1)[1:IGNORE]) + 1:
        left, top, width, height = cv2.boundingRect(_flags(mask == class_id))
        yield int(class_id), (slice(top, top + height), slice(left, left + width))


def _flags(where: npt.NDArray[np.bool_]) -> Mask:
    return np.asarray(where).view(np.uint8)


def _not_kept(objects: Labelled, rules: Cleaning) -> npt.NDArray[np.bool_]:
    kept = objects.pixels >= rules.least_pixels
    if rules.largest is not None and kept.sum() > rules.largest:
        kept &= np.isin(np.arange(len(objects)), objects.largest(rules.largest))
    return np.asarray(~kept)


def enclosed(around: Labelled) -> npt.NDArray[np.bool_]:
    """Which components do not touch the edge of their mask."""
    (left, top, width, height), shape = around.boxes.T, around.runs.shape
    return np.asarray((left > 0) & (top > 0) & (left + width < shape[1]) & (top + height < shape[0]))


def _paint(mask: Mask, objects: Labelled, chosen: npt.NDArray[np.bool_], value: int) -> None:
    mask[np.concatenate(([False], chosen))[objects.labels]] = value


def read_clean(root: Path, source: Source, num_classes: int, rules: Cleaning) -> tuple[Mask, Changes]:
    """The predicted mask of a source at full size, cleaned, and what was done."""
    return clean_source(read_prediction(root, source, num_classes), source, rules)


def clean_source(mask: Mask, source: Source, rules: Cleaning) -> tuple[Mask, Changes]:
    """`clean` for the mask of a source. What was not predicted, which is background, stays as it is, and is no hole."""
    if not rules:
        return mask, NO_CHANGES
    cleaned, changes = clean(without(mask, source.unpredicted), rules)
    return without(cleaned, source.unpredicted, BACKGROUND_ID), changes


def without(mask: Mask, boxes: Iterable[Box], value: int = IGNORE) -> Mask:
    """A mask with boxes of another value."""
    marked = mask.copy()
    for box in boxes:
        marked[box.top : box.top + box.height, box.left : box.left + box.width] = value
    return marked


def cleanings(info: Mapping[str, Any], rules: Cleaning = AS_PREDICTED, done: Changes = NO_CHANGES) -> dict[str, Any]:
    """What files say under `cleaned`: each cleaning that predictions.json tells of, then this one; no key where there
    was none."""
    every = [*info.get("cleaned", []), *([{**rules.to_json(), **asdict(done)}] if rules else [])]
    return {"cleaned": every} if every else {}


def cleaning_words(cleaned: Iterable[Mapping[str, Any]]) -> list[str]:
    """`cleanings` for a person, a line each."""
    return [
        f"{_options(each)}: {each['removed']:,} objects of {each['removed_pixels']:,} pixels became background, "
        f"{each['filled']:,} holes of {each['filled_pixels']:,} were filled"
        for each in cleaned
    ]


def _options(rules: Mapping[str, Any]) -> str:
    asked = {
        "--least-pixels": rules["least_pixels"],
        "--largest": rules["largest"],
        "--fill-holes": rules["fill_holes"],
    }
    return " ".join(f"{name} {value}" for name, value in asked.items() if value and (name, value) != _NO_LEAST)


def tell_changes(rules: Cleaning, changes: Changes) -> None:
    """Say what cleaning did, where it was asked for."""
    if rules.least_pixels > 1 or rules.largest:
        say(f"{changes.removed:,} objects of {changes.removed_pixels:,} pixels became background")
    if rules.fill_holes:
        say(f"{changes.filled:,} holes of {changes.filled_pixels:,} pixels were filled")
