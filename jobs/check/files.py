"""What one pair of files of a dataset is found to be. Every pixel is decoded: a truncated file is
found here, not ten minutes into a paid job."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import numpy as np

from formats.classes import IGNORE
from formats.errors import SagesegError
from formats.images import decode_image, image_errors, is_plain_jpeg, open_header
from formats.manifest import ManifestRow
from formats.prepared.label_map import LabelMap

Severity = Literal["error", "warning"]
_JPEG_START, _PNG_START = b"\xff\xd8", b"\x89PNG\r\n\x1a\n"
_AGAIN = "prepare the dataset again"


@dataclass(frozen=True)
class Finding:
    """Something wrong: which rule, in which file (or setting), and what mends it."""

    severity: Severity
    rule: str
    file: str
    message: str
    cure: str


@dataclass(frozen=True)
class Pair:
    """An image and a mask as they should be; `label_map` is what the training makes of the mask's values."""

    row: ManifestRow
    image: Path
    mask: Path
    num_classes: int
    label_map: LabelMap | None = None


@dataclass(frozen=True)
class PairFacts:
    """What was found: the image's (width, height) where it could be read, the classes in the mask,
    and the bytes of both files."""

    split: str
    size: tuple[int, int] | None
    classes: frozenset[int]
    file_bytes: int
    findings: tuple[Finding, ...]


def inspect_pair(pair: Pair) -> PairFacts:
    """Read both files, whole."""
    image, mask = _content(pair.image), _content(pair.mask)
    size, image_findings = _inspect_image(pair, image) if image is not None else (None, [_missing(pair.image)])
    classes, mask_findings = _inspect_mask(pair, mask, size) if mask is not None else (set(), [_missing(pair.mask)])
    findings = (*image_findings, *mask_findings, *_changed(pair, image, mask))
    return PairFacts(pair.row.split, size, frozenset(classes), len(image or b"") + len(mask or b""), findings)


def _content(path: Path) -> bytes | None:
    try:
        return path.read_bytes()
    except OSError:
        return None


def _missing(path: Path) -> Finding:
    return Finding("error", "pair", str(path), "is missing; each image needs its mask, of the same name", _AGAIN)


def _inspect_image(pair: Pair, content: bytes) -> tuple[tuple[int, int] | None, list[Finding]]:
    if not content.startswith(_JPEG_START):
        return None, [Finding("error", "jpeg", str(pair.image), "is no JPEG, whatever its name says", _AGAIN)]
    try:
        with image_errors(pair.image):
            pixels = decode_image(content)
            plain = is_plain_jpeg(content)
    except SagesegError as e:
        return None, [Finding("error", "unreadable", str(pair.image), _without_path(e, pair.image), _AGAIN)]
    height, width = pixels.shape[:2]
    findings = []
    if not plain:
        findings.append(_turned_or_grey(pair.image))
    if (width, height) != (pair.row.width, pair.row.height):
        message = f"{width}×{height} pixels, but manifest.csv says {pair.row.width}×{pair.row.height}"
        findings.append(Finding("error", "size", str(pair.image), message, _AGAIN))
    return (width, height), findings


def _turned_or_grey(path: Path) -> Finding:
    message = "is grey, CMYK, or turned by its EXIF orientation; what reads it may see another image than you"
    return Finding("error", "jpeg", str(path), message, "encode it as upright RGB, or " + _AGAIN)


def _inspect_mask(pair: Pair, content: bytes, size: tuple[int, int] | None) -> tuple[set[int], list[Finding]]:
    path = str(pair.mask)
    try:
        with image_errors(pair.mask), open_header(content) as image:
            mode, pixels = image.mode, np.asarray(image)
    except SagesegError as e:
        return set(), [Finding("error", "unreadable", path, _without_path(e, pair.mask), _AGAIN)]
    if not content.startswith(_PNG_START) or mode != "P":
        message = f"is {'a PNG' if content.startswith(_PNG_START) else 'no PNG'} of mode {mode}, not one of mode P"
        return set(), [Finding("error", "mode", path, message, "masks hold class ids in one channel: " + _AGAIN)]
    findings = []
    height, width = pixels.shape
    if size and (width, height) != size:
        message = f"{width}×{height} pixels, but its image has {size[0]}×{size[1]}"
        findings.append(Finding("error", "size", path, message, _AGAIN))
    classes, wrong = _classes_of(np.bincount(pixels.ravel(), minlength=256).tolist(), pair)
    return classes, [*findings, *wrong]


def _classes_of(counts: list[int], pair: Pair) -> tuple[set[int], list[Finding]]:
    """What a mask's values mean to the training."""
    present = {value for value, count in enumerate(counts) if count}
    path = str(pair.mask)
    if pair.label_map:
        unknown = pair.label_map.unknown(counts)
        if unknown is None:
            return set(pair.label_map.classes[sorted(present)].tolist()), []
        message = f"value {unknown} has no class in {pair.label_map.source}"
        return set(), [Finding("error", "values", path, message, "add it there, or " + _AGAIN)]
    wrong = sorted(value for value in present if pair.num_classes <= value != IGNORE)
    if not wrong:
        return present, []
    message = f"value {wrong[0]} is no class; there are 0 to {pair.num_classes - 1}, and 255 for ignore"
    return present, [Finding("error", "values", path, message, "mend labels.txt, or " + _AGAIN)]


def _changed(pair: Pair, image: bytes | None, mask: bytes | None) -> list[Finding]:
    pairs = ((pair.image, image, pair.row.image_sha256), (pair.mask, mask, pair.row.mask_sha256))
    return [
        Finding("warning", "changed", str(path), "is not the file that manifest.csv describes", _AGAIN)
        for path, content, digest in pairs
        if content is not None and digest and hashlib.sha256(content).hexdigest() != digest
    ]


def _without_path(error: SagesegError, path: Path) -> str:
    return str(error).removeprefix(f"{path}: ").removesuffix("; replace the file")
