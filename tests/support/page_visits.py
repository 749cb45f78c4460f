"""Pages in Chromium: a browser, and a page that must not complain or ask for anything elsewhere."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import pytest
from playwright import sync_api

sync_api.expect.set_options(timeout=30_000)  # what is waited for comes at once, but for a machine that is busy


def find_chromium() -> str:
    names = (os.environ.get("CHROMIUM"), "chromium", "chromium-browser", "google-chrome")
    found = next((path for name in names if name and (path := shutil.which(name))), None)
    if found is None and os.environ.get("CI") == "true":
        pytest.fail("no Chromium, and CI=true says there must be one: apt-get install chromium")
    return found or pytest.skip("no Chromium found; install it, or name it in the variable CHROMIUM")


@contextmanager
def started_browser() -> Iterator[sync_api.Browser]:
    path = find_chromium()
    with sync_api.sync_playwright() as playwright:
        started = playwright.chromium.launch(executable_path=path, args=["--no-sandbox"])
        yield started
        started.close()


@dataclass
class Visit:
    """An open page, and what it did that it should not."""

    page: sync_api.Page
    complaints: list[str] = field(default_factory=list)

    def watch(self) -> None:
        self.page.on("console", lambda message: self.complaints.append(f"{message.type}: {message.text}"))
        self.page.on("pageerror", lambda error: self.complaints.append(str(error)))
        self.page.on("request", self._check)
        self.page.on("dialog", self._refuse)

    def _refuse(self, dialog: sync_api.Dialog) -> None:
        self.complaints.append(dialog.message)
        dialog.dismiss()

    def _check(self, request: sync_api.Request) -> None:
        if not request.url.startswith(("file:", "data:")):
            self.complaints.append(f"asked for {request.url}")

    def names(self) -> list[str]:
        return list(self.page.locator("#cards h3").all_text_contents())

    def style(self, selector: str, name: str) -> str:
        text = self.page.locator(selector).first.evaluate(f"element => getComputedStyle(element).{name}")
        assert isinstance(text, str)
        return text


@contextmanager
def visiting(browser: sync_api.Browser, **options: Any) -> Iterator[Visit]:
    """A page of its own, 1280 pixels wide unless told; at the end it must have had no complaints."""
    context = browser.new_context(**{"viewport": {"width": 1280, "height": 900}, **options})
    opened = Visit(context.new_page())
    opened.watch()
    yield opened
    context.close()
    assert opened.complaints == []
