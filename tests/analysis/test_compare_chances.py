"""The comparison in Chromium: how sure the differences by attribute are, and its words, explained in place."""

from __future__ import annotations

import json
import re
import shutil
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from playwright import sync_api
from playwright.sync_api import expect

from analysis.comparison.page import write_comparison
from analysis.comparison.reading import read_reports
from analysis.comparison.scored import ReportScores
from analysis.options import ScoringOptions
from analysis.report.report import report
from formats.predictions import ModelFacts
from tests.support.compared_reports import paired_interval
from tests.support.dataset_samples import disc_image, make_dataset, make_predictions
from tests.support.page_visits import visiting

STEMS = [f"{group}_{angle}" for group in "abcdefg" for angle in ("01", "02")] + ["h_03"]
"""Seven groups seen from two angles, and an angle of one group."""


@pytest.fixture(scope="module")
def folders(tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    root = tmp_path_factory.mktemp("chances")
    images = {stem: disc_image(80, 60, seed=seed) for seed, stem in enumerate(STEMS)}
    dataset = make_dataset(root / "dataset", images)
    rng = np.random.default_rng(3)
    made = []
    for name, most in (("one", 4), ("two", 9)):
        masks = {stem: np.roll(mask, int(rng.integers(0, most)), axis=1) for stem, (_, mask) in images.items()}
        predictions = make_predictions(root / f"p-{name}", dataset, masks, model=ModelFacts(job=name))
        report(predictions, dataset, root / name, workers=1, overlays=0, scoring=ScoringOptions(draws=20))
        made.append(root / name)
    write_comparison(made, root / "both")
    return made


@pytest.fixture
def page(browser: sync_api.Browser, folders: list[Path]) -> Iterator[sync_api.Page]:
    with visiting(browser) as visit:
        visit.page.goto((folders[0].parent / "both" / "index.html").as_uri())
        visit.page.locator("#plots").scroll_into_view_if_needed()
        yield visit.page


def row_of(page: sync_api.Page, plot: str, key: str) -> sync_api.Locator:
    rows = page.locator(".plot", has=page.get_by_role("heading", name=plot)).locator(".dot-row")
    return rows.filter(has=page.locator(".key", has_text=re.compile(f"^{key}$")))


def numbers(text: str) -> list[float]:
    return [float(each) for each in re.findall(r"[+-]\d\.\d+", text.replace("−", "-"))]


def by_angle(reports: list[ReportScores], angle: str) -> tuple[list[float], list[str]]:
    stems = [stem for stem in STEMS if stem.endswith(angle)]
    one, two = ([each.mean(stem, "iou") for stem in stems] for each in reports)
    return list(np.subtract(one, two)), [stem[0] for stem in stems]


@pytest.mark.parametrize("angle", ["01", "02"])
def test_the_bar_of_a_value_is_the_interval_of_its_groups_drawn_anew(
    angle: str, page: sync_api.Page, folders: list[Path]
) -> None:
    differences, groups = by_angle(read_reports(folders), angle)
    wanted = paired_interval(np.array(differences), groups)
    assert wanted
    row = row_of(page, "By angle", angle)
    expect(row).to_have_attribute("title", re.compile(f"^{angle}: 7 images of 7 groups, . *"))
    told = numbers(row.get_attribute("title") or "")
    assert told == pytest.approx(wanted, abs=0.1 * (wanted[1] - wanted[0]))
    assert numbers(row.locator(".mean").inner_text()) == pytest.approx([np.mean(differences)], abs=1e-4)
    assert (row.locator(".sure").count() == 1) is (told[0] > 0 or told[1] < 0)
    bar, track = (row.locator(place).bounding_box() for place in (".whisker i", ".whisker"))
    assert bar
    assert track
    assert track["x"] <= bar["x"] < bar["x"] + bar["width"] <= track["x"] + track["width"]


@pytest.mark.parametrize(("plot", "key"), [("By angle", "03"), ("By group", "a"), ("By group", "h")])
def test_what_one_group_says_has_no_interval(plot: str, key: str, page: sync_api.Page) -> None:
    expect(row_of(page, "By angle", "01")).to_have_attribute("title", re.compile(" to "))
    row = row_of(page, plot, key)
    assert " to " not in (row.get_attribute("title") or "")
    assert not row.locator(".whisker i").evaluate("bar => bar.offsetWidth")


def test_the_same_bars_come_out_each_time(page: sync_api.Page) -> None:
    row = row_of(page, "By angle", "02")
    expect(row).to_have_attribute("title", re.compile(" to "))
    before = row.get_attribute("title")
    page.reload()
    page.locator("#plots").scroll_into_view_if_needed()
    expect(row).to_have_attribute("title", before or "")


def test_paper_has_bars_too(browser: sync_api.Browser, folders: list[Path]) -> None:
    with visiting(browser, viewport={"width": 900, "height": 200}) as visit:
        visit.page.goto((folders[0].parent / "both" / "index.html").as_uri())
        row = row_of(visit.page, "By angle", "01")
        assert " to " not in (row.get_attribute("title") or "")
        visit.page.evaluate("dispatchEvent(new Event('beforeprint'))")
        assert " to " in (row.get_attribute("title") or "")


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("IoU per image", "IoU = TP / (TP + FP + FN). Intersection over union"),
        ("Recall", "How much of what is true was found. Here of the pixels of all images together."),
        ("By angle", "Bars are 95 % intervals by drawing the groups with that value anew"),
    ],
)
def test_words_are_explained_in_place_as_in_the_report(name: str, words: str, page: sync_api.Page) -> None:
    button = page.get_by_role("button", name=f"What is {name}?").first
    button.focus()
    page.keyboard.press("Enter")
    expect(page.locator("#explanation")).to_contain_text(words)
    page.keyboard.press("Escape")
    expect(page.locator("#explanation")).to_be_hidden()


@pytest.mark.parametrize("width", [390, 720])
def test_long_names_of_models_fit_a_phone_and_paper(
    width: int, browser: sync_api.Browser, folders: list[Path], tmp_path: Path
) -> None:
    long = []
    for folder in folders:
        long.append(shutil.copytree(folder, tmp_path / folder.name))
        scores = json.loads((folder / "scores.json").read_text())
        epochs = [{"train_loss": 1.0, "validation_mIOU": 0.1}, {"train_loss": 0.5, "validation_mIOU": 0.2}]
        scores["job"] |= {"job": folder.name * 30, "epochs": epochs, "hyperparameters": {"lr": folder.name}}
        (long[-1] / "scores.json").write_text(json.dumps(scores))
    write_comparison(long, tmp_path / "out")
    with visiting(browser, viewport={"width": width, "height": 800}) as visit:
        visit.page.goto((tmp_path / "out" / "index.html").as_uri())
        if width > 390:
            visit.page.emulate_media(media="print")
        assert visit.page.locator("#training").count() == 1
        assert visit.page.evaluate("document.documentElement.scrollWidth") <= width
