"""Where things of the viewer are on the screen, and what it says."""

from __future__ import annotations

import re

from playwright import sync_api
from playwright.sync_api import expect

from tests.support.viewer_samples import HEIGHT, WIDTH


def open_image(page: sync_api.Page, address: str, rest: str) -> None:
    page.goto("about:blank")
    page.goto(f"{address}#image={rest}")
    expect(page.locator("#viewer-object-number")).not_to_have_text("–")


def shown(page: sync_api.Page) -> str | None:
    return page.text_content("#viewer-name") if page.is_visible("#viewer") else None


def percent(page: sync_api.Page) -> int:
    return int(re.sub(r"\D", "", page.text_content("#viewer-zoom") or ""))


def on_screen(page: sync_api.Page, x: float, y: float, pane: int = 0) -> tuple[float, float]:
    """Where a place of the image, in its pixels, is on the screen."""
    box = page.locator(".picture .stack").nth(pane).bounding_box()
    assert box
    return box["x"] + x * box["width"] / WIDTH, box["y"] + y * box["height"] / HEIGHT


def middle_of(page: sync_api.Page, selector: str) -> tuple[float, float]:
    box = page.locator(selector).first.bounding_box()
    assert box
    return box["x"] + box["width"] / 2, box["y"] + box["height"] / 2


def display(page: sync_api.Page, selector: str) -> str:
    return str(page.locator(selector).first.evaluate("element => getComputedStyle(element).display"))
