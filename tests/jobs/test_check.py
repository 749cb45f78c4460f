"""The check before money is spent: all findings at once, nothing in a good dataset, and the command."""

import json
import re
from pathlib import Path

import numpy as np
import pytest
from typer.testing import CliRunner

from formats.dataset import open_dataset
from formats.errors import SagesegError
from formats.masks import encode_mask
from jobs.check.dataset_check import check_before, errors_among
from jobs.check.files import Finding
from jobs.contract.hyperparameters import Hyperparameters
from jobs.contract.registry import builtin_image
from jobs.contract.training_request import TrainingJob
from sageseg.cli import app
from tests.support.checks import check, make_crops, replace_image, replace_mask

BUILTIN = builtin_image("us-east-1")


@pytest.fixture
def dataset(tmp_path: Path) -> Path:
    return make_crops(tmp_path)


def test_a_good_dataset_has_no_finding(dataset: Path) -> None:
    assert check(dataset) == []


def test_all_findings_come_at_once_errors_first(dataset: Path) -> None:
    replace_image(b"")(dataset)
    replace_mask(encode_mask(np.full((64, 64), 7, np.uint8)))(dataset)
    findings = check(dataset, mini_batch_size=1000)
    assert {"jpeg", "values", "batch", "changed"} <= {finding.rule for finding in findings}
    severities = [finding.severity for finding in findings]
    assert severities == sorted(severities)


@pytest.mark.parametrize(
    ("image", "types", "said"),
    [
        (BUILTIN, ("ml.p3.2xlarge", "ml.g5.2xlarge", "ml.g4dn.2xlarge"), ["ml.p3.2xlarge has", "ml.g4dn.2xlarge has"]),
        (BUILTIN, ("ml.g5.2xlarge", "ml.g5.12xlarge"), ["validation_mini_batch_size: 2 images cannot"]),
        ("1.dkr.ecr.us-east-1.amazonaws.com/own:1", ("ml.g5.2xlarge", "ml.g5.12xlarge"), []),
        ("1.dkr.ecr.us-east-1.amazonaws.com/own:1", ("ml.m5.large",), []),
    ],
)
def test_before_a_training_every_type_that_is_tried_is_looked_at(
    dataset: Path, capsys: pytest.CaptureFixture[str], image: str, types: tuple[str, ...], said: list[str]
) -> None:
    opened = open_dataset(dataset)
    samples = len(opened.kept("train"))
    settings = Hyperparameters(
        2, samples, crop_size=832 if len(types) == 3 else 64, mini_batch_size=samples, validation_mini_batch_size=2
    )
    jobs = [TrainingJob("cars", image, "role", "s3://b/d", "s3://b/o", kind, 30, 3600, {}) for kind in types]
    assert samples >= 4
    check_before(opened, settings, jobs, None)
    lines = [line for line in capsys.readouterr().err.splitlines() if "warning: " in line and "GPU" in line]
    assert len(lines) == len(said)
    assert all(words in line for words, line in zip(said, lines, strict=True))


def test_the_command_lists_findings_and_fails_on_errors(dataset: Path) -> None:
    options = ["--crop-size", "64", "--mini-batch-size", "1", "--workers", "1"]
    good = CliRunner().invoke(app, ["prep", "check", str(dataset), *options])
    assert (good.exit_code, good.stdout) == (0, "no finding\n")
    warned = CliRunner().invoke(app, ["prep", "check", str(dataset), *options, "--volume-size", "3"])
    assert warned.exit_code == 0
    assert warned.stdout.startswith("warning: volume_size: 3 GB for ")
    path = replace_image(b"")(dataset)
    failed = CliRunner().invoke(app, ["prep", "check", str(dataset), *options, "--json"])
    assert failed.exit_code == 1
    found = json.loads(failed.stdout)
    assert set(found[0]) == {"severity", "rule", "file", "message", "cure"}
    assert (found[0]["rule"], found[0]["file"]) == ("jpeg", str(path))
    assert errors_among([Finding(**finding) for finding in found])


def test_what_is_no_dataset_and_values_out_of_range_are_refused(tmp_path: Path, dataset: Path) -> None:
    ran = CliRunner().invoke(app, ["prep", "check", str(tmp_path)])
    assert "no dataset here" in str(ran.exception)
    wrong = {
        ("--algorithm", "vgg"): "hyperparameter algorithm is 'vgg'; expected one of fcn, psp, deeplab, or "
        "--algorithm unet with --backend local, or an --image of your own",
        ("--crop-size", "16"): "hyperparameter crop_size is '16'; expected a whole number above 16",
        ("--learning-rate", "2"): "hyperparameter learning_rate is '2'; expected a number in (0, 1]",
        ("--num-classes", "1"): "hyperparameter num_classes is '1'; expected a whole number in [2, 254]",
        ("--num-classes", ""): "hyperparameter num_classes is ''; expected a whole number in [2, 254]",
        ("--loss", "x"): "loss x: not part of the built-in algorithm, only of the open implementation; leave it out, "
        "or use --algorithm unet with --backend local, or an --image of your own",
        ("--instance-type", "p3"): "--instance-type p3: expected names such as ml.p3.2xlarge, comma between",
        ("--volume-size", "0"): "--volume-size 0: expected a whole number, at least 1",
        ("--volume-size", "x"): "--volume-size x: expected a whole number, at least 1",
    }
    for words, message in wrong.items():
        ran = CliRunner().invoke(app, ["prep", "check", str(dataset), *words])
        assert isinstance(ran.exception, SagesegError)
        assert str(ran.exception) == message


def test_two_workers_find_what_one_finds(dataset: Path) -> None:
    replace_image(b"")(dataset)
    one, two = (check(dataset, workers=workers) for workers in (1, 2))
    assert one == two != []


def test_settings_of_unet_are_looked_at_by_its_own_rules_and_idle_ones_are_told(dataset: Path) -> None:
    words = ["prep", "check", str(dataset), "--mini-batch-size", "1", "--crop-size", "64"]
    ran = CliRunner().invoke(app, [*words, "--algorithm", "unet", "--loss", "cross-entropy+dice"])
    assert (ran.exit_code, ran.stdout) == (0, "no finding\n")
    ran = CliRunner().invoke(app, [*words, "--optimizer", "adam", "--momentum", "0.5"])
    assert "note: momentum has no effect: optimizer is adam, not sgd" in ran.stderr


def test_the_command_compares_what_train_would_try_and_takes_a_list(dataset: Path) -> None:
    words = ["prep", "check", str(dataset), "--crop-size", "512", "--mini-batch-size", "16"]

    def short(*more: str) -> list[str]:
        ran = CliRunner().invoke(app, [*words, *more])
        return re.findall(r", ml\.(\S+) has \d+ on each", ran.stdout)

    assert short() == ["g4dn.2xlarge"]
    assert short("--instance-type", "ml.p3.8xlarge,ml.g4dn.xlarge") == ["g4dn.xlarge"]
    ran = CliRunner().invoke(app, [*words, "--instance-type", "ml.p3.8xlarge,ml.p3.3xlarge"])
    assert "instance type ml.p3.3xlarge: the built-in algorithm trains on" in str(ran.exception)
