"""What axe-core finds against the report: nothing, in light and dark, wide and narrow, with the viewer open too."""

from __future__ import annotations

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright import sync_api
from playwright.sync_api import expect

from tests.support.page_visits import visiting


@pytest.mark.parametrize(("scheme", "width"), [("light", 1280), ("dark", 390)])
def test_axe_finds_nothing(browser: sync_api.Browser, viewer_address: str, scheme: str, width: int) -> None:
    with visiting(browser, color_scheme=scheme, bypass_csp=True) as opened:  # it runs a program of its own in the page
        page = opened.page
        page.set_viewport_size({"width": width, "height": 900})
        page.goto(viewer_address)
        expect(page.locator("#cards .stack").first).to_be_attached()
        found = Axe().run(page).response["violations"]
        page.locator("[data-view=table]").click()
        page.locator("#cards .stack, #image-table tr[data-place]").first.click()
        found += Axe().run(page).response["violations"]
    assert [(each["id"], each["nodes"][0]["html"]) for each in found] == []
