"""The optional channels: label maps, and the model that a training continues."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from formats.classes import IGNORE
from formats.errors import SagesegError
from formats.masks import read_mask, write_mask
from formats.prepared.label_map import read_label_maps
from jobs.algorithm.__main__ import main
from jobs.algorithm.data.channels import check_channels, read_label_map
from jobs.algorithm.weights.start_weights import check_same_network
from jobs.contract.artefact import Artefact
from jobs.contract.hyperparameters import parse_hyperparameters
from jobs.contract.model_archive import pack_artefact
from tests.support.opt_ml_samples import SETTINGS, last_weights, write_root


def write_map(data: Path, given: Any, channel: str = "train") -> Path:
    (data / "label_map").mkdir(parents=True, exist_ok=True)
    (data / f"label_map/{channel}_label_map.json").write_text(json.dumps(given))
    return data


@pytest.mark.parametrize(
    ("given", "values", "classes"),
    [
        ({"scale": "3"}, [0, 3, 6, 255], [0, 1, 2, IGNORE]),
        ({"scale": "127"}, [0, 127, 254, 255], [0, 1, 2, IGNORE]),
        ({"scale": "255"}, [0, 255], [0, 1]),
        # the key is the class, the value the pixel
        ({"map": {"0": 5, "1": 0, "2": 2}}, [5, 0, 2, 255], [0, 1, 2, IGNORE]),
        ({"map": {"0": 0, "1": 255}}, [0, 255], [0, 1]),
    ],
)
def test_a_label_map_gives_each_value_its_class(
    given: Any, values: list[int], classes: list[int], tmp_path: Path
) -> None:
    label_map = read_label_map(write_map(tmp_path, given), "train", 3)
    assert label_map is not None
    assert label_map.apply(np.array([values], np.uint8), tmp_path).tolist() == [classes]
    assert read_label_map(tmp_path, "validation", 3) is None


@pytest.mark.parametrize(("given", "value"), [({"scale": "3"}, 4), ({"scale": "3"}, 9), ({"map": {"0": 5}}, 0)])
def test_a_value_without_a_class_names_the_mask(given: Any, value: int, tmp_path: Path) -> None:
    label_map = read_label_map(write_map(tmp_path, given), "train", 3)
    assert label_map is not None
    with pytest.raises(SagesegError, match=rf"x\.png: value {value} has no class in .*train_label_map\.json"):
        label_map.apply(np.array([[value]], np.uint8), Path("x.png"))


@pytest.mark.parametrize(
    ("given", "reason"),
    [({"map": {"0": 5, "1": 5}}, "value 5 is both class 0 and class 1"), ({"map": {"9": 1}}, "is no class")],
)
def test_a_wrong_label_map_names_its_file(given: Any, reason: str, tmp_path: Path) -> None:
    with pytest.raises(SagesegError, match=rf"train_label_map\.json: .*{reason}"):
        read_label_map(write_map(tmp_path, given), "train", 3)


def test_a_label_map_that_nests_without_end_is_refused_and_not_a_crash(tmp_path: Path) -> None:
    path = write_map(tmp_path, {}) / "label_map/train_label_map.json"
    path.write_text('{"map":' * 100_000)
    with pytest.raises(SagesegError, match=r"train_label_map\.json: not JSON"):
        read_label_map(tmp_path, "train", 3)
    with pytest.raises(SagesegError, match=r"train_label_map\.json: not JSON"):
        read_label_maps(path.parent, 3)


def channels(tmp_path: Path, *maps: str) -> Path:
    """The required channels, empty, and a `label_map` channel with these files."""
    for name in ("train", "train_annotation", "validation", "validation_annotation", "label_map"):
        (tmp_path / name).mkdir()
    for name in maps:
        (tmp_path / "label_map" / name).write_text('{"scale": "3"}')
    return tmp_path


def test_label_maps_of_other_names_are_refused(tmp_path: Path) -> None:
    data = channels(tmp_path, "labels.json", "train.json")
    expected = r"label_map: holds neither train_label_map\.json nor validation_label_map\.json; name the label maps so"
    with pytest.raises(SagesegError, match=expected):
        check_channels(data)


@pytest.mark.parametrize(
    ("maps", "warnings"),
    [
        (("train", "validation"), []),
        (("train",), ["no validation_label_map.json; the masks of validation are read as they are"]),
        (("validation",), ["no train_label_map.json; the masks of train are read as they are"]),
    ],
)
def test_masks_without_a_map_beside_mapped_ones_are_warned_of(
    maps: tuple[str, ...], warnings: list[str], tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    check_channels(channels(tmp_path, *(f"{name}_label_map.json" for name in maps)))
    assert caplog.messages == [f"channel label_map: {warning}" for warning in warnings]


def test_a_training_with_mapped_masks_is_that_with_plain_ones(tmp_path: Path) -> None:
    plain, mapped = write_root(tmp_path / "a", SETTINGS), write_root(tmp_path / "b", SETTINGS)
    for mask in (mapped / "input/data").glob("*_annotation/*.png"):
        write_mask(mask, np.where(read_mask(mask) == 1, 7, 200).astype(np.uint8))
    for channel in ("train", "validation"):
        write_map(mapped / "input/data", {"map": {"0": 200, "1": 7}}, channel)
    assert main(["train", "--root", str(plain)]) == main(["train", "--root", str(mapped)]) == 0
    assert last_weights(mapped) == last_weights(plain)


@pytest.fixture(scope="module")
def earlier(one_thread: None, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The artefact of a training with SETTINGS."""
    root = write_root(tmp_path_factory.mktemp("earlier"), SETTINGS)
    assert main(["train", "--root", str(root)]) == 0
    pack_artefact(root / "model", root / "model.tar.gz")
    return root / "model.tar.gz"


def continued(tmp_path: Path, earlier: Path, **given: str) -> Path:
    """A tree whose `model` channel holds the earlier model."""
    root = write_root(tmp_path / "continued", SETTINGS | given)
    (root / "input/data/model").mkdir()
    (root / "input/data/model/model.tar.gz").write_bytes(earlier.read_bytes())
    return root


def test_incremental_training_starts_from_the_earlier_model(
    earlier: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    root = continued(tmp_path, earlier)
    assert main(["train", "--root", str(root)]) == 0
    losses = re.findall(r"train loss: (\S+)", capsys.readouterr().out)
    fresh = write_root(tmp_path / "fresh", SETTINGS)
    assert main(["train", "--root", str(fresh)]) == 0
    assert float(losses[0]) < float(re.findall(r"train loss: (\S+)", capsys.readouterr().out)[0])


@pytest.mark.parametrize(("name", "value"), [("num_classes", "3"), ("crop_size", "48"), ("algorithm", "fcn")])
def test_incremental_training_keeps_the_network(name: str, value: str, earlier: Path, tmp_path: Path) -> None:
    root = continued(tmp_path, earlier, **{name: value})
    assert main(["train", "--root", str(root)]) == 1
    reason = (root / "output/failure").read_text()
    assert f"trained with {name} {SETTINGS[name]}, and this job has {value}" in reason


def test_incremental_training_keeps_the_backbone_but_for_unet() -> None:
    """unet has none, whatever its hyperparameters say."""
    for algorithm, refused in (("fcn", True), ("unet", False)):
        given = {name: text for name, text in SETTINGS.items() if name != "algorithm"} | {"algorithm": algorithm}
        earlier = Artefact(given | {"backbone": "resnet-50"}, {}, "earlier.tar.gz")
        settings = parse_hyperparameters(given | {"backbone": "resnet-101"}, "open")
        if not refused:
            check_same_network(earlier, settings)
            continue
        with pytest.raises(SagesegError, match="trained with backbone resnet-50, and this job has resnet-101"):
            check_same_network(earlier, settings)
