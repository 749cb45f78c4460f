"""The check before money is spent: each rule finds what it names, and nothing in a good dataset."""

import csv
import io
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image
from typer.testing import CliRunner

from formats.dataset import image_path, manifest_path, mask_path, open_dataset, split_path
from formats.errors import SagesegError
from formats.images import encode_image
from formats.masks import encode_mask
from jobs.check.dataset_check import check_dataset, describe, errors_among
from jobs.check.files import Finding
from jobs.check.memory import estimate_gib
from jobs.check.rules import Machine
from jobs.contract.hyperparameters import Hyperparameters
from prep.dataset.writer import write_dataset
from prep.options import PrepOptions
from sageseg.cli import app
from tests.support.labelme_samples import jpeg_with_orientation
from tests.support.prep_samples import make_source

GOOD = {"crop_size": 64, "mini_batch_size": 1}
MACHINE = Machine("ml.p3.2xlarge", 30)


@pytest.fixture
def dataset(tmp_path: Path) -> Path:
    """Crops of 64 of eight images in four groups."""
    source = make_source(tmp_path / "source", {"a": 2, "b": 2, "c": 2, "d": 2})
    write_dataset(source, tmp_path / "dataset", PrepOptions(crop=64, val=1, workers=1))
    return tmp_path / "dataset"


def check(dataset: Path, machine: Machine = MACHINE, *, workers: int = 1, **settings: Any) -> list[Finding]:
    opened = open_dataset(dataset)
    decided = {"num_classes": len(opened.classes), "num_training_samples": 1}
    return check_dataset(opened, Hyperparameters(**{**decided, **GOOD, **settings}), machine, workers=workers)


def only(findings: list[Finding]) -> Finding:
    assert len(findings) == 1, [describe(finding) for finding in findings]
    return findings[0]


def rows(dataset: Path) -> list[dict[str, str]]:
    with manifest_path(dataset).open(newline="") as file:
        return list(csv.DictReader(file))


def rewrite(dataset: Path, change: Callable[[dict[str, str]], None]) -> None:
    """Change every row of the manifest."""
    table = rows(dataset)
    for row in table:
        change(row)
    with manifest_path(dataset).open("w", newline="") as file:
        writer = csv.DictWriter(file, list(table[0]), lineterminator="\n")
        writer.writeheader()
        writer.writerows(table)


def kept(dataset: Path, split: str = "train") -> str:
    """The id of a crop with files."""
    return next(row["id"] for row in rows(dataset) if row["kept"] == "1" and row["split"] == split)


def test_a_good_dataset_has_no_finding(dataset: Path) -> None:
    assert check(dataset) == []


# files


def replace_image(content: bytes) -> Callable[[Path], Path]:
    def spoil(dataset: Path) -> Path:
        path = image_path(dataset, kept(dataset))
        path.write_bytes(content)
        return path

    return spoil


def replace_mask(content: bytes) -> Callable[[Path], Path]:
    def spoil(dataset: Path) -> Path:
        path = mask_path(dataset, kept(dataset))
        path.write_bytes(content)
        return path

    return spoil


def png(mode: str, fill: Any = 0, size: tuple[int, int] = (64, 64)) -> bytes:
    buffer = io.BytesIO()
    Image.new(mode, size, fill).save(buffer, "PNG")
    return buffer.getvalue()


GREY = np.full((64, 64, 3), 120, np.uint8)


def grey_jpeg() -> bytes:
    buffer = io.BytesIO()
    Image.fromarray(GREY[:, :, 0]).save(buffer, "JPEG")
    return buffer.getvalue()


@pytest.mark.parametrize(
    ("spoil", "rule", "message"),
    [
        (replace_image(png("RGB")), "jpeg", "is no JPEG, whatever its name says"),
        (replace_image(b""), "jpeg", "is no JPEG"),
        (replace_image(encode_image(GREY)[:-60]), "unreadable", "cannot be read as an image"),
        (replace_image(grey_jpeg()), "jpeg", "is grey, CMYK, or turned"),
        (replace_image(jpeg_with_orientation(GREY, 3)), "jpeg", "is grey, CMYK, or turned"),
        (replace_image(encode_image(GREY[:, :32])), "size", "32×64 pixels, but manifest.csv says 64×64"),
        (replace_mask(b""), "unreadable", "cannot be read"),
        (replace_mask(png("P")[:-30]), "unreadable", "cannot be read"),
        (replace_mask(png("RGB")), "mode", "is a PNG of mode RGB, not one of mode P"),
        (replace_mask(png("L")), "mode", "is a PNG of mode L, not one of mode P"),
        (replace_mask(png("I;16")), "mode", "is a PNG of mode I;16, not one of mode P"),
        (replace_mask(encode_mask(np.full((64, 64), 7, np.uint8))), "values", "value 7 is no class; there are 0 to 1"),
        (replace_mask(encode_mask(np.zeros((64, 32), np.uint8))), "size", "32×64 pixels, but its image has 64×64"),
    ],
)
def test_each_broken_file_is_an_error_that_names_it(
    dataset: Path, spoil: Callable[[Path], Path], rule: str, message: str
) -> None:
    path = spoil(dataset)
    found = [finding for finding in check(dataset) if finding.rule == rule and finding.file == str(path)]
    finding = only(found)
    assert finding.severity == "error"
    assert message in finding.message
    assert finding.cure


@pytest.mark.parametrize("place", [image_path, mask_path])
def test_a_missing_half_of_a_pair_is_an_error(dataset: Path, place: Callable[[Path, str], Path]) -> None:
    path = place(dataset, kept(dataset))
    path.unlink()
    finding = only(check(dataset))
    assert (finding.severity, finding.rule, finding.file) == ("error", "pair", str(path))


def test_a_file_that_was_changed_is_a_warning(dataset: Path) -> None:
    path = image_path(dataset, kept(dataset))
    path.write_bytes(encode_image(GREY))
    finding = only(check(dataset))
    assert (finding.severity, finding.rule, finding.file) == ("warning", "changed", str(path))


def test_all_findings_come_at_once_errors_first(dataset: Path) -> None:
    replace_image(b"")(dataset)
    replace_mask(encode_mask(np.full((64, 64), 7, np.uint8)))(dataset)
    findings = check(dataset, mini_batch_size=1000)
    assert {"jpeg", "values", "batch", "changed"} <= {finding.rule for finding in findings}
    severities = [finding.severity for finding in findings]
    assert severities == sorted(severities)


def test_the_channels_hold_the_pairs_and_nothing_else(dataset: Path) -> None:
    folder = dataset / "channels" / "train"
    (folder / f"{kept(dataset)}.jpg").unlink()
    (folder / "Thumbs.db").write_bytes(b"")
    findings = check(dataset)
    assert {(Path(f.file).name, f.severity, f.rule) for f in findings} == {
        (f"{kept(dataset)}.jpg", "error", "channel"),
        ("Thumbs.db", "error", "channel"),
    }


# tables


def test_an_empty_split_is_an_error(dataset: Path) -> None:
    rewrite(dataset, lambda row: row.update(kept="0") if row["split"] == "val" else None)
    assert "no val image" in next(f for f in check(dataset) if f.rule == "split").message


def test_a_group_in_two_splits_is_an_error(dataset: Path) -> None:
    group = next(row["group"] for row in rows(dataset) if row["split"] == "val")
    rewrite(dataset, lambda row: row.update(group=group) if row["source"] == rows(dataset)[0]["source"] else None)
    found = [finding for finding in check(dataset) if finding.rule == "group"]
    assert f"group {group} stands in train and val" in only(found).message


def test_stems_that_differ_by_capital_letters_only_are_an_error(dataset: Path) -> None:
    dropped = [row["id"] for row in rows(dataset) if row["kept"] == "0"][:2]
    rewrite(dataset, lambda row: row.update(id=dropped[0].upper()) if row["id"] == dropped[1] else None)
    finding = only(check(dataset))
    assert (finding.severity, finding.rule) == ("error", "stems")
    assert dropped[0] in finding.message


def test_a_class_that_one_split_lacks_is_a_warning(dataset: Path) -> None:
    for row in open_dataset(dataset).kept("val"):
        (dataset / "SegmentationClass" / f"{row.id}.png").write_bytes(encode_mask(np.zeros((64, 64), np.uint8)))
    finding = only([finding for finding in check(dataset) if finding.rule == "class"])
    assert (finding.severity, finding.message) == ("warning", "val has no pixel of car")
    assert "--stratify" in finding.cure


def test_no_draw_is_proposed_for_a_class_that_no_split_has(dataset: Path) -> None:
    (dataset / "labels.txt").write_text("_background_\ncar\nroad\n")
    finding = only([finding for finding in check(dataset) if finding.rule == "class"])
    assert (finding.severity, finding.message) == ("warning", "no split has a pixel of road")
    assert "--s" not in finding.cure


def test_a_dataset_without_background_is_no_finding(dataset: Path) -> None:
    for row in open_dataset(dataset).rows:
        if row.kept:
            (dataset / "SegmentationClass" / f"{row.id}.png").write_bytes(encode_mask(np.ones((64, 64), np.uint8)))
    assert [finding for finding in check(dataset) if finding.rule == "class"] == []


# settings


@pytest.mark.parametrize(
    ("settings", "severity", "rule", "message"),
    [
        ({"num_classes": 3}, "error", "num_classes", "num_classes 3, but labels.txt has 2"),
        ({"mini_batch_size": 1000}, "error", "batch", "mini_batch_size 1000 is over the"),
        (
            {"algorithm": "psp", "crop_size": 72, "validation_mini_batch_size": 1},
            "error",
            "one_size",
            "images are not 72×72",
        ),
        ({"algorithm": "deeplab", "crop_size": 72}, "warning", "one_size", "deeplab has failed on such images"),
        ({"crop_size": 40}, "warning", "crop_size", "crop_size 40 on images of 64×64 trains on 39% of each"),
        ({"machine": Machine("ml.p3.2xlarge", 5)}, "warning", "volume", "5 GB for 0.0 GB of data"),
    ],
)
def test_each_setting_that_fails_or_wastes_is_found(
    dataset: Path, settings: dict[str, Any], severity: str, rule: str, message: str
) -> None:
    finding = next(f for f in check(dataset, **settings) if f.rule == rule)
    assert finding.severity == severity
    assert message in finding.message


@pytest.mark.parametrize("settings", [{"algorithm": "psp"}, {"crop_size": 60}, {"algorithm": "fcn", "crop_size": 72}])
def test_settings_that_fit_are_not_found(dataset: Path, settings: dict[str, Any]) -> None:
    """crop_size 60 is rounded up to 64; psp on images of crop_size works."""
    assert check(dataset, **settings) == []


# GPU memory


def test_the_one_case_that_is_known_is_told_apart(dataset: Path) -> None:
    """512 crops, 14 classes: out of memory on one GPU of 16 GiB, trained on four."""
    assert estimate_gib("fcn", "resnet-50", 14, 512, 16, gpus=1) > 16
    assert estimate_gib("fcn", "resnet-50", 14, 512, 16, gpus=4) < 16
    assert estimate_gib("fcn", "resnet-50", 21, 240, 16, gpus=1) < 16  # AWS's own sample trains so
    finding = only([f for f in check(dataset, crop_size=512, mini_batch_size=16) if f.rule == "memory"])
    assert finding.severity == "warning"
    assert "inferred" in finding.message
    four = check(dataset, crop_size=512, mini_batch_size=16, machine=Machine("ml.p3.8xlarge"))
    assert [f for f in four if f.rule == "memory"] == []


@pytest.mark.parametrize("algorithm", ["fcn", "psp", "deeplab"])
@pytest.mark.parametrize("backbone", ["resnet-50", "resnet-101"])
def test_memory_is_estimated_from_what_the_networks_put_out(algorithm: str, backbone: str) -> None:
    """Against the open implementation, which has the built-in's networks: outputs of convolutions
    and normalisations on a 64 × 64 image, and parameters."""
    import torch

    from jobs.algorithm.network.build import SegmentationNetwork

    with torch.device("meta"):
        network = SegmentationNetwork(algorithm, backbone, 2)
    outputs = []
    for module in network.modules():
        if isinstance(module, torch.nn.Conv2d | torch.nn.BatchNorm2d):
            module.register_forward_hook(lambda _module, _inputs, output: outputs.append(output.numel()))
    network(torch.zeros(2, 3, 512, 512, device="meta"))
    measured = (sum(outputs) * 4 + 3 * 4 * sum(p.numel() for p in network.parameters())) / 2**30
    estimated = estimate_gib(algorithm, backbone, 2, 512, 2, gpus=1) - 1
    extra = {"fcn": 16, "psp": 16 + 96, "deeplab": 16 + 24}[algorithm] * 2 * 512**2 * 4 / 2**30
    assert estimated == pytest.approx(measured + extra, rel=0.01)


# the command


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
        ("--algorithm", "vgg"): "hyperparameter algorithm is 'vgg'; expected one of fcn, psp, deeplab",
        ("--crop-size", "16"): "hyperparameter crop_size is '16'; expected a whole number above 16",
        ("--learning-rate", "2"): "hyperparameter learning_rate is '2'; expected a number in (0, 1]",
        ("--num-classes", "1"): "hyperparameter num_classes is '1'; expected a whole number in [2, 254]",
        ("--num-classes", ""): "hyperparameter num_classes is ''; expected a whole number in [2, 254]",
        ("--loss", "x"): "loss x: not part of the built-in algorithm, only of the open implementation; leave it out, "
        "or use --algorithm unet with --backend local, or an --image of your own",
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


# what the split leaks


def certify(dataset: Path, **counts: int) -> None:
    """Make the certificate tell of images of val that train has seen."""
    path = split_path(dataset)
    certificate = json.loads(path.read_text())
    certificate["leak"]["this_split"]["val"] |= counts
    path.write_text(json.dumps(certificate))


@pytest.mark.parametrize(
    ("counts", "said"),
    [
        ({"with_own_sibling": 2}, "2 of 2 validation images have a sibling of the same"),
        ({"with_twin": 1}, "1 of 2 validation images have a near-twin in train"),
        ({"with_sibling": 1}, "1 of 2 validation images have a sibling of the same"),
    ],
)
def test_what_the_split_leaks_is_a_warning(dataset: Path, counts: dict[str, int], said: str) -> None:
    certify(dataset, **counts)
    finding = only(check(dataset))
    assert (finding.severity, finding.rule, finding.file) == ("warning", "leak", str(split_path(dataset)))
    assert said in finding.message
    assert "--" in finding.cure or "list its images together" in finding.cure


def test_a_split_that_nobody_looked_at_is_a_warning(dataset: Path) -> None:
    split_path(dataset).unlink()
    finding = only(check(dataset))
    assert (finding.severity, finding.rule) == ("warning", "leak")
    assert "nobody knows whether val has been seen in train" in finding.message
