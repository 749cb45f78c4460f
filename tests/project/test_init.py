"""`sageseg init`: a first experiment file that `sageseg run` takes as it is, and never half of one."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from unittest.mock import patch

import pytest
from jsonschema import Draft7Validator
from PIL import Image

from formats.texts.yaml_text import parse_yaml
from prep.recognise.recognised import Recognised, found
from sageseg.cli import app
from sageseg.experiment.checks import check_experiment
from sageseg.experiment.schema import SCHEMA_NAME, experiment_schema
from sageseg.experiment.steps import read_experiment
from sageseg.first_experiment import NETWORKS, Answers, Labels, experiment_text, written
from sageseg.init import labels_of
from tests.support.aws_setup import Terminal
from tests.support.dataset_samples import disc_image, make_dataset
from tests.support.labelme_samples import write_labels, write_pair
from tests.support.small_formats import SQUARE, write_yolo, yolo_row
from tests.support.typed_commands import Ran, typed

CARS = Labels("Carvana's cars", "a_01_mask.gif", "carvana", ("shoot/images", "shoot/masks"))
VALIDATOR = Draft7Validator(experiment_schema(app))


@pytest.fixture
def desk(tmp_path: Path) -> Path:
    """A folder with labelme's polygons."""
    (tmp_path / "shoot").mkdir()
    for number in range(3):
        write_pair(tmp_path / "shoot", f"a{number}")
    return tmp_path


def init(desk: Path, *words: str, answers: str | None = None) -> Ran:
    """With `answers` at a terminal, whose input ends then."""
    if answers is None:
        return typed(["init", *words], desk)
    with patch.object(sys, "stdin", Terminal(answers)):
        return typed(["init", *words], desk)


def test_off_a_terminal_it_takes_what_it_proposes_and_says_so(desk: Path) -> None:
    ran = init(desk, "shoot")
    assert (ran.returncode, ran.stdout) == (0, "experiment.yaml\n"), ran.stderr
    notes = [line for line in ran.stderr.splitlines() if line.startswith("note: ")]
    assert [note.rpartition(": ")[2] for note in notes] == ["local is taken", "unet is taken", "256 is taken"]
    sections = read_experiment(desk / "experiment.yaml")
    assert sections["prep"] == {"labelme": ["shoot"], "crop": 256}
    assert sections["train"]["algorithm"] == "unet"
    first = (desk / "experiment.yaml").read_text().splitlines()[0]
    assert first == f"# yaml-language-server: $schema={SCHEMA_NAME}"
    schema = json.loads((desk / SCHEMA_NAME).read_text())
    assert [*Draft7Validator(schema).iter_errors(sections)] == []


def test_a_person_is_asked_and_what_cannot_be_read_is_asked_again(desk: Path) -> None:
    ran = init(desk, answers="shoot\nmoon\nlocal\npsp\n\n")
    assert ran.returncode == 0, ran.stderr
    assert "--backend moon: expected local, aws" in ran.stderr
    sections = read_experiment(desk / "experiment.yaml")
    assert (sections["train"]["algorithm"], sections["train"]["crop_size"]) == ("psp", 256)


def test_enter_alone_ends_where_nothing_is_proposed(desk: Path) -> None:
    ran = init(desk, "shoot", "--backend", "aws", answers="")
    assert ran.stderr.splitlines()[-1].startswith("error: --data: missing")


def test_a_bucket_of_the_environment_is_proposed(desk: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SAGESEG_BUCKET", "cars")
    assert init(desk, "shoot", "--backend", "aws", "--yes").returncode == 0
    assert read_experiment(desk / "experiment.yaml")["train"]["data"] == f"s3://cars/{desk.name}"


def test_what_is_given_is_not_asked(desk: Path) -> None:
    words = ("shoot", "--backend", "aws", "--network", "deeplab", "--crop", "512", "--data", "s3://cars/one")
    ran = init(desk, *words)
    assert (ran.returncode, "is taken" in ran.stderr) == (0, False), ran.stderr
    sections = read_experiment(desk / "experiment.yaml")
    assert sections["train"]["data"] == "s3://cars/one"
    assert sections["prep"]["crop"] == sections["train"]["crop_size"] == 512


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("none-such",), "none-such: no such file or folder; expected labels"),
        (("shoot", "--backend", "moon"), "--backend moon: expected local, aws"),
        (("shoot", "--network", "vgg"), "--network vgg: expected unet, fcn, psp, deeplab"),
        (("shoot", "--crop", "big"), "--crop big: expected a side in pixels"),
        (("shoot", "--backend", "aws"), "--data: missing; pass --data s3://bucket/prefix"),
        (("shoot", "--backend", "aws", "--data", "cars"), "cars: expected s3://bucket/prefix"),
        (("shoot", "--backend", "aws", "--network", "unet"), "--network unet: expected fcn, psp, deeplab; unet needs"),
        (("shoot", "--data", "s3://cars/one"), "--data: is for --backend aws; leave it out"),
        (("shoot", "--out", "shoot"), "shoot: exists already; name another file with --out"),
    ],
)
def test_what_cannot_be_is_one_line_and_nothing_is_written(desk: Path, words: tuple[str, ...], said: str) -> None:
    before = sorted(desk.rglob("*"))
    ran = init(desk, *words)
    assert (ran.returncode, ran.stdout) == (1, "")
    assert ran.stderr.splitlines()[-1].startswith(f"error: {said}")
    assert sorted(desk.rglob("*")) == before


def test_an_experiment_that_is_there_stays(desk: Path) -> None:
    (desk / "experiment.yaml").write_text("mine")
    ran = init(desk, "shoot")
    assert ran.stderr == (
        "error: experiment.yaml: exists already; name another file with --out, or run it: sageseg run experiment.yaml\n"
    )
    (desk / "link.yaml").symlink_to("nowhere")
    assert "error: link.yaml: exists already" in init(desk, "shoot", "--out", "link.yaml").stderr
    (desk / SCHEMA_NAME).write_text("mine too")
    other = init(desk, "shoot", "--out", "deep/second.yaml", "--yes")
    assert other.returncode == 0, other.stderr
    assert read_experiment(desk / "deep" / "second.yaml")["prep"]["labelme"] == ["../shoot"]
    assert [(desk / name).read_text() for name in ("experiment.yaml", SCHEMA_NAME)] == ["mine", "mine too"]
    third = init(desk, "shoot", "--out", "third.yaml", "--yes")
    assert f"note: {SCHEMA_NAME}: is something else, so the schema is not written" in third.stderr
    assert (desk / SCHEMA_NAME).read_text() == "mine too"


def test_of_several_kinds_one_is_chosen(desk: Path) -> None:
    write_yolo(desk / "shoot" / "yolo", {"images/b": yolo_row(SQUARE)})
    write_labels(desk / "shoot", "car")
    ran = init(desk, "shoot", answers="9\n2\n\n\n\n")
    assert ran.returncode == 0, ran.stderr
    assert "9: expected a number of 1 to 2" in ran.stderr
    assert "yolo" in read_experiment(desk / "experiment.yaml")["prep"]


def test_a_dataset_is_taken_as_it_is(tmp_path: Path) -> None:
    images = {name: disc_image(16, 16, seed=1) for name in ("a_01", "b_01")}
    make_dataset(tmp_path / "cars", images, splits={"a_01": "train", "b_01": "val"})
    ran = init(tmp_path, "cars")
    assert ran.returncode == 0, ran.stderr
    sections = read_experiment(tmp_path / "experiment.yaml")
    assert (sections["dataset"], "prep" in sections) == ("cars", False)
    refused = init(tmp_path, "cars", "--out", "b.yaml", "--crop", "64")
    assert "error: --crop: a dataset has its crops already" in refused.stderr


@pytest.mark.parametrize("name", ["-x", "a: b", "#c", "a\nb", "'", "no", "007"])
def test_a_folder_may_have_any_name(desk: Path, name: str) -> None:
    (desk / "shoot").rename(desk / name)
    ran = init(desk, "--yes", "--", name)
    assert ran.returncode == 0, ran.stderr
    (told,) = read_experiment(desk / "experiment.yaml")["prep"]["labelme"]
    assert Path(str(told)) == Path(name)


def test_the_end_of_input_takes_what_is_proposed_and_says_so(desk: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", str(desk))
    ran = init(desk, answers="~/shoot\nlocal\n")
    assert ran.returncode == 0, ran.stderr
    assert [line.rpartition(": ")[2] for line in ran.stderr.splitlines() if "is taken" in line] == [
        "unet is taken",
        "256 is taken",
    ]


def test_what_must_be_done_first_is_told(tmp_path: Path) -> None:
    (tmp_path / "masks").mkdir()
    Image.new("L", (8, 8)).save(tmp_path / "masks" / "0cdf5b5d0ce1_01_mask.gif")
    told = init(tmp_path, "masks").stderr
    assert (
        "masks: Carvana's cars, but IMAGES is the folder of the images, which are not here; then: sageseg prep" in told
    )
    assert told.endswith("; and then: sageseg init DATASET\n")
    (tmp_path / "drive.mp4").touch()
    assert "first: sageseg prep frames drive.mp4 --out FRAMES" in init(tmp_path, "drive.mp4").stderr


def test_options_of_a_found_line_become_lines_and_paths_are_the_files_own(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "a b").mkdir()
    line = found("pairs", "pairs", "x", Path("a b"), "masks", "--labels", "no.txt", "--binary", "--mask-name", "{}: #1")
    labels = labels_of(line, app, tmp_path / "deep")
    assert labels.operands == ("../a b", "masks")
    assert labels.options == {"labels": "no.txt", "binary": True, "mask-name": "{}: #1"}
    told = parse_yaml(experiment_text(Answers(labels), "e.yaml"))
    assert told["prep"]["mask_name"] == "{}: #1"
    assert isinstance(line, Recognised)


@pytest.mark.parametrize("network", NETWORKS)
@pytest.mark.parametrize("backend", ["local", "aws"])
@pytest.mark.parametrize("crop", [None, 64])
def test_each_text_is_one_that_run_takes(tmp_path: Path, network: str, backend: str, crop: int | None) -> None:
    answers = Answers(CARS, backend, network, crop, "s3://cars/one" if backend == "aws" else "", "")
    path = tmp_path / "experiment.yaml"
    path.write_text(experiment_text(answers, path.name))
    check_experiment(path, app)
    sections = read_experiment(path)
    assert [*VALIDATOR.iter_errors(sections)] == []
    assert ("stitch" in sections) == (crop is not None)


@pytest.mark.parametrize(
    "value",
    ["a", "007", "1e3", "true", "null", "-", "- a", "a: b", "a #b", "'", '"', "é", " a", "a ", "[a]", "a,b", "\n"],
)
def test_a_value_is_read_back_as_it_was(value: str) -> None:
    assert parse_yaml(f"a: {written(value)} # remark") == {"a": value}
    assert parse_yaml(f"[{written(value)}, b]") == [value, "b"]


def test_a_remark_stays_one_line() -> None:
    odd = Labels("it", "a\nprep: {}\x07", "carvana", ("a", "b"))
    assert parse_yaml(experiment_text(Answers(odd), "e.yaml"))["prep"]["carvana"] == ["a", "b"]
