"""One log stream as a file: a JSON object per line and event, `{"timestamp": ms, "message": …}`.

A place in a stream is the byte at which an event begins, so that following a log reads only what
is new.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from dataclasses import asdict, dataclass
from pathlib import Path

from formats.texts.redaction import redact_values
from formats.texts.typed_json import check_type

MAX_PAGE_BYTES = 2**20
"""CloudWatch's limit on the events of one answer."""


@dataclass(frozen=True)
class Event:
    """A line that the container wrote, and when it arrived (milliseconds since 1970)."""

    timestamp: int
    message: str


@dataclass(frozen=True)
class Page:
    """Events in the order in which they came, and the places before and behind them."""

    events: tuple[Event, ...]
    start: int
    end: int


@dataclass(frozen=True)
class Window:
    """Which events are wanted: at most `limit`, with a timestamp of `since` or later and before
    `until` (milliseconds)."""

    limit: int
    since: int = 0
    until: int = 2**63

    def holds(self, event: Event) -> bool:
        return self.since <= event.timestamp < self.until


def format_event(event: Event) -> bytes:
    return json.dumps(redact_values(asdict(event))).encode() + b"\n"


def _parse_event(line: bytes) -> Event:
    """A line that a power cut damaged stands where it was, as what it is. A message may hold any letter, zeros too."""
    try:
        told = json.loads(line)
        check_type(told, Event)
        return Event(told["timestamp"], told["message"])
    except (ValueError, RecursionError):
        return Event(0, "[a line of this log that is damaged]")


def read_events(path: Path) -> Iterator[Event]:
    """All events of a stream, in order."""
    with path.open("rb") as file:
        yield from (_parse_event(line) for line in file if line.endswith(b"\n"))


def is_place(path: Path, place: int) -> bool:
    """Whether an event begins at this byte, or the stream ends there."""
    if place == 0 or place > path.stat().st_size:
        return place == 0
    with path.open("rb") as file:
        file.seek(place - 1)
        return file.read(1) == b"\n"


def read_forward(path: Path, start: int, window: Window) -> Page:
    """The first events at and behind a place. A line that is still being written waits."""
    with path.open("rb") as file:
        file.seek(start)
        events, read = _collect((line for line in file if line.endswith(b"\n")), window)
    return Page(tuple(events), start, start + read)


def read_backward(path: Path, end: int | None, window: Window) -> Page:
    """The last events before a place; None stands for the stream's end."""
    content = path.read_bytes()[:end]
    content = content[: content.rfind(b"\n") + 1]
    events, read = _collect(reversed(content.splitlines(keepends=True)), window)
    return Page(tuple(reversed(events)), len(content) - read, len(content))


def _collect(lines: Iterable[bytes], window: Window) -> tuple[list[Event], int]:
    """Events up to a page's limits, and how many bytes of lines were passed for them."""
    events: list[Event] = []
    read = kept = 0
    for line in lines:
        event = _parse_event(line)
        wanted = window.holds(event)
        if wanted and (len(events) == window.limit or (events and kept + len(line) > MAX_PAGE_BYTES)):
            break
        read += len(line)
        if wanted:
            kept += len(line)
            events.append(event)
    return events, read
