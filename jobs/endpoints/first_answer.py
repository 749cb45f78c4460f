"""The one real invocation that a deployment ends with: an image goes in, a mask must come out."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from formats.dataset import open_dataset
from formats.errors import SagesegError
from formats.images import Rgb, encode_image
from jobs.contract.invocation import PNG, Expected, decode_mask, make_payload
from jobs.endpoints.invocations import Caller
from jobs.tracking.trained_model import TrainedModel


@dataclass(frozen=True)
class Sample:
    """An encoded image, and what it is called."""

    jpeg: bytes
    what: str


def check_endpoint(caller: Caller, model: TrainedModel) -> str:
    """Ask the endpoint once and check the answer: a PNG mask of the image's size whose ids are
    classes. Returns what came back, in words; raises SagesegError."""
    sample = find_sample(model)
    payload = make_payload(sample.jpeg, caller.takes, sample.what)
    expected = Expected(payload.width, payload.height, model.num_classes, sample.what)
    mask = decode_mask(caller.ask(payload.body, PNG, sample.what), expected)
    found = [model.classes.names[value] if model.classes else str(value) for value in np.unique(mask)]
    return f"{sample.what}: a mask of {payload.width} × {payload.height} pixels came back, with {', '.join(found)}"


def find_sample(model: TrainedModel) -> Sample:
    """An image of the dataset that the model was trained on, where it is still there, else a drawn one."""
    if model.dataset is not None:
        try:
            dataset = open_dataset(model.dataset)
        except SagesegError:
            return _drawn_sample(model)
        rows = [*dataset.kept("val"), *dataset.kept("train")]
        paths = (dataset.image_path(row.id) for row in rows)
        path = next((path for path in paths if path.is_file()), None)
        if path is not None:
            return Sample(path.read_bytes(), path.name)
    return _drawn_sample(model)


def _drawn_sample(model: TrainedModel) -> Sample:
    """Of crop_size, because psp and deeplab were seen to fail on any other."""
    side = model.trained_network.crop_size
    return Sample(encode_image(_disc(side)), f"a drawn image of {side} × {side} pixels")


def _disc(side: int) -> Rgb:
    rows, columns = np.mgrid[:side, :side] - (side - 1) / 2
    inside = rows**2 + columns**2 < (side / 3) ** 2
    return np.where(inside[:, :, None], (190, 170, 150), (60, 70, 80)).astype(np.uint8)
