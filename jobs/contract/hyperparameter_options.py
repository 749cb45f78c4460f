"""The hyperparameters as a command's options: kebab-case names that take the service's values."""

from __future__ import annotations

import functools
import inspect
from collections.abc import Callable
from typing import Annotated, Any, TypeVar

import typer

from formats.console import say
from formats.verbs.command_options import expand
from formats.verbs.completion import one_of
from jobs.contract.hyperparameters import FROM_DATASET, KINDS, TABLE, choices_of, limits_of

Command = TypeVar("Command", bound=Callable[..., Any])
GROUPS = {
    "The network": ("algorithm", "backbone", "use_pretrained_model"),
    "What it sees": ("base_size", "crop_size", "augmentation"),
    "How long, and in which steps": (
        *("epochs", "mini_batch_size", "validation_mini_batch_size", "gradient_accumulation", "syncbn"),
    ),
    "How it learns": (
        *("learning_rate", "lr_scheduler", "lr_scheduler_factor", "lr_scheduler_step"),
        *("loss", "optimizer", "momentum", "weight_decay", "gamma1", "gamma2"),
    ),
    "When it stops early": (
        *("early_stopping", "early_stopping_min_epochs", "early_stopping_patience", "early_stopping_tolerance"),
    ),
}
"""The headings of help, and what stands under each."""


def takes_hyperparameters(command: Command) -> Command:
    """Replace a command's parameter `hyperparameters` by one option each; the command gets a
    dictionary of the strings that were given."""
    names = [name for group in GROUPS.values() for name in group]

    @functools.wraps(command)
    def run(**given: Any) -> Any:
        texts = {name: text for name in names if (text := given.pop(name)) is not None}
        settled = {name: service_word(name, text) for name, text in texts.items()}
        return command(**given, hyperparameters=settled)

    expand(run, command, "hyperparameters", [_option(name) for name in names])
    return run  # type: ignore[return-value]


def service_word(name: str, text: str) -> str:
    """The service writes True and False; `true` and `FALSE` mean the same, and that they are taken so is said."""
    word = text.capitalize()
    if KINDS[name] is bool and text != word and word in ("True", "False"):
        say(f"note: {name} {text} is taken as {word}, as the service writes it")
        return word
    return text


def _option(name: str) -> inspect.Parameter:
    heading = next(heading for heading, names in GROUPS.items() if name in names)
    words = ("True", "False") if KINDS[name] is bool else choices_of(name, "open")
    declared = typer.Option(
        help=describe(name),
        metavar="VALUE",
        show_default=False,
        rich_help_panel=heading,
        autocompletion=one_of(words) if words else None,
    )
    kind = Annotated[str | None, declared]
    return inspect.Parameter(name, inspect.Parameter.KEYWORD_ONLY, default=None, annotation=kind)


def describe(name: str) -> str:
    """One sentence of help: what it is, what it accepts, its default, when it counts."""
    limits = limits_of(name)
    facts = [describe_values(name)]
    if describe_default(name):
        facts.append(f"default {describe_default(name)}")
    if limits.only_with:
        facts.append(f"only with {describe_condition(name)}")
    return f"{limits.help} ({'; '.join(facts)})"


def describe_values(name: str) -> str:
    """What it accepts: `fcn, psp, deeplab; locally also unet`, or `in (0, 1]`."""
    limits, kind = limits_of(name), KINDS[name]
    if kind is bool:
        return "True or False"
    if kind is not str:
        return limits.describe_range()
    accepted = ", ".join(choices_of(name, "builtin"))
    return accepted + (f"; locally also {', '.join(limits.open_choices)}" if limits.open_choices else "")


def describe_default(name: str) -> str:
    """The default as the service writes it; empty where there is none."""
    default = TABLE[name].default
    return "" if name in FROM_DATASET or default == () else str(default)


def describe_condition(name: str) -> str:
    """`optimizer sgd`: what else must be set for it to count; empty for nothing."""
    condition = limits_of(name).only_with
    return f"{condition[0]} {'/'.join(condition[1])}" if condition else ""
