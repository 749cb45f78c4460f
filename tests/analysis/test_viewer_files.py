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

from analysis.masks.agreement import Agreement
from analysis.masks.pairs import Layers, layer_script, pair
from tests.support.page_visits import visiting
from tests.support.viewer_samples import add_to_layers


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
    shutil.copyfile(viewed_report / "index.html", tmp_path / "index.html")
    page.goto((tmp_path / "index.html").as_uri())
    assert set(page.locator("#cards .image").evaluate_all("all => all.map((each) => each.naturalWidth)")) == {240}
    page.evaluate("location.hash = '#image=a_01'")
    note = "Full size lies in layers/ beside this page; this copy has thumbnails only."
    expect(page.locator("#viewer-note")).to_have_text(note)
    assert page.locator("#stage .image").evaluate("image => image.naturalWidth") == 240
    page.keyboard.press("n")
    page.keyboard.press("n")
    assert page.text_content("#viewer-object") == "false positive of car, truly road · 800 px · object"
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


@pytest.mark.parametrize(
    ("found", "put"),
    [
        (r"(?s).*", ""),
        (r"(?s)(?<=.{40}).*", ""),
        (r"(?s).*", "takeLayers(null)"),
        (r"(?s).*", "takeLayers({})"),
        (r'"stem": ?"a_01"', '"stem":"b_01"'),
        (r'"objects": ?\[', '"objects": 7, "more": ['),
        (r'"width": ?', '"width": -'),
        (r'"pairs": ?"', '"pairs": "***'),
    ],
    ids=["empty", "cut", "null", "nothing", "another's", "no list", "no size", "no base64"],
)
def test_of_a_file_that_is_not_whole_nothing_is_shown(
    page: sync_api.Page, viewed_report: Path, tmp_path: Path, found: str, put: str
) -> None:
    copy = tmp_path / "copy"
    shutil.copytree(viewed_report, copy)
    path = copy / "layers/pairs/a_01.js"
    changed = re.sub(found, put, path.read_text(), count=1)
    assert changed != path.read_text()
    path.write_text(changed)
    page.goto((copy / "index.html").as_uri() + "#image=a_01")
    expect(page.locator("#viewer-note")).to_have_text("a_01.js beside this page is damaged: write the report again.")
    box = page.locator(".picture").bounding_box()
    assert box
    page.mouse.move(box["x"] + box["width"] / 2, box["y"] + box["height"] / 2)
    expect(page.locator(".values")).to_contain_text("(of the thumbnail)")


OBJECT = {"what": "wrong", "class": 2, "other": 0, "y": 100, "width": 50, "height": 30, "pixels": 1500, "kind": "halo"}


def test_a_list_of_the_largest_says_that_it_is_one(page: sync_api.Page, viewed_report: Path, tmp_path: Path) -> None:
    copy = tmp_path / "copy"
    shutil.copytree(viewed_report, copy)
    many = [{**OBJECT, "x": 10 * n, "pixels": 1500 - n} for n in range(10)]
    add_to_layers(copy, "a_01", {"objects": [*many, {**OBJECT, "what": "missed", "x": 0, "pixels": 9}]})
    page.goto((copy / "index.html").as_uri() + "#image=a_01")
    number = page.locator("#viewer-object-number")
    expect(number).to_have_text("largest 11")
    page.keyboard.press("b")
    expect(number).to_have_text("11 of the largest 11")
    page.keyboard.press("ArrowRight")
    expect(number).to_have_text("4 wrong")


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


NEITHER, CORRECT, WRONG, MISSED = Agreement
DETAIL = """(canvas, places) => {
  const [left, top, width] = ["left", "top", "width"].map((name) => parseFloat(canvas.style[name]));
  const by = width / canvas.width;
  const context = canvas.getContext("2d");
  return places.map(([x, y]) => [...context.getImageData((x - left) / by, (y - top) / by, 1, 1).data]);
}"""
"""The colours of places of the image in the drawing of its seen part."""


def test_a_large_image_is_drawn_smaller_and_exactly_where_one_is_near(
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
    expect(page.locator("#viewer-object-number")).to_have_text("0 wrong")
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
    agreement = json.loads(page.locator("#data").text_content() or "")["agreement"]
    places = [[4501, 100], [4501, 101], [4502, 100], [4502, 99]]
    codes = [CORRECT, MISSED, WRONG, NEITHER]
    page.wait_for_function("document.querySelector('#stage .difference-detail canvas').width > 0")
    drawn = page.locator("#stage .difference-detail canvas").evaluate(DETAIL, places)
    for colour, code in zip(drawn, codes, strict=True):
        assert colour == pytest.approx(agreement[code], abs=2), code
    page.keyboard.press("0")
    assert not page.locator("#stage .difference-detail").is_visible()


TWO = (
    'panes: () => [{ title: "one", about: "IoU 0.5", folder: "" },'
    ' { title: "two", about: "IoU 0.6", folder: "../report/" }], was: (place) => [{'
)


@pytest.mark.parametrize(("width", "side_by_side"), [(1280, True), (390, False)])
def test_panes_move_in_step(browser: sync_api.Browser, viewed_report: Path, width: int, side_by_side: bool) -> None:
    address = rewritten(viewed_report / "index.html", viewed_report / "two.html", dict, ("panes: (place) => [{", TWO))
    with visiting(browser, viewport={"width": width, "height": 844}) as visit:
        page = visit.page
        page.goto(address + "#image=a_01&object=5")
        expect(page.locator("#viewer-object")).to_have_text(
            "false positive of car, truly road · 800 px · object · in two"
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
