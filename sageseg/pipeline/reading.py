"""What an experiment's command lines read: each place among their words an input of the step that runs the line."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from formats.errors import SagesegError
from jobs.pipelines.policies import NO_POLICIES, Policies
from jobs.pipelines.steps import made, taken
from jobs.processing.given import Found, take_out, tell_places
from jobs.processing.request import Given
from jobs.processing.wheel import Wheel
from jobs.training.plan import Surroundings
from sageseg.process import parse_words


@dataclass(frozen=True)
class Around:
    """What is known beside the experiment: by whom it is done, and where places of this machine lie for it."""

    surroundings: Surroundings
    backend: str
    out: str
    role: str
    image: str
    name: str
    group: str
    tags: Mapping[str, str]
    find: Callable[[str], Found]
    policies: Policies = NO_POLICIES
    state: Callable[[str], str] | None = None
    """What lies at a place, in a word; None where nobody needs it."""
    wheel: Wheel | None = None
    """What instances install first, with all extras."""


@dataclass
class Reading:
    """Sections being read. `uploads`, `reads`, and by steps the `states` of what lies there, are gathered from the
    words of all of them."""

    root: Any
    around: Around

    def __post_init__(self) -> None:
        self.uploads: dict[Path, str] = {}
        self.reads: dict[str, Sequence[Given]] = {}
        self.states: dict[str, list[str]] = {}
        self.lines: list[str] = []

    def command_of(self, line: Sequence[str]) -> tuple[Any, list[str]]:
        """A command line's command, and the words behind its verb."""
        command, rest = self.root, list(line)
        while hasattr(command, "commands"):
            name = rest.pop(0)
            if name not in command.commands:
                raise SagesegError(f"{name}: not known; expected one of {', '.join(command.commands)}")
            command = command.commands[name]
        return command, rest

    def parsed(self, line: Sequence[str]) -> dict[str, Any]:
        """The values that a command line's own parser makes of it. Raises TyperException or SagesegError."""
        command, rest = self.command_of(line)
        values: dict[str, Any] = command.make_context(command.name, rest).params
        return values

    def told(self, step: str, line: Sequence[str], *, isolated: bool = False) -> list[str]:
        """A command line of a step for an instance, `isolated` from S3 or not: each place among its words an input.
        What lies in containers is no place here."""
        command, rest = self.command_of(line)
        parsed = parse_words((line[0],), command, rest, isolated=isolated)
        texts = parsed.texts | {word for word in rest if word.startswith((taken(""), made("")))}
        kept = take_out(rest).words if step == "prepare" else rest
        before = self.reads.get(step, ())
        found = tell_places(kept, texts, parsed.from_s3, self.around.find, len(before) + 1)
        self.uploads |= found.uploads
        self.reads[step] = [*before, *found.inputs]
        if (state := self.around.state) and found.shown:
            self.states.setdefault(step.capitalize(), []).extend(state(typed) for typed, _ in found.shown)
        self.lines += [f"input {typed} ({there}, step {step.capitalize()})" for typed, there in found.shown]
        return [*line[: len(line) - len(rest)], *found.words]
