"""How images became what a model was trained on: brought to 8 bits, resized, then cut into crops. It travels with the
job, and in the artefact of the open implementation, so that new images are prepared alike."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from formats.errors import SagesegError
from formats.prepared.resize import Resize, parse_resize
from formats.prepared.value_range import ValueRange, parse_range_or_none
from formats.verbs.command_options import parse_crop

NONE = "none"
ENVIRONMENT = {"resize": "SAGESEG_RESIZE", "crop": "SAGESEG_CROP", "range": "SAGESEG_RANGE"}
"""Under which names a training's container is told."""
ARTEFACT = {"resize": "_resize", "crop": "_crop", "range": "_range"}
"""Under which names hyperparams.json tells it. The built-in keeps settings of its own there under such names too."""


@dataclass(frozen=True)
class Preparation:
    """`resize` is None where images kept their size, `crop`, a side in pixels, where they were not cut, `range` where
    they had 8 bits a channel."""

    resize: Resize | None
    crop: int | None
    range: ValueRange | None = None

    def to_strings(self, names: Mapping[str, str] | None = None) -> dict[str, str]:
        """As `--resize`, `--crop` and `--range` say it, by `names`, by default `resize`, `crop` and `range`."""
        told = {name: str(getattr(self, name) or NONE) for name in ENVIRONMENT}
        return told if names is None else {names[key]: value for key, value in told.items()}

    def words(self) -> str:
        """For a person: `resized to 256x256, whole`, or `at their own size, in crops of 512, of values 0:3000`."""
        size = "at their own size" if self.resize is None else f"resized to {self.resize.words()}"
        values = "" if self.range is None else f", of values {self.range}"
        return f"{size}, {'whole' if self.crop is None else f'in crops of {self.crop}'}{values}"


def read_preparation(
    told: Mapping[str, Any], where: object, names: Mapping[str, str] | None = None
) -> Preparation | None:
    """The counterpart of `to_strings`; None where nothing is told. Raises SagesegError that names `where`."""
    resize, crop, values = (told.get(names[key] if names else key) for key in ENVIRONMENT)
    if resize is None or crop is None:
        return None
    try:
        known = parse_range_or_none(str(values or NONE))
        return Preparation(parse_resize_or_none(str(resize)), parse_crop(str(crop)), known)
    except SagesegError as e:
        raise SagesegError(f"{where}: {e}") from e


def parse_resize_or_none(text: str) -> Resize | None:
    """`960x640`, `1024` or `none`."""
    return None if text == NONE else parse_resize(text)


def dataset_preparation(info: Mapping[str, Any]) -> Preparation | None:
    """What dataset.json records; None where another program wrote it without its options."""
    options = info.get("options")
    if not isinstance(options, dict):
        return None
    return read_preparation({key: options.get(key) or NONE for key in ENVIRONMENT}, "dataset.json")
