"""The weights, images and cases on which our networks are compared with GluonCV's and timm's.

Both sides compute them from names alone, so that golden files need to hold outputs only. Needs
numpy and nothing else of ours: `oracles/gluoncv_golden.py` and `oracles/timm_golden.py` import it
too, in environments of their own.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

Array = npt.NDArray[np.float32]

PAIRS = tuple(
    (algorithm, backbone) for algorithm in ("fcn", "psp", "deeplab") for backbone in ("resnet-50", "resnet-101")
)
NUM_CLASSES = 3
SAMPLES = 12
"""Rows and columns of each output that a golden file holds, the outermost among them."""
_PERIOD = 1_000_003


@dataclass(frozen=True)
class Case:
    """One pass of `images` images of one size, in one mode of BatchNorm.

    `fixed` says whether GluonCV's network is built for the size, or takes it as `predict` does,
    which has no auxiliary output.
    """

    name: str
    height: int
    width: int
    images: int = 1
    training: bool = False
    fixed: bool = True


CASES = (
    Case("crop-240", 240, 240),
    Case("crop-512", 512, 512),
    Case("wide", 96, 168),
    Case("odd", 75, 101, fixed=False),
    Case("training", 96, 168, images=2, training=True),
    Case("training-240", 240, 240, training=True),
    Case("training-one", 64, 64, training=True),
)
ENCODER_CASE = Case("encoder", 96, 168)
"""On which encoders are compared with timm's."""
_CHANNELS = 64


def image_values(case: Case) -> Array:
    """Normalised images (N, 3, H, W): a smooth pattern under noise, roughly -2..2."""
    shape = (case.images, 3, case.height, case.width)
    rows, columns = np.ogrid[: case.height, : case.width]
    waves = np.sin(rows * 0.11) * np.cos(columns * 0.07)
    return (waves.astype(np.float32) + uniform(f"image {case.name}", shape)).astype(np.float32)


def parameter_values(name: str, shape: tuple[int, ...]) -> Array:
    """A parameter's values by GluonCV's name for it, such that activations keep their range."""
    noise = uniform(name, shape)
    leaf = name.rpartition(".")[2]
    if leaf == "weight":
        return noise * np.float32((6 / np.prod(shape[1:])) ** 0.5)
    if leaf == "running_var":
        return np.float32(1) + np.float32(0.3) * noise
    if leaf == "gamma":
        # the branch that a shortcut is added to is kept small, or the sum would grow with depth
        return np.float32(0.25 if ".bn3." in name else 1) * (np.float32(1) + np.float32(0.2) * noise)
    return np.float32(0.1) * noise


def encoder_values(name: str, shape: tuple[int, ...]) -> Array:
    """A parameter's values by timm's name for it; the same module has GluonCV's name for it, but
    for BatchNorm's two parameters."""
    module, _, leaf = name.rpartition(".")
    scale = leaf == "weight" and len(shape) == 1
    return parameter_values(f"{module}.{'gamma' if scale else leaf}", shape)


def sampled_channels(output: Array) -> Array:
    """`sampled` of every 64th channel."""
    return sampled(output[:, ::_CHANNELS])


def sampled(output: Array) -> Array:
    """SAMPLES × SAMPLES places of an output (N, C, H, W), evenly spread, corners included."""
    rows, columns = (np.linspace(0, side - 1, SAMPLES).round().astype(int) for side in output.shape[-2:])
    return output[..., rows[:, None], columns]


def sampled_statistics(statistics: dict[str, Array]) -> Array:
    """One value of every running mean and variance, in the order of the names."""
    return np.array([values[_seed(name) % values.size] for name, values in sorted(statistics.items())], np.float32)


def shapes_digest(shapes: dict[str, tuple[int, ...]]) -> str:
    """Names and shapes of all parameters, in order, as one word."""
    return hashlib.sha256(repr([(name, tuple(shape)) for name, shape in shapes.items()]).encode()).hexdigest()


def names_digest(names: dict[str, str]) -> str:
    """A mapping of names, in order, as one word."""
    return hashlib.sha256(repr(list(names.items())).encode()).hexdigest()


def uniform(name: str, shape: tuple[int, ...]) -> Array:
    """Values in [-1, 1): a stretch of one fixed sequence that begins where the name says."""
    start = _seed(name) % _PERIOD
    count = int(np.prod(shape))
    repeats = -(-(start + count) // _PERIOD)
    return np.concatenate([_SEQUENCE] * repeats)[start : start + count].reshape(shape)


def _seed(name: str) -> int:
    return int.from_bytes(hashlib.sha256(name.encode()).digest()[:4], "big")


def _sequence() -> Array:
    """Integers mixed by multiplying and shifting (the finalizer of MurmurHash3), scaled to [-1, 1)."""
    mixed = np.arange(_PERIOD, dtype=np.uint32)
    for shift, factor in ((16, 0x85EBCA6B), (13, 0xC2B2AE35)):
        mixed = (mixed ^ (mixed >> np.uint32(shift))) * np.uint32(factor)
    mixed ^= mixed >> np.uint32(16)
    return ((mixed >> np.uint32(8)).astype(np.float32) / np.float32(2**23)) - np.float32(1)


_SEQUENCE = _sequence()
