"""The hyperparameters as a command's options: kebab-case names that take the service's values."""

from __future__ import annotations

import functools
import inspect
from collections.abc import Callable
from typing import Annotated, Any, TypeVar

import typer

from formats.command_options import expand
from jobs.contract.hyperparameters import FROM_DATASET, KINDS, TABLE, choices_of, limits_of

Command = TypeVar("Command", bound=Callable[..., Any])


def takes_hyperparameters(command: Command) -> Command:
    """Replace a command's parameter `hyperparameters` by one option each; the command gets a
    dictionary of the strings that were given."""
    names = [name for name in TABLE if name not in FROM_DATASET]

    @functools.wraps(command)
    def run(**given: Any) -> Any:
        texts = {name: given.pop(name) for name in names}
        return command(**given, hyperparameters={name: text for name, text in texts.items() if text is not None})

    expand(run, command, "hyperparameters", [_option(name) for name in names])
    return run  # type: ignore[return-value]


def _option(name: str) -> inspect.Parameter:
    declared = typer.Option(help=describe(name), metavar="VALUE", show_default=False)
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
