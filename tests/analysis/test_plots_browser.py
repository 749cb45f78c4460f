"""The report's plots in Chromium: values under the pointer and by keyboard, and where a click leads."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from dataclasses import replace
from importlib.resources import files
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from playwright import sync_api
from playwright.sync_api import expect

from analysis.report.report import report
from formats.classes import ClassTable
from formats.dataset import open_dataset
from formats.manifest import write_manifest
from formats.predictions import ModelFacts
from tests.support.dataset_samples import disc_image, make_dataset, make_predictions, write_shares
from tests.support.page_visits import Visit, started_browser, visiting

EVIL = "<img src=x onerror=alert(1)>"
CLASSES = ClassTable(("_background_", "car", EVIL))
STEMS = [f"{group}_{number:02d}" for group in "ab" for number in range(6)]
EPOCHS = tuple({"train_loss": 2 / (epoch + 1), "validation_mIOU": 0.5 + 0.1 * (epoch == 2)} for epoch in range(5))


def write_report(out: Path, root: Path, *, classes: ClassTable = CLASSES, crop: int | None = 32) -> None:
    """A report of which the upper left is predicted wrong, in the image of place n of STEMS by n rows."""
    images, predicted = {}, {}
    for number, stem in enumerate(STEMS):
        image, mask = disc_image(96, 64, seed=number)
        if len(classes) > 2:
            mask[50:60, 4 : 10 + 4 * number] = 2
        images[stem], predicted[stem] = (image, mask), mask.copy()
        predicted[stem][:number, :2] = 1
        predicted[stem][50:60, 4:7] = 0
    dataset = make_dataset(root / "dataset", images, crop=crop, classes=classes, drop_empty=False)
    rows = []
    for row in dataset.rows:
        number = STEMS.index(row.source_stem)
        rows.append(replace(row, attributes={EVIL: "same", "angle": str(20 - number), "make": "XYZ"[number % 3]}))
    write_manifest(dataset.root / "manifest.csv", rows)
    model = ModelFacts(job="one", epochs=EPOCHS)
    predictions = make_predictions(root / "predictions", dataset, predicted, model=model)
    write_shares(predictions, 0.75)
    report(predictions, open_dataset(dataset.root), out, overlays=0, workers=1)


@pytest.fixture(scope="module")
def out(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("plots")
    write_report(root / "out", root)
    return root / "out"


@pytest.fixture(scope="module")
def chromium() -> Iterator[sync_api.Browser]:
    with started_browser() as browser:
        yield browser


@pytest.fixture(scope="module")
def opened(chromium: sync_api.Browser, out: Path) -> Iterator[Visit]:
    with visiting(chromium) as visit:
        visit.page.goto((out / "index.html").as_uri())
        yield visit


@pytest.fixture
def page(opened: Visit) -> Iterator[sync_api.Page]:
    """The one page that these tests share, as it was opened."""
    yield opened.page
    opened.page.keyboard.press("Escape")
    opened.page.mouse.move(0, 0)


def plot(page: sync_api.Page, kind: str, of: str | None = None) -> sync_api.Locator:
    return page.locator(f'[data-plot="{kind}"]' + (f'[data-of="{of}"]' if of else "")).first


def hover(place: sync_api.Locator, across: float, down: float) -> str:
    """What the tip says where the pointer stands, in shares of the plot's width and height."""
    place.scroll_into_view_if_needed()
    box = place.locator("svg").bounding_box()
    assert box
    place.page.mouse.move(box["x"] + across * box["width"], box["y"] + down * box["height"])
    return str(place.locator(".tip").inner_text())


def said(place: sync_api.Locator) -> str:
    return place.get_attribute("aria-valuetext") or ""


def test_a_cell_tells_its_share_and_leads_to_its_worst_images(page: sync_api.Page, opened: Visit) -> None:
    place = plot(page, "places-wrong")
    text = hover(place, 0.001, 0.001)
    assert re.search(r"1 % from the left, 2 % from the top\s+False positive\s+\d", text), text
    assert "42 of 48" in text, "ten of the twelve images have its four pixels wrong, one has two"
    page.mouse.down()
    page.mouse.up()
    shown = opened.names()
    assert len(shown) == 11
    assert STEMS[0] not in shown
    assert page.locator("#shown").inner_text() == "11 of 12"


def test_a_map_is_walked_by_arrows_and_a_class_is_chosen(page: sync_api.Page) -> None:
    place = plot(page, "places-missed")
    start = int(place.get_attribute("aria-valuenow") or -1)
    place.press("ArrowRight")
    assert place.get_attribute("aria-valuenow") == str(start + 1)
    place.press("ArrowUp")
    assert place.get_attribute("aria-valuenow") == str(start + 1 - 48)
    place.press("End")
    assert said(place).startswith("99 % from the left, 98 % from the top, Missed ")
    page.select_option("#places-class", label=EVIL)
    assert "<img" in (plot(page, "places-missed").get_attribute("aria-label") or "")
    assert page.locator("img[src=x]").count() == 0
    page.select_option("#places-class", label="car")
    assert page.locator(".ramp output").first.inner_text() != ""
    page.select_option("#places-class", label="All foreground")


def test_curves_have_all_values_at_the_crosshair(page: sync_api.Page, out: Path) -> None:
    curve = json.loads((out / "scores.json").read_text())["thresholds"]["car"]
    place = plot(page, "thresholds", "car")
    text = hover(place, 0.5, 0.5)
    index = int(place.get_attribute("aria-valuenow") or -1)
    for name, key in (("Precision", "precision"), ("Recall", "recall"), ("IoU", "iou"), ("Dice", "dice")):
        assert re.search(rf"{name}\s+{curve[key][index]:.4f}", text), (name, text)
    assert place.locator("circle.best").count() == 2
    place.press("Home")
    assert said(place).startswith("Threshold 0.000")
    texts = place.locator(".axes text").all_text_contents()
    assert {"0", "1", "threshold"} <= set(texts)
    assert "Dice" in hover(plot(page, "precision-recall", "car"), 0.95, 0.2)


def test_trainings_best_epoch_is_marked(page: sync_api.Page) -> None:
    place = plot(page, "training", "0")
    assert place.locator("circle.best").count() == 1
    assert "Epoch 3, the best" in said(place)
    place.press("ArrowRight")
    assert said(place).startswith("Epoch 4, Validation mIOU 0.5")


def test_a_bar_leads_to_its_images(page: sync_api.Page, opened: Visit) -> None:
    place = plot(page, "histogram")
    count = int(re.findall(r"Images (\d+)", said(place))[0])
    place.press("Enter")
    assert len(opened.names()) == count > 0
    assert {"images", "IoU of the image"} <= set(place.locator(".axes text").all_text_contents())


def test_sizes_tell_their_interval(page: sync_api.Page, out: Path) -> None:
    bins = json.loads((out / "scores.json").read_text())["true_sizes"]
    place = plot(page, "true-sizes")
    filled = next(index for index, each in enumerate(bins) if each["objects"])
    assert place.get_attribute("aria-valuenow") == str(filled)
    assert "95 % interval" in said(place)
    place.press("End")
    assert "no such object" in said(place)


def test_edges_are_held_against_all_distances(page: sync_api.Page) -> None:
    text = hover(plot(page, "crop-edges"), 0.2, 0.5)
    assert "0–4 px from the edge" in text
    assert "All distances" in text
    assert page.locator("#crop-edges .held").count() == 1


def test_a_point_opens_its_image_and_the_farthest_are_listed(page: sync_api.Page) -> None:
    place = plot(page, "areas")
    expect(place.locator("circle.spot")).to_have_count(len(STEMS))
    name = said(place).split(",")[0]
    place.press("Enter")
    assert page.text_content("#viewer-name") == name
    page.keyboard.press("Escape")
    page.locator("#areas-plot summary").click()
    farthest = page.locator("#areas-farthest button")
    assert farthest.count() == 10
    assert farthest.first.inner_text() == name
    page.select_option("#areas-class", label=EVIL)
    expect(plot(page, "areas")).to_have_attribute("aria-label", re.compile("Predicted over true area of <img"))
    farthest.nth(1).click()
    assert page.text_content("#viewer-name") == farthest.nth(1).inner_text()
    page.keyboard.press("Escape")


def test_every_axis_has_two_ticks_within_its_ends(page: sync_api.Page) -> None:
    axes = files("analysis").joinpath("templates/report/axes.js").read_text(encoding="utf-8")
    ends = [(0.82, 0.99), (0.848, 0.973), (0.899, 0.901), (-3, 1), (0, 1), (7, 8), (0.09, 0.51), (1e6, 1e6 + 1)]
    asked = [(low, high, count) for low, high in ends for count in (1, 3, 6)]
    found = page.evaluate(f"(asked) => {{ {axes}\n return asked.map((each) => linearTicks(...each)); }}", asked)
    for (low, high, count), ticks in zip(asked, found, strict=True):
        assert len(ticks) >= 2, (low, high, count)
        assert low <= ticks[0] < ticks[-1] <= high, (low, high, count)


def test_attributes_are_in_their_order_and_lead_to_images(page: sync_api.Page, opened: Visit) -> None:
    assert page.locator('[data-plot="attribute"]').count() == 2, "one value tells nothing"
    place = plot(page, "attribute", "angle")
    assert said(place).startswith("angle 9, IoU 0.")
    place.press("End")
    assert said(place).startswith("angle 20, IoU ")
    place.press("Enter")
    assert opened.names() == [STEMS[0]]


def test_words_are_explained_by_click_and_key(page: sync_api.Page) -> None:
    button = page.locator("#scores thead button.explain").first
    assert button.get_attribute("aria-label") == "What is IoU?"
    button.focus()
    page.keyboard.press("Enter")
    expect(page.locator("#explanation")).to_contain_text("TP / (TP + FP + FN)")
    assert button.get_attribute("aria-expanded") == "true"
    page.keyboard.press("Escape")
    expect(page.locator("#explanation")).to_be_hidden()
    button.click()
    page.locator("h1").click()
    expect(page.locator("#explanation")).to_be_hidden()
    assert page.locator("thead th[title]").count() == 0


def test_plots_fit_their_place_and_follow_the_colours(page: sync_api.Page) -> None:
    light = page.locator(".heat").first.evaluate("cell => getComputedStyle(cell).fill")
    page.emulate_media(color_scheme="dark")
    assert page.locator(".heat").first.evaluate("cell => getComputedStyle(cell).fill") != light
    page.set_viewport_size({"width": 390, "height": 800})
    expect(plot(page, "histogram").locator("svg")).to_have_attribute("viewBox", re.compile(r"^0 0 3\d\d "))
    assert page.evaluate("document.documentElement.scrollWidth") <= 390
    page.emulate_media(color_scheme="light")
    page.set_viewport_size({"width": 1280, "height": 900})


def with_images(page: Path, number: int) -> Path:
    """A copy of a page that knows of many images, its areas on a canvas."""
    text = page.read_text()
    found = re.search(r'<script type="application/json" id="data">(.*?)</script>', text, re.DOTALL)
    assert found
    data: dict[str, Any] = json.loads(found[1])
    rng = np.random.default_rng(0)
    areas = rng.integers(1, 10**6, number).tolist()
    columns: dict[str, Any] = {
        name: values[:1] * number for name, values in data["columns"].items() if isinstance(values, list)
    }
    columns["stem"] = [f"image_{index}" for index in range(number)]
    for name in ("group", "split"):
        columns[name] = {"values": data["columns"][name]["values"][:1], "of": [0] * number}
    data |= {"columns": columns, "attributes": {}, "thumbnails": {}, "objects": {}, "worst": [], "best": []}
    data["classes"] = {"iou": [[0.5] * number] * 2, "dice": [[0.5] * number] * 2, "true": [areas] * 2}
    data["classes"]["predicted"] = [[area // 2 for area in areas]] * 2
    data["plots"] |= {"attributes": {}}
    made = page.with_name("many.html")
    made.write_text(text.replace(found[1], json.dumps(data).replace("<", "\\u003c")))
    return made


def test_many_points_are_painted(chromium: sync_api.Browser, out: Path) -> None:
    context = chromium.new_context()
    page = context.new_page()
    page.route("**/layers/**", lambda route: route.abort())
    page.goto(with_images(out / "index.html", 10_000).as_uri())
    place = plot(page, "areas")
    expect(place.locator("canvas")).to_have_count(1)
    assert place.locator("circle.spot").count() == 0
    painted = "canvas => canvas.getContext('2d').getImageData(0, 0, canvas.width, canvas.height).data.some(Boolean)"
    assert place.locator("canvas").evaluate(painted)
    expect(page.locator("#areas-farthest li")).to_have_count(10)
    context.close()


def test_a_finger_looks_before_it_leads(chromium: sync_api.Browser, out: Path) -> None:
    with visiting(chromium, has_touch=True, viewport={"width": 390, "height": 800}) as visit:
        visit.page.goto((out / "index.html").as_uri())
        place = plot(visit.page, "places-wrong")
        place.scroll_into_view_if_needed()
        place.tap(position={"x": 3, "y": 3})
        expect(place.locator(".tip")).to_contain_text("42 of 48")
        assert visit.page.locator("#shown").inner_text() == "12"
        place.tap(position={"x": 3, "y": 3})
        expect(visit.page.locator("#shown")).to_have_text("11 of 12")


def test_areas_begin_with_a_class_that_there_is(tmp_path: Path) -> None:
    image, mask = disc_image(30, 20)
    dataset = make_dataset(tmp_path / "d", {"a": (image, 2 * mask)}, classes=ClassTable(("_background_", "bus", "car")))
    predictions = make_predictions(tmp_path / "p", dataset, {"a": 2 * np.roll(mask, 2, axis=1)})
    report(predictions, dataset, tmp_path / "r", overlays=0, workers=1)
    text = (tmp_path / "r/index.html").read_text(encoding="utf-8")
    assert '<option value="1" selected>car</option>' in text
    assert '<p class="note" data-class="1">' in text


def test_one_class_predicted_whole_has_no_edges_and_no_choices(chromium: sync_api.Browser, tmp_path: Path) -> None:
    write_report(tmp_path / "out", tmp_path, classes=ClassTable(("_background_", "car")), crop=None)
    with visiting(chromium) as visit:
        visit.page.goto((tmp_path / "out" / "index.html").as_uri())
        assert visit.page.locator("#crop-edges, #places-class, #areas-class").count() == 0
        expect(visit.page.locator("#where")).to_contain_text("Predicted whole, or stitched before")
        assert plot(visit.page, "places-wrong").locator("rect.heat").count() > 0
