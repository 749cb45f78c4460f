"""The hyperparameter table: the documented defaults and ranges, and errors that name all three."""

from pathlib import Path

import pytest

from formats.errors import SagesegError
from jobs.contract.hyperparameter_options import describe
from jobs.contract.hyperparameter_page import hyperparameter_page
from jobs.contract.hyperparameters import (
    FROM_DATASET,
    TABLE,
    TUNABLE,
    Hyperparameters,
    limits_of,
    parse_hyperparameters,
    without_effect,
)

REQUIRED = {"num_classes": "2", "num_training_samples": "100"}


def test_defaults_are_those_of_the_built_in_containers_own_log() -> None:
    # "Reading default configuration from …/default-input.json" in a real log of 2025
    logged = {
        "backbone": "resnet-50",
        "algorithm": "fcn",
        "use_pretrained_model": "True",
        "crop_size": "240",
        "epochs": "10",
        "learning_rate": "0.001",
        "optimizer": "sgd",
        "lr_scheduler": "poly",
        "lr_scheduler_factor": "0.1",
        "weight_decay": "0.0001",
        "momentum": "0.9",
        "gamma1": "0.9",
        "gamma2": "0.9",
        "mini_batch_size": "16",
        "validation_mini_batch_size": "16",
        "early_stopping_min_epochs": "5",
        "early_stopping": "False",
        "early_stopping_patience": "4",
        "early_stopping_tolerance": "0.0",
        "syncbn": "False",
    }
    assert parse_hyperparameters(REQUIRED | logged) == parse_hyperparameters(REQUIRED)


def test_values_are_typed() -> None:
    given = {"epochs": "160", "learning_rate": "1e-4", "syncbn": "True", "lr_scheduler_step": "10, 20"}
    settled = parse_hyperparameters(REQUIRED | given)
    assert (settled.epochs, settled.learning_rate, settled.syncbn) == (160, 0.0001, True)
    assert settled.lr_scheduler_step == (10, 20)


@pytest.mark.parametrize(("given", "rounded"), [("240", 240), ("241", 248), ("17", 24)])
def test_crop_size_is_rounded_up_to_a_multiple_of_8(given: str, rounded: int) -> None:
    assert parse_hyperparameters(REQUIRED | {"crop_size": given}).rounded_crop_size == rounded


@pytest.mark.parametrize(
    ("name", "value", "expected"),
    [
        ("num_classes", "1", r"'1'; expected a whole number in \[2, 254\]"),
        ("num_classes", "255", r"'255'; expected a whole number in \[2, 254\]"),
        ("num_training_samples", "0", "a whole number at least 1"),
        ("algorithm", "maskrcnn", "expected one of fcn, psp, deeplab"),
        ("backbone", "resnet50", "expected one of resnet-50, resnet-101"),
        ("use_pretrained_model", "true", "'true'; expected one of True, False"),
        ("crop_size", "16", "expected a whole number above 16"),
        ("base_size", "520.5", "expected a whole number above 16"),
        ("epochs", "0", "a whole number at least 1"),
        ("mini_batch_size", "x", "a whole number at least 1"),
        ("learning_rate", "0", r"a number in \(0, 1\]"),
        ("learning_rate", "nan", r"a number in \(0, 1\]"),
        ("weight_decay", "1", r"a number in \(0, 1\)"),
        ("momentum", "1.1", r"a number in \(0, 1\]"),
        ("gamma1", "-0.1", r"a number in \[0, 1\]"),
        ("lr_scheduler", "linear", "expected one of step, poly, cosine"),
        ("lr_scheduler_factor", "2", r"a number in \[0, 1\]"),
        ("lr_scheduler_step", "10,x", "a whole number at least 1"),
        ("optimizer", "adadelta", "expected one of adam, adagrad, nag, rmsprop, sgd"),
        ("early_stopping_tolerance", "1.5", r"a number in \[0, 1\]"),
    ],
)
def test_values_outside_are_refused_with_name_value_and_range(name: str, value: str, expected: str) -> None:
    with pytest.raises(SagesegError, match=f"hyperparameter {name} is .*{expected}"):
        parse_hyperparameters(REQUIRED | {name: value})


@pytest.mark.parametrize("name", FROM_DATASET)
def test_what_the_dataset_decides_has_no_default(name: str) -> None:
    with pytest.raises(SagesegError, match=f"hyperparameter {name} is missing"):
        parse_hyperparameters({key: value for key, value in REQUIRED.items() if key != name})


def test_unknown_names_are_refused() -> None:
    with pytest.raises(SagesegError, match="hyperparameter lr is not known; expected one of num_classes"):
        parse_hyperparameters(REQUIRED | {"lr": "0.1"})
    with pytest.raises(SagesegError, match=r"hyperparameter lerning_rate is not known; did you mean learning_rate\?$"):
        parse_hyperparameters(REQUIRED | {"lerning_rate": "0.1"})


def test_a_network_of_the_open_implementation_alone_is_offered_with_its_ways() -> None:
    with pytest.raises(SagesegError, match="'unett'; expected one of fcn, psp, deeplab, or --algorithm unet with"):
        parse_hyperparameters(REQUIRED | {"algorithm": "unett"})


def test_step_needs_its_steps() -> None:
    with pytest.raises(SagesegError, match="lr_scheduler_step is missing"):
        parse_hyperparameters(REQUIRED | {"lr_scheduler": "step"})


def test_unet_belongs_to_the_open_implementation_and_has_no_pretrained_weights() -> None:
    with pytest.raises(SagesegError, match="unet: not part of the built-in algorithm"):
        parse_hyperparameters(REQUIRED | {"algorithm": "unet"})
    assert parse_hyperparameters(REQUIRED | {"algorithm": "unet"}, "open").use_pretrained_model is False
    with pytest.raises(SagesegError, match="unet has no pretrained weights"):
        parse_hyperparameters(REQUIRED | {"algorithm": "unet", "use_pretrained_model": "True"}, "open")


@pytest.mark.parametrize(
    ("given", "idle"),
    [
        ({"momentum": "0.5", "optimizer": "adam"}, ["momentum"]),
        ({"momentum": "0.5"}, []),
        ({"gamma1": "0.5", "lr_scheduler_factor": "0.5"}, ["gamma1", "lr_scheduler_factor"]),
        ({"early_stopping_patience": "2"}, ["early_stopping_patience"]),
        ({"early_stopping_patience": "2", "early_stopping": "True"}, []),
        ({"backbone": "resnet-101", "algorithm": "unet"}, ["backbone"]),
    ],
)
def test_values_that_other_settings_make_idle_are_said(given: dict[str, str], idle: list[str]) -> None:
    lines = without_effect(given, parse_hyperparameters(REQUIRED | given, "open"))
    assert [line.split(" has no effect")[0] for line in lines] == idle


def test_help_states_range_default_and_condition_of_every_hyperparameter() -> None:
    assert describe("momentum") == "Momentum. (in (0, 1]; default 0.9; only with optimizer sgd)"
    assert describe("algorithm") == "Network. (fcn, psp, deeplab; locally also unet; default fcn)"
    for name in TABLE:
        assert describe(name).startswith(TABLE[name].metadata["limits"].help)


def test_settings_are_frozen() -> None:
    with pytest.raises(AttributeError):
        Hyperparameters(2, 100).epochs = 3  # type: ignore[misc]


def test_the_page_is_current() -> None:
    page = Path(__file__).parents[2] / "docs" / "hyperparameters.md"
    remade = "python -m jobs.contract.hyperparameter_page > docs/hyperparameters.md"
    assert page.read_text(encoding="utf-8") == hyperparameter_page(), f"make it again: {remade}"


def test_tuning_ranges_are_the_documented_ones_and_lie_within_the_limits() -> None:
    # developer guide, "Tuning a Semantic Segmentation Model"
    assert {name: (range_.low, range_.high) for name, range_ in TUNABLE.items() if not range_.choices} == {
        "learning_rate": (1e-4, 1e-1),
        "mini_batch_size": (1, 128),
        "momentum": (0.9, 0.999),
        "weight_decay": (1e-5, 1e-3),
    }
    for name, tunable in TUNABLE.items():
        limits = limits_of(name)
        if tunable.choices:
            assert set(tunable.choices) <= set(limits.choices)
        else:
            assert limits.accepts(tunable.low)
            assert limits.accepts(tunable.high)


def test_the_open_implementations_loss_is_refused_for_the_built_in() -> None:
    given = REQUIRED | {"loss": "cross-entropy+dice"}
    with pytest.raises(
        SagesegError, match=r"loss cross-entropy\+dice: not part of the built-in algorithm.*leave it out"
    ):
        parse_hyperparameters(given)
    assert parse_hyperparameters(given | {"algorithm": "unet"}, "open").loss == "cross-entropy+dice"
