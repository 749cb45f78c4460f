"""The share of the pixels that a report judges, in numbers and words, and how to judge all."""

from __future__ import annotations

import shlex
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from analysis.report.made import typed_dataset
from analysis.scoring.judged import Judged, LeftOut
from formats.dataset import Dataset
from formats.predictions import ModelFacts
from formats.texts.wording import format_number, format_share


def judged_to_json(judged: Judged, left_out: LeftOut) -> dict[str, Any]:
    """What scores.json says under `judged`, of the images and of those of which nothing was predicted."""
    missing = judged.not_predicted + left_out.pixels
    every = judged.pixels + missing
    return {
        "pixels": judged.pixels,
        "of": every,
        "share": judged.pixels / every if every else None,
        "not_predicted": missing,
        "images_not_predicted": left_out.images,
    }


def predict_all(model: ModelFacts, dataset: Dataset, splits: Iterable[str], command: Sequence[str] = ()) -> str:
    """The commands that predict every crop of the splits. The dataset is called as in the words of the report's
    `command`; paths that a report does not know are in capitals."""
    name = shlex.quote(model.job or model.artefact or "JOB_OR_ARTEFACT")
    named = shlex.quote(typed_dataset(command))
    dropped = {row.split for row in dataset.rows if not row.kept}
    return "; ".join(
        f"sageseg jobs predict {name} {named} --split {split}{' --images IMAGES' if split in dropped else ''} --out OUT"
        for split in dict.fromkeys(splits)
    )


def judged_share(judged: Mapping[str, Any]) -> str | None:
    """The headline's sentence; None where every pixel is judged."""
    if judged["pixels"] == judged["of"]:
        return None
    return f"{format_share(judged['share'])} of the pixels were judged"


def why_unjudged(judged: Mapping[str, Any]) -> list[tuple[str, str]]:
    """Why the others were not and what would judge them, and the command for it, or nothing."""
    told = []
    if judged["not_predicted"]:
        images = judged["images_not_predicted"]
        whole = f", {format_number(images)} image{'s' if images != 1 else ''} not at all" if images else ""
        why = f"{format_number(judged['not_predicted'])} were not predicted{whole}; to judge them:"
        told.append((why, judged["predict_all"]))
    return told
