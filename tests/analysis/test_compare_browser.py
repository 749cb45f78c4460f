"""The comparison in Chromium: what it is sorted and filtered by, and the viewers of all reports in step."""

from __future__ import annotations

import json
import re
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from playwright import sync_api
from playwright.sync_api import expect

from analysis.comparison.compare import by_disagreement
from analysis.comparison.page import write_comparison
from analysis.comparison.reading import read_reports
from analysis.comparison.scored import ReportScores
from analysis.options import ScoringOptions
from analysis.report.page.page_data import coded
from analysis.report.report import report
from formats.classes import ClassTable
from formats.predictions import ModelFacts
from tests.support.dataset_samples import disc_image, make_dataset, make_predictions
from tests.support.page_visits import Visit, visiting

STEMS = ("a_01", "a_02", "b_01", "c_02", "c_10")
SHIFTS = {"fcn": (3, 9, 0, 14, 6), "psp": (1, 12, 4, 2, 6), "unet": (8, 2, 9, 1, 6)}
TREES = ("b_01", "c_10")
"""The images that have the class tree."""
CLASSES = ClassTable(("_background_", "car", "tree"))


@pytest.fixture(scope="module")
def root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Three reports, their comparison `three`, and that of the first two, `both`."""
    root = tmp_path_factory.mktemp("compared")
    images = {}
    for seed, stem in enumerate(STEMS):
        image, mask = disc_image(120, 90, seed=seed)
        mask[:8, :20] = 2 * (stem in TREES)
        images[stem] = image, mask
    dataset = make_dataset(root / "dataset", images, classes=CLASSES)
    for name, shifts in SHIFTS.items():
        masks = {stem: np.roll(images[stem][1], by, axis=1) for stem, by in zip(STEMS, shifts, strict=True)}
        predictions = make_predictions(root / f"p-{name}", dataset, masks, model=ModelFacts(job=name))
        report(predictions, dataset, root / name, workers=1, overlays=0, scoring=ScoringOptions(draws=20))
    write_comparison([root / name for name in SHIFTS], root / "three")
    write_comparison([root / "fcn", root / "psp"], root / "both")
    return root


@pytest.fixture(scope="module")
def scored(root: Path) -> list[ReportScores]:
    return read_reports([root / name for name in SHIFTS])


@pytest.fixture(scope="module")
def shared(browser: sync_api.Browser, root: Path) -> Iterator[sync_api.Page]:
    with visiting(browser) as visit:
        yield visit.page


@pytest.fixture
def page(shared: sync_api.Page, root: Path) -> sync_api.Page:
    """The comparison of three reports, as it opens."""
    shared.goto("about:blank")
    shared.goto((root / "three" / "index.html").as_uri())
    return shared


def shown(page: sync_api.Page) -> list[str]:
    return list(page.locator("#pictures h3").all_text_contents())


def transforms(page: sync_api.Page) -> list[str]:
    stacks = page.locator("#stage .stack")
    return list(stacks.evaluate_all("stacks => stacks.map(stack => stack.style.transform)"))


def test_every_sort_orders_the_images(page: sync_api.Page, scored: list[ReportScores]) -> None:
    def mean(place: int) -> Callable[[str], float]:
        return lambda stem: scored[place].mean(stem, "iou")

    def gain(stem: str) -> float:
        return mean(0)(stem) - mean(1)(stem)

    by_spread = [stem for stem, _ in by_disagreement(scored)]
    assert shown(page) == by_spread
    expected = {
        "gain down": sorted(by_spread, key=gain, reverse=True),
        "gain up": sorted(by_spread, key=gain),
        **{f"score up {place}": sorted(by_spread, key=mean(place)) for place in range(3)},
        "name up": sorted(STEMS),
        "spread down": by_spread,
    }
    options = page.locator("#sort option").evaluate_all("options => options.map(option => option.value)")
    assert sorted(options) == sorted(expected)
    for value, order in expected.items():
        page.select_option("#sort", value)
        assert shown(page) == order, value


def test_the_scores_sort_by_each_heading(page: sync_api.Page, scored: list[ReportScores]) -> None:
    models = page.locator(".scores tbody a")
    assert models.all_text_contents() == list(SHIFTS)
    means = {each.name: np.mean(each.values(list(each.images), "dice")[:, 0]) for each in scored}
    heading = page.locator(".scores thead button", has_text="Dice per image")
    for sign in (-1, 1):
        heading.click()
        assert models.all_text_contents() == sorted(SHIFTS, key=lambda name: sign * means[name])


def test_every_filter_leaves_the_images_that_it_names(page: sync_api.Page) -> None:
    page.select_option("#sort", "name up")
    page.keyboard.press("/")
    page.keyboard.type("C ANGLE")
    assert shown(page) == ["c_02", "c_10"]
    assert page.text_content("#shown") == "2 of 5"
    page.fill("#search", "nobody")
    assert shown(page) == []
    page.click("#clear")
    assert len(shown(page)) == 5
    page.select_option("#group", "a")
    assert shown(page) == ["a_01", "a_02"]
    page.select_option("#attribute", label="02")
    assert shown(page) == ["a_02"]
    page.select_option("#group", "")
    assert shown(page) == ["a_02", "c_02"]
    page.select_option("#attribute", "")
    page.select_option("#part", label="tree")
    assert shown(page) == list(TREES)
    page.select_option("#part", label="car")
    assert len(shown(page)) == 5


def test_what_is_chosen_is_what_the_plots_and_pictures_say(page: sync_api.Page, scored: list[ReportScores]) -> None:
    page.select_option("#sort", "name up")
    fcn, psp, unet = (each.mean("a_02", "dice") for each in scored)
    page.select_option("#metric", label="Dice")
    card = page.locator("#pictures article").nth(1)
    assert card.locator("figcaption b").all_text_contents() == [f"{value:.4f}" for value in (fcn, psp, unet)]
    assert card.locator(".gain").text_content() == f"{fcn - psp:+.4f}".replace("-", "−")
    page.select_option("#theirs", label="unet")
    assert card.locator(".gain").text_content() == f"{fcn - unet:+.4f}".replace("-", "−")
    page.select_option("#ours", label="unet")  # the two change places
    assert page.locator("#theirs option:checked").text_content() == "fcn"
    assert card.locator(".gain").text_content() == f"{unet - fcn:+.4f}".replace("-", "−")
    assert "Dice: unet is better on 2 images, fcn on 2, 1 the same." in (page.text_content("#balance") or "")


def test_groups_and_attributes_that_gain_stand_first_and_lead_to_their_images(
    page: sync_api.Page, scored: list[ReportScores]
) -> None:
    def mean(stems: list[str]) -> float:
        gains = [scored[0].mean(stem, "iou") - scored[1].mean(stem, "iou") for stem in stems]
        return float(np.mean(gains))

    groups = {group: mean([stem for stem in STEMS if stem[0] == group]) for group in "abc"}
    by_group = page.locator(".plot", has_text="By group")
    told = dict(
        zip(by_group.locator(".key").all_text_contents(), by_group.locator(".mean").all_text_contents(), strict=True)
    )
    assert list(told) == sorted(groups, key=lambda group: -groups[group])
    assert told == {group: f"{value:+.4f}".replace("-", "−") for group, value in groups.items()}
    by_group.locator(".dot-row", has_text="c").click()
    assert sorted(shown(page)) == ["c_02", "c_10"]
    by_angle = page.locator(".plot", has_text="By angle")
    assert by_angle.locator(".key").all_text_contents() == ["01", "02", "10"]
    by_angle.locator(".dot-row").first.click()
    assert sorted(shown(page)) == ["a_01", "b_01"]


def test_a_point_says_its_image_and_opens_it(page: sync_api.Page) -> None:
    page.locator("#scatter").scroll_into_view_if_needed()
    box = page.locator("#scatter rect").bounding_box()
    paths = page.locator("#scatter .dots path").evaluate_all("paths => paths.map(path => path.getAttribute('d'))")
    points = [tuple(map(float, point)) for path in paths for point in re.findall(r"M(\S+) (\S+?)h0", path)]
    assert box
    assert len(points) == 5
    x, y = points[0]
    page.mouse.move(box["x"] + x / 100 * box["width"], box["y"] + y / 100 * box["height"])
    said = page.text_content(".pointed") or ""
    assert re.fullmatch(r"\w_\d+: fcn \S+, psp \S+ \([+−]0\.\d+\)", said)
    page.mouse.down()
    page.mouse.up()
    assert page.text_content("#viewer-name") == said.split(":")[0]


def test_a_picture_opens_all_viewers_in_step(page: sync_api.Page) -> None:
    page.select_option("#sort", "name up")
    page.locator("#pictures .stack").first.click()
    panes = page.locator("#stage .pane")
    expect(panes).to_have_count(3)
    assert panes.locator(".pane-head b").all_text_contents() == list(SHIFTS)
    assert page.url.endswith("#image=a_01")
    fitted = transforms(page)
    assert len(set(fitted)) == 1
    where = panes.nth(1).locator(".picture").bounding_box()
    assert where
    page.mouse.move(where["x"] + 60, where["y"] + 80)
    page.mouse.wheel(0, -300)
    expect(page.locator("#stage .stack").first).not_to_have_attribute("style", re.compile(re.escape(fitted[0])))
    zoomed = transforms(page)
    assert len(set(zoomed)) == 1
    page.mouse.down()
    page.mouse.move(where["x"] + 90, where["y"] + 100)
    page.mouse.up()
    assert len(set(transforms(page))) == 1
    assert transforms(page) != zoomed
    page.keyboard.press("ArrowRight")
    assert page.text_content("#viewer-name") == "a_02"
    for place, name in enumerate(SHIFTS):
        source = panes.nth(place).locator(".image")
        expect(source).to_have_attribute("src", re.compile(rf"/{name}/layers/image/a_02\.jpg$"))
    assert page.text_content("#viewer-note") == ""
    page.go_back()
    expect(page.locator("#viewer")).not_to_be_visible()


def test_the_table_has_all_images_sorts_by_each_heading_and_opens(
    page: sync_api.Page, scored: list[ReportScores]
) -> None:
    page.click("[data-view=table]")
    assert not page.is_visible("#pictures")
    names, headings = page.locator("#listed tbody th"), page.locator("#listed thead button")
    assert headings.all_text_contents() == ["Image", "Group", "fcn", "psp", "unet", "fcn less psp"]
    for place, name in ((2, "fcn"), (4, "unet")):
        headings.nth(place).click()
        by_score = sorted(STEMS, key=lambda stem: -scored[place - 2].mean(stem, "iou"))
        assert names.all_text_contents() == by_score, name
        headings.nth(place).click()
        assert names.all_text_contents() == by_score[::-1], name
        assert page.locator("#listed th[aria-sort=ascending]").text_content() == name
    headings.first.click()
    assert names.all_text_contents() == sorted(STEMS)
    names.nth(2).locator("a").click()
    assert page.text_content("#viewer-name") == "b_01"
    page.keyboard.press("ArrowRight")
    assert page.text_content("#viewer-name") == "c_02"


def test_an_address_opens_two_of_the_panes(page: sync_api.Page, root: Path) -> None:
    page.goto((root / "three" / "index.html").as_uri() + "#image=b_01&panes=0,2")
    expect(page.locator("#stage .pane-head b")).to_have_text(["fcn", "unet"])


def test_a_comparison_mailed_alone_shows_its_thumbnails_and_says_what_it_lacks(
    browser: sync_api.Browser, root: Path, tmp_path: Path
) -> None:
    shutil.copyfile(root / "three" / "index.html", tmp_path / "index.html")
    page = browser.new_page()
    page.goto((tmp_path / "index.html").as_uri())
    pictures = page.locator("#pictures .image").evaluate_all("images => images.map(image => image.naturalWidth)")
    assert pictures == [120] * 15
    page.locator("#pictures .stack").first.click()
    expect(page.locator("#viewer-note")).to_contain_text("thumbnails only")
    assert page.locator("#stage .image").evaluate_all("images => images.map(image => image.naturalWidth)") == [120] * 3
    page.close()


def test_pictures_that_are_not_inside_load_from_the_reports_or_say_where_they_were(
    browser: sync_api.Browser, root: Path, tmp_path: Path
) -> None:
    def without(data: dict[str, Any]) -> None:
        data["thumbnails"] = {}

    made = changed(root / "three" / "index.html", without, root / "three" / "bare.html")
    with visiting(browser) as visit:
        visit.page.goto(made.as_uri())
        visit.page.locator("#pictures").scroll_into_view_if_needed()
        expect(visit.page.locator("#pictures .image").first).to_have_attribute("src", re.compile(r"\.\./\w+/layers/"))
        expect(visit.page.locator("#inside")).to_contain_text("Pictures of 0 images are inside this page")
    shutil.copyfile(made, tmp_path / "index.html")
    page = browser.new_page()
    page.goto((tmp_path / "index.html").as_uri())
    page.locator("#pictures").scroll_into_view_if_needed()
    expect(page.locator("#inside")).to_contain_text("layers/ has gone")
    expect(page.locator("#pictures .gone").first).to_be_visible()
    page.close()


def changed(page: Path, change: Callable[[dict[str, Any]], None], out: Path) -> Path:
    """A copy of a page whose script reads other data; the policy covers programs, not data."""
    text = page.read_text()
    found = re.search(r'<script type="application/json" id="data">(.*?)</script>', text, re.DOTALL)
    assert found
    data = json.loads(found[1])
    change(data)
    out.write_text(text.replace(found[1], json.dumps(data).replace("<", "\\u003c")))
    return out


def many(data: dict[str, Any]) -> None:
    number = 10_000
    data["stems"] = [f"image_{n:05d}" for n in range(number)]
    data["group"] = coded([f"g{n // 10}" for n in range(number)])
    data["width"], data["height"] = [120] * number, [90] * number
    data["attributes"] = {"angle": coded([str(n % 16) for n in range(number)])}
    data["byClass"] = False
    scores = [[[(n * step) % 1_000_000 for n in range(number)]] for step in (7, 11, 13)]
    data["scores"] = {"iou": scores, "dice": scores}
    data["thumbnails"] = {}


def test_10000_images_are_shown_some_at_a_time_and_all_can_be_reached(browser: sync_api.Browser, root: Path) -> None:
    made = changed(root / "three" / "index.html", many, root / "three" / "many.html")
    with visiting(browser) as visit:
        page = visit.page
        page.route("**/layers/image/**", lambda route: route.fulfill(path=root / "fcn/layers/image/a_01.jpg"))
        page.route("**/layers/pairs/**", lambda route: route.fulfill(path=root / "fcn/layers/pairs/a_01.js"))
        page.goto(made.as_uri())
        assert page.text_content("#shown") == "10,000"
        assert len(shown(page)) <= 24
        assert page.locator("#scatter .dots *").count() <= 8
        rows = page.locator(".plot", has_text="By group").locator(".dot-row")
        assert rows.count() == 24
        page.locator(".rest").click()
        assert rows.count() == 1000
        page.click("[data-view=table]")
        listed = page.locator("#listed tbody tr")
        assert listed.count() <= 300
        page.select_option("#sort", "name up")
        page.fill("#search", "image_0012")
        assert listed.count() == 10
        page.fill("#search", "")
        before = listed.count()
        page.locator("#more").scroll_into_view_if_needed()
        expect(listed.nth(before)).to_be_attached()
        page.select_option("#group", "g999")
        assert page.locator("#listed tbody th").last.text_content() == "image_09999"


EVIL = "<img src=x onerror=alert(1)>"


def test_names_are_text_wherever_a_script_writes_them(browser: sync_api.Browser, root: Path) -> None:
    def rename(data: dict[str, Any]) -> None:
        data["stems"] = [f"{EVIL}{n}" for n in range(5)]
        data["group"] = coded([f"{EVIL}{n % 2}" for n in range(5)])
        data["attributes"] = {EVIL: coded([f"{EVIL} {n % 2}" for n in range(5)])}
        data["names"] = ["_", EVIL, EVIL]
        for each in data["reports"]:
            each["name"] = f"{EVIL} {each['name']}"

    made = changed(root / "three" / "index.html", rename, root / "three" / "evil.html")
    with visiting(browser) as visit:
        page = visit.page
        page.route("**/layers/**", lambda route: route.abort())
        page.goto(made.as_uri())
        page.locator(".dot-row").last.click()
        assert 0 < len(shown(page)) < 5
        page.select_option("#part", "1")
        page.click("[data-view=table]")
        page.locator("#listed a").first.click()
        assert (page.text_content("#viewer-name") or "").startswith(EVIL)
        assert page.locator("img[src=x]").count() == 0
        visit.complaints[:] = [each for each in visit.complaints if "ERR_FAILED" not in each]


def test_the_comparison_fits_a_phone_the_dark_and_paper(visit: Visit, root: Path) -> None:
    page = visit.page
    page.set_viewport_size({"width": 390, "height": 844})
    page.emulate_media(color_scheme="dark")
    for name in ("three", "both"):
        page.goto((root / name / "index.html").as_uri())
        for view in ("table", "pictures"):
            page.click(f"[data-view={view}]")
            assert page.evaluate("document.documentElement.scrollWidth") <= 390, (name, view)
        assert visit.style("body", "backgroundColor") == "rgb(17, 20, 24)"
    assert not page.is_visible("#ours"), "two models are one pair"
    page.emulate_media(media="print")
    assert visit.style("body", "backgroundColor") == "rgb(255, 255, 255)"
    assert not page.is_visible("#search")
    assert page.locator("#pictures .stack").first.is_visible()
