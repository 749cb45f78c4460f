"""A training's log as a file: as a terminal, a notebook, CloudWatch's exports or the AWS CLI left it."""

from __future__ import annotations

import json
import zlib
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

from formats import limits
from formats.errors import SagesegError
from formats.limits import read_within, unpack_gzip
from jobs.contract.log_lines import EpochMetrics, epoch_metrics, parse_progress, parse_schedule

_KNOWN = {
    b"PK\x03\x04": "a zip archive; unpack it, and name the log",
    b"\x89PNG": "a PNG image",
    b"\xff\xd8\xff": "a JPEG image",
    b"GIF8": "a GIF image",
    b"II*\x00": "a TIFF image",
    b"MM\x00*": "a TIFF image",
    b"%PDF": "a PDF document",
    b"SQLite format 3": "an SQLite database",
}
_EXPECTED = "expected a training's log: text, a notebook, or CloudWatch's JSON, CSV or .gz"
_GZIP = b"\x1f\x8b"
_TAR = slice(257, 262)
_LOOKED_AT = 4096


def epochs_of_file(path: Path) -> list[EpochMetrics]:
    """The metrics of each epoch in a log file, in order. Raises SagesegError where it holds no line of a training."""
    lines = list(_lines(_text(path)))
    epochs = epoch_metrics(lines)
    if not epochs and not any(parse_schedule(line) or parse_progress(line) for line in lines):
        raise SagesegError(
            f"{path}: no line of a training in it, such as '#quality_metric. host: algo-1, …'; {_EXPECTED}"
        )
    return epochs


def _text(path: Path) -> str:
    content = _unpacked(path)
    for magic, what in _KNOWN.items():
        if content.startswith(magic):
            raise SagesegError(f"{path}: {what}; {_EXPECTED}")
    encoding = _encoding(content[:_LOOKED_AT])
    if encoding is None:
        raise SagesegError(f"{path}: no text (it holds zero bytes); {_EXPECTED}")
    return content.decode(encoding, errors="replace")


def _unpacked(path: Path) -> bytes:
    try:
        content = read_within(path, limits.MOST_TEXT, _EXPECTED)
        if content.startswith(_GZIP):
            content = unpack_gzip(content, limits.MOST_TEXT)
            if content[_TAR] == b"ustar":
                raise SagesegError(f"{path}: an archive, as a model.tar.gz is, and no log; {_EXPECTED}")
    except (OSError, EOFError, ValueError, zlib.error) as e:
        raise SagesegError(f"{path}: cannot be read ({e}); {_EXPECTED}") from e
    return content


def _encoding(head: bytes) -> str | None:
    """How a text is written, by its first bytes; None for what is none. PowerShell's `>` writes UTF-16."""
    if head.startswith((b"\xff\xfe", b"\xfe\xff")):
        return "utf-16"
    if b"\0" not in head:
        return "utf-8-sig"
    even, odd = head[::2].count(0), head[1::2].count(0)
    if min(even, odd) == 0 and max(even, odd) > len(head) // 4:
        return "utf-16-le" if odd else "utf-16-be"
    return None


def _lines(text: str) -> Iterator[str]:
    """The lines of a log; of JSON, such as a notebook's or the AWS CLI's, those of all its texts."""
    if text.lstrip().startswith(("{", "[{", "[\n")):
        # what is no JSON as a whole is JSON Lines, or a log that begins with a bracket
        with suppress(ValueError, RecursionError):
            return _texts(json.loads(text))
    return iter(text.splitlines())


def _texts(content: Any) -> Iterator[str]:
    if isinstance(content, str):
        yield from content.splitlines()
    elif isinstance(content, dict | list):
        for inner in content.values() if isinstance(content, dict) else content:
            yield from _texts(inner)
