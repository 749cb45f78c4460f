"""How much GPU memory the check expects a training to need, and of which types it says so."""

from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from jobs.check.evidence import Machine
from jobs.check.memory import estimate_gib, unet_values
from jobs.contract.hyperparameters import Hyperparameters
from tests.support.checks import check, make_crops, of_rule, only
from tests.support.peak_memory import peak_bytes_of_a_step


@pytest.fixture
def dataset(tmp_path: Path) -> Path:
    return make_crops(tmp_path)


def settled(**changes: Any) -> Hyperparameters:
    return Hyperparameters(**{"num_classes": 2, "num_training_samples": 1000, **changes})


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
