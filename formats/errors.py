"""The one base exception for failures that a user can mend."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager


class SagesegError(Exception):
    """An expected failure: its message is one line that names the file or value, what was
    expected and the next step.

    The command turns it into that line on stderr and exit code 1. Anything else that is raised
    is a bug and keeps its traceback.
    """


@contextmanager
def from_extra(extra: str, doing: str) -> Iterator[None]:
    """Where what is imported here comes with an extra: a failing import becomes a line that names it."""
    try:
        yield
    except ImportError as e:
        raise SagesegError(f"{doing}: {e}; run pip install -e '.[{extra}]' in the checkout") from e
