"""How long a training is likely to run, from the images a second of one that was measured: never from another
network, crop size or machine."""

from __future__ import annotations

from dataclasses import dataclass

THIS_MACHINE = "this machine"
"""In the place of an instance type, where the emulator trains."""


@dataclass(frozen=True)
class Setting:
    """What decides how fast images are trained on: the program (the built-in's or an image's URI), the network,
    the side of its crops in pixels, and the instance type or `THIS_MACHINE`."""

    program: str
    algorithm: str
    backbone: str
    crop_size: int
    instance_type: str


@dataclass(frozen=True)
class Pace:
    """Measured images a second, and by whom."""

    train: float
    validation: float
    source: str


PUBLIC = {
    Setting("semantic-segmentation", "fcn", "resnet-50", 240, "ml.p3.2xlarge"): Pace(
        51.9, 83.2, "a public log of the built-in algorithm, 2025"
    )
}
"""Medians of real jobs' logs; docs/cost.md says which."""


@dataclass(frozen=True)
class Work:
    """What a training goes through: its epochs, each over so many images."""

    epochs: int
    train_images: int
    validation_images: int


@dataclass(frozen=True)
class Estimate:
    """Seconds of training, without the minutes in which an instance starts and fetches its data."""

    seconds: float
    pace: Pace

    @property
    def basis(self) -> str:
        return f"an estimate, by {self.pace.train:.3g} images/s of {self.pace.source}"


def estimate(work: Work, pace: Pace) -> Estimate:
    """At a pace. Early stopping may end it sooner."""
    epoch = work.train_images / pace.train + work.validation_images / pace.validation
    return Estimate(work.epochs * epoch, pace)
