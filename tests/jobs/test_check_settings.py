"""What the check finds of settings: against the images, and against how many GPUs there are."""

from pathlib import Path
from typing import Any

import pytest

from formats.dataset import open_dataset
from jobs.check.evidence import Machine
from jobs.check.rules import seen_share
from prep.dataset.writer import write_dataset
from prep.options import PrepOptions
from tests.support.checks import check, make_crops, of_rule, only
from tests.support.prep_samples import make_source


@pytest.fixture
def dataset(tmp_path: Path) -> Path:
    return make_crops(tmp_path)


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
        (192, 256, (256, 256), 0.479),  # three quarters of base_size
        (512, 512, (512, 256), 0.795),  # 1/3 + 2/3 × ln 2
        (4096, 512, (512, 512), 1.0),
    ],
)
def test_how_much_of_an_image_a_crop_shows(crop: int, base: int, size: tuple[int, int], share: float) -> None:
    """By the integral over long sides L, uniform in base × (0.5 .. 2), of what the crop covers of either side."""
    assert seen_share(crop, base, *size) == pytest.approx(share, abs=0.003)


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
