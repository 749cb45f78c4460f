"""What a report could not show, and the command that brings it."""

from __future__ import annotations

import shlex
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from analysis.report.made import typed_dataset


@dataclass(frozen=True)
class Absent:
    """Something that the page lacks, why, and the commands that bring it; capitals are what a report does not know."""

    what: str
    why: str
    commands: tuple[str, ...] = ()


def absent(scores: Mapping[str, Any], grey_images: int) -> list[Absent]:
    """Of a report whose scores.json holds `scores`, and which shows so many images in part as flat grey."""
    again, found = _again(scores["made"]), []
    if scores.get("thresholds") is None:
        found.append(_probabilities(scores))
    if (scores.get("areas") or {}).get("unit") is None:
        why = "they are told in pixels here; the side of a pixel gives them in square metres, say"
        found.append(Absent("Areas in a unit", why, (f"{again} --scale 0.05m/px",)))
    if grey_images and scores["made"]["dataset_sha256"] is None:
        why = "the true masks came without their images"
        found.append(Absent("Photographs", why, (f"{again} --images IMAGES",)))
    if (scores.get("intervals") or {}).get("groups") == 1:
        why = "all images are of one group, so nothing tells how far the scores would be others on another"
        found.append(Absent("Intervals", why))
    return found


def _probabilities(scores: Mapping[str, Any]) -> Absent:
    what = "Threshold curves, log-loss, suspicious labels, probabilities in the viewer"
    job = scores.get("job") or {}
    name = job.get("job") or job.get("artefact")
    if not name:
        return Absent(what, "they need probabilities, which come with predictions of sageseg jobs predict alone")
    split = next((split for split in scores["made"]["splits"] if split), "val")
    dataset = shlex.quote(typed_dataset(scores["made"]["command"]))
    predict = f"sageseg jobs predict {shlex.quote(name)} {dataset} --split {split} --probabilities --out PREDICTIONS"
    report = f"sageseg analysis report PREDICTIONS --dataset {dataset} --out REPORT"
    why = "the predictions hold no probabilities; these do, in folders that you name in place of PREDICTIONS and REPORT"
    return Absent(what, why, (predict, report))


def _again(made: Mapping[str, Any]) -> str:
    """The command that made this report, to be added to; where none is known, how such a command begins."""
    if not made["command"]:
        return "sageseg analysis report PREDICTIONS --dataset DATASET --out REPORT"
    return f"{shlex.join(['sageseg', 'analysis', *made['command']])} --overwrite"
