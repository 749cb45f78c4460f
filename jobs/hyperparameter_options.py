"""The hyperparameters as a command's options: kebab-case names that take the service's values."""

from __future__ import annotations

import functools
import inspect
from collections.abc import Callable
from typing import Annotated, Any, TypeVar

import typer

from formats.command_options import expand
from jobs.hyperparameters import FROM_DATASET, KINDS, TABLE, choices_of, limits_of

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
    """One sentence of help: what it is, what it accepts, its default."""
    limits, default, kind = limits_of(name), TABLE[name].default, KINDS[name]
    if kind is bool:
        accepted = "True or False"
    elif kind is str:
        accepted = ", ".join(choices_of(name, "builtin"))
        accepted += f"; locally also {', '.join(limits.open_choices)}" if limits.open_choices else ""
    else:
        accepted = limits.describe_range()
    settled = f"; default {default}" if default != () else ""
    condition = f"; only with {limits.only_with[0]} {'/'.join(limits.only_with[1])}" if limits.only_with else ""
    return f"{limits.help} ({accepted}{settled}{condition})"
