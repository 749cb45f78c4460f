"""The report of what is long or wide, in Chromium: strips of images, and tables of many classes on paper."""

from __future__ import annotations

import numpy as np
import pytest

from analysis.report.report import report
from formats.classes import ClassTable
from tests.support.dataset_samples import make_dataset, make_predictions
from tests.support.page_visits import Visit

SIZES = {"tall_1": (20, 1000), "wide_2": (1000, 20), "usual_3": (120, 90), "dot_4": (1, 1)}
CLASSES = ClassTable(("_background_", *(f"a kind of thing, number {n}" for n in range(1, 15))))
PAPER = 688
"""CSS pixels between the margins of A4."""


@pytest.fixture(scope="module")
def odd_page(tmp_path_factory: pytest.TempPathFactory) -> str:
    root = tmp_path_factory.mktemp("odd")
    rng = np.random.default_rng(0)
    masks = {
        stem: np.sort(rng.integers(0, len(CLASSES), height * width)).reshape(height, width).astype(np.uint8)
        for stem, (width, height) in SIZES.items()
    }
    samples = {stem: (np.zeros((*mask.shape, 3), np.uint8), mask) for stem, mask in masks.items()}
    dataset = make_dataset(root / "dataset", samples, classes=CLASSES)
    predicted = {stem: np.roll(mask, mask.size // 30 + 1) for stem, mask in masks.items()}
    report(make_predictions(root / "predictions", dataset, predicted), dataset, root / "report", workers=1)
    return (root / "report" / "index.html").as_uri()


def test_strips_are_shown_whole_in_boxes_that_fit_among_the_others(visit: Visit, odd_page: str) -> None:
    visit.page.goto(odd_page)
    shapes = visit.page.evaluate(
        "Object.fromEntries([...document.querySelectorAll('#cards article')].map((card) => {"
        " const box = card.querySelector('.stack').getBoundingClientRect();"
        " return [card.querySelector('h3').textContent, box.width / box.height]; }))"
    )
    expected = {"tall_1": 0.5, "wide_2": 4, "usual_3": 4 / 3, "dot_4": 1}
    assert shapes == {name: pytest.approx(shape, rel=0.01) for name, shape in expected.items()}
    for name, fit in (("tall_1", "contain"), ("wide_2", "contain"), ("usual_3", "fill"), ("dot_4", "fill")):
        card = visit.page.locator("#cards article").filter(has_text=name)
        for layer in ("img.image", "canvas.difference"):
            assert card.locator(layer).evaluate("layer => getComputedStyle(layer).objectFit") == fit, (name, layer)


def test_no_table_is_wider_than_its_place_on_paper(visit: Visit, odd_page: str) -> None:
    page = visit.page
    page.goto(odd_page)
    page.evaluate("dispatchEvent(new Event('beforeprint'))")
    page.emulate_media(media="print")
    page.set_viewport_size({"width": PAPER, "height": 900})
    sides = page.evaluate(
        "[...document.querySelectorAll('table')].filter((table) => table.offsetParent).map((table) =>"
        " [table.dataset.csv, ...[table, table.closest('section')].map((each) => each.getBoundingClientRect().right)])"
    )
    assert {"classes", "confusion", "group"} <= {name for name, _, _ in sides}
    assert not [(name, right, place) for name, right, place in sides if right > place + 8]
    page.emulate_media(media="screen")
    assert visit.style("table[data-csv=confusion]", "zoom") == "1"
