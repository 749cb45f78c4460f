"""The algorithm's hyperparameters as one typed table.

The fields of `Hyperparameters` are that table: options, validation, help and the values on the
wire, the ranges of tuning jobs and docs/hyperparameters.md all come from it. Each field says where
its name, default and range are written.
"""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal, get_type_hints

from formats.errors import SagesegError
from formats.texts.wording import nearest_or_all
from jobs.contract.hyperparameter_limits import OPEN_IMPLEMENTATION, Limits, Tunable

Rules = Literal["builtin", "open"]
"""Whose rules hold: the built-in algorithm's, or those of the open implementation, which adds unet."""

Value = int | float | bool | str | tuple[int, ...]


def _hyperparameter(default: Any, help_text: str, **limits: Any) -> Any:
    return dataclasses.field(default=default, metadata={"limits": Limits(help_text, **limits)})


_SGD = ("optimizer", ("sgd",))
_RMSPROP = ("optimizer", ("rmsprop",))
_STEP = ("lr_scheduler", ("step",))
_EARLY = ("early_stopping", ("True",))
STRIDE = 8
"""The output stride of fcn, psp and deeplab: one answer for so many pixels of a side, enlarged afterwards."""
_OF_UNET = {"open_only": True, "only_with": ("algorithm", ("unet",)), "source": OPEN_IMPLEMENTATION}


@dataclass(frozen=True)
class Hyperparameters:
    """One training's settings, checked and typed."""

    num_classes: int = _hyperparameter(dataclasses.MISSING, "Classes, background included.", low=2, high=254)
    num_training_samples: int = _hyperparameter(
        dataclasses.MISSING, "Training images; sets up the learning rate's schedule.", low=1
    )
    algorithm: str = _hyperparameter("fcn", "Network.", choices=("fcn", "psp", "deeplab"), open_choices=("unet",))
    backbone: str = _hyperparameter(
        "resnet-50",
        "Encoder of the network.",
        choices=("resnet-50", "resnet-101"),
        only_with=("algorithm", ("fcn", "psp", "deeplab")),
    )
    use_pretrained_model: bool = _hyperparameter(True, "Start from ImageNet weights of the backbone.")
    base_size: int = _hyperparameter(
        520,
        "Before cropping, an image's long side becomes base_size × a random 0.5..2.0 (pixels).",
        low=16,
        low_open=True,
    )
    crop_size: int = _hyperparameter(
        240, "Side of the random crop that trains (pixels, rounded up to a multiple of 8).", low=16, low_open=True
    )
    epochs: int = _hyperparameter(
        10,
        "Passes over the training images.",
        low=1,
        untunable="more epochs nearly always score higher, so a tuning job would only buy the longest training",
    )
    mini_batch_size: int = _hyperparameter(16, "Images per training step.", low=1, tunable=Tunable(1, 128))
    validation_mini_batch_size: int = _hyperparameter(
        16, "Images per validation step; 1 scores whole images, more crops them to crop_size.", low=1
    )
    learning_rate: float = _hyperparameter(
        0.001, "Initial learning rate.", low=0, low_open=True, high=1, tunable=Tunable(1e-4, 1e-1, "Logarithmic")
    )
    lr_scheduler: str = _hyperparameter("poly", "How the learning rate falls.", choices=("step", "poly", "cosine"))
    lr_scheduler_factor: float = _hyperparameter(0.1, "Factor of each step.", low=0, high=1, only_with=_STEP)
    lr_scheduler_step: tuple[int, ...] = _hyperparameter(
        (), 'Epochs after which the learning rate falls, such as "10, 20".', low=1, only_with=_STEP
    )
    # the tuning page also names adadelta, which the hyperparameter page does not allow
    optimizer: str = _hyperparameter(
        "sgd",
        "Update rule.",
        choices=("adam", "adagrad", "nag", "rmsprop", "sgd"),
        tunable=Tunable(choices=("sgd", "adam")),
    )
    momentum: float = _hyperparameter(
        0.9, "Momentum.", low=0, low_open=True, high=1, only_with=_SGD, tunable=Tunable(0.9, 0.999)
    )
    weight_decay: float = _hyperparameter(
        0.0001,
        "Weight decay.",
        low=0,
        low_open=True,
        high=1,
        high_open=True,
        only_with=_SGD,
        tunable=Tunable(1e-5, 1e-3, "Logarithmic"),
    )
    gamma1: float = _hyperparameter(0.9, "Decay of the squared gradient's average.", low=0, high=1, only_with=_RMSPROP)
    gamma2: float = _hyperparameter(0.9, "Decay of the step's own momentum.", low=0, high=1, only_with=_RMSPROP)
    syncbn: bool = _hyperparameter(False, "Share BatchNorm's statistics over all GPUs.")
    early_stopping: bool = _hyperparameter(False, "Stop when the validation mIOU no longer rises.")
    early_stopping_min_epochs: int = _hyperparameter(
        5, "Epochs before stopping is considered.", low=1, only_with=_EARLY
    )
    early_stopping_patience: int = _hyperparameter(
        4, "Epochs without enough gain that are tolerated.", low=1, only_with=_EARLY
    )
    early_stopping_tolerance: float = _hyperparameter(
        0.0, "Relative gain in mIOU that counts.", low=0, high=1, only_with=_EARLY
    )
    loss: str = _hyperparameter(
        "cross-entropy",
        "What the training lowers.",
        choices=("cross-entropy", "cross-entropy+dice", "cross-entropy+jaccard"),
        **_OF_UNET,
    )
    augmentation: str = _hyperparameter(
        "default",
        "How training crops are changed: as the built-in does, or also turned by up to 25°, sheared and shifted.",
        choices=("default", "strong"),
        **_OF_UNET,
    )
    gradient_accumulation: int = _hyperparameter(
        1,
        "Parts of a batch that pass the network one after the other, where memory is short.",
        low=1,
        **_OF_UNET,
    )

    @property
    def rounded_crop_size(self) -> int:
        """crop_size rounded up to a multiple of STRIDE, as the documentation says the algorithm does."""
        return -(-self.crop_size // STRIDE) * STRIDE


@dataclass(frozen=True)
class NetworkSettings:
    """The hyperparameters that tell a network: all that a trained model needs to predict, or to be trained further."""

    num_classes: int
    algorithm: str
    backbone: str
    crop_size: int


TABLE: dict[str, dataclasses.Field[Any]] = {f.name: f for f in dataclasses.fields(Hyperparameters)}
KINDS: dict[str, Any] = get_type_hints(Hyperparameters)
FROM_DATASET = ("num_classes", "num_training_samples")
"""What the dataset decides; never typed by a person."""
TUNING_OBJECTIVE = "_tuning_objective_metric"
"""The hyperparameter by which a tuning job tells each training job what is searched for."""
_NOT_BUILTIN = "not part of the built-in algorithm, only of the open implementation"
_OPEN_WAYS = "--algorithm unet with --backend local, or an --image of your own"


def limits_of(name: str) -> Limits:
    limits: Limits = TABLE[name].metadata["limits"]
    return limits


TUNABLE = {name: tunable for name in TABLE if (tunable := limits_of(name).tunable)}
"""What a tuning job may vary, over which default range (developer guide, "Tuning a Semantic Segmentation Model")."""


def choices_of(name: str, rules: Rules) -> tuple[str, ...]:
    limits = limits_of(name)
    return limits.choices + (limits.open_choices if rules == "open" else ())


def parse_hyperparameters(given: Mapping[str, str], rules: Rules = "builtin") -> Hyperparameters:
    """Check the strings of a request and settle what was left out with the defaults.

    Under the open rules `use_pretrained_model` defaults to False for unet, which has no
    pretrained weights. Raises SagesegError that names the value, the range and the rule.
    """
    unknown = [name for name in given if name not in TABLE]
    if unknown:
        raise SagesegError(f"hyperparameter {unknown[0]} is not known; {nearest_or_all(unknown[0], list(TABLE))}")
    missing = [name for name in FROM_DATASET if name not in given]
    if missing:
        raise SagesegError(f"hyperparameter {missing[0]} is missing; it has no default")
    values: dict[str, Any] = {name: _parse(name, text, rules) for name, text in given.items()}
    if values.get("algorithm") == "unet":
        values.setdefault("use_pretrained_model", False)
    settled = Hyperparameters(**values)
    _check_together(settled)
    return settled


def parse_network(given: Mapping[str, str]) -> NetworkSettings:
    """The network that a training's settings tell; other settings have no say, known or not, there or not. Raises
    SagesegError that names the value."""
    if "num_classes" not in given:
        raise SagesegError("hyperparameter num_classes is missing; expected the number of classes, background included")
    told = {f.name: given.get(f.name, str(TABLE[f.name].default)) for f in dataclasses.fields(NetworkSettings)}
    values: dict[str, Any] = {name: _parse(name, text, "open") for name, text in told.items()}
    return NetworkSettings(**values)


def without_the_services(given: Mapping[str, str]) -> dict[str, str]:
    """The hyperparameters of a training job without the one that a tuning job adds."""
    return {name: text for name, text in given.items() if name != TUNING_OBJECTIVE}


def _parse(name: str, text: str, rules: Rules) -> Value:
    kind, limits = KINDS[name], limits_of(name)
    if limits.open_only and rules == "builtin":
        raise SagesegError(f"{name} {text}: {_NOT_BUILTIN}; leave it out, or use {_OPEN_WAYS}")
    if kind is bool:
        return _one_of(name, text, ("True", "False")) == "True"
    if kind is str:
        return _choice(name, text, rules)
    if kind is int:
        return int(_number(name, text, limits, whole=True))
    if kind is float:
        return _number(name, text, limits)
    return tuple(int(_number(name, part.strip(), limits, whole=True)) for part in text.split(","))


def _choice(name: str, text: str, rules: Rules) -> str:
    choices = choices_of(name, rules)
    if rules == "builtin" and text in limits_of(name).open_choices:
        raise SagesegError(f"{name} {text}: {_NOT_BUILTIN}; expected one of {', '.join(choices)}, or {_OPEN_WAYS}")
    return _one_of(
        name, text, choices, f", or {_OPEN_WAYS}" if limits_of(name).open_choices and rules == "builtin" else ""
    )


def _one_of(name: str, text: str, choices: tuple[str, ...], more: str = "") -> str:
    if text not in choices:
        raise SagesegError(f"hyperparameter {name} is {text!r}; expected one of {', '.join(choices)}{more}")
    return text


def _number(name: str, text: str, limits: Limits, whole: bool = False) -> float:
    try:
        value = float(text)
        value = int(text) if whole and math.isfinite(value) else value
    except ValueError:
        value = math.nan
    if not limits.accepts(value):
        noun = "a whole number" if whole else "a number"
        raise SagesegError(f"hyperparameter {name} is {text!r}; expected {noun} {limits.describe_range()}")
    return value


def whole_number(given: Mapping[str, str], name: str) -> int:
    """A hyperparameter of a job that anybody may have started, by default the algorithm's own. Raises SagesegError that
    names it and the value."""
    return int(_number(name, given.get(name, str(TABLE[name].default)), limits_of(name), whole=True))


def _check_together(settled: Hyperparameters) -> None:
    if settled.lr_scheduler == "step" and not settled.lr_scheduler_step:
        raise SagesegError('lr_scheduler step: lr_scheduler_step is missing; expected epochs such as "10, 20"')
    if settled.algorithm == "unet" and settled.use_pretrained_model:
        raise SagesegError("use_pretrained_model True: unet has no pretrained weights; set it to False")
    if settled.gradient_accumulation > settled.mini_batch_size:
        raise SagesegError(
            f"gradient_accumulation {settled.gradient_accumulation}: over mini_batch_size {settled.mini_batch_size}, "
            "which it divides; lower it"
        )


def without_effect(given: Mapping[str, str], settled: Hyperparameters) -> list[str]:
    """One sentence per given value that the other settings make idle."""
    idle = []
    for name in given:
        condition = limits_of(name).only_with
        if condition and str(getattr(settled, condition[0])) not in condition[1]:
            other = condition[0]
            idle.append(f"{name} has no effect: {other} is {getattr(settled, other)}, not {' or '.join(condition[1])}")
    return idle
