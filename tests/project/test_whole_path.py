"""Every room in turn, as a stranger meets them: the command, real files, and the first run in a process of its own."""

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from formats.dataset import open_dataset
from formats.masks import read_mask
from formats.predictions import write_predictions_tables
from jobs.contract.artefact import read_artefact
from sageseg.studio.shoot import draw_shoot
from tests.support.typed_commands import Ran, typed

EXPERIMENT = """\
prep: {carvana: [shoot/images, shoot/masks], crop: 32, val: 1}
train: {backend: local, algorithm: unet, optimizer: adam, learning_rate: 0.01, epochs: 1, crop_size: 32, base_size: 32}
predict: {split: val, probabilities: true}
stitch: {}
report: {colors: light}
"""


def process(*words: str, cwd: Path) -> Ran:
    environment = {name: value for name, value in os.environ.items() if name != "SAGESEG_HOME"}
    command = [sys.executable, "-m", "sageseg", *words]
    return subprocess.run(command, cwd=cwd, env=environment, capture_output=True, text=True, check=False)


def sageseg(*words: str, cwd: Path) -> Ran:
    return typed(words, cwd)


@pytest.fixture(autouse=True)
def home_of_the_folder(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("SAGESEG_HOME")


@pytest.fixture(scope="module")
def experiment(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A folder in which the whole path has been run once."""
    folder = tmp_path_factory.mktemp("whole path")  # a space, as in many a home
    draw_shoot(folder / "shoot", cars=3, angles=2, size=(150, 100), workers=1)
    (folder / "experiment.yaml").write_text(EXPERIMENT)
    ran = process("run", "experiment.yaml", cwd=folder)
    assert ran.returncode == 0, ran.stderr
    (folder / "stdout").write_text(ran.stdout)
    (folder / "stderr").write_text(ran.stderr)
    yield folder
    presence = folder / ".sageseg" / "emulator" / "endpoint.json"
    if presence.exists():
        os.kill(json.loads(presence.read_text())["pid"], 15)


def test_run_ends_with_the_scores_and_the_path_of_the_report(experiment: Path) -> None:
    scores = json.loads((experiment / "runs/1/report/scores.json").read_text())
    assert scores["classes"] == ["_background_", "car"]
    assert scores["images"] == 2
    assert np.sum(scores["confusion"]) == 2 * 150 * 100  # every pixel of the two images, once
    assert scores["job"]["seconds"] > 0
    assert "cost_usd" not in scores["job"]  # this machine is not paid for
    lines = (experiment / "stdout").read_text().splitlines()
    assert lines[-1] == "runs/1/report/index.html"
    assert (experiment / lines[-1]).exists()


def test_commands_are_shown_as_they_could_be_typed(experiment: Path) -> None:
    shown = [line for line in (experiment / "stderr").read_text().splitlines() if line.startswith("$ ")]
    assert [line.split()[2:4] for line in shown] == [
        ["prep", "carvana"],
        ["jobs", "train"],
        ["jobs", "predict"],
        ["analysis", "stitch"],
        ["analysis", "report"],
    ]


def test_the_log_is_worded_as_the_built_ins_and_read_back(experiment: Path) -> None:
    (name,) = (path.name for path in (experiment / ".sageseg" / "jobs").iterdir())
    ran = sageseg("jobs", "metrics", name, "--json", cwd=experiment)
    (epoch,) = json.loads(ran.stdout)
    assert epoch["epoch"] == 0
    assert all(value is not None for value in epoch.values())
    assert f"validation mIOU: {epoch['validation_mIOU']}" in sageseg("jobs", "logs", name, cwd=experiment).stdout
    shown = sageseg("jobs", "show", name, cwd=experiment).stdout
    assert "Completed" in shown
    assert f"{epoch['validation_mIOU']:.4f}" in shown
    assert f"{name}  Completed" in sageseg("jobs", "list", cwd=experiment).stdout


def test_the_artefact_lies_where_sagemaker_puts_it_and_names_its_parameters(experiment: Path) -> None:
    (artefact,) = (experiment / "sageseg-runs").glob("*/output/model.tar.gz")
    read = read_artefact(artefact)
    assert read.hyperparameters["algorithm"] == "unet"
    assert str(artefact.relative_to(experiment)) in (experiment / "stdout").read_text().splitlines()
    assert all(np.isfinite(values).all() for values in read.parameters.values())


def test_a_second_run_passes_over_what_is_done_and_a_change_redoes_what_follows(experiment: Path) -> None:
    again = sageseg("run", "experiment.yaml", cwd=experiment)
    assert again.returncode == 0, again.stderr
    assert [line for line in again.stderr.splitlines() if line.startswith("$ ")] == []
    assert again.stdout.splitlines()[-3:] == (experiment / "stdout").read_text().splitlines()[-3:]
    copy = experiment / "experiment.yaml"
    copy.write_text(EXPERIMENT.replace("colors: light", "colors: safe"))
    changed = sageseg("run", "experiment.yaml", cwd=experiment)
    shown = [line for line in changed.stderr.splitlines() if line.startswith("$ ")]
    assert len(shown) == 1
    assert shown[0].startswith("$ sageseg analysis report runs/1/stitched ")
    assert changed.stdout.splitlines()[-1] == "runs/2/report/index.html"
    assert (experiment / "runs/1/report/index.html").exists()
    assert (experiment / "runs/1/experiment.yaml").read_text() == EXPERIMENT
    compare = next(line for line in changed.stderr.splitlines() if line.startswith("sageseg analysis compare "))
    words = compare.partition(" sets ")[0].split()[1:]
    assert words[2:4] == ["runs/1/report", "runs/2/report"]
    assert sageseg(*words, cwd=experiment).returncode == 0


def test_from_another_folder_what_is_printed_can_be_followed_and_the_job_is_found(experiment: Path) -> None:
    (experiment / "experiment.yaml").write_text(EXPERIMENT)
    (name,) = (path.name for path in (experiment / ".sageseg" / "jobs").iterdir())
    elsewhere = experiment / "elsewhere"
    elsewhere.mkdir()
    ran = sageseg("run", "../experiment.yaml", cwd=elsewhere)
    assert ran.returncode == 0, ran.stderr
    assert (elsewhere / ran.stdout.splitlines()[-1]).samefile(experiment / "runs/1/report/index.html")
    found = f"note: the jobs of this experiment are in {experiment / '.sageseg'}; SAGESEG_HOME="
    assert any(line.startswith(found) for line in ran.stderr.splitlines())
    assert f"sageseg jobs show {name} tells of the job" in ran.stderr
    assert not (elsewhere / ".sageseg").exists()


def test_full_images_are_cropped_on_the_fly_and_stitched(experiment: Path) -> None:
    (artefact,) = (experiment / "sageseg-runs").glob("*/output/model.tar.gz")
    predict = ("jobs", "predict", str(artefact), "shoot/images", "--out", "folder", "--crop", "64", "--overlap", "8")
    assert sageseg(*predict, cwd=experiment).returncode == 0
    assert sageseg("analysis", "stitch", "folder", "--out", "folder-stitched", cwd=experiment).returncode == 0
    masks = sorted((experiment / "folder-stitched" / "masks").iterdir())
    assert [path.stem for path in masks] == sorted(path.stem for path in (experiment / "shoot" / "images").iterdir())
    assert all(read_mask(path).shape == (100, 150) for path in masks)


def test_dropped_crops_are_predicted_where_their_images_are_at_hand(experiment: Path) -> None:
    dataset = open_dataset(experiment / "dataset")
    train = [row for row in dataset.rows if row.split == "train"]
    kept = [row for row in train if row.kept]
    assert len(kept) < len(train)
    (artefact,) = (experiment / "sageseg-runs").glob("*/output/model.tar.gz")
    words = ("jobs", "predict", str(artefact), "dataset", "--split", "train")
    assert sageseg(*words, "--out", "kept", cwd=experiment).returncode == 0
    assert sageseg(*words, "--images", "shoot/images", "--out", "all", cwd=experiment).returncode == 0
    assert len(list((experiment / "kept" / "masks").iterdir())) == len(kept)
    assert len(list((experiment / "all" / "masks").iterdir())) == len(train)


def test_true_crops_stitched_back_are_the_gif_masks(experiment: Path, tmp_path: Path) -> None:
    dataset = open_dataset(experiment / "dataset")
    rows = [row for row in dataset.rows if row.kept]
    shutil.copytree(dataset.root / "SegmentationClass", tmp_path / "truth" / "masks")
    write_predictions_tables(tmp_path / "truth", rows, dataset.classes, {})
    words = ("analysis", "stitch", "truth", "--dataset", str(dataset.root), "--out", "stitched")
    assert sageseg(*words, cwd=tmp_path).returncode == 0
    stitched = sorted((tmp_path / "stitched" / "masks").iterdir())
    assert len(stitched) == 6
    for path in stitched:
        mask = read_mask(experiment / "shoot" / "masks" / f"{path.stem}_mask.gif")
        assert np.count_nonzero(read_mask(path) != mask) == 0, path.name


@pytest.mark.parametrize(
    ("words", "code", "message"),
    [
        (("prep", "carvana", "nowhere", "shoot/masks", "--out", "x"), 1, "error: nowhere: no such folder"),
        (("prep", "carvana", "shoot/images", "shoot/masks", "--out", "dataset"), 1, "error: dataset: exists already"),
        (("prep", "carvana", "shoot/images", "shoot/masks", "--out", "x", "--crop", "big"), 1, "error: --crop big"),
        (("prep", "carvana", "--tile", "512"), 2, "No such option: --tile"),
        (("jobs", "train", "dataset", "--backend", "cloud"), 1, "error: --backend cloud: expected aws or local"),
        (("jobs", "train", "dataset", "--backend", "local", "--epochs", "0"), 1, "error: hyperparameter epochs is '0'"),
        (("jobs", "show", "nobody"), 1, "error: nobody: no job of that name"),
        (("jobs", "predict", "nobody.tar.gz", "dataset", "--out", "x"), 1, "error: nobody.tar.gz: not found"),
        (("jobs", "predict", "dataset/labels.txt", "dataset", "--out", "x"), 1, "error: dataset/labels.txt: "),
        (("analysis", "report", "nowhere", "--dataset", "dataset", "--out", "x"), 1, "error: nowhere: no such folder"),
        (("run", "nothing.yaml"), 1, "error: nothing.yaml: not found"),
    ],
)
def test_what_goes_wrong_is_one_line_and_leaves_nothing(
    experiment: Path, words: tuple[str, ...], code: int, message: str
) -> None:
    ran = sageseg(*words, cwd=experiment)
    assert ran.returncode == code
    assert message in ran.stderr
    if code == 1:
        assert len(ran.stderr.splitlines()) == 1
    assert ran.stdout == ""
    assert not list(experiment.glob("x*"))
