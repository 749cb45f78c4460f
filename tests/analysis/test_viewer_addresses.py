"""An address for each image: the viewer and the browser's history."""

from __future__ import annotations

from urllib.parse import quote

import pytest
from playwright import sync_api
from playwright.sync_api import expect

from tests.support.viewer_places import open_image, shown
from tests.support.viewer_samples import ODD


def test_back_closes_and_forward_opens_again(viewer_page: sync_api.Page, viewer_address: str) -> None:
    page = viewer_page
    page.locator("#cards .stack").first.focus()
    page.keyboard.press("Enter")
    first = shown(page)
    assert page.url == f"{viewer_address}#image={quote(first or '', safe='')}"
    page.go_back()
    expect(page.locator("#viewer")).to_be_hidden()
    assert page.url == viewer_address
    page.go_forward()
    expect(page.locator("#viewer-name")).to_have_text(first or "")
    page.keyboard.press("Escape")
    expect(page.locator("#viewer")).to_be_hidden()
    page.wait_for_url(viewer_address)
    assert page.evaluate("document.activeElement.className") == "stack", "focus returns to what opened it"


def test_stepping_changes_the_address_and_adds_no_history(viewer_page: sync_api.Page, viewer_address: str) -> None:
    page = viewer_page
    page.locator("#cards .stack").first.click()
    length, first = page.evaluate("history.length"), shown(page)
    page.keyboard.press("ArrowRight")
    second = shown(page)
    assert second != first
    page.wait_for_url(f"{viewer_address}#image={quote(second or '', safe='')}")
    page.keyboard.press("ArrowLeft")
    page.keyboard.press("ArrowLeft")
    assert page.text_content("#viewer-count") == "4 of 4"
    assert page.evaluate("history.length") == length
    page.locator("[data-close]").click()
    page.wait_for_url(viewer_address)


def test_links_open_and_back_goes_to_the_image_before(viewer_page: sync_api.Page, viewer_address: str) -> None:
    page = viewer_page
    page.evaluate("location.hash = '#image=a_01'")
    expect(page.locator("#viewer-name")).to_have_text("a_01")
    page.evaluate("location.hash = '#image=a_02&object=2'")
    expect(page.locator("#viewer-name")).to_have_text("a_02")
    page.go_back()
    expect(page.locator("#viewer-name")).to_have_text("a_01")
    page.go_forward()
    expect(page.locator("#viewer-object-number")).to_have_text("2 of 4")
    page.keyboard.press("Escape")
    page.wait_for_url(lambda url: "image=" not in url)


@pytest.mark.parametrize("stem", ["a_02", ODD])
def test_a_pasted_address_opens_and_back_shows_the_page(
    viewer_page: sync_api.Page, viewer_address: str, stem: str
) -> None:
    page = viewer_page
    open_image(page, viewer_address, quote(stem, safe=""))
    assert shown(page) == stem
    page.wait_for_function("document.querySelector('#stage .image').src.startsWith('file:')")
    page.reload()
    assert shown(page) == stem
    page.go_back()
    expect(page.locator("#viewer")).to_be_hidden()
    assert page.locator("#cards").is_visible()


@pytest.mark.parametrize("stem", ["nobody", "50%", "", "<b>a</b>"])
def test_an_unknown_name_is_told_in_a_line(viewer_page: sync_api.Page, viewer_address: str, stem: str) -> None:
    page = viewer_page
    page.goto("about:blank")
    page.goto(f"{viewer_address}#image={stem if '%' in stem else quote(stem)}")
    assert page.text_content("#page-note") == f"No image of this report is called “{stem}”."
    assert not page.is_visible("#viewer")
    page.locator("#cards .stack").first.click()
    assert page.text_content("#page-note") == ""


def test_a_held_arrow_does_not_flood_the_history(viewer_page: sync_api.Page, viewer_address: str) -> None:
    """Chromium warns from 200 changes of the address in ten seconds on, and makes no more."""
    viewer_page.locator("#cards .stack").first.click()
    viewer_page.evaluate(
        """() => {
          for (let step = 0; step < 301; step += 1) {
            document.body.dispatchEvent(new KeyboardEvent("keydown", { key: "ArrowRight", bubbles: true }));
          }
        }"""
    )
    assert viewer_page.text_content("#viewer-count") == "2 of 4"
    viewer_page.wait_for_url(f"{viewer_address}#image={quote(shown(viewer_page) or '', safe='')}")
