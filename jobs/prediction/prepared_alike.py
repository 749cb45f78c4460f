"""New images prepared as those were that the model was trained on: resized and cut alike, unless told otherwise."""

from __future__ import annotations

from formats.prepared.preparation import Preparation
from jobs.prediction.options import AsTrained, PredictOptions

UNKNOWN = Preparation(None, 512)
"""Where nobody tells how a model's images were prepared: at their own size, in prep's usual crops."""


def chosen_preparation(trained_on: Preparation | None, options: PredictOptions) -> Preparation:
    """What the options say, and the training's for what they leave to it."""
    usual = trained_on or UNKNOWN
    return Preparation(
        usual.resize if isinstance(options.resize, AsTrained) else options.resize,
        usual.crop if isinstance(options.crop, AsTrained) else options.crop,
    )


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
