"""The report of so many images in Chromium that what is known of each lies in a file beside the page."""

from __future__ import annotations

import shutil
from pathlib import Path

import numpy as np
import pytest

from analysis.report.report import report
from analysis.report_files import IMAGE_COLUMNS
from tests.support.dataset_samples import disc_image, make_dataset, make_predictions
from tests.support.page_reader import Page
from tests.support.page_visits import Visit

SHIFTS = {"a_01": 3, "a_02": 12, "b_01": 0, "c_09": 20, "c_10": 6}
WORST_FIRST = ["c_09", "a_02", "c_10", "a_01", "b_01"]
KNOWN_ALONE = ["c_09", "a_02", "a_01", "b_01"]
"""The worst two, and the best two."""


@pytest.fixture(scope="module")
def many(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of a report of five images, which counts as one of very many."""
    root = tmp_path_factory.mktemp("many")
    samples = {stem: disc_image(60, 40, seed=n) for n, stem in enumerate(SHIFTS)}
    dataset = make_dataset(root / "dataset", samples)
    masks = {stem: np.roll(mask, SHIFTS[stem], axis=1) for stem, (_, mask) in samples.items()}
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("analysis.report.page.page_data.MOST_IMAGES", 4)
        patch.setattr("analysis.report.page.page_data.WORST_OF_MANY", 2)
        report(make_predictions(root / "predictions", dataset, masks), dataset, root / "report", workers=1)
    return root / "report"


def test_the_page_holds_the_images_that_it_shows_and_a_file_all(many: Path) -> None:
    data = Page((many / "index.html").read_text()).data
    assert data["places"] == [0, 1, 3, 4]
    assert data["columns"]["stem"] == KNOWN_ALONE
    assert [data["columns"]["group"]["values"][code] for code in data["columns"]["group"]["of"]] == ["c", "a", "a", "b"]
    text = (many / IMAGE_COLUMNS).read_text()
    assert '"stem":["c_09","a_02","c_10","a_01","b_01"]' in text
    assert data["classesBeside"] == ["columns/1.js"]


def test_all_images_are_found_sorted_and_opened(visit: Visit, many: Path) -> None:
    page = visit.page
    page.goto((many / "index.html").as_uri())
    page.wait_for_selector("#cards article")
    assert visit.names() == WORST_FIRST
    assert not page.is_visible("#alone")
    page.select_option("#sort", "name")
    assert visit.names() == sorted(SHIFTS)
    page.fill("#search", "a_")
    assert visit.names() == ["a_01", "a_02"]
    page.click("article:has-text('a_02') .stack")
    assert page.text_content("#viewer-name") == "a_02"


@pytest.mark.parametrize("damage", ["missing", "not whole"])
def test_a_page_alone_shows_what_it_knows_and_says_what_it_lacks(
    visit: Visit, many: Path, tmp_path: Path, damage: str
) -> None:
    shutil.copy(many / "index.html", tmp_path)
    if damage == "not whole":
        (tmp_path / IMAGE_COLUMNS).parent.mkdir()
        text = (many / IMAGE_COLUMNS).read_text()
        (tmp_path / IMAGE_COLUMNS).write_text(text.replace('"stem":["c_09",', '"stem":['))
    page = visit.page
    page.goto((tmp_path / "index.html").as_uri())
    page.wait_for_selector("#cards article")
    assert visit.names() == KNOWN_ALONE
    assert "knows 4 of 5 images, the worst and the best" in (page.text_content("#alone") or "")
    assert page.is_visible("#alone")
    page.select_option("#sort", "name")
    assert visit.names() == sorted(KNOWN_ALONE)
    page.fill("#search", "1")
    assert visit.names() == ["a_01", "b_01"]
    visit.complaints = [each for each in visit.complaints if "ERR_FILE_NOT_FOUND" not in each]
