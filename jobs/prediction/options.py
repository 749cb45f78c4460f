"""The options of `sageseg jobs predict`."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

from formats.errors import SagesegError
from formats.prepared.preparation import parse_resize_or_none
from formats.prepared.resize import Resize
from formats.prepared.value_range import ValueRange, parse_range_or_none
from formats.texts.told_numbers import parse_whole
from formats.verbs.command_options import option, parse_crop
from formats.video.options import parse_every, parse_positive
from jobs.contract.instances import MOST_TRANSFORM_INSTANCES
from jobs.cost.prices import parse_max_cost, parse_rate
from jobs.endpoints.options import SERVING_INSTANCE

ROUTES = ("endpoint", "batch", "artefact")
_ONLY_OF = {
    **dict.fromkeys(("endpoint", "parallel"), "endpoint"),
    **dict.fromkeys(("instance_type", "instances", "role", "max_cost", "rate", "keep"), "batch"),
}
"""The route by which an option of `RouteOptions` counts."""
INVOCATIONS = 8


def parse_via(text: str) -> str:
    """Where a model runs."""
    if text not in ROUTES:
        raise SagesegError(f"--via {text}: expected {', '.join(ROUTES[:-1])} or {ROUTES[-1]}")
    return text


def parse_split(text: str) -> str:
    """A split that a dataset may have."""
    from formats.dataset import SPLITS

    if text not in SPLITS:
        raise SagesegError(f"--split {text}: expected {', '.join(SPLITS[:-1])} or {SPLITS[-1]}")
    return text


def parse_instances(text: str) -> int:
    """How many instances share a batch transform."""
    count = parse_whole(text)
    if not count or count > MOST_TRANSFORM_INSTANCES:
        raise SagesegError(
            f"--instances {text}: expected a whole number from 1 to {MOST_TRANSFORM_INSTANCES}, the most that a "
            "transform job takes"
        )
    return count


class AsTrained(StrEnum):
    """As the images were that the model was trained on."""

    WORD = "trained"


def parse_resize_choice(text: str) -> Resize | AsTrained | None:
    """`960x640`, `1024`, `none` or `trained`."""
    return AsTrained.WORD if text == AsTrained.WORD else parse_resize_or_none(text)


def parse_crop_choice(text: str) -> int | AsTrained | None:
    """`512`, `none` or `trained`."""
    return AsTrained.WORD if text == AsTrained.WORD else parse_crop(text)


def parse_range_choice(text: str) -> ValueRange | AsTrained | None:
    """`0:3000`, `none` or `trained`."""
    return AsTrained.WORD if text == AsTrained.WORD else parse_range_or_none(text)


@dataclass(frozen=True)
class PredictOptions:
    """What is predicted, and what is kept of it."""

    via: str = option(
        "artefact",
        "Where the model runs: on its endpoint, in a batch transform, or from its artefact on this machine.",
        parser=parse_via,
        metavar="|".join(ROUTES),
    )
    split: str | None = option(
        None, "The split of a dataset to predict; val by default.", parser=parse_split, metavar="train|val|test"
    )
    resize: Resize | AsTrained | None = option(
        AsTrained.WORD,
        "A folder's images are resized first, as the training's were; or to a size, or not at all.",
        parser=parse_resize_choice,
        metavar="WxH|LONG_SIDE|none",
    )
    crop: int | AsTrained | None = option(
        AsTrained.WORD,
        "Side of the crops cut from a folder's images, as the training's were; or another, or none.",
        parser=parse_crop_choice,
        metavar="N|none",
    )
    range: ValueRange | AsTrained | None = option(
        AsTrained.WORD,
        "Values of a folder's images over 8 bits that become black and white, as the training's; or others, or none.",
        parser=parse_range_choice,
        metavar="LOW:HIGH|none",
    )
    overlap: int | None = option(None, "Pixels that those crops share; by default an eighth of their side.")
    every: int | None = option(None, "Of a video: every N-th frame; by default each.", parser=parse_every, metavar="N")
    fps: float | None = option(
        None, "Of a video that tells no times: its frames per second.", parser=parse_positive, metavar="FPS"
    )
    images: Path | None = option(None, "A dataset's source images, to predict its dropped crops too.")
    labels: Path | None = option(
        None, "File of the model's classes, a name a line, the background first; by default the job's.", metavar="FILE"
    )
    probabilities: bool = option(False, "Keep class probabilities as well.")
    overwrite: bool = option(False, "Replace what is at --out.")

    def check_for_dataset(self, dataset: Path | str) -> None:
        """Raise SagesegError for a given option that is of folders of images alone, or of videos."""
        of_images = {"resize": self.resize, "crop": self.crop, "range": self.range}
        for name, choice in (of_images | {"overlap": self.overlap or AsTrained.WORD}).items():
            if choice is not AsTrained.WORD:
                raise SagesegError(
                    f"--{name}: only for a folder of images; {dataset} is a dataset, which has its crops"
                )
        if self.labels:
            raise SagesegError(f"--labels: only for a folder of images; {dataset} is a dataset, which has its classes")
        for name, given in {"every": self.every, "fps": self.fps}.items():
            if given is not None:
                raise SagesegError(f"--{name} {given:g}: only for a video, and {dataset} is none; leave it out")


@dataclass(frozen=True)
class RouteOptions:
    """How an endpoint is asked, and what a batch transform runs on and may cost."""

    endpoint: str | None = option(None, "The endpoint to ask; by default the one that serves the job.", metavar="NAME")
    parallel: int = option(INVOCATIONS, "Images sent to the endpoint at a time.", metavar="N")
    region: str | None = option(None, "AWS region; by default the job's, or the environment's.")
    instance_type: str = option(SERVING_INSTANCE, "What a batch transform runs on.", metavar="TYPE")
    instances: int = option(
        1, "How many of them share the crops of a batch transform.", parser=parse_instances, metavar="N"
    )
    role: str | None = option(None, "ARN of the role for a batch transform; by default the job's.")
    max_cost: float | None = option(
        None, "Stop a batch transform that has cost so much, in dollars.", parser=parse_max_cost, metavar="USD"
    )
    rate: float | None = option(
        None, "Your own dollars per hour of one instance of a batch transform.", parser=parse_rate, metavar="USD"
    )
    yes: bool = option(False, "Spend on a batch transform without asking.")
    keep: bool = option(False, "Keep what a batch transform was sent and answered, and its model.")

    def check_used_by(self, via: str) -> None:
        """Raise SagesegError for a given option that this route does not use."""
        for name, route in _ONLY_OF.items():
            default = type(self).__dataclass_fields__[name].default
            if route != via and getattr(self, name) != default:
                option_name = f"--{name.replace('_', '-')}"
                raise SagesegError(
                    f"{option_name}: only with --via {route}; with --via {via} it has no effect, leave it out"
                )

    def check_instances(self, crops: int) -> None:
        """Raise SagesegError for more instances than there are crops: a transform sends each whole to one of them."""
        if self.instances > max(crops, 1):
            raise SagesegError(
                f"--instances {self.instances}: more than the crops to predict, {crops}; each goes to one instance, "
                f"and the others would be paid for standing idle; expected 1 to {max(crops, 1)}"
            )
