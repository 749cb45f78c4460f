"""New images prepared as those were that the model was trained on: resized and cut alike, unless told otherwise."""

from __future__ import annotations

from pathlib import Path

from formats.dataset import Dataset
from formats.errors import SagesegError
from formats.prepared.georeference import FILE, read_georeference
from formats.prepared.preparation import NONE, Preparation, dataset_preparation
from formats.prepared.value_range import ValueRange
from jobs.prediction.options import AsTrained, PredictOptions

UNKNOWN = Preparation(None, 512)
"""Where nobody tells how a model's images were prepared: at their own size, in prep's usual crops."""


def chosen_preparation(trained_on: Preparation | None, options: PredictOptions) -> Preparation:
    """What the options say, and the training's for what they leave to it."""
    usual = trained_on or UNKNOWN
    return Preparation(
        usual.resize if isinstance(options.resize, AsTrained) else options.resize,
        usual.crop if isinstance(options.crop, AsTrained) else options.crop,
        usual.range if isinstance(options.range, AsTrained) else options.range,
    )


def range_of_files(folder: Path, wanted: ValueRange | None, *, sure: bool = True) -> ValueRange | None:
    """By which range the files of a folder are to be read: as `wanted`, but tiles of rasters have 8 bits already.
    Raises SagesegError where those came to 8 bits by another range, and `wanted` is `sure`."""
    tiles = read_georeference(folder)
    if tiles is None:
        return wanted
    if sure and tiles.range != str(wanted or NONE):
        raise SagesegError(
            f"{folder / FILE}: these tiles were made with --range {tiles.range}, and the model's images with --range "
            f"{wanted or NONE}; make them alike with sageseg prep tiles, or pass --range none to take them as they are"
        )
    return None


def told_of(dataset: Dataset) -> dict[str, str]:
    """What predictions.json tells of how a dataset's images were prepared: stitch gives them their own size back, and
    what is drawn on images reads it."""
    own = dataset_preparation(dataset.info)
    return {name: text for name in ("resize", "range") if own and (text := own.to_strings()[name]) != NONE}


def chosen_overlap(crop: int | None, overlap: int | None) -> int:
    """The pixels that neighbouring crops share: by default an eighth of their side, 64 of 512."""
    if crop is None:
        return 0
    return crop // 8 if overlap is None else overlap


def preparation_line(name: str, trained_on: Preparation | None, prepared: Preparation) -> str:
    """One line for a person: how images are predicted, and why so."""
    if trained_on is None:
        why = f"nothing tells how the images of {name} were prepared; --resize and --crop say it"
    elif prepared == trained_on:
        why = f"as those that {name} was trained on"
    else:
        why = f"{name} was trained on images {trained_on.words()}"
    return f"images are predicted {prepared.words()}: {why}"
