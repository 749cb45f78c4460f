"""The viewer where files beside the page are missing, damaged or very large, and where it has several panes."""

from __future__ import annotations

import json
import re
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from playwright import sync_api
from playwright.sync_api import expect

from analysis.drawing.pairs import Layers, layer_script, pair
from tests.support.page_visits import visiting
from tests.support.viewer_samples import OBJECTS


@pytest.fixture
def page(browser: sync_api.Browser) -> Iterator[sync_api.Page]:
    """A page that may complain: the browser itself tells of files that are missing."""
    context = browser.new_context(viewport={"width": 1280, "height": 900})
    yield context.new_page()
    context.close()


def rewritten(page_file: Path, out: Path, change: Any, script: tuple[str, str] = ("", "")) -> str:
    """The address of a copy of a page with other data, and with one text of its script replaced, for which it loses
    its policy."""
    text = page_file.read_text()
    found = re.search(r'<script type="application/json" id="data">(.*?)</script>', text, re.DOTALL)
    assert found
    data = json.loads(found[1])
    change(data)
    text = text.replace(found[1], json.dumps(data).replace("<", "\\u003c"))
    if script[0]:
        assert script[0] in text
        text = re.sub(r'<meta http-equiv="Content-Security-Policy"[^>]*>', "", text).replace(*script)
    out.write_text(text)
    return out.as_uri()


def test_a_page_mailed_alone_misses_only_full_size(page: sync_api.Page, viewed_report: Path, tmp_path: Path) -> None:
    def with_objects(data: dict[str, Any]) -> None:
        data["objects"] = {data["columns"]["stem"].index("a_01"): OBJECTS[:2]}

    page.goto(rewritten(viewed_report / "index.html", tmp_path / "index.html", with_objects))
    assert set(page.locator("#cards .image").evaluate_all("all => all.map((each) => each.naturalWidth)")) == {240}
    page.evaluate("location.hash = '#image=a_01'")
    note = "Full size lies in layers/ beside this page; this copy has thumbnails only."
    expect(page.locator("#viewer-note")).to_have_text(note)
    assert page.locator("#stage .image").evaluate("image => image.naturalWidth") == 240
    page.keyboard.press("n")
    page.keyboard.press("n")
    assert page.text_content("#viewer-object") == "false positive of car, truly road · 800 px · bulge"
    box = page.locator(".picture").bounding_box()
    assert box
    page.mouse.move(box["x"] + box["width"] / 2, box["y"] + box["height"] / 2)
    expect(page.locator(".values")).to_have_text(re.compile(r"x .* true road predicted car \(of the thumbnail\)"))


def test_a_layer_file_that_is_missing_or_damaged_is_told(
    page: sync_api.Page, viewed_report: Path, tmp_path: Path
) -> None:
    copy = tmp_path / "copy"
    shutil.copytree(viewed_report, copy)
    (copy / "layers/pairs/a_02.js").unlink()
    path = copy / "layers/pairs/a_01.js"
    path.write_text(re.sub(r'"pairs": "[^"]{8}', '"pairs": "AAAAAAAA', path.read_text()))
    page.goto((copy / "index.html").as_uri() + "#image=a_01")
    expect(page.locator("#viewer-note")).to_have_text("a_01.js beside this page is damaged: write the report again.")
    page.evaluate("location.hash = '#image=a_02'")
    expect(page.locator("#viewer-note")).to_contain_text("Full size lies in layers/")
    page.evaluate("location.hash = '#image=b_01'")
    expect(page.locator("#viewer-object-number")).to_have_text("0 wrong")
    expect(page.locator("#viewer-note")).to_have_text("")


def test_a_browser_that_cannot_unpack_shows_images_and_says_so(page: sync_api.Page, viewed_report: Path) -> None:
    complaints: list[str] = []
    page.on("pageerror", lambda error: complaints.append(str(error)))
    page.add_init_script("delete window.DecompressionStream; delete window.localStorage")
    page.goto((viewed_report / "index.html").as_uri())
    expect(page.locator("#page-note")).to_contain_text("This browser is too old to draw masks")
    page.locator("#cards .stack").first.click()
    expect(page.locator("#viewer-note")).to_contain_text("This browser is too old to draw masks")
    page.wait_for_function("document.querySelector('#stage .image').src.startsWith('file:')")
    assert complaints == []


def test_a_large_image_is_drawn_smaller_and_read_exactly(
    page: sync_api.Page, viewed_report: Path, tmp_path: Path
) -> None:
    width, height = 20001, 201
    truth = np.zeros((height, width), np.uint8)
    truth[:, 4501] = 1
    prediction = np.zeros_like(truth)
    prediction[100] = 1
    made = tmp_path / "a_01.js"
    made.write_bytes(layer_script("a_01", Layers((width, height), 3, pair(truth, prediction, 3))))

    def larger(data: dict[str, Any]) -> None:
        data["columns"]["width"] = [width] * len(data["columns"]["width"])
        data["columns"]["height"] = [height] * len(data["columns"]["height"])

    page.route("**/layers/pairs/a_01.js", lambda route: route.fulfill(path=made))
    page.goto(
        rewritten(viewed_report / "index.html", viewed_report / "large.html", larger) + "#image=a_01&box=4501,100,1,1"
    )
    expect(page.locator("#viewer-note")).to_contain_text("drawn smaller; what is read under the pointer is exact")
    assert page.locator("#stage .difference").evaluate("canvas => [canvas.width, canvas.height]") == [10001, 101]
    page.keyboard.press("Shift+ArrowRight")
    for key, said in (
        ("Shift+ArrowLeft", "x 4501, y 100 true car predicted car"),
        ("Shift+ArrowRight", "x 4502, y 100 true background predicted car"),
    ):
        for _ in range(4):
            page.keyboard.press("+")
        page.keyboard.press(key)
        expect(page.locator("#viewer-said")).to_have_text(said)


TWO = (
    'panes: () => [{ title: "one", about: "IoU 0.5", folder: "" },'
    ' { title: "two", about: "IoU 0.6", folder: "../report/" }], was: (place) => [{'
)


@pytest.mark.parametrize(("width", "side_by_side"), [(1280, True), (390, False)])
def test_panes_move_in_step(browser: sync_api.Browser, viewed_report: Path, width: int, side_by_side: bool) -> None:
    address = rewritten(viewed_report / "index.html", viewed_report / "two.html", dict, ("panes: (place) => [{", TWO))
    with visiting(browser, viewport={"width": width, "height": 844}) as visit:
        page = visit.page
        page.goto(address + "#image=a_01&object=4")
        expect(page.locator("#viewer-object")).to_have_text(
            "false positive of car, truly road · 800 px · bulge · in two"
        )
        assert page.locator(".pane-head b").all_text_contents() == ["one", "two"]
        heads = page.locator(".pane-head")
        boxes = [heads.nth(n).bounding_box() for n in (0, 1)]
        assert boxes[0]
        assert boxes[1]
        assert (boxes[0]["y"] == boxes[1]["y"]) == side_by_side
        assert page.evaluate("document.querySelector('#viewer').scrollWidth") <= width
        transforms = "all => all.map((each) => each.style.transform)"
        before = page.locator(".picture .stack").evaluate_all(transforms)
        second = page.locator(".picture").nth(1).bounding_box()
        assert second
        page.mouse.move(second["x"] + second["width"] / 2, second["y"] + second["height"] / 2)
        values = page.locator(".values").all_text_contents()
        assert values[0] == values[1] != ""
        page.mouse.wheel(0, -200)
        page.wait_for_function(
            "was => document.querySelector('.picture .stack').style.transform !== was", arg=before[0]
        )
        after = page.locator(".picture .stack").evaluate_all(transforms)
        assert before[0] == before[1] != after[0] == after[1]
        page.goto(address + "#image=a_01&panes=1")
        expect(page.locator(".pane-head b")).to_have_text("two")
