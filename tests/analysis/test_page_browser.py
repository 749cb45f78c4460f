"""The report in Chromium: it works, says no error and asks for nothing elsewhere."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from playwright import sync_api
from playwright.sync_api import expect

from analysis.report.page.page_data import coded
from analysis.report.report import report
from formats.predictions import ModelFacts
from tests.support.dataset_samples import disc_image, make_dataset, make_predictions
from tests.support.page_visits import Visit

STEMS = ("a_01", "a_02", "b_01", "c_09", "c_10")
SAMPLES = {stem: disc_image(120, 90, seed=n) for n, stem in enumerate(STEMS)}
SHIFTS = {"a_01": 3, "a_02": 12, "b_01": 0, "c_09": 20, "c_10": 6}
WORST_FIRST = ["c_09", "a_02", "c_10", "a_01", "b_01"]


@pytest.fixture(scope="module")
def reports(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A report, `one`."""
    root = tmp_path_factory.mktemp("pages")
    dataset = make_dataset(root / "dataset", SAMPLES)
    masks = {stem: np.roll(mask, SHIFTS[stem], axis=1) for stem, (_, mask) in SAMPLES.items()}
    predictions = make_predictions(root / "predictions", dataset, masks, model=ModelFacts(job="one"))
    report(predictions, dataset, root / "one", workers=1)
    return root


@pytest.fixture
def report_page(visit: Visit, reports: Path) -> Visit:
    visit.page.goto((reports / "one" / "index.html").as_uri())
    return visit


def test_cards_are_searched_and_sorted(report_page: Visit) -> None:
    page = report_page.page
    assert report_page.names() == WORST_FIRST
    assert not page.is_visible("#more"), "all are shown"
    for order, first in (("name", "a_01"), ("missed", "c_09"), ("iou", "c_09")):
        page.select_option("#sort", order)
        assert report_page.names()[0] == first, order
    page.click("#direction")
    assert report_page.names()[0] == "b_01"
    page.select_option("#sort", "name")
    assert report_page.names() == sorted(STEMS)
    page.fill("#search", "C VAL")
    assert report_page.names() == ["c_09", "c_10"]
    assert page.text_content("#shown") == "2 of 5"
    page.fill("#search", "nobody")
    assert report_page.names() == []
    assert page.is_visible("#none")


def test_cards_are_ranked_by_a_dice_that_says_which_it_is(report_page: Visit) -> None:
    page = report_page.page
    page.select_option("#sort", "dice")
    assert report_page.names() == WORST_FIRST
    score = page.locator("#cards b.dice").first
    assert (score.text_content() or "").startswith("Dice 0.")
    assert "Dice of this image alone, 2 TP / (2 TP + FP + FN); 1 for" in (score.get_attribute("title") or "")
    page.click("#direction")
    assert report_page.names() == WORST_FIRST[::-1]
    page.locator("#cards .stack").first.click()
    assert "Dice of this image alone" in (page.get_attribute("#viewer-about", "title") or "")


def test_the_slider_wipes_from_truth_to_prediction(report_page: Visit) -> None:
    page, first = report_page.page, "#cards article:first-child"
    assert report_page.style(f"{first} .difference", "display") == "block"
    assert report_page.style(f"{first} .truth", "display") == "none"
    page.locator("#images .wipe input").fill("30")
    assert report_page.style(f"{first} .difference", "display") == "none"
    assert report_page.style(f"{first} .truth", "clipPath") == "inset(0px 70% 0px 0px)"
    assert report_page.style(f"{first} .prediction", "clipPath") == "inset(0px 0px 0px 30%)"
    page.locator("#images .wipe input").press("ArrowRight")
    assert report_page.style(f"{first} .prediction", "clipPath") == "inset(0px 0px 0px 31%)"


def test_layers_are_toggled_by_click_and_key(report_page: Visit) -> None:
    page, first = report_page.page, "#cards article:first-child"
    button = page.locator("#images [data-layer=truth]")
    button.click()
    assert button.get_attribute("aria-pressed") == "true"
    assert report_page.style(f"{first} .truth", "display") == "block"
    assert report_page.style(f"{first} .truth", "clipPath") == "none"
    for key, layer, display in (("i", "image", "none"), ("d", "difference", "block"), ("p", "prediction", "block")):
        page.keyboard.press(key)
        assert report_page.style(f"{first} .{layer}", "display") == display, key
    page.focus("#search")
    page.keyboard.press("t")  # typing is typing
    assert page.input_value("#search") == "t"


def test_an_object_opens_its_image(report_page: Visit) -> None:
    opener = report_page.page.locator("[data-open]").first
    stem = opener.get_attribute("data-open")
    opener.click()
    assert report_page.page.text_content("#viewer-name") == stem


def test_tables_sort_by_their_headings(report_page: Visit) -> None:
    page = report_page.page
    names = page.locator("#groups tbody th")
    assert names.all_text_contents()[0] == "c"
    heading = page.locator("#groups thead th").nth(2).locator("button").first
    heading.click()
    assert names.all_text_contents()[0] == "b"
    heading.click()
    assert names.all_text_contents()[0] == "c"
    page.locator("#groups thead button").first.click()
    assert names.all_text_contents() == ["a", "b", "c"]


def test_the_page_fits_a_phone_and_the_dark(visit: Visit, reports: Path) -> None:
    page = visit.page
    page.set_viewport_size({"width": 390, "height": 844})
    page.emulate_media(color_scheme="dark")
    page.goto((reports / "one" / "index.html").as_uri())
    assert page.evaluate("document.documentElement.scrollWidth") <= 390
    assert visit.style("body", "backgroundColor") == "rgb(17, 20, 24)"
    page.emulate_media(media="print")
    assert visit.style("body", "backgroundColor") == "rgb(255, 255, 255)"


def with_images(page: Path, images: list[dict[str, Any]], out: Path, names: tuple[str, ...] = ("_", "car")) -> Path:
    """A copy of a page whose script reads other images; the policy covers programs, not data."""
    text = page.read_text()
    found = re.search(r'<script type="application/json" id="data">(.*?)</script>', text, re.DOTALL)
    assert found
    known = [{**IMAGE, **image} for image in images]
    columns = {
        key: coded([image[key] for image in known]) if key in ("group", "split") else [image[key] for image in known]
        for key in IMAGE
        if key not in ("attributes", "classes")
    }
    data = {
        **json.loads(found[1]),
        "names": names,
        "tints": [[0, 0, 0, 0], *[[9, 9, 9, 90]] * len(names)],
        "columns": columns,
        "attributes": {
            name: coded([image["attributes"].get(name) for image in known])
            for name in dict.fromkeys(name for image in known for name in image["attributes"])
        },
        "classes": {
            key: [list(column) for column in zip(*[image["classes"][key] for image in known], strict=True)]
            for key in IMAGE["classes"]
        },
        "find": {
            "predictions": "predictions",
            "suffix": ".jpg",
            "confused": [],
            "unit": None,
            "unit_per_pixel": None,
        },
        "found": {
            "source": [""] * len(known),
            "errors": [0] * len(known),
            "suspicion": [None] * len(known),
        },
        "thumbnails": {},
        "worst": [0],
        "best": [1],
    }
    out.write_text(text.replace(found[1], json.dumps(data).replace("<", "\\u003c")))
    return out


IMAGE: dict[str, Any] = {
    "stem": "a",
    "group": "g",
    "split": "val",
    "attributes": {},
    "width": 120,
    "height": 90,
    "iou": 0.5,
    "dice": 0.5,
    "wrong": 3,
    "missed": 4,
    "judged": 1.0,
    "classes": {"iou": [0.5], "dice": [0.5], "true": [9], "predicted": [9]},
}


def serve_layers(page: sync_api.Page, reports: Path) -> None:
    """Whatever image is asked for, one that is there."""
    page.route("**/layers/image/**", lambda route: route.fulfill(path=reports / "one/layers/image/c_09.jpg"))
    page.route("**/layers/pairs/**", lambda route: route.fulfill(path=reports / "one/layers/pairs/c_09.js"))


def test_5000_images_draw_some_cards_at_a_time(visit: Visit, reports: Path) -> None:
    images = [{"stem": f"image_{n:04d}", "iou": n / 5000} for n in range(5000)]
    serve_layers(visit.page, reports)
    visit.page.goto(with_images(reports / "one" / "index.html", images, reports / "one" / "many.html").as_uri())
    page = visit.page
    assert page.text_content("#shown") == "5,000"
    assert len(visit.names()) <= 48
    page.click("#direction")
    assert visit.names()[0] == "image_4999"
    page.fill("#search", "image_49")
    assert page.text_content("#shown") == "100 of 5,000"
    page.locator("#more").scroll_into_view_if_needed()
    expect(page.locator("#cards article").nth(24)).to_be_attached()


def test_the_scores_of_the_classes_are_those_by_which_cards_are_ranked(visit: Visit, reports: Path) -> None:
    by_class = {"iou": [0.2, 0.3], "dice": [0.4, None], "true": [9, 9], "predicted": [9, 9]}
    images = [{"iou": 0.25, "classes": by_class}] * 2
    made = with_images(reports / "one" / "index.html", images, reports / "one" / "two.html", ("_", "car", "road"))
    serve_layers(visit.page, reports)
    visit.page.goto(made.as_uri())
    line = visit.page.locator("#cards .by-class").first
    assert line.locator("span").all_text_contents() == ["car 0.2000", "road 0.3000"]
    assert line.get_attribute("title") == "IoU of each class"
    visit.page.select_option("#sort", "dice")
    assert line.locator("span").all_text_contents() == ["car 0.4000"]
    assert line.get_attribute("title") == "Dice of each class"


def test_names_are_text_wherever_a_script_writes_them(visit: Visit, reports: Path) -> None:
    evil = "<img src=x onerror=alert(1)>"
    image = {"stem": evil, "group": evil, "attributes": {evil: evil}, "iou": None}
    serve_layers(visit.page, reports)
    page = visit.page
    page.goto(with_images(reports / "one" / "index.html", [image, image], reports / "one" / "evil.html").as_uri())
    assert visit.names() == [evil, evil]
    page.locator("#cards .stack").first.click()
    assert page.text_content("#viewer-name") == evil
    assert page.locator("img[src=x]").count() == 0
