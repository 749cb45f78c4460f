"""The comparison of so many images that what is known of each lies in a file beside the page, in Chromium."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import expect

from analysis.comparison.page import write_comparison
from analysis.comparison.page_data import page_data
from analysis.comparison.reading import read_reports
from analysis.drawing.colours import AGREEMENT_COLOURS, ColourScheme
from analysis.report.page.page_data import coded
from analysis.report_files import IMAGE_COLUMNS
from tests.analysis.test_compare_browser import changed
from tests.analysis.test_compare_browser import many as of_10000
from tests.support.compared_reports import SAMPLES, make_good, make_poor, page_of
from tests.support.dataset_samples import make_dataset
from tests.support.page_visits import Visit

INSIDE = 2


@pytest.fixture(scope="module")
def many(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of two reports of four images, which count as very many, and of their comparison, `both`."""
    root = tmp_path_factory.mktemp("many")
    dataset = make_dataset(root / "dataset", SAMPLES)
    reports = [make_good(root, dataset), make_poor(root, dataset)]
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("analysis.comparison.page_data.MOST_IMAGES", 3)
        patch.setattr("analysis.comparison.page_data.DRAWN", INSIDE)
        write_comparison(reports, root / "both")
    return root


def test_the_page_holds_the_first_images_and_a_file_all(many: Path) -> None:
    data = page_of(many / "both").data
    every = page_data(read_reports([many / "good", many / "poor"]), ["", ""], AGREEMENT_COLOURS[ColourScheme.DEFAULT])
    assert data["count"] == len(SAMPLES)
    assert data["stems"] == every["stems"][:INSIDE]
    assert data["scores"]["iou"] == [[column[:INSIDE] for column in report] for report in every["scores"]["iou"]]
    groups = [every["group"]["values"][code] for code in every["group"]["of"]]
    assert [data["group"]["values"][code] for code in data["group"]["of"]] == groups[:INSIDE]
    assert set(data["group"]["values"]) == set(groups[:INSIDE])
    text = (many / "both" / IMAGE_COLUMNS).read_text()
    assert all(f'"{stem}"' in text for stem in SAMPLES)


def test_all_images_are_found_with_the_file_beside_the_page(visit: Visit, many: Path) -> None:
    page = visit.page
    page.goto((many / "both" / "index.html").as_uri())
    expect(page.locator("#pictures h3")).to_have_count(len(SAMPLES))
    assert not page.is_visible("#alone")
    assert page.is_visible("#scatter")
    page.select_option("#sort", "name up")
    assert page.locator("#pictures h3").all_text_contents() == sorted(SAMPLES)
    page.fill("#search", "c_01")
    page.click("#pictures article .stack >> nth=0")
    assert page.text_content("#viewer-name") == "c_01"


@pytest.mark.parametrize("damage", ["missing", "not whole"])
def test_a_page_alone_shows_the_first_and_draws_no_plot_of_these(
    visit: Visit, many: Path, tmp_path: Path, damage: str
) -> None:
    shutil.copy(many / "both" / "index.html", tmp_path)
    if damage == "not whole":
        (tmp_path / IMAGE_COLUMNS).parent.mkdir()
        text = (many / "both" / IMAGE_COLUMNS).read_text()
        (tmp_path / IMAGE_COLUMNS).write_text(text.replace('"width":[60,', '"width":['))
    page = visit.page
    page.goto((tmp_path / "index.html").as_uri())
    expect(page.locator("#pictures h3")).to_have_count(INSIDE)
    assert "knows 2 of 4 images, those on which the reports disagree most" in (page.text_content("#alone") or "")
    assert page.is_visible("#alone")
    assert not page.is_visible("#scatter")
    assert not page.is_visible("#balance")
    visit.complaints = [each for each in visit.complaints if "ERR_FILE_NOT_FOUND" not in each]


def test_a_group_of_very_many_is_typed(visit: Visit, many: Path) -> None:
    def scatter(data: dict[str, Any]) -> None:
        of_10000(data)
        del data["imagesBeside"]
        data["group"] = coded([f"g{n // 5}" for n in range(10_000)])

    page = visit.page
    page.route("**/layers/**", lambda route: route.abort())
    page.goto(changed(many / "both" / "index.html", scatter, many / "both" / "groups.html").as_uri())
    assert page.get_attribute("#group", "placeholder") == "Any of 2,000"
    page.click("[data-view=table]")
    for typed, found in (("g1999", "5 of 10,000"), ("g", "0 of 10,000"), ("", "10,000")):
        page.fill("#group", typed)
        page.press("#group", "Enter")
        assert page.text_content("#shown") == found
    rows = page.locator(".plot", has_text="By group").locator(".dot-row")
    page.locator(".rest").click()
    assert rows.count() == 1024
    assert page.text_content(".rest") == "976 more between"
    visit.complaints = [each for each in visit.complaints if "ERR_FAILED" not in each]
