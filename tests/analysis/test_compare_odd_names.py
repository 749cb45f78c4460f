"""The comparison in Chromium of reports and images whose names mean something else in an address."""

from __future__ import annotations

import re
from pathlib import Path
from urllib.parse import quote

import numpy as np
from playwright import sync_api
from playwright.sync_api import expect

from analysis.comparison.page import write_comparison
from analysis.report.report import report
from formats.predictions import ModelFacts
from tests.support.dataset_samples import disc_image, make_dataset, make_predictions
from tests.support.page_visits import visiting


def test_an_image_of_an_odd_name_is_found_in_reports_of_odd_names(browser: sync_api.Browser, tmp_path: Path) -> None:
    stem, folders = "50% #1?&ä", ["one #1", "two %41"]
    image, mask = disc_image(60, 50)
    dataset = make_dataset(tmp_path / "d", {stem: (image, mask)})
    for name in folders:
        shifted = np.roll(mask, len(name) - 4, axis=1)
        predictions = make_predictions(tmp_path / f"p {name}", dataset, {stem: shifted}, model=ModelFacts(job=name))
        report(predictions, dataset, tmp_path / name, workers=1)
    write_comparison([tmp_path / name for name in folders], tmp_path / "both")
    with visiting(browser) as visit:
        visit.page.goto((tmp_path / "both" / "index.html").as_uri() + f"#image={quote(stem)}")
        images = visit.page.locator("#stage .image")
        expect(images.first).to_have_attribute("src", re.compile("^file:"))
        expect(images.last).to_have_attribute("src", re.compile("^file:"))
        assert visit.page.text_content("#viewer-note") == ""
