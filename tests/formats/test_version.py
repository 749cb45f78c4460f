"""The version that stands in what is written."""

import importlib.metadata

import pytest

from formats import version


def test_a_checkout_that_is_not_installed_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    assert version.tool_version() == importlib.metadata.version("sageseg")

    def not_installed(name: str) -> str:
        raise importlib.metadata.PackageNotFoundError(name)

    monkeypatch.setattr(importlib.metadata, "version", not_installed)
    assert version.tool_version() == "checkout"
