"""Predictions from a trained model, read ahead of it and written behind it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import replace
from itertools import groupby
from pathlib import Path
from typing import Any, Protocol

import numpy as np
import numpy.typing as npt

from formats.classes import ClassTable
from formats.console import track
from formats.dataset import Dataset, info_path, open_dataset
from formats.errors import SagesegError
from formats.images import Rgb
from formats.manifest import ManifestRow
from formats.masks import write_mask
from formats.predictions import mask_path, probabilities_path, write_predictions_index, write_probabilities
from formats.resize import recorded_resize
from formats.staging import staged_folder
from jobs.model_source import ModelSource, find_model
from jobs.options import PredictOptions
from jobs.predict_input import SourceWork, dataset_work, folder_work

_PIXELS_PER_BATCH = 4 * 512 * 512


class Model(Protocol):
    """Anything that turns images into class probabilities."""

    @property
    def num_classes(self) -> int: ...

    def predict(self, images: npt.NDArray[np.uint8]) -> npt.NDArray[np.float32]:
        """(N, H, W, 3) RGB to (N, C, H, W) probabilities, 0..1."""


def predict_with_artefact(job_or_artefact: str, images_or_dataset: Path, out: Path, options: PredictOptions) -> int:
    """Predict on this machine, with the network in torch. Returns the number of predictions."""
    from jobs.algorithm.artefact import read_artefact

    found = find_model(job_or_artefact)
    dataset = open_dataset(images_or_dataset) if info_path(images_or_dataset).exists() else None
    work = _find_work(dataset, images_or_dataset, options)
    artefact = read_artefact(found.artefact)
    from jobs.algorithm.processor import prepare_processor

    prepare_processor()
    from jobs.algorithm.inference import Predictor  # torch takes seconds to load: not for a mistyped name

    model = Predictor(artefact)
    classes = dataset.classes if dataset else found.classes
    if classes and len(classes) != model.num_classes:
        raise SagesegError(
            f"{job_or_artefact}: predicts {model.num_classes} classes, but {images_or_dataset} has {len(classes)}; "
            "use the model that was trained on this dataset"
        )
    info = _provenance(found, dataset, images_or_dataset, options)
    return predict(
        model, work, out, classes=classes, info=info, probabilities=options.probabilities, overwrite=options.overwrite
    )


def _find_work(dataset: Dataset | None, path: Path, options: PredictOptions) -> list[SourceWork]:
    if dataset:
        return dataset_work(dataset, options.split, options.images)
    if not path.is_dir():
        raise SagesegError(f"{path}: no such folder; expected a dataset, or a folder of images")
    return folder_work(path, options.crop, options.overlap)


def _provenance(
    found: ModelSource, dataset: Dataset | None, predicted: Path, options: PredictOptions
) -> dict[str, Any]:
    resize = recorded_resize(dataset.info) if dataset else None  # stitch gives the images their own size back
    info = {"via": options.via, "predicted": predicted.name, "split": options.split if dataset else None}
    return {**info, **({"resize": str(resize)} if resize else {}), **found.provenance}


def predict(
    model: Model,
    work: Sequence[SourceWork],
    out: Path,
    *,
    classes: ClassTable | None,
    info: dict[str, Any],
    probabilities: bool,
    overwrite: bool,
) -> int:
    """Write predictions of all work to `out`, which appears when complete. Returns their number.

    Reading is one source ahead of the model and writing behind it, so the processor that predicts
    waits for neither; memory holds a few sources.
    """
    rows: list[ManifestRow] = []
    with staged_folder(out, overwrite=overwrite) as root, ThreadPoolExecutor(4) as pool:
        (root / "masks").mkdir()
        if probabilities:
            (root / "probabilities").mkdir()
        writing: list[Future[None]] = []
        for source, images in track(_read_ahead(pool, work), len(work), "predict"):
            for future in writing:
                future.result()
            writing = [
                pool.submit(_write, root, row, predicted, probabilities=probabilities)
                for row, predicted in _predict_source(model, source.rows, images)
            ]
            rows += [replace(row, image_sha256="", mask_sha256="") for row in source.rows]
        for future in writing:
            future.result()
        write_predictions_index(root, rows, classes, info)
    return len(rows)


def _read_ahead(pool: ThreadPoolExecutor, work: Sequence[SourceWork]) -> Iterator[tuple[SourceWork, list[Rgb]]]:
    following = pool.submit(work[0].read)
    for source, after in zip(work, [*work[1:], None], strict=True):
        images = following.result()
        if after is not None:
            following = pool.submit(after.read)
        yield source, images


def _predict_source(
    model: Model, rows: Sequence[ManifestRow], images: Sequence[Rgb]
) -> Iterator[tuple[ManifestRow, npt.NDArray[np.float32]]]:
    for batch in _batches(list(zip(rows, images, strict=True))):
        predicted = model.predict(np.stack([image for _, image in batch]))
        yield from zip((row for row, _ in batch), predicted, strict=True)


def _batches(crops: Iterable[tuple[ManifestRow, Rgb]]) -> Iterator[list[tuple[ManifestRow, Rgb]]]:
    """Neighbours of one size, as many as keep the activations within bounds."""
    for (height, width, _), same in groupby(crops, key=lambda crop: crop[1].shape):
        step = max(1, _PIXELS_PER_BATCH // (height * width))
        waiting = list(same)
        yield from (waiting[start : start + step] for start in range(0, len(waiting), step))


def _write(root: Path, row: ManifestRow, predicted: npt.NDArray[np.float32], *, probabilities: bool) -> None:
    write_mask(mask_path(root, row.id), predicted.argmax(axis=0).astype(np.uint8))
    if probabilities:
        write_probabilities(probabilities_path(root, row.id), predicted)
