"""What a folder or file was found to be."""

from __future__ import annotations

import shlex
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Recognised:
    """What labels are, what shows it, where they lie, and the line that goes on with them."""

    verb: str
    name: str
    why: str
    place: Path
    command: str

    def __str__(self) -> str:
        return f"this looks like {self.name} ({self.why}): {self.command}"


def found(verb: str, name: str, why: str, place: Path, *more: Path | str) -> Recognised:
    """Labels that `sageseg prep VERB` reads from a place, with more arguments and options."""
    words = " ".join(shlex.quote(str(word)) for word in (place, *more))
    return Recognised(verb, name, why, place, f"sageseg prep {verb} {words} --out DATASET")
