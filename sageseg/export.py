"""`sageseg jobs export`: a trained model for other programs, in INT8 where its scores allow: jobs makes it, and
analysis scores it."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from formats.console import result, say, track
from formats.errors import SagesegError
from formats.texts.told_numbers import parse_number, parse_whole
from formats.verbs.command_options import option, takes
from jobs.prediction.commands import Model, Overwrite, Region

if TYPE_CHECKING:
    from formats.dataset import Dataset
    from formats.images import Rgb
    from formats.manifest import ManifestRow
    from jobs.tracking.trained_model import TrainedModel

IMAGES, MAX_LOSS = 100, 0.002
FIGURES = "int8.json"
"""The gate's figures in an artefact; beside a model.onnx they are in model.onnx.json."""
_SEED = 0


def parse_images(text: str) -> int:
    """How many crops calibrate."""
    count = parse_whole(text)
    if not count:
        raise SagesegError(f"--images {text}: expected a whole number of crops, 1 or more, such as {IMAGES}")
    return count


def parse_loss(text: str) -> float:
    """What may be lost of mean IoU."""
    share = parse_number(text)
    if not 0 <= share <= 1:
        raise SagesegError(f"--max-loss {text}: expected a share of mean IoU from 0 to 1, such as {MAX_LOSS}")
    return share


@dataclass(frozen=True)
class Int8Options:
    """A model of 8 bits: what calibrates it, and what it may lose."""

    int8: bool = option(False, "In INT8: a quarter of the file, and less time on a processor.")
    dataset: Path | None = option(None, "The dataset whose crops calibrate and judge it.")
    images: int | None = option(
        None, f"Crops of its training split that calibrate; by default {IMAGES}.", parser=parse_images, metavar="N"
    )
    max_loss: float | None = option(
        None,
        f"What it may lose of mean IoU over the validation split, at the interval's end; by default {MAX_LOSS}.",
        parser=parse_loss,
        metavar="SHARE",
    )

    def check(self, out: Path) -> None:
        """Raise SagesegError for options that do not belong together."""
        given = {"--dataset": self.dataset, "--images": self.images, "--max-loss": self.max_loss}
        idle = [name for name, value in given.items() if value is not None]
        if idle and not self.int8:
            raise SagesegError(f"{idle[0]}: only with --int8; add that, or leave it out")
        if self.int8 and self.dataset is None:
            raise SagesegError("--int8: --dataset is missing; expected the dataset whose crops calibrate and judge it")
        if self.int8 and out.name.endswith(".pt2"):
            raise SagesegError(f"--int8: only for ONNX; choose an --out that ends in .onnx or .tar.gz, not {out.name}")


@takes(Int8Options, "options")
def export(
    model: Model,
    out: Annotated[
        Path,
        typer.Option(
            help="File to write: model.onnx; model.tar.gz, an artefact that holds one; or model.pt2.",
            show_default=False,
        ),
    ],
    options: Int8Options,
    opset: Annotated[int | None, typer.Option(help="ONNX's opset; by default 18, the lowest.", metavar="N")] = None,
    region: Region = None,
    overwrite: Overwrite = False,
) -> None:
    """Write a trained model as ONNX, float32 or INT8, or as a torch.export archive, for images of any size.

    An artefact that holds ONNX is deployed and predicted with like any other, on processors.
    """
    from formats.disk.whole_files import refuse_existing_file
    from jobs.algorithm.machine.torch_loading import load_torch

    options.check(out)
    refuse_existing_file(out, overwrite=overwrite)
    if options.int8:
        refuse_existing_file(_figures_path(out), overwrite=overwrite)
    load_torch("jobs export", "local" if out.suffix == ".pt2" else "local,onnx")
    from jobs.algorithm.serving.export import check_export, export_artefact
    from jobs.tracking.trained_model import find_model

    check_export(out, opset)
    trained = find_model(model, region)
    if options.int8:
        _export_int8(trained, out, options, opset)
        return
    classes = trained.classes.names if trained.classes else ()
    difference = export_artefact(trained.artefact, out, opset, classes)
    result(f"{out}: probabilities within {difference:.1e} of the network's")


def _export_int8(trained: TrainedModel, out: Path, options: Int8Options, opset: int | None) -> None:
    """Raises SagesegError, and nothing is written, for a model that onnxruntime does not load or that may lose more
    than is allowed."""
    from formats.dataset import open_dataset
    from formats.disk.whole_files import write_text, written_beside
    from formats.prepared.label_map import recorded_label_maps
    from jobs.algorithm.inference.onnx_predictor import OnnxPredictor
    from jobs.algorithm.serving.export import file_of, make_onnx
    from jobs.algorithm.serving.quantise import quantise
    from jobs.onnx_models import metadata_of
    from jobs.prediction.predict import check_classes
    from sageseg.int8_gate import SPLIT, check_loss, count_split, describe_loss, measure_loss, validation_rows

    if options.dataset is None:
        raise RuntimeError("--int8 came without a dataset")
    dataset, artefact = open_dataset(options.dataset), trained.artefact
    check_classes(trained, dataset)
    if trained.classes and trained.classes.names != dataset.classes.names:
        raise SagesegError(
            f"{options.dataset}: its classes are {', '.join(dataset.classes.names)}, and those of {trained.name} "
            f"{', '.join(trained.classes.names)}; name the dataset that it was trained on, or one of the same classes"
        )
    calibrating, validating = calibration_rows(dataset, options.images or IMAGES), validation_rows(dataset)
    maps = recorded_label_maps({"label_map": trained.data.label_map}, Path(trained.name))
    label_map = maps.of_split(SPLIT, trained.num_classes) if maps else None
    with written_beside(out, wait=False) as beside:
        plain = make_onnx(artefact, out, opset, dataset.classes.names).content
        images = track(_read(dataset, calibrating), len(calibrating), "calibrate")
        int8 = quantise(plain, images, metadata_of(artefact, dataset.classes.names, "int8"))
        models = {
            name: OnnxPredictor(replace(artefact, parameters={}, source=str(out), onnx=content))
            for name, content in (("float32", plain), ("INT8", int8))
        }
        before, after = (count_split(model, dataset, label_map, f"score {name}") for name, model in models.items())
        most = MAX_LOSS if options.max_loss is None else options.max_loss
        found = measure_loss(before, after, str(dataset.root))
        check_loss(found, most, str(out))
        figures = {
            "model_sha256": hashlib.sha256(int8).hexdigest(),
            "dataset_sha256": dataset.digest,
            "calibration": {"split": "train", "crops": len(calibrating), "seed": _SEED},
            "validation": {"split": SPLIT, "crops": len(validating)},
            **found.to_json(dataset.classes.names),
            "max_loss": most,
        }
        text = json.dumps(figures, indent=2, ensure_ascii=False) + "\n"
        beside.write_bytes(file_of(out, artefact, int8, [(FIGURES, text.encode())]))  # before it alone gets its name
        if out.suffix == ".onnx":
            write_text(_figures_path(out), text)
    say(f"{len(int8) / 1e6:.1f} MB in place of {len(plain) / 1e6:.1f}")
    result(f"{out}: INT8 {describe_loss(found)}")


def _figures_path(out: Path) -> Path:
    """Where the figures lie; those of an artefact lie in it."""
    return out.with_name(f"{out.name}.json") if out.suffix == ".onnx" else out


def calibration_rows(dataset: Dataset, count: int) -> list[ManifestRow]:
    """So many crops of the training split, or all where there are fewer: the first in an order that their names settle,
    so that the same dataset gives the same ones. Raises SagesegError where there are none."""

    def turn(row: ManifestRow) -> str:
        return hashlib.sha256(f"{_SEED} {row.id}".encode(errors="surrogateescape")).hexdigest()

    rows = sorted(dataset.kept("train"), key=turn)[:count]
    if not rows:
        raise SagesegError(f"{dataset.root}: has no crop in its training split, which calibrates; prepare it again")
    return rows


def _read(dataset: Dataset, rows: list[ManifestRow]) -> Iterator[Rgb]:
    from formats.images import read_image

    for row in rows:
        yield read_image(dataset.image_path(row.id))
