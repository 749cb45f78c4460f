"""Small augmented manifests as Ground Truth and Lookout for Vision write them, with their images and masks."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from formats.images import encode_image
from formats.masks import Mask
from prep.readers.labelled_image import Source
from prep.readers.manifest.reader import read_manifest_file

WIDTH, HEIGHT = 24, 16
WHITE, GREEN, BLUE = "#ffffff", "#2ca02c", "#1f77b4"
SEGMENTATION = "groundtruth/semantic-segmentation"
JOB = "seg"


def ids_of(number: int) -> Mask:
    """A mask of 0 with a box of 1 and one of 2."""
    mask = np.zeros((HEIGHT, WIDTH), np.uint8)
    mask[3 : 8 + number % 4, 2:9] = 1
    mask[6:12, 12 : 16 + number % 5] = 2
    return mask


def rgb(colour: str) -> tuple[int, int, int]:
    red, green, blue = (int(colour[i : i + 2], 16) for i in (1, 3, 5))
    return red, green, blue


def coloured(mask: Mask, colours: Sequence[str], mode: str = "RGBA") -> Image.Image:
    """A mask with id n in the n-th colour: opaque, or of mode P with its palette in another order than the ids."""
    if mode == "P":
        order = list(range(len(colours)))[::-1]
        image = Image.fromarray(np.array(order, np.uint8)[mask])
        image.putpalette([level for colour in colours[::-1] for level in rgb(colour)])
        return image
    return Image.fromarray(np.array([rgb(colour) for colour in colours], np.uint8)[mask]).convert(mode)


def save(path: Path, image: Image.Image | Mask) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    if isinstance(image, Image.Image):
        image.save(path)
    else:
        path.write_bytes(encode_image(image))


def photo(number: int, width: int = WIDTH, height: int = HEIGHT) -> Mask:
    return np.random.default_rng(number).integers(0, 256, (height, width, 3), np.uint8)


def colour_map(classes: Mapping[str, str], first: int = 0) -> dict[str, Any]:
    """internal-color-map of colours by class name, its keys counted from `first`."""
    names = enumerate(classes.items(), start=first)
    return {str(key): {"class-name": name, "hex-color": colour, "confidence": 0.0} for key, (name, colour) in names}


def note(classes: Mapping[str, str] | None = None, made: str = "2026-03-01T10:00:00.000001", **more: Any) -> Any:
    """The metadata of a mask."""
    found = {"BACKGROUND": WHITE, "car": GREEN, "road": BLUE} if classes is None else classes
    content = {
        "internal-color-map": colour_map(found),
        "type": SEGMENTATION,
        "human-annotated": "yes",
        "creation-date": made,
        "job-name": f"labeling-job/{JOB}",
    }
    return {key: value for key, value in (content | more).items() if value is not ...}


def line(number: int, *, bucket: str = "b", metadata: Any = None, **more: Any) -> dict[str, Any]:
    """A line of a job called seg; `more` adds keys and takes away those that are `...`."""
    content: dict[str, Any] = {
        "source-ref": f"s3://{bucket}/photos/im{number}.jpg",
        f"{JOB}-ref": f"s3://{bucket}/out/{JOB}/annotations/{number}_2026-03-01T10:00:00.000001.png",
        f"{JOB}-ref-metadata": note() if metadata is None else metadata,
    }
    content |= {key.replace("_", "-"): value for key, value in more.items()}
    return {key: value for key, value in content.items() if value is not ...}


def write_manifest(path: Path, lines: Sequence[Any]) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("".join(text if isinstance(text, str) else json.dumps(text) + "\n" for text in lines))
    return path


def synced(root: Path, numbers: Sequence[int], mode: str = "RGBA") -> Path:
    """The bucket of `line` as a folder: images and masks of these numbers."""
    for number in numbers:
        save(root / "photos" / f"im{number}.jpg", photo(number))
        name = f"{number}_2026-03-01T10:00:00.000001.png"
        save(root / "out" / JOB / "annotations" / name, coloured(ids_of(number), (WHITE, GREEN, BLUE), mode))
    return root


def classified(entry: dict[str, Any], name: str, key: str = "anomaly-label") -> dict[str, Any]:
    metadata = {"class-name": name, "type": "groundtruth/image-classification", "confidence": 1}
    return entry | {key: int(name != "normal"), f"{key}-metadata": metadata}


def read(root: Path, lines: list[Any], **options: Any) -> Source:
    path = write_manifest(root / "output.manifest", lines)
    settings: dict[str, Any] = {"images": root / "bucket", "workers": 1}
    return read_manifest_file(path, **(settings | options))
