"""What a folder or file was found to be."""

from __future__ import annotations

import shlex
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Recognised:
    """What labels are, what shows it, where they lie, the line that goes on with them, and what must be there or
    be decided before it can; '' where it works as it stands."""

    verb: str
    name: str
    why: str
    place: Path
    command: str
    missing: str = ""

    def __str__(self) -> str:
        return f"this looks like {self.name} ({self.why}): {self.command}"


def found(verb: str, name: str, why: str, place: Path, *more: Path | str, missing: str = "") -> Recognised:
    """Labels that `sageseg prep VERB` reads from a place, with more arguments and options."""
    words = " ".join(
        shlex.quote(not_an_option(str(word)) if isinstance(word, Path) else word) for word in (place, *more)
    )
    return Recognised(verb, name, why, place, f"sageseg prep {verb} {words} --out DATASET", missing)


def not_an_option(path: str) -> str:
    """A path whose name begins with a hyphen, so that it is read as a path."""
    return f"./{path}" if path.startswith("-") else path


def one_of(number: int, count: int) -> str:
    """What is said of labels that lie beside others of their kind, each for a run of its own."""
    return f"; {number} of {count}, each a dataset of its own" if count > 1 else ""
