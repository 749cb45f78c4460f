"""Write the golden files of timm's encoders, whose ImageNet weights `use_pretrained_model` takes.

    make oracles

runs this in an environment of its own, which holds what `oracles/timm_requirements.txt` names. No
trained weights are needed: timm's networks are filled by the same formula as ours.
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

import numpy as np
import timm
import torch

ROOT = Path(__file__).resolve().parent.parent
sys.path[:0] = [str(ROOT)]

from tests.support.golden_formulas import ENCODER_CASE, encoder_values, image_values, sampled_channels, shapes_digest  # noqa: E402

MODELS = {"resnet-50": "resnet50s.gluon_in1k", "resnet-101": "resnet101s.gluon_in1k"}
STAGES = ("layer3", "layer4")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--out", type=Path, default=ROOT / "tests/data/golden")
    out = parser.parse_args().out
    for backbone, model in MODELS.items():
        np.savez(out / f"timm-{backbone}.npz", **golden_arrays(model))
        sys.stderr.write(f"timm {model}\n")


@torch.no_grad()
def golden_arrays(model: str) -> dict[str, np.ndarray]:
    """Features of the stages that a segmentation network uses, and the names and shapes of all weights."""
    network = timm.create_model(model, pretrained=False, output_stride=8).eval()
    shapes = {name: tuple(tensor.shape) for name, tensor in network.state_dict().items()}
    counts = {name: torch.tensor(0) for name in shapes if name.endswith("num_batches_tracked")}
    values = {name: torch.from_numpy(encoder_values(name, shape)) for name, shape in shapes.items() if shape}
    network.load_state_dict(values | counts)
    golden = {"shapes": np.array(shapes_digest(shapes))}
    for stage in STAGES:
        network.get_submodule(stage).register_forward_hook(
            lambda _module, _inputs, output, stage=stage: golden.update(described(stage, output.numpy()))
        )
    network(torch.from_numpy(image_values(ENCODER_CASE)))
    return golden


def described(stage: str, output: np.ndarray) -> dict[str, np.ndarray]:
    return {stage: sampled_channels(output), f"{stage}-range": np.array([output.min(), output.max()], np.float32)}


if __name__ == "__main__":
    main()
