"""The names of image files in the addresses that Label Studio's tasks have for them."""

from __future__ import annotations

import base64
import binascii
import re
from collections import defaultdict
from collections.abc import Iterable
from pathlib import PurePosixPath
from urllib.parse import parse_qs, unquote, urlsplit

from formats.images import IMAGE_SUFFIXES
from formats.prepared.source_names import composed

_CLOUD = ("s3", "gs", "azure-blob", "azure_spi", "https+azure-blob")
"""Schemes of addresses whose rest is the object's key as it is."""
_QUERIES = {"local-files": "d", "uploaded": "filepath", "resolve": "fileuri", "presign": "fileuri"}
"""The parameter that holds the file, by the last part of the path before it."""
_PREFIX = re.compile(r"[0-9a-f]{8}-(?=.)")
"""What Label Studio puts before the name of a file that was uploaded."""
_VIDEO_SUFFIXES = (".mp4", ".mov", ".webm", ".avi", ".mkv", ".m4v", ".ogv")


def name_in_address(address: str) -> str:
    """The path of a file, as far as its address tells it: `photos/a b.jpg` of `/data/local-files/?d=photos/a%20b.jpg`,
    and of `s3://bucket/photos/a b.jpg` with the bucket before it."""
    scheme, mark, rest = address.partition("://")
    if mark and scheme in _CLOUD:
        return rest
    parts = urlsplit(address)
    parameter = _QUERIES.get(PurePosixPath(parts.path).name)
    values = parse_qs(parts.query).get(parameter, []) if parameter else []
    if not values:
        return unquote(parts.path) if parts.query or mark else unquote(address)
    return name_in_address(_decoded(values[-1])) if parameter == "fileuri" else values[-1]


def _decoded(text: str) -> str:
    """An address in base64, as Label Studio hands on those of cloud storage."""
    try:
        return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4)).decode("utf-8")
    except (binascii.Error, UnicodeDecodeError):
        return text


def is_image_address(value: object) -> bool:
    return isinstance(value, str) and PurePosixPath(name_in_address(value)).suffix.lower() in IMAGE_SUFFIXES


def is_video_address(value: object) -> bool:
    return isinstance(value, str) and name_in_address(value).lower().endswith(_VIDEO_SUFFIXES)


def names_before_upload(names: Iterable[str], files: Iterable[str]) -> dict[str, str]:
    """Of the names that begin as Label Studio names uploads, what the files may have been called before: one of
    `files`, or the name without its beginning. Django, below it, also makes _ of spaces and drops other signs."""
    by_django: dict[str, list[str]] = defaultdict(list)
    for file in files:
        by_django[_as_django(PurePosixPath(file).name)].append(file)
    before = {}
    for name in names:
        last = PurePosixPath(name).name
        if found := _PREFIX.match(last):
            plain = last[found.end() :]
            same = by_django.get(composed(plain), [])
            before[name] = same[0] if len(same) == 1 else plain
    return before


def _as_django(name: str) -> str:
    """A file's name as Django stores it (`get_valid_filename`)."""
    return re.sub(r"[^-\w.]", "", composed(name).strip().replace(" ", "_"))
