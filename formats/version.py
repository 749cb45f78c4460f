"""The tool's version, which stands in what it writes."""

from __future__ import annotations

from importlib.metadata import PackageNotFoundError, version


def tool_version() -> str:
    """The installed version; `checkout` where the program runs from a checkout that is not installed."""
    try:
        return version("sageseg")
    except PackageNotFoundError:
        return "checkout"
