"""The tool's version, which stands in what it writes."""

from __future__ import annotations


def tool_version() -> str:
    """The installed version; `checkout` where the program runs from a checkout that is not installed."""
    from importlib.metadata import PackageNotFoundError, version  # which takes as long to import as most rooms

    try:
        return version("sageseg")
    except PackageNotFoundError:
        return "checkout"
