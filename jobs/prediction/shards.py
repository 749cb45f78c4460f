"""Predictions by shards: each predicts the crops of its part's images, and the merge makes the folder that one machine
would have made, without decoding a mask.

The plan has manifest.csv beside it, as the merged folder has: which crops each image is cut into.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import groupby
from pathlib import Path
from typing import Any, TypedDict

from formats.classes import class_table
from formats.disk.whole_files import written_beside
from formats.disk.whole_folders import Stage, staged_folder
from formats.errors import SagesegError
from formats.manifest import ManifestRow, format_manifest, read_manifest
from formats.predictions import mask_path, probabilities_path, read_model_facts, write_predictions_tables
from formats.prepared.georeference import FILE as GEOREFERENCE
from formats.prepared.georeference import format_georeference, read_georeference, write_georeference
from formats.shards.checksums import checksums_of, file_size
from formats.shards.markers import BYTES, JOURNAL, Marker, finished, write_marker
from formats.shards.shard import Shard
from formats.shards.telling import open_shards
from formats.shards.work_plan import (
    PLAN,
    Draft,
    WorkPlan,
    kind_of,
    parse_plan,
    refuse_another_cut,
    settle_plan,
)
from formats.shards.working import found_in_order, line_of
from formats.texts.typed_json import check_type
from formats.verbs.kept_words import kept_command
from jobs.prediction.crops_to_predict import SourceWork
from jobs.prediction.options import PredictOptions, RouteOptions
from jobs.prediction.predict import MAY_CHANGE, Planned, frames_folder, plan_predictions, predict_missing
from jobs.prediction.resumable import resumable_predictions

KIND = "predict"
MANIFEST = "manifest.csv"
BESIDE = (MANIFEST, GEOREFERENCE)
"""What may lie beside a plan."""
_MEND = "bring back the folder that the shards wrote"


class _Settled(TypedDict):
    """What plan.json tells of predictions: `about` and `model` as predictions.json does, `classes` where they are
    known."""

    about: dict[str, Any]
    model: dict[str, Any]
    classes: list[str] | None
    endpoint: str | None
    probabilities: bool


class _Made(TypedDict, total=False):
    """What a journal tells of each image, and predictions.json in the end: what ran the model."""

    precision: str
    endpoint: str
    endpoint_instance_type: str
    endpoint_instances: int


def refuse_batch(options: PredictOptions, shard: Shard) -> None:
    """Raise SagesegError for a batch transform, which shares crops among instances of its own."""
    if options.via == "batch":
        raise SagesegError(
            f"--shard {shard}: not with --via batch, whose transform shares the crops among its own instances; leave "
            "--shard out and say --instances N"
        )


def predict_shard(
    model: str, sources: Sequence[Path], out: Path, shard: Shard, options: PredictOptions, route: RouteOptions
) -> Marker:
    """Do the shard of predictions in `out`, beside the plan, which is written where there is none; one that was
    interrupted goes on where it was, one that is done stays. Raises SagesegError where the plan in `out` is another,
    where it is cut otherwise, and as `predict` does."""
    refuse_batch(options, shard)
    refuse_another_cut(out, shard)
    route.check_used_by(options.via)
    planned = plan_predictions(model, sources, frames_folder(out), options, route)
    plan_sha256 = settle_plan(out, _draft(planned, out, options, route), shard)
    done = None if options.overwrite else finished(out, shard, plan_sha256)
    if done:
        return done
    folder, own = out / shard.folder, planned.work[shard.own]
    header = {"plan": plan_sha256, "shard": str(shard)}
    with resumable_predictions(folder, header, own, overwrite=options.overwrite) as stage:
        made = predict_missing(planned, own, stage, options, route)
        return _close(stage, shard, plan_sha256, own, made, probabilities=options.probabilities)


def _close(
    stage: Stage,
    shard: Shard,
    plan_sha256: str,
    own: Sequence[SourceWork],
    made: Mapping[str, Any],
    *,
    probabilities: bool,
) -> Marker:
    """Keep with the predictions which files are of which image, and mark the shard as done."""
    total = 0
    with written_beside(stage.content / JOURNAL) as beside, beside.open("wb") as file:
        for source in own:
            files = files_of(source.rows, probabilities=probabilities)
            sizes = [(stage.content / name).stat().st_size for name in files]
            file.write(line_of(source.name, sizes, made))
            total += sum(sizes)
    return write_marker(stage.content, shard, plan_sha256, {"images": len(own), BYTES: total})


def files_of(rows: Sequence[ManifestRow], *, probabilities: bool) -> list[str]:
    """The predictions of an image's crops, by names inside the folder."""
    places = [mask_path, *([probabilities_path] if probabilities else [])]
    return [place(Path(), row.id).as_posix() for row in rows for place in places]


def _draft(planned: Planned, out: Path, options: PredictOptions, route: RouteOptions) -> Draft:
    """The plan. Of an image the files that are read for it are known by their sha256."""
    settled = _Settled(
        about=dict(planned.about),
        model=_facts_as_planned(planned, out),
        classes=list(planned.classes.names) if planned.classes else None,
        endpoint=route.endpoint,
        probabilities=options.probabilities,
    )
    files = {MANIFEST: format_manifest(planned.rows())}
    if planned.georeference:
        files[GEOREFERENCE] = format_georeference(planned.georeference)
    rows = [(source.name, str(sum(map(file_size, _read_files(source))))) for source in planned.work]

    def checksums(part: slice) -> list[tuple[str]]:
        return checksums_of(map(_read_files, planned.work[part]))

    return Draft(
        KIND, kept_command("jobs", KIND), dict(settled), ("source", "size"), rows, ("sha256",), checksums, files
    )


def _facts_as_planned(planned: Planned, out: Path) -> dict[str, Any]:
    """The model's facts, of which what is learnt later, and tells no model from another, is as the first shard knew
    it."""
    if kind_of(out) != KIND:
        return dict(planned.facts)
    model = settled_of(out, parse_plan((out / PLAN).read_bytes(), out / PLAN))["model"]
    return {**planned.model, **{name: fact for name, fact in model.items() if name in MAY_CHANGE}}


def _read_files(source: SourceWork) -> list[Path]:
    return list(dict.fromkeys(source.files()))


def settled_of(shards: Path, plan: WorkPlan) -> _Settled:
    """What a plan settles. Raises SagesegError that names plan.json where it is damaged."""
    try:
        check_type(plan.settled, _Settled)
    except ValueError as e:
        raise SagesegError(f"{shards / PLAN}: damaged ({e}); {_MEND}") from e
    settled: Any = plan.settled
    read_model_facts(settled["model"], shards / PLAN)
    if settled["classes"] is not None:
        class_table(settled["classes"], shards / PLAN)
    return settled  # type: ignore[no-any-return]


def merge_predictions(shards: Path, out: Path, *, overwrite: bool = False) -> int:
    """Make the predictions of the plan and the shards in a folder, which stay. Returns their number.

    Raises SagesegError, and makes nothing, where the shards are not all there, whole, of this plan, and predicted in
    one precision.
    """
    plan, markers = open_shards(shards, KIND, out, overwrite=overwrite)
    settled, rows = settled_of(shards, plan), read_manifest(shards / MANIFEST)
    count = sum(1 for _ in _by_image(rows))
    if count != plan.sources:
        raise SagesegError(f"{shards / MANIFEST}: of {count} images, and {PLAN} of {plan.sources}; {_MEND}")
    probabilities = settled["probabilities"]
    sources = ((name, files_of(list(of), probabilities=probabilities)) for name, of in _by_image(rows))
    classes = None if settled["classes"] is None else class_table(settled["classes"], shards / PLAN)
    with staged_folder(out, overwrite=overwrite, durable=True) as stage:
        for name in files_of(rows[:1], probabilities=probabilities):
            (stage / name).parent.mkdir()
        made = _made_by(list(markers), found_in_order(markers, sources, count, stage, parse_made))
        if georeference := read_georeference(shards):
            write_georeference(stage, georeference)
        write_predictions_tables(stage, rows, classes, {**settled["about"], **settled["model"], **made})
    return len(rows)


def _by_image(rows: Sequence[ManifestRow]) -> Iterator[tuple[str, Iterator[ManifestRow]]]:
    return groupby(rows, lambda row: row.source)


def parse_made(told: Any, _place: int = 0) -> Mapping[str, Any]:
    """What ran the model for an image. Raises ValueError for what is of another kind."""
    check_type(told, _Made)
    return {name: told[name] for name in told if name in _Made.__annotations__}


def _made_by(folders: Sequence[Path], found: Iterable[Mapping[str, Any]]) -> Mapping[str, Any]:
    """What predictions.json tells of what ran the model: as where one machine was interrupted, what ran it for the
    last image. Raises SagesegError where shards were predicted in two precisions."""
    precisions: dict[str | None, Path] = {}
    made: Mapping[str, Any] = {}
    for place, made in enumerate(found):
        precisions.setdefault(made.get("precision"), folders[place % len(folders)])
        if len(precisions) > 1:
            (first, folder), (second, other) = precisions.items()
            raise SagesegError(
                f"{other}: predicted in {second}, and {folder} in {first}; make those that are not in float32 again, "
                "with SAGESEG_PRECISION=float32 and --overwrite"
            )
    return made
