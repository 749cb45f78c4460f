"""The settings of a training that the check looks at; they are the options of `prep check`."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from formats.command_options import option
from formats.errors import SagesegError

ALGORITHMS = ("fcn", "psp", "deeplab", "unet")
BACKBONES = ("resnet-50", "resnet-101")
DEFAULT_CROP_SIZE = 240


def _one_of(name: str, choices: tuple[str, ...]) -> Callable[[str], str]:
    def parse(text: str) -> str:
        if text not in choices:
            raise SagesegError(f"--{name} {text}: expected one of {', '.join(choices)}")
        return text

    return parse


def _at_least(name: str, low: int) -> Callable[[str], int]:
    def parse(text: str) -> int:
        if not text.isdecimal() or int(text) < low:
            raise SagesegError(f"--{name} {text}: expected a whole number, at least {low}")
        return int(text)

    return parse


@dataclass(frozen=True)
class CheckSettings:
    """Defaults are the built-in's. `volume_size` is in GB. What is None is not looked at."""

    algorithm: str = option("fcn", "Network.", parser=_one_of("algorithm", ALGORITHMS), metavar="|".join(ALGORITHMS))
    backbone: str = option("resnet-50", "Encoder.", parser=_one_of("backbone", BACKBONES), metavar="|".join(BACKBONES))
    crop_size: int = option(
        DEFAULT_CROP_SIZE, "Side of the random crop that trains.", parser=_at_least("crop-size", 17), metavar="PX"
    )
    mini_batch_size: int = option(16, "Images per training step.", parser=_at_least("mini-batch-size", 1), metavar="N")
    validation_mini_batch_size: int = option(
        16,
        "Images per validation step; 1 scores whole images.",
        parser=_at_least("validation-mini-batch-size", 1),
        metavar="N",
    )
    num_classes: int | None = option(
        None, "Classes, if not those of labels.txt.", parser=_at_least("num-classes", 2), metavar="N"
    )
    instance_type: str | None = option("ml.p3.2xlarge", "Instance whose GPU memory is compared.")
    volume_size: int | None = option(None, "Training volume in GB.", parser=_at_least("volume-size", 1), metavar="GB")
