"""A trained model by whatever name people have for it, and artefacts as others write their settings."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pytest

from aws.names import utc_now
from formats.errors import SagesegError
from jobs.contract.artefact import HYPERPARAMETERS, Artefact, artefact_network, read_artefact
from jobs.contract.file_uris import for_people
from jobs.contract.hyperparameters import NetworkSettings
from jobs.contract.model_archive import pack_artefact
from jobs.tracking.trained_model import endpoint_name, find_model
from jobs.training.starting_point import earlier_model
from tests.support.tiny_model import write_artefact


@pytest.fixture
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A job's folder with letters that a URI escapes, below the current folder."""
    monkeypatch.chdir(tmp_path)
    folder = tmp_path / "my runs" / "größe #1" / "output"
    folder.mkdir(parents=True)
    write_artefact(folder / "model.tar.gz", 3)
    return folder / "model.tar.gz"


SPELLINGS: Mapping[str, Callable[[Path], str]] = {
    "absolute path": str,
    "path from here": lambda path: str(path.relative_to(Path.cwd())),
    "URI": lambda path: path.as_uri(),
    "URI with one slash": lambda path: path.as_uri().replace("file:///", "file:/"),
}


@pytest.mark.parametrize("spelling", SPELLINGS)
def test_an_artefact_here_is_found_by_its_path_and_its_uri(spelling: str, place: Path) -> None:
    found = find_model(SPELLINGS[spelling](place))
    assert (found.artefact_uri, found.is_job) == (place.as_uri(), False)
    assert found.artefact_path.resolve() == place
    assert found.num_classes == 3
    assert earlier_model(SPELLINGS[spelling](place), "local", _no_job).hyperparameters["num_classes"] == "3"


def _no_job(name: str) -> Any:
    raise AssertionError(f"{name} was taken for a job")


@pytest.mark.parametrize(
    ("named", "problem"),
    [
        ("file:///absent/model.tar.gz", "/absent/model.tar.gz: not found; expected a model.tar.gz or model.onnx, it"),
        ("file://elsewhere/model.tar.gz", "file://elsewhere/model.tar.gz: not a place of this machine"),
        ("absent.tar.gz", "absent.tar.gz: not found"),
        ("my runs/absent", "my runs/absent: not found"),
        ("my runs/größe #1", "my runs/größe #1: a folder; name the artefact in it, such as my runs/größe #1/output/"),
        ("my runs/", "my runs: a folder; name the artefact in it, such as my runs/größe #1/output/model.tar.gz"),
    ],
)
@pytest.mark.usefixtures("place")
def test_what_is_no_artefact_here_is_refused_by_its_name(named: str, problem: str) -> None:
    with pytest.raises(SagesegError) as refused:
        find_model(named)
    assert str(refused.value).startswith(problem)
    with pytest.raises(SagesegError, match=r"not found|not a place|a folder"):
        earlier_model(named, "local", lambda name: find_model(f"{name}/"))  # type: ignore[arg-type, return-value]


def test_a_model_to_train_further_stands_alone_as_the_training_finds_it(place: Path) -> None:
    other = place.with_name("other.tar.gz")
    other.write_bytes(b"")
    with pytest.raises(SagesegError, match=r"the training reads its folder, which holds other\.tar\.gz; put"):
        earlier_model(str(place), "local", _no_job)
    other.unlink()
    bare = place.rename(place.with_name("model.tgz"))
    with pytest.raises(SagesegError, match=r"model\.tgz: .* which holds nothing that ends in \.tar\.gz"):
        earlier_model(str(bare), "local", _no_job)


def test_an_endpoint_is_called_after_the_job_that_left_the_artefact(place: Path) -> None:
    assert endpoint_name(find_model(place.as_uri()), utc_now()).startswith("gr-e-1-20")
    beside = place.parents[1] / "cars.tar.gz"
    place.rename(beside)
    assert endpoint_name(find_model(str(beside)), utc_now()).startswith("cars-20")


def test_a_place_of_this_machine_is_printed_as_a_path(place: Path, tmp_path: Path) -> None:
    assert for_people(place.as_uri()) == "my runs/größe #1/output/model.tar.gz"
    assert for_people((tmp_path.parent / "a b.txt").as_uri()) == str(tmp_path.parent / "a b.txt")
    assert for_people("s3://bucket/a%20b") == "s3://bucket/a%20b"


TOLD: Mapping[str, tuple[Mapping[str, Any], tuple[str, str, int]]] = {
    "three alone": ({"num_classes": "3", "algorithm": "psp", "backbone": "resnet-101"}, ("psp", "resnet-101", 240)),
    "numbers": ({"num_classes": 3, "algorithm": "fcn", "crop_size": 480.0, "syncbn": True}, ("fcn", "resnet-50", 480)),
    "what training alone needs is wrong": (
        {"num_classes": "3", "num_training_samples": "", "epochs": "0", "lr_scheduler_step": [3]},
        ("fcn", "resnet-50", 240),
    ),
    "more than anybody knows": (
        {"num_classes": "3", "crop_size": "512", "_kvstore": "device", "gpus": [0, 1], "new": {"a": None}},
        ("fcn", "resnet-50", 512),
    ),
    "pretrained unet and an empty backbone": (
        {"num_classes": "3", "algorithm": "unet", "use_pretrained_model": True, "backbone": None},
        ("unet", "resnet-50", 240),
    ),
}


@pytest.mark.parametrize("case", TOLD)
def test_an_artefact_is_read_with_what_predicting_needs(case: str, tmp_path: Path) -> None:
    told, (algorithm, backbone, crop_size) = TOLD[case]
    found = artefact_network(_artefact_of(told, tmp_path))
    assert found == NetworkSettings(3, algorithm, backbone, crop_size)


@pytest.mark.parametrize(
    ("told", "problem"),
    [
        ({"algorithm": "fcn"}, r"m\.tar\.gz: hyperparams\.json: hyperparameter num_classes is missing; expected the"),
        ({"num_classes": "two"}, r"m\.tar\.gz: hyperparams\.json: hyperparameter num_classes is 'two'; expected a"),
        ({"num_classes": 2.5}, r"num_classes is '2\.5'; expected a whole number"),
        ({"num_classes": 2, "algorithm": "vgg"}, r"algorithm is 'vgg'; expected one of fcn, psp, deeplab, unet"),
        ({"num_classes": 2, "crop_size": "big"}, r"crop_size is 'big'; expected a whole number"),
    ],
)
def test_what_predicting_needs_is_still_asked_for(told: dict[str, Any], problem: str, tmp_path: Path) -> None:
    with pytest.raises(SagesegError, match=problem):
        artefact_network(_artefact_of(told, tmp_path))
    with pytest.raises(SagesegError, match=problem):
        earlier_model(str(tmp_path / "m.tar.gz"), "local", _no_job)


def _artefact_of(settings: Mapping[str, Any], folder: Path) -> Artefact:
    write_artefact(folder / "tiny.tar.gz", 3)
    model = folder / "tiny.tar.model"
    (model / HYPERPARAMETERS).write_text(json.dumps(settings))
    (folder / "tiny.tar.gz").unlink()
    pack_artefact(model, folder / "m.tar.gz")
    return read_artefact(folder / "m.tar.gz")
