"""Where following a job is shown: one live line on a terminal, plain lines elsewhere."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from formats.console import say


def _ignore(_text: str) -> None:
    """Plain output has no live line: it would be one line a second."""


@dataclass(frozen=True)
class Screen:
    """`line` shows what stays, `live` replaces the line at the bottom."""

    line: Callable[[str], None] = say
    live: Callable[[str], None] = _ignore


@contextmanager
def open_screen() -> Iterator[Screen]:
    """The screen of this process's stderr."""
    if not sys.stderr.isatty():
        yield Screen()
        return
    from rich.console import Console
    from rich.live import Live
    from rich.text import Text

    console = Console(stderr=True)
    with Live(Text(""), console=console, transient=True, refresh_per_second=4) as live:
        yield Screen(
            line=lambda text: console.print(Text(text), soft_wrap=True),
            live=lambda text: live.update(Text(text, no_wrap=True, overflow="ellipsis")),
        )
