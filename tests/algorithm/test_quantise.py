"""An ONNX model in INT8: what is of 8 bits, what it answers, and that it is the same each time."""

from __future__ import annotations

import logging
import weakref
from collections.abc import Iterator

import numpy as np
import onnx
import pytest
from onnx import numpy_helper

from formats.images import Rgb
from jobs.algorithm.inference.onnx_predictor import OnnxPredictor
from jobs.algorithm.serving.quantise import quantise
from jobs.contract.artefact import Artefact
from jobs.onnx_models import PRECISION, metadata_of
from tests.support.dataset_samples import disc_image
from tests.support.onnx_samples import ARTEFACT, SETTINGS, bright_onnx

METADATA = metadata_of(ARTEFACT, ("_background_", "car"), "int8")


def images() -> list[Rgb]:
    """Of different sizes."""
    return [disc_image(40, 32, seed=1)[0], disc_image(32, 48, seed=2)[0], disc_image(56, 24, seed=3)[0]]


def predictor(content: bytes) -> OnnxPredictor:
    return OnnxPredictor(Artefact(SETTINGS, {}, "sample", content))


def test_the_same_images_give_the_same_bytes() -> None:
    first = quantise(bright_onnx(), images(), METADATA)
    assert first == quantise(bright_onnx(), images(), METADATA)
    assert first != quantise(bright_onnx(), [image // 2 for image in images()], METADATA)


def test_it_answers_as_the_float_model_but_for_rounding() -> None:
    plain, int8 = predictor(bright_onnx()), predictor(quantise(bright_onnx(), images(), METADATA))
    image, mask = disc_image(64, 40, seed=9)
    given = plain.predict(image[None])
    assert 0 < np.abs(int8.predict(image[None]) - given).max() < 0.05
    np.testing.assert_array_equal(int8.predict_masks(image[None])[0], mask)
    assert (plain.precision, int8.precision) == ("float32", "int8")


def test_all_but_the_first_two_and_the_last_convolution_has_eight_bits() -> None:
    """Weights have 7 of them: on processors without VNNI sums of larger ones overflow."""
    model = onnx.load_from_string(quantise(bright_onnx(), images(), METADATA))
    weights = {each.name: numpy_helper.to_array(each) for each in model.graph.initializer}
    assert weights["middle_quantized"].dtype == np.int8
    assert np.abs(weights["middle_quantized"].astype(int)).max() in (63, 64)
    assert weights["middle_scale"].shape == (4,)
    assert {weights[name].dtype for name in ("first", "second", "scores")} == {np.dtype(np.float32)}
    (softmax,) = (node for node in model.graph.node if node.op_type == "Softmax")
    assert softmax.input[0] == "scored"


def test_it_tells_of_itself_and_asks_for_no_newer_runtime() -> None:
    model = onnx.load_from_string(quantise(bright_onnx(), images(), METADATA))
    told = {each.key: each.value for each in model.metadata_props}
    assert told == METADATA
    assert told[PRECISION] == "int8"
    assert {each.domain: each.version for each in model.opset_import} == {"": 18}
    assert model.ir_version == 8


def test_however_many_calibrate_one_is_in_memory() -> None:
    def told() -> Iterator[Rgb]:
        given: list[weakref.ref[Rgb]] = []
        for image in map(np.copy, images()):
            given.append(weakref.ref(image))
            assert sum(each() is not None for each in given) <= 2  # this one, and the one that map still names
            yield image

    quantise(bright_onnx(), told(), METADATA)


def test_the_tools_say_nothing_of_their_own(caplog: pytest.LogCaptureFixture) -> None:
    quantise(bright_onnx(), images(), METADATA)
    assert [record.message for record in caplog.records if record.levelno >= logging.WARNING] == []
