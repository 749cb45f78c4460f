"""The sources of predictions as the rows of a plan that several machines work by (`formats.shards`), and back."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

from analysis.masks.sources import Source
from formats import dataset as dataset_files
from formats.errors import SagesegError
from formats.limits import check_pixels
from formats.predictions import mask_path, probabilities_path
from formats.safe_names import check_name
from formats.shards.checksums import checksums_of, file_size
from formats.shards.work_plan import PLAN, SOURCES, Draft, WorkPlan, read_sources
from formats.texts.told_numbers import parse_whole
from formats.texts.typed_json import check_type
from formats.texts.typed_values import from_json, to_json
from formats.verbs.kept_words import kept_command

Made = TypeVar("Made")
_COLUMNS = ("source", "stem", "group", "split", "width", "height", "size", "attributes")
_CHECKED = ("sha256",)
_MEND = "bring back the folder that the shards wrote"


@dataclass(frozen=True, slots=True)
class SourceFacts:
    """What is told of an image beside what is found in it: `Source` without its crops."""

    stem: str
    source: str
    group: str
    split: str
    attributes: dict[str, str]
    width: int
    height: int


def facts_of(source: Source) -> SourceFacts:
    row = source.row
    return SourceFacts(source.stem, row.source, row.group, row.split, row.attributes, source.width, source.height)


def draft_of(
    kind: str,
    sources: Sequence[Source],
    predictions: Path,
    dataset: Path | None,
    settled: Any,
    files: Mapping[str, str] | None = None,
) -> Draft:
    """The plan of a verb that makes something of predictions. Of a source the predicted masks, and the true ones of a
    `dataset`, are known by their sha256, all together, and by their size with the probabilities."""

    def checksums(part: slice) -> list[tuple[str]]:
        return checksums_of(_masks_of(source, predictions, dataset) for source in sources[part])

    rows = [_row(source, predictions, dataset) for source in sources]
    return Draft(
        kind, kept_command("analysis", kind), to_json(settled), _COLUMNS, rows, _CHECKED, checksums, files or {}
    )


def command_of(plan: WorkPlan, out: Path) -> list[str]:
    """The words behind `sageseg analysis` that make in `out`, without shards, what is planned; none where a program
    planned it."""
    verb, *words = plan.command[1:] or [""]
    return [verb, *words, "--out", str(out)] if words else []


def _row(source: Source, predictions: Path, dataset: Path | None) -> tuple[str, ...]:
    of = facts_of(source)
    probable = [piece.id for piece in source.predicted] if source.probabilities else []
    paths = [*_masks_of(source, predictions, dataset), *(probabilities_path(predictions, each) for each in probable)]
    attributes = json.dumps(of.attributes, ensure_ascii=False) if of.attributes else ""
    sizes = (str(number) for number in (of.width, of.height, sum(map(file_size, paths))))
    return (of.source, of.stem, of.group, of.split, *sizes, attributes)


def _masks_of(source: Source, predictions: Path, dataset: Path | None) -> list[Path]:
    predicted = [mask_path(predictions, piece.id) for piece in source.predicted]
    if dataset is None:
        return predicted
    if source.row.truth_sha256:
        return [*predicted, dataset_files.truth_path(dataset, source.stem)]
    return [*predicted, *(dataset_files.mask_path(dataset, piece.id) for piece in source.kept)]


def read_settled(out: Path, plan: WorkPlan, kind: type[Made]) -> Made:
    """What is settled in a plan. Raises SagesegError that names plan.json."""
    try:
        return from_json(plan.settled, kind)
    except (ValueError, SagesegError) as e:
        raise SagesegError(f"{out / PLAN}: damaged ({e}); {_MEND}") from e


def read_facts(out: Path) -> Iterator[SourceFacts]:
    """The sources of a plan, in its order. Raises SagesegError for what no source can be."""
    seen, no_attributes = dict[str, str](), dict[str, str]()  # what repeats is held once
    for row in read_sources(out):
        try:
            group, split = (seen.setdefault(row[name], row[name]) for name in ("group", "split"))
            attributes = json.loads(row["attributes"] or "{}")
            check_type(attributes, dict[str, str], "attributes")
            attributes = {seen.setdefault(name, name): seen.setdefault(of, of) for name, of in attributes.items()}
            attributes = attributes or no_attributes
            stem = check_name(row["stem"], out / SOURCES, "stem")
            width, height = (parse_whole(row[name]) or 0 for name in ("width", "height"))
            check_pixels(width, height, f"{out / SOURCES}: {row['source']}", _MEND)
            yield SourceFacts(stem, row["source"], group, split, attributes, width, height)
        except (ValueError, KeyError) as e:
            raise SagesegError(f"{out / SOURCES}: {row.get('source')}: damaged ({e}); {_MEND}") from e
