"""Predictions of a trained model, the same from its endpoint, a batch transform or its artefact.

sageseg jobs predict cars dataset --out predictions --via endpoint
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, replace
from pathlib import Path
from types import MappingProxyType
from typing import Any, Protocol

from formats.classes import ClassTable, read_labels
from formats.console import say
from formats.dataset import Dataset
from formats.disk.whole_files import write_text
from formats.disk.whole_folders import Stage, refuse_existing
from formats.errors import SagesegError
from formats.manifest import ManifestRow
from formats.predictions import write_predictions_tables
from formats.prepared.georeference import Georeference, read_georeference, write_georeference
from formats.prepared.image_folder import ImageFolder
from formats.prepared.preparation import dataset_preparation
from formats.version import tool_version
from jobs.prediction.crops_to_predict import SourceWork, dataset_work, folder_work
from jobs.prediction.options import PredictOptions, RouteOptions
from jobs.prediction.output import Begun, write_all
from jobs.prediction.prepared_alike import chosen_overlap, chosen_preparation, preparation_line, range_of_files, told_of
from jobs.prediction.resumable import is_predicted, keep_made, kept_made, resumable_predictions
from jobs.prediction.sources import SPLIT, open_sources
from jobs.tracking.trained_model import TrainedModel, artefact_facts, find_model

MAY_CHANGE = ("seconds", "cost_usd", "epochs")
"""What is learnt of a job later, and does not change its model."""


class Route(Protocol):
    """A way to have images predicted."""

    def begin(self, work: Sequence[SourceWork]) -> AbstractContextManager[Begun]:
        """The predictions of all crops, in order; what was made for them goes with the block. Raises
        SagesegError before anything is made when the way is closed, or its cost is not agreed to."""


@dataclass(frozen=True)
class Planned:
    """What is to be predicted by which model: known before the network is loaded, and before a way is asked anything.

    `about` and `facts` are what predictions.json tells, beside what runs the model; `georeference` is there where the
    images are tiles.
    """

    trained: TrainedModel
    work: list[SourceWork]
    classes: ClassTable | None
    about: Mapping[str, Any]
    facts: Mapping[str, Any]
    georeference: Georeference | None

    @property
    def model(self) -> dict[str, Any]:
        """The facts that tell one model from another."""
        return {name: fact for name, fact in self.facts.items() if name not in MAY_CHANGE}

    def rows(self) -> list[ManifestRow]:
        """What manifest.csv tells."""
        rows = (row for source in self.work for row in source.rows)
        return [replace(row, image_sha256="", mask_sha256="", truth_sha256="") for row in rows]


def plan_predictions(
    model: str, sources: Sequence[Path], frames: Path, options: PredictOptions, route: RouteOptions
) -> Planned:
    """Find the model and what is to be predicted; the frames of videos are kept in `frames`. Raises SagesegError for
    what is refused before anything is predicted or paid."""
    opened = open_sources(sources, frames, options)  # before AWS is asked anything
    trained = find_model(model, route.region)
    if options.via == "batch":
        from jobs.prediction.batch_route import clean_up_batches

        clean_up_batches(trained.backend, trained.region)
    classes = _classes_of(opened, trained, options)
    work, prepared = _work_of(opened, trained, options)
    route.check_instances(count_crops(work))
    label_map = {"label_map": trained.data.label_map} if trained.data.label_map else {}
    about = {"via": options.via, "predicted": _called(sources), **prepared, **label_map}
    facts = (artefact_facts(trained) if options.via == "artefact" else trained.facts).to_json()
    return Planned(trained, work, classes, about, facts, read_georeference(opened.root))


def predict(
    model: str,
    sources: Sequence[Path],
    out: Path,
    options: PredictOptions,
    route: RouteOptions,
    frames: Path | None = None,
    beside: Mapping[str, str] = MappingProxyType({}),
) -> int:
    """Predict and write a predictions folder, which appears when complete. Returns the number of
    predictions. The frames of videos are kept in `frames`, by default `<out>-frames`; texts of `beside` stand
    in the folder by their names. Raises SagesegError when anything
    is refused or fails; what was predicted before is kept beside `out`, and the same call goes on from there."""
    route.check_used_by(options.via)
    refuse_existing(out, overwrite=options.overwrite)
    planned = plan_predictions(model, sources, frames or frames_folder(out), options, route)
    with resumable_predictions(out, _header(planned, options, route), planned.work, overwrite=options.overwrite) as at:
        made = predict_missing(planned, planned.work, at, options, route)
        root, rows = at.content, planned.rows()
        if planned.georeference:
            write_georeference(root, planned.georeference)
        for name, text in beside.items():
            write_text(root / name, text)
        write_predictions_tables(root, rows, planned.classes, {**planned.about, **planned.facts, **made})
    return len(rows)


def predict_missing(
    planned: Planned, work: Sequence[SourceWork], stage: Stage, options: PredictOptions, route: RouteOptions
) -> dict[str, Any]:
    """Predict what is not yet in the stage; returns what predictions.json tells of what ran the model."""
    missing = [source for source in work if not all(is_predicted(stage.content, row) for row in source.rows)]
    if missing:
        with _choose_route(planned.trained, options, route).begin(missing) as begun:
            keep_made(stage, begun.precision, begun.facts())
            write_all(stage.content, begun.predicted, count_crops(missing))
    elif options.via == "batch":
        from jobs.prediction.batch_route import clean_up_fetched

        clean_up_fetched(kept_made(stage), keep=route.keep)
    return kept_made(stage)


def frames_folder(out: Path) -> Path:
    return out.with_name(f"{out.name}-frames")


def _called(sources: Sequence[Path]) -> str:
    """What was predicted, for predictions.json."""
    return sources[0].name if len(sources) == 1 else f"{sources[0].name} and {len(sources) - 1} more"


def _header(planned: Planned, options: PredictOptions, route: RouteOptions) -> dict[str, Any]:
    """What must be the same for a call to go on with an interrupted one's predictions."""
    return {
        **planned.about,
        "model": planned.model,
        "endpoint": route.endpoint,
        "probabilities": options.probabilities,
        "tool_version": tool_version(),
    }


def count_crops(work: Sequence[SourceWork]) -> int:
    return sum(len(source.rows) for source in work)


def _choose_route(trained: TrainedModel, options: PredictOptions, route: RouteOptions) -> Route:
    if options.via == "endpoint":
        from jobs.prediction.endpoint_route import EndpointRoute

        return EndpointRoute(trained, route, options.probabilities)
    if options.via == "batch":
        from jobs.prediction.batch_route import BatchRoute

        return BatchRoute(trained, route, options.probabilities)
    from jobs.prediction.artefact_route import ArtefactRoute

    return ArtefactRoute(trained, options.probabilities)


def _work_of(
    opened: Dataset | ImageFolder, trained: TrainedModel, options: PredictOptions
) -> tuple[list[SourceWork], dict[str, Any]]:
    """The crops to predict, and what predictions.json tells of how they were made. Those of a dataset are as
    prep made them; a folder's images are prepared as the training's were."""
    trained_on = trained.data.preparation
    if isinstance(opened, ImageFolder):
        prepared = chosen_preparation(trained_on, options)
        overlap = chosen_overlap(prepared.crop, options.overlap)
        say(preparation_line(trained.name, trained_on, prepared))
        told = {"split": None, **prepared.to_strings(), "overlap": overlap}
        unknown = trained_on is None and prepared.range is None
        values = range_of_files(opened.root, prepared.range, sure=options.range is not None and not unknown)
        return folder_work(opened.images, prepared, overlap, values), told
    check_classes(trained, opened)
    own, split = dataset_preparation(opened.info), options.split or SPLIT
    if own and trained_on and (own.resize, own.range) != (trained_on.resize, trained_on.range):
        say(f"note: {trained.name} was trained on images {trained_on.words()}; {opened.root} has them {own.words()}")
    values = range_of_files(options.images, own.range) if options.images and own else None
    return dataset_work(opened, split, options.images, values), {"split": split, **told_of(opened)}


def _classes_of(opened: Dataset | ImageFolder, trained: TrainedModel, options: PredictOptions) -> ClassTable | None:
    """The names of the classes, where anything tells them: of a bare artefact only --labels does."""
    if isinstance(opened, Dataset):
        return opened.classes
    if options.labels is None:
        return trained.classes
    classes = read_labels(options.labels)
    if len(classes) != trained.num_classes:
        raise SagesegError(
            f"{options.labels}: {len(classes)} classes, but {trained.name} predicts {trained.num_classes}; expected "
            "one name a line, the background first, as in the labels.txt of the dataset that it was trained on"
        )
    return classes


def check_classes(trained: TrainedModel, dataset: Dataset) -> None:
    """Raise SagesegError for a dataset of another number of classes than the model's."""
    if len(dataset.classes) != trained.num_classes:
        raise SagesegError(
            f"{trained.name}: predicts {trained.num_classes} classes, but {dataset.root} has {len(dataset.classes)}; "
            "use the model that was trained on this dataset"
        )
