"""Predictions that were interrupted go on where they were."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from formats.disk.whole_files import MARK
from formats.disk.whole_folders import Stage
from formats.errors import SagesegError
from formats.images import encode_image
from formats.predictions import open_predictions, probabilities_path
from jobs.prediction import batch_route
from jobs.prediction import predict as module
from jobs.prediction.options import PredictOptions, RouteOptions
from jobs.prediction.predict import predict
from tests.support.bright_model import Brightness, stand_in


@pytest.fixture
def model(monkeypatch: pytest.MonkeyPatch) -> Brightness:
    return stand_in(monkeypatch)


@pytest.fixture
def images(tmp_path: Path) -> Path:
    folder = tmp_path / "images"
    folder.mkdir()
    for number in range(6):
        write_noise(folder / f"{number}.jpg", number)
    return folder


def write_noise(path: Path, seed: int) -> None:
    path.write_bytes(encode_image(np.random.default_rng(seed).integers(0, 256, (24, 32, 3), np.uint8)))


def ask(images: Path, out: Path, name: str = "one", **options: Any) -> int:
    return predict(name, [images], out, PredictOptions(**{"crop": None, **options}), RouteOptions())


def interrupted(model: Brightness, images: Path, out: Path, fails_at: int = 3, **options: Any) -> Path:
    model.seen, model.fails_at = 0, fails_at
    with pytest.raises(SagesegError, match="the model failed"):
        ask(images, out, **options)
    assert not out.exists()
    model.seen = 0
    return out.with_name(out.name + MARK) / "content"


def contents(folder: Path) -> dict[str, bytes]:
    return {str(path.relative_to(folder)): path.read_bytes() for path in sorted(folder.rglob("*")) if path.is_file()}


@pytest.mark.parametrize("probabilities", [False, True])
def test_only_what_is_missing_is_predicted_and_the_folder_is_the_same(
    probabilities: bool, model: Brightness, images: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert ask(images, tmp_path / "whole", probabilities=probabilities) == 6
    stage = interrupted(model, images, tmp_path / "out", probabilities=probabilities)
    assert f"{stage.parent}: predictions done: 3; the same command goes on from there" in capsys.readouterr().err
    (stage / "masks" / f"3.png{MARK}").write_bytes(b"half")  # what a kill leaves
    assert ask(images, tmp_path / "out", probabilities=probabilities) == 6
    assert f"{stage.parent}: goes on where it stopped; predictions done: 3" in capsys.readouterr().err
    assert model.seen == 3
    assert contents(tmp_path / "out") == contents(tmp_path / "whole")
    assert not stage.parent.exists()


def test_a_kill_before_the_first_mask_blames_no_other_model(
    model: Brightness, images: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    for mask in (interrupted(model, images, tmp_path / "out") / "masks").iterdir():
        mask.unlink()
    assert ask(images, tmp_path / "out") == 6
    assert "afresh" not in capsys.readouterr().err


@pytest.mark.parametrize("change", ["model", "options"])
def test_another_question_starts_afresh(
    change: str, model: Brightness, images: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    interrupted(model, images, tmp_path / "out")
    ask(images, tmp_path / "out", "two" if change == "model" else "one", probabilities=change == "options")
    assert model.seen == 6
    assert "left by other options, other input or another version of sageseg; started afresh" in capsys.readouterr().err
    assert probabilities_path(tmp_path / "out", "0").exists() is (change == "options")
    assert len(open_predictions(tmp_path / "out").rows) == 6


def test_changed_new_and_absent_images_do_not_touch_the_others(
    model: Brightness, images: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    stage = interrupted(model, images, tmp_path / "out")
    write_noise(images / "0.jpg", 7)
    (images / "1.jpg").unlink()
    write_noise(images / "9.jpg", 9)
    whole = (stage / "masks/2.png").read_bytes()
    (stage / "masks/2.png").write_bytes(whole[:-8] + bytes(8))  # what a power cut may leave
    capsys.readouterr()
    assert ask(images, tmp_path / "out") == 6
    assert model.seen == 6
    assert "afresh" in capsys.readouterr().err  # of 0, 1 and 2 nothing holds
    stage = interrupted(model, images, tmp_path / "second")
    write_noise(images / "0.jpg", 8)
    assert ask(images, tmp_path / "second") == 6
    assert f"{stage.parent}: goes on where it stopped; predictions done: 2" in capsys.readouterr().err
    assert model.seen == 4
    assert ask(images, tmp_path / "whole") == 6
    assert contents(tmp_path / "second") == contents(tmp_path / "whole")


def test_an_image_that_is_half_done_is_done_again(model: Brightness, images: Path, tmp_path: Path) -> None:
    assert ask(images, tmp_path / "whole", crop=16, overlap=0) == 24
    stage = interrupted(model, images, tmp_path / "out", fails_at=9, crop=16, overlap=0)
    done = sorted((stage / "masks").iterdir())
    assert len(done) == 8
    done[0].unlink()
    assert ask(images, tmp_path / "out", crop=16, overlap=0) == 24
    assert model.seen == 20
    assert contents(tmp_path / "out") == contents(tmp_path / "whole")


def test_an_image_that_breaks_off_is_named_and_what_comes_before_it_stays(
    model: Brightness, images: Path, tmp_path: Path
) -> None:
    assert ask(images, tmp_path / "whole") == 6
    whole = (images / "3.jpg").read_bytes()
    (images / "3.jpg").write_bytes(whole[:-200])  # its header still tells a size
    with pytest.raises(SagesegError, match=r"3\.jpg: cannot be read as an image"):
        ask(images, tmp_path / "out")
    assert {path.name for path in (tmp_path / f"out{MARK}/content/masks").iterdir()} >= {"0.png", "1.png", "2.png"}
    (images / "3.jpg").write_bytes(whole)
    model.seen = 0
    assert ask(images, tmp_path / "out") == 6
    assert model.seen <= 3
    assert contents(tmp_path / "out") == contents(tmp_path / "whole")


def test_predictions_of_two_precisions_are_not_mixed(model: Brightness, images: Path, tmp_path: Path) -> None:
    stage = interrupted(model, images, tmp_path / "out")
    model.precision = "bfloat16"
    with pytest.raises(SagesegError, match=r"partial: holds predictions in float32, .* SAGESEG_PRECISION=float32"):
        ask(images, tmp_path / "out")
    assert len(list((stage / "masks").iterdir())) == 3
    assert ask(images, tmp_path / "out", "two") == 6  # another model starts afresh
    assert told(tmp_path / "out")["precision"] == "bfloat16"


def test_a_precision_that_nobody_tells_is_none(model: Brightness, images: Path, tmp_path: Path) -> None:
    interrupted(model, images, tmp_path / "out")
    model.precision = None  # as an endpoint's
    assert ask(images, tmp_path / "out", "two") == 6
    assert "precision" not in told(tmp_path / "out")


def told(out: Path) -> dict[str, Any]:
    info: dict[str, Any] = json.loads((out / "predictions.json").read_text())
    return info


def test_what_is_replaced_stays_until_the_end(model: Brightness, images: Path, tmp_path: Path) -> None:
    ask(images, tmp_path / "out")
    before = contents(tmp_path / "out")
    model.seen, model.fails_at = 0, 3
    with pytest.raises(SagesegError, match="the model failed"):
        ask(images, tmp_path / "out", "two", overwrite=True)
    assert contents(tmp_path / "out") == before
    assert ask(images, tmp_path / "out", "two", overwrite=True) == 6
    assert sorted(path.name for path in tmp_path.iterdir()) == ["images", "out"]


def test_two_calls_do_not_write_one_folder(
    model: Brightness, images: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    predict_images, refused = model.predict_masks, []

    def while_another_asks(pixels: Any) -> Any:
        with pytest.raises(SagesegError, match=r"out: another sageseg is writing here"):
            ask(images, tmp_path / "out", "two")
        refused.append(True)
        return predict_images(pixels)

    monkeypatch.setattr(model, "predict_masks", while_another_asks)
    assert ask(images, tmp_path / "out") == 6
    assert len(refused) == 6


@pytest.mark.parametrize("kind", ["file", "folder", "link"])
def test_what_is_no_interrupted_prediction_is_left_alone(
    kind: str, model: Brightness, images: Path, tmp_path: Path
) -> None:
    stage = tmp_path / f"out{MARK}"
    if kind == "file":
        stage.write_text("mine")
    elif kind == "folder":
        stage.mkdir()
        (stage / "journal.jsonl").write_text("mine")
    else:
        stage.symlink_to(images, target_is_directory=True)
    with pytest.raises(SagesegError, match=r"partial: is there and is nothing of sageseg's; move it away"):
        ask(images, tmp_path / "out")
    assert stage.exists()
    assert model.seen == 0


def test_nothing_stays_where_nothing_was_predicted(model: Brightness, images: Path, tmp_path: Path) -> None:
    model.fails_at = 0
    with pytest.raises(SagesegError, match="the model failed"):
        ask(images, tmp_path / "out")
    assert [path.name for path in tmp_path.iterdir()] == ["images"]


@pytest.mark.parametrize("last", ["write_predictions_tables", "finish"])
def test_all_may_be_there_when_it_goes_on(
    last: str, model: Brightness, images: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full_disk(*_: object, **__: object) -> None:
        raise SagesegError("cannot be written")

    def no_route(*_: object) -> None:
        raise SagesegError("the endpoint is gone")

    with monkeypatch.context() as broken:
        broken.setattr(module if last == "write_predictions_tables" else Stage, last, full_disk)
        with pytest.raises(SagesegError, match="cannot be written"):
            ask(images, tmp_path / "out")
    monkeypatch.setattr(module, "_choose_route", no_route)
    assert ask(images, tmp_path / "out") == 6
    assert model.seen == 6
    assert sorted(path.name for path in (tmp_path / "out").iterdir()) == [
        "labels.txt",
        "manifest.csv",
        "masks",
        "predictions.json",
    ]
    assert told(tmp_path / "out")["precision"] == "float32"


@pytest.mark.parametrize("completed", [True, False])
def test_ctrl_c_leaves_a_batchs_answers_that_are_paid_for(completed: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    cleaned: list[str] = []
    monkeypatch.setattr(batch_route, "may_run", lambda *_: False)
    monkeypatch.setattr(batch_route, "is_completed", lambda *_: completed)
    monkeypatch.setattr(batch_route, "_clean", lambda _place, name, _folder: cleaned.append(name))
    nowhere: Any = None
    with pytest.raises(KeyboardInterrupt), batch_route._cleaned(nowhere, "cars", nowhere, keep=False):
        raise KeyboardInterrupt
    assert cleaned == ([] if completed else ["cars"])
