"""Chromium, in which pages are asked and photographed."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from formats.errors import SagesegError

_NAMES = ("chromium", "chromium-browser", "google-chrome")


def find_chromium() -> str | None:
    """The program that the variable CHROMIUM names, or one on $PATH."""
    names = (os.environ.get("CHROMIUM"), *_NAMES)
    return next((path for name in names if name and (path := shutil.which(name))), None)


@contextmanager
def started_browser() -> Iterator[Any]:
    """A browser of Playwright's. Raises SagesegError where there is none."""
    path = find_chromium()
    if path is None:
        raise SagesegError("chromium: not found; install it (apt-get install chromium), or name it in CHROMIUM")
    from playwright import sync_api

    with sync_api.sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=path, args=["--no-sandbox"])
        yield browser
        browser.close()
