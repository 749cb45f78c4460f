"""What a shell completes behind a verb: names of what is kept here, and words that an option takes. Cheap, since a
person waits for it at every press of the key."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable

from formats.state_home import home

Completion = Callable[[str], list[str]]
_NAME = re.compile(r"[\w.-]+")
_WORD = re.compile(r"[a-z][\w:-]*")
"""In a metavar, what is typed as it stands; NAME and N stand for something."""


def kept_names(*kinds: str) -> Completion:
    """The names in folders of the state, `jobs` and `endpoints`; with none the shell completes files."""

    def complete(incomplete: str) -> list[str]:
        folders = [folder for kind in kinds if (folder := home() / kind).is_dir()]
        names = sorted({path.name for folder in folders for path in folder.iterdir()})
        return [name for name in names if name.startswith(incomplete) and _NAME.fullmatch(name)]

    return complete


JOBS, ENDPOINTS, BOTH = kept_names("jobs"), kept_names("endpoints"), kept_names("jobs", "endpoints")


def one_of(words: Iterable[str]) -> Completion:
    return lambda incomplete: [word for word in words if word.startswith(incomplete)]


def several_of(words: Iterable[str]) -> Completion:
    """Words with commas between: the last one is completed."""

    def complete(incomplete: str) -> list[str]:
        before, comma, last = incomplete.rpartition(",")
        return [before + comma + word for word in words if word.startswith(last)]

    return complete


def closed_choice(metavar: str) -> list[str]:
    """The words of `aws|local`; none where one of them stands for something, as in `N|none`."""
    words = metavar.split("|")
    return words if all(_WORD.fullmatch(word) for word in words) else []
