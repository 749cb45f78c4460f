"""`file:///` URIs, which stand on this machine where `s3://` stands at AWS."""

from __future__ import annotations

from pathlib import Path
from urllib.parse import unquote, urlsplit

from formats.errors import SagesegError
from formats.state_home import stands


def is_file_uri(uri: str) -> bool:
    return uri.startswith("file:")


def file_uri_path(uri: str) -> Path:
    """The path of a `file:///` URI. Raises SagesegError when it names another host, or no absolute path."""
    parts = urlsplit(uri)
    path = unquote(parts.path)
    if parts.scheme != "file" or parts.netloc or not path.startswith("/") or "\0" in path:
        raise SagesegError(f"{uri}: not a place of this machine; expected file:/// and an absolute path")
    return Path(path)


def named_path(named: str) -> Path:
    """The path that a person named, as a path or as the `file:///` URI that a job tells."""
    return file_uri_path(named) if is_file_uri(named) else Path(named)


def for_people(uri: str) -> str:
    """A URI as it is printed: of this machine the path, from where the user stands if it lies below that."""
    if not is_file_uri(uri):
        return uri
    path, here = file_uri_path(uri), stands()
    return str(path.relative_to(here) if path.is_relative_to(here) else path)
