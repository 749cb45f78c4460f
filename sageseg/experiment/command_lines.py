"""Command lines of an experiment's steps, parsed without being run."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache
from typing import Any

import typer
import typer.core

from formats.errors import SagesegError
from sageseg.experiment.steps import VERBS, meant


def check_words(app: typer.Typer, words: Sequence[str]) -> dict[str, Any]:
    """Parse a command line without running it; its values. Raises TyperException or SagesegError."""
    command, rest = find_command(app, words)
    values: dict[str, Any] = command.make_context(" ".join(words[: len(words) - len(rest)]), rest).params
    return values


@cache
def _root(app: typer.Typer) -> Any:
    """The command with all below it; to make it takes as long as to parse a hundred lines."""
    return typer.main.get_command(app)


def find_command(app: typer.Typer, words: Sequence[str]) -> tuple[Any, list[str]]:
    """The command of a line, and the words behind its verb. Raises SagesegError for a verb that there is not."""
    command, rest = _root(app), list(words)
    while isinstance(command, typer.core.TyperGroup):
        word = rest.pop(0)
        if word not in command.commands:
            raise SagesegError(f"{word}: not known; {meant(word, list(command.commands))}")
        command = command.commands[word]
    return command, rest


def readers(app: typer.Typer) -> list[str]:
    """The verbs of prep that read labels: those that can make a dataset by shards."""
    prep = _root(app)
    for word in VERBS["prep"]:
        prep = prep.commands[word]
    return [name for name, verb in prep.commands.items() if any("--shard" in each.opts for each in verb.params)]
