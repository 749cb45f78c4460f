"""The true and the predicted class of each pixel: packed for the page, and what is drawn of them again."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from analysis.masks.agreement import agreement
from analysis.masks.pairs import Layers, layer_script, pack, pair, read_layers, unpack
from formats.classes import IGNORE
from formats.masks import Mask

SIZES = st.tuples(st.integers(1, 7), st.integers(1, 9))


@given(st.data(), st.sampled_from([2, 3, 15, 16, 150]))
def test_masks_and_their_difference_come_back(data: st.DataObject, num_classes: int) -> None:
    shape = data.draw(SIZES)
    classes = st.integers(0, num_classes - 1)
    truth: Mask = data.draw(arrays(np.uint8, shape, elements=classes | st.just(IGNORE)))
    prediction: Mask = data.draw(arrays(np.uint8, shape, elements=classes))
    runs = unpack(pack(pair(truth, prediction, num_classes)))
    layers = Layers((shape[1], shape[0]), num_classes, runs)
    assert np.array_equal(layers.truth(), truth)
    assert np.array_equal(layers.agreement(), agreement(truth, prediction))
    assert (runs.codes[1:] != runs.codes[:-1]).all(), "a run ends where the pair changes"
    assert np.array_equal(layers.shrunk(layers.size).truth(), truth)


def test_a_small_copy_has_the_nearest_pixels() -> None:
    truth = np.repeat(np.repeat(np.array([[0, 1], [1, 1]], np.uint8), 10, axis=0), 10, axis=1)
    layers = Layers((20, 20), 2, pair(truth, truth, 2)).shrunk((2, 2))
    assert layers.truth().tolist() == [[0, 1], [1, 1]]


def test_a_layer_file_says_what_it_holds(tmp_path: Path) -> None:
    truth = np.array([[0, 1, IGNORE]], np.uint8)
    path = tmp_path / "a.js"
    prediction = np.array([[0, 1, 1]], np.uint8)
    path.write_bytes(layer_script("a", Layers((3, 1), 2, pair(truth, prediction, 2)), objects=[]))
    assert path.read_text().startswith('takeLayers({"stem":"a","width":3,"height":1,"classes":2,')
    assert read_layers(path).truth().tolist() == truth.tolist()
    path.write_text("alert(1)")
    with pytest.raises(ValueError, match="not a layer file"):
        read_layers(path)
