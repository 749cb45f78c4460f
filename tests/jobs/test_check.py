"""The check before money is spent: each rule finds what it names, and nothing in a good dataset."""

import csv
import io
import json
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image
from typer.testing import CliRunner

from formats.dataset import image_path, manifest_path, mask_path, open_dataset, split_path
from formats.errors import SagesegError
from formats.images import encode_image
from formats.masks import encode_mask
from jobs.check.dataset_check import check_before, check_dataset, describe, errors_among
from jobs.check.evidence import Machine
from jobs.check.files import Finding
from jobs.check.memory import estimate_gib, unet_values
from jobs.check.rules import seen_share
from jobs.contract.hyperparameters import Hyperparameters
from jobs.contract.registry import builtin_image
from jobs.contract.training_request import TrainingJob
from prep.dataset.writer import write_dataset
from prep.options import PrepOptions
from sageseg.cli import app
from tests.support.labelme_samples import jpeg_with_orientation
from tests.support.peak_memory import peak_bytes_of_a_step
from tests.support.prep_samples import make_source

GOOD = {"crop_size": 64, "mini_batch_size": 1}
MACHINE = Machine(("ml.p3.2xlarge",), 30)
BUILTIN = builtin_image("us-east-1")


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


def test_crops_that_are_mostly_padding_are_a_warning(tmp_path: Path) -> None:
    source = make_source(tmp_path / "source", {"a": 2, "b": 2})
    write_dataset(source, tmp_path / "dataset", PrepOptions(crop=256, val=1, workers=1))
    found = {finding.rule: finding for finding in check(tmp_path / "dataset", crop_size=256, base_size=256)}
    assert found["padding"].severity == "warning"
    assert "prepare with --crop none, or with a smaller --crop" in describe(found["padding"])


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
        (
            {"crop_size": 40},
            "warning",
            "crop_size",
            "crop_size 40 with base_size 520 on images of 64×64 shows 1% of an image at a time",
        ),
        ({"machine": Machine(("ml.p3.2xlarge",), 5)}, "warning", "volume", "5 GB for 0.0 GB of data"),
    ],
)
def test_each_setting_that_fails_or_wastes_is_found(
    dataset: Path, settings: dict[str, Any], severity: str, rule: str, message: str
) -> None:
    finding = next(f for f in check(dataset, **settings) if f.rule == rule)
    assert finding.severity == severity
    assert message in finding.message


@pytest.mark.parametrize(
    "settings",
    [
        {"algorithm": "psp"},
        {"crop_size": 60},
        {"algorithm": "fcn", "crop_size": 72},
        {"crop_size": 48, "base_size": 64},
    ],
)
def test_settings_that_fit_are_not_found(dataset: Path, settings: dict[str, Any]) -> None:
    """crop_size 60 is rounded up to 64; psp takes images of crop_size; crops of three quarters vary as they should."""
    assert check(dataset, **settings) == []


@pytest.mark.parametrize(
    ("crop", "base", "size", "share"),
    [
        (480, 520, (500, 500), 0.614),  # GluonCV's own settings
        (240, 520, (512, 512), 0.213),  # the built-in's defaults
        (192, 256, (256, 256), 0.479),  # the demo's
        (512, 512, (512, 256), 0.795),  # 1/3 + 2/3 × ln 2
        (4096, 512, (512, 512), 1.0),
    ],
)
def test_how_much_of_an_image_a_crop_shows(crop: int, base: int, size: tuple[int, int], share: float) -> None:
    """By the integral over long sides L, uniform in base × (0.5 .. 2), of what the crop covers of either side."""
    assert seen_share(crop, base, *size) == pytest.approx(share, abs=0.003)


# GPU memory


def settled(**changes: Any) -> Hyperparameters:
    return Hyperparameters(**{"num_classes": 2, "num_training_samples": 1000, **changes})


def of_rule(findings: list[Finding], rule: str) -> list[Finding]:
    return [finding for finding in findings if finding.rule == rule]


def test_the_one_case_that_is_known_is_told_apart(dataset: Path) -> None:
    """512 crops, 14 classes: out of memory on one GPU of 16 GiB, trained on four."""
    assert estimate_gib(settled(crop_size=512), 14, gpus=1) > 16
    assert estimate_gib(settled(crop_size=512), 14, gpus=4) < 16
    assert estimate_gib(settled(), 21, gpus=1) < 16  # AWS's own sample trains so
    finding = only(of_rule(check(dataset, crop_size=512, mini_batch_size=16), "memory"))
    assert finding.severity == "warning"
    assert "inferred" in finding.message
    four = check(dataset, crop_size=512, mini_batch_size=16, machine=Machine(("ml.p3.8xlarge",)))
    assert of_rule(four, "memory") == []


@pytest.mark.parametrize("algorithm", ["fcn", "psp", "deeplab"])
@pytest.mark.parametrize("backbone", ["resnet-50", "resnet-101"])
def test_memory_is_estimated_from_what_the_networks_put_out(algorithm: str, backbone: str) -> None:
    """Against the open implementation, which has the built-in's networks: outputs of convolutions
    and normalisations on a 512 × 512 image, and parameters."""
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
    two = settled(algorithm=algorithm, backbone=backbone, crop_size=512, mini_batch_size=2)
    extra = {"fcn": 16, "psp": 16 + 96, "deeplab": 16 + 24}[algorithm] * 2 * 512**2 * 4 / 2**30
    assert estimate_gib(two, 2, gpus=1) - 1 == pytest.approx(measured + extra, rel=0.01)


@pytest.mark.parametrize(
    ("classes", "loss"),
    [(2, "cross-entropy"), (9, "cross-entropy"), (2, "cross-entropy+dice"), (9, "cross-entropy+jaccard")],
)
def test_what_a_step_of_unet_holds_at_once_is_what_was_counted(classes: int, loss: str) -> None:
    """A whole step on the processor."""
    peak = peak_bytes_of_a_step(classes, loss, side=128, batch=4)
    assert peak == pytest.approx(4 * 4 * 128**2 * unet_values(classes, loss), rel=0.03)


def test_unet_is_foretold_where_others_ran_out_of_memory(dataset: Path) -> None:
    unet = {"algorithm": "unet", "use_pretrained_model": False, "crop_size": 512, "mini_batch_size": 128}

    def found(types: str, **changes: Any) -> list[str]:
        machine = Machine(tuple(types.split(",")), rules="open")
        return [f.message for f in of_rule(check(dataset, machine, **{**unet, **changes}), "memory")]

    (message,) = found("ml.g4dn.xlarge")
    assert message.startswith("up to 18 GiB of GPU memory are needed (inferred from unet, crop_size 512, 128 images on")
    assert message.endswith("ml.g4dn.xlarge has 16 on each, 91% of them for programs")
    assert found("ml.g4dn.xlarge", mini_batch_size=64) == found("ml.g4dn.xlarge", crop_size=256) == []
    assert found("ml.g4dn.xlarge", gradient_accumulation=4) == found("ml.g4dn.12xlarge") == found("ml.m5.large") == []
    assert len(found("ml.g4dn.xlarge", mini_batch_size=80, loss="cross-entropy+dice", crop_size=600)) == 1


def test_every_type_of_the_list_is_compared_by_its_own_gpus(dataset: Path) -> None:
    types = ("ml.g5.2xlarge", "ml.p3.2xlarge", "ml.p3.8xlarge", "ml.g4dn.2xlarge")
    found = of_rule(check(dataset, Machine(types), crop_size=512, mini_batch_size=16), "memory")
    assert [finding.message.rpartition(" has 16")[0].rpartition(" ")[2] for finding in found] == [
        "ml.p3.2xlarge",
        "ml.g4dn.2xlarge",
    ]
    least = int(found[0].cure.removeprefix("use --mini-batch-size ").partition(" ")[0])
    assert of_rule(check(dataset, Machine(types), crop_size=512, mini_batch_size=least), "memory") == []
    assert of_rule(check(dataset, Machine(types), crop_size=512, mini_batch_size=least + 1), "memory") != []


@settings(max_examples=60)
@given(
    algorithm=st.sampled_from(["fcn", "psp", "deeplab", "unet"]),
    backbone=st.sampled_from(["resnet-50", "resnet-101"]),
    crop=st.integers(17, 700),
    batch=st.integers(1, 130),
    gpus=st.integers(1, 8),
)
def test_more_work_needs_no_less_memory_and_more_gpus_no_more(
    algorithm: str, backbone: str, crop: int, batch: int, gpus: int
) -> None:
    def gib(crop: int, batch: int, gpus: int) -> float:
        size = {"crop_size": crop, "mini_batch_size": batch}
        return estimate_gib(settled(algorithm=algorithm, backbone=backbone, **size), 5, gpus)

    here = gib(crop, batch, gpus)
    assert gib(crop + 8, batch, gpus) > here
    assert gib(crop, batch + gpus, gpus) > here
    assert gib(crop, batch, gpus + 1) <= here


def test_gpus_that_nobody_listed_are_not_passed_over(dataset: Path) -> None:
    found = only(of_rule(check(dataset, Machine(("ml.g6.xlarge",), rules="open")), "memory"))
    assert "the GPUs of ml.g6.xlarge are not in this project's table" in found.message


# batch and GPUs


@pytest.mark.parametrize(
    ("kind", "batches", "wrong"),
    [
        ("ml.p3.8xlarge", (2, 2), [("mini_batch_size", "2 images", 4), ("validation_mini_batch_size", "2 images", 4)]),
        ("ml.p3.8xlarge", (4, 1), [("validation_mini_batch_size", "1 image", 4)]),
        ("ml.g5.48xlarge", (7, 8), [("mini_batch_size", "7 images", 8)]),
        ("ml.g4dn.12xlarge", (4, 5), []),
        ("ml.g5.2xlarge", (1, 1), []),
    ],
)
def test_a_batch_of_fewer_images_than_gpus_is_a_warning(
    dataset: Path, kind: str, batches: tuple[int, int], wrong: list[tuple[str, str, int]]
) -> None:
    machine = Machine(("ml.p3.2xlarge", kind))
    given = {"mini_batch_size": batches[0], "validation_mini_batch_size": batches[1]}
    found = of_rule(check(dataset, machine, **given), "batch_under_gpus")
    assert [finding.severity for finding in found] == ["warning"] * len(wrong)
    for finding, (name, images, gpus) in zip(found, wrong, strict=True):
        assert finding.file == name
        assert finding.message.startswith(f"{images} cannot be dealt to the {gpus} GPUs of {kind}")
        assert "inferred" in finding.message
        larger = f"use --{name.replace('_', '-')} {gpus} or more, or an instance with fewer GPUs"
        too_many = gpus > len(open_dataset(dataset).kept("train" if name == "mini_batch_size" else "val"))
        assert finding.cure == ("use an instance with fewer GPUs" if too_many else larger)


def test_a_validation_batch_is_no_larger_than_its_channel_has_images(tmp_path: Path) -> None:
    source = make_source(tmp_path / "source", {"a": 1, "b": 1})
    write_dataset(source, tmp_path / "few", PrepOptions(crop=64, val=1, workers=1))
    found = only(of_rule(check(tmp_path / "few", Machine(("ml.g5.48xlarge",)), mini_batch_size=8), "batch_under_gpus"))
    assert found.message.startswith("6 images cannot be dealt to the 8 GPUs")
    assert (found.file, found.cure) == ("validation_mini_batch_size", "use an instance with fewer GPUs")


def test_our_own_program_leaves_gpus_idle_instead(dataset: Path) -> None:
    machine = Machine(("ml.p3.8xlarge",), rules="open")
    found = only(of_rule(check(dataset, machine, mini_batch_size=3), "batch_under_gpus"))
    assert found.message == "3 images at a time: 1 of the 4 GPUs of ml.p3.8xlarge stand idle"


# before a training


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


@pytest.mark.parametrize("edit", ["labels.txt", "labelmap.txt"])
def test_a_label_map_that_is_not_of_the_labels_is_a_warning(dataset: Path, edit: str) -> None:
    assert not check(dataset)
    path = dataset / edit
    path.write_text(path.read_text().replace("car", "Auto"))
    finding = only(check(dataset))
    assert (finding.severity, finding.rule, finding.file) == ("warning", "labelmap", str(dataset / "labelmap.txt"))
    (dataset / "labelmap.txt").unlink()
    assert not check(dataset)


@pytest.mark.parametrize("content", ["utf-8-sig", "utf-16"])
def test_a_label_map_may_have_a_byte_order_mark_and_no_other_encoding(dataset: Path, content: str) -> None:
    path = dataset / "labelmap.txt"
    path.write_text(path.read_text(), encoding=content)
    assert [finding.cure.partition(": ")[2] for finding in check(dataset)] == (
        ["convert it with iconv -f utf-16 -t utf-8"] if content == "utf-16" else []
    )


def test_a_certificate_in_another_encoding_is_told_as_that(dataset: Path) -> None:
    path = split_path(dataset)
    path.write_text(path.read_text(), encoding="utf-16")
    finding = only(check(dataset))
    assert (finding.severity, finding.rule, finding.file) == ("warning", "leak", str(path))
    assert finding.message.startswith("not UTF-8 text, so that nobody knows")
    assert "iconv -f utf-16 -t utf-8" in finding.cure
