"""What a report was made of, when and how: what a reader asks first, and what makes it again."""

from __future__ import annotations

import hashlib
import shlex
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import pairwise
from pathlib import Path
from typing import Any

from analysis.scoring.image_report import ImageReport
from formats.texts.redaction import redact_values
from formats.verbs.kept_words import typed_beside
from formats.verbs.mounting import typed_words
from formats.version import tool_version

_SHORT = 12
"""Digits of a checksum that a person compares."""
_DATASET = "sha256 of its manifest.csv, which holds every file's checksum"
_TRUTH = "reports that have the same one judge the same pixels by the same truth"


def typed_command() -> list[str]:
    """The words behind `sageseg analysis` that make the report; none where a program makes it."""
    words = [word for word in typed_words() if word != "--overwrite"]
    return words if words[:1] == ["report"] else []


def made_to_json(
    images: Sequence[ImageReport], command: Sequence[str], *, predictions: str, dataset: str, dataset_sha256: str | None
) -> dict[str, Any]:
    """What scores.json says under `made`. A folder of true masks in a dataset's place has no checksum of its own."""
    made: dict[str, Any] = redact_values(
        {
            "at": datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ"),
            "tool_version": tool_version(),
            "command": list(map(typed_beside, command)),
            "predictions": predictions,
            "dataset": dataset,
        }
    )
    splits = Counter(image.split for image in images)
    return {
        **made,
        "dataset_sha256": dataset_sha256,
        "truth_sha256": truth_digest(images),
        "splits": dict(sorted(splits.items())),
    }


def truth_digest(images: Iterable[ImageReport]) -> str:
    """One checksum of the truth of all images: reports that have the same judge the same pixels by the same truth."""
    lines = sorted(f"{image.stem} {image.truth_sha256}\n" for image in images)
    return hashlib.sha256("".join(lines).encode()).hexdigest()


@dataclass(frozen=True)
class Head:
    """The page's first lines: facts as (label, text, what the text means), the command, and what to beware of."""

    facts: Sequence[tuple[str, str, str]]
    command: str
    warning: str | None


def head(made: Mapping[str, Any], job: Mapping[str, Any]) -> Head:
    """What the page says first, of `made` and `job` as scores.json has them."""
    facts = [
        ("Made", f"{made['at'][:10]} {made['at'][11:16]} UTC", ""),
        ("Dataset", made["dataset"], ""),
        (
            "Dataset digest",
            _short(made["dataset_sha256"]),
            _DATASET,
        ),
        (
            "Truth digest",
            _short(made["truth_sha256"]),
            _TRUTH,
        ),
        ("Split", _splits(made["splits"]), ""),
        ("Predictions", made["predictions"], ""),
        ("Model", " ".join(each for each in (job.get("algorithm"), job.get("backbone")) if each), ""),
        ("Job", job.get("job", ""), ""),
        ("Artefact", Path(job.get("artefact", "")).name, job.get("artefact", "")),
        ("sageseg", made["tool_version"], ""),
    ]
    command = shlex.join(["sageseg", "analysis", *made["command"]]) if made["command"] else ""
    return Head([fact for fact in facts if fact[1]], command, training_images(made["splits"]))


def _short(digest: str | None) -> str:
    return (digest or "")[:_SHORT]


def _splits(splits: Mapping[str, int]) -> str:
    named = {name: number for name, number in splits.items() if name}
    if len(named) == 1:
        return next(iter(named))
    return ", ".join(f"{name} ({number:,})" for name, number in named.items())


def typed_dataset(command: Sequence[str]) -> str:
    """The dataset as a report's command names it, DATASET where it names none."""
    for word, after in pairwise([*command, ""]):
        option, _, value = word.partition("=")
        if option == "--dataset":
            return value or after or "DATASET"
    return "DATASET"


def training_images(splits: Mapping[str, int]) -> str | None:
    """Of images from which the model learned."""
    seen, every = splits.get("train", 0), sum(splits.values())
    if not seen:
        return None
    which = "All images are" if seen == every else f"{seen:,} of {every:,} images are"
    return f"{which} of the split train: a model that learned from them does better here than on images it never saw."
