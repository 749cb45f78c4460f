"""Whose rules hold, by a request's image, and what such a container cannot be given here."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping

from jobs.contract.hyperparameters import Rules
from jobs.contract.registry import OPEN_IMAGE, builtin_image, is_registered
from jobs.emulator.api.faults import invalid

_OPEN_IMAGE = re.compile(rf"([^\s/]+/)*{re.escape(OPEN_IMAGE.partition(':')[0])}:[\w.-]+")
_LOADER_VARIABLE = re.compile(r"PATH|LD_.*|DYLD_.*|PYTHON.*|SAGEMAKER_BIND_TO_PORT")


def image_rules(image: str) -> Rules:
    """Whose rules hold for an image. Raises ServiceError for an image that is not run here."""
    if is_registered(image):
        return "builtin"
    if is_open_image(image):
        return "open"
    expected = f"the built-in's, such as {builtin_image('us-east-1')}, and {OPEN_IMAGE}"
    raise invalid(f"TrainingImage {image!r} cannot run here; the emulator runs two images only: {expected}")


def is_open_image(image: str) -> bool:
    """Whether an image is our own, in any registry."""
    return _OPEN_IMAGE.fullmatch(image) is not None


def environment_not_emulated(environment: Mapping[str, str]) -> Iterator[str]:
    """What of a container's variables is refused, in words to which "is not emulated" is added."""
    for name, value in environment.items():
        if _LOADER_VARIABLE.fullmatch(name) or "\0" in name + value or "=" in name:
            yield f"Environment variable {name}, which decides what program runs,"
