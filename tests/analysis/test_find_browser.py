"""Finding images on the report's page, in Chromium: filters, sorts, the table, addresses, and the list of those chosen,
which every verb takes."""

from __future__ import annotations

import csv
import json
import re
import sys
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from playwright import sync_api
from playwright.sync_api import expect

from analysis.cli import app
from analysis.options import Scale, ScoringOptions
from analysis.report.report import report
from formats import dataset as dataset_files
from formats.classes import ClassTable
from formats.console import run_app
from formats.dataset import Dataset, open_dataset
from formats.images import encode_image
from formats.manifest import write_manifest
from tests.analysis.test_page_browser import with_images
from tests.support.dataset_samples import disc_image, make_dataset, make_predictions, write_shares
from tests.support.page_visits import Visit, find_chromium

CLASSES = ClassTable(("_background_", "car", "road"))
FOLDERS = ("2024", "2025", "2026")
STEMS = tuple(f"{folder}_{name}" for folder in FOLDERS for name in "abcdefghij")
SAMPLES = {stem: disc_image(60, 40, seed=number) for number, stem in enumerate(STEMS)}
CLEAN = {"2024_a", "2026_j"}
AS_ROAD = {"2024_c", "2025_d"}
WITHOUT = "2026_e"
SHIFT = {stem: 1 + number for number, stem in enumerate(STEMS)}


def path_of(stem: str) -> str:
    """Images of equal stem in several folders, as prep calls them."""
    return stem.replace("_", "/") + ".jpg"


def predicted(stem: str) -> np.ndarray[tuple[int, ...], np.dtype[np.uint8]]:
    mask = SAMPLES[stem][1]
    if stem in CLEAN:
        return mask
    shifted = np.roll(mask, SHIFT[stem] % 9 + 1, axis=1)
    if stem in AS_ROAD:
        shifted[:, 30:] *= 2
    return shifted


def dataset_of(root: Path) -> Dataset:
    made = make_dataset(
        root,
        {stem: (image, mask * (stem != WITHOUT)) for stem, (image, mask) in SAMPLES.items()},
        classes=CLASSES,
        groups={stem: f"group {stem[-1]}" for stem in STEMS},
        splits={stem: "test" if stem.startswith("2026") else "val" for stem in STEMS},
    )
    more = [{"year": row.source_stem[:4], "serial": str(SHIFT[row.source_stem])} for row in made.rows]
    rows = [
        replace(row, source=path_of(row.source_stem), attributes=told)
        for row, told in zip(made.rows, more, strict=True)
    ]
    write_manifest(dataset_files.manifest_path(root), rows)
    return open_dataset(root)


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A report, its predictions with probabilities, and the images that were predicted."""
    root = tmp_path_factory.mktemp("find")
    dataset = dataset_of(root / "dataset")
    predictions = make_predictions(root / "predictions", dataset, {stem: predicted(stem) for stem in STEMS})
    write_shares(predictions, 0.8)
    report(predictions, dataset, root / "report", workers=1, scoring=ScoringOptions(scale=Scale(0.5, "m"), draws=0))
    for stem, (image, _) in SAMPLES.items():
        (root / "images" / path_of(stem)).parent.mkdir(parents=True, exist_ok=True)
        (root / "images" / path_of(stem)).write_bytes(encode_image(image))
    return root


@pytest.fixture(scope="module")
def opened() -> Iterator[Visit]:
    with sync_api.sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=find_chromium(), args=["--no-sandbox"])
        visit = Visit(browser.new_context(viewport={"width": 1280, "height": 900}).new_page())
        visit.watch()
        visit.page.set_default_timeout(3000)
        yield visit
        browser.close()


@pytest.fixture
def visit(opened: Visit, made: Path) -> Iterator[Visit]:
    go(opened, made)
    yield opened
    assert opened.complaints == []


def go(visit: Visit, made: Path, address: str = "") -> None:
    visit.page.goto("about:blank")
    visit.page.goto((made / "report" / "index.html").as_uri() + address)


def found(visit: Visit) -> set[str]:
    """The stems of all that match, and what the page says of their number."""
    visit.page.evaluate("() => { const more = document.getElementById('more'); while (!more.hidden) more.click(); }")
    names = set(visit.names())
    assert visit.page.text_content("#shown") in (f"{len(names)} of {len(STEMS)}", str(len(names)))
    return names


def field(visit: Visit, label: str) -> sync_api.Locator:
    if not visit.page.is_visible("#filters"):
        visit.page.click("#filter")
    return visit.page.get_by_role("combobox", name=label, exact=True)


@pytest.mark.parametrize(
    ("label", "option", "names", "chip"),
    [
        ("Has class", "road", AS_ROAD, "Has road"),
        ("Group", "group c (3)", {"2024_c", "2025_c", "2026_c"}, "Group group c"),
        ("Split", "test (10)", {stem for stem in STEMS if stem.startswith("2026")}, "Split test"),
        ("year", "2025 (10)", {stem for stem in STEMS if stem.startswith("2025")}, "year 2025"),
        ("Errors", f"Without an error ({len(CLEAN)})", CLEAN, "Without an error"),
        ("Errors", f"False positives ({len(STEMS) - len(CLEAN)})", set(STEMS) - CLEAN, "False positives"),
        ("Errors", f"Missed pixels ({len(STEMS) - len(CLEAN) - 1})", set(STEMS) - CLEAN - {WITHOUT}, "Missed pixels"),
    ],
)
def test_a_filter_shows_its_images_and_is_a_chip(
    visit: Visit, label: str, option: str, names: set[str], chip: str
) -> None:
    field(visit, label).select_option(label=option)
    assert found(visit) == names
    chips = visit.page.locator("#chips button")
    assert chips.all_text_contents() == [f"{chip}×"]
    chips.click()
    assert found(visit) == set(STEMS)
    assert not visit.page.is_visible("#clear")


@pytest.mark.parametrize(("side", "what"), [("wrong", "false_positive"), ("missed", "missed")])
@pytest.mark.parametrize("kind", ["halo", "bulge", "object"])
def test_kinds_of_objects_are_those_of_the_table(visit: Visit, made: Path, side: str, what: str, kind: str) -> None:
    with (made / "report" / "objects.csv").open(encoding="utf-8") as file:
        names = {row["stem"] for row in csv.DictReader(file) if row["what"] == what and row["kind"] == kind}
    if names:
        field(visit, "Errors").select_option(f"{side}-{kind}")
        assert found(visit) == names
    else:
        assert field(visit, "Errors").locator(f"option[value={side}-{kind}]").count() == 0


def test_a_class_is_true_or_predicted(visit: Visit) -> None:
    field(visit, "Has class").select_option("car")
    assert found(visit) == set(STEMS)
    field(visit, "True or predicted").select_option("True")
    assert found(visit) == set(STEMS) - {WITHOUT}
    field(visit, "Has class").select_option("road")
    assert found(visit) == set()
    field(visit, "True or predicted").select_option("Predicted")
    assert found(visit) == AS_ROAD


def test_of_many_values_one_or_a_range_is_typed(visit: Visit) -> None:
    serial = field(visit, "serial")
    for typed, names in (("7", {"2024_g"}), ("29..", {"2026_i", "2026_j"}), ("2..3", {"2024_b", "2024_c"})):
        serial.fill(typed)
        serial.press("Tab")
        assert found(visit) == names, typed
    serial.fill("none")
    serial.press("Tab")
    assert serial.evaluate("field => field.validationMessage") == "None is called none"
    assert found(visit) == {"2024_b", "2024_c"}
    serial.fill("")
    serial.press("Tab")
    assert found(visit) == set(STEMS)
    assert serial.evaluate("field => field.list.options.length") == len(STEMS)


def test_filters_are_combined_and_what_to_take_away_is_said(visit: Visit) -> None:
    page = visit.page
    field(visit, "Group").select_option(label="group c (3)")
    field(visit, "Split").select_option(label="val (20)")
    assert found(visit) == {"2024_c", "2025_c"}
    page.fill("#search", "2026")
    assert found(visit) == set()
    assert not page.is_visible("#more")
    offers = page.locator("#none button")
    assert offers.all_text_contents() == ["Without “Split val”: 1", "Without “2026”: 2", "Without any filter: 30"]
    offers.first.click()
    assert found(visit) == {"2026_c"}
    page.click("#clear")
    assert found(visit) == set(STEMS)
    assert page.input_value("#search") == ""


def test_more_is_offered_while_there_is_more(visit: Visit) -> None:
    page = visit.page
    page.set_viewport_size({"width": 1280, "height": 300})
    go(visit, Path(page.url.removeprefix("file://")).parents[1])
    more = page.locator("#more")
    assert more.text_content() == "Show more of 30"
    more.scroll_into_view_if_needed()
    expect(more).to_be_hidden()
    assert len(visit.names()) == len(STEMS)
    field(visit, "Split").select_option(label="val (20)")
    assert len(visit.names()) == 20
    expect(more).to_be_hidden()
    page.set_viewport_size({"width": 1280, "height": 900})


@pytest.mark.parametrize(
    ("key", "first", "other"),
    [
        ("name", "2024_a", "2026_j"),
        ("attribute.serial", "2024_a", "2026_j"),
        ("attribute.year", "2024", "2026"),
        ("group", "_a", "_j"),
        ("split", "2026", "202[45]"),
        ("iou.road", "2024_c|2025_d", "2024_c|2025_d"),
        ("predicted.road", ".", "2024_c|2025_d"),
        ("true", WITHOUT, "."),
    ],
)
def test_any_column_sorts_both_ways(visit: Visit, key: str, first: str, other: str) -> None:
    page = visit.page
    page.select_option("#sort", key)
    if page.text_content("#direction") == "↓":
        page.click("#direction")
    assert re.search(first, visit.names()[0])
    page.click("#direction")
    assert re.search(other, visit.names()[0])


def rows(visit: Visit, column: str) -> list[str]:
    headings = visit.page.locator("#image-table thead th").all_text_contents()
    place = headings.index(column) + 1
    return list(visit.page.locator(f"#image-table tbody tr > :nth-child({place})").all_text_contents())


def test_the_table_sorts_by_its_headings_and_its_rows_open(visit: Visit) -> None:
    page = visit.page
    page.click("[data-view=table]")
    assert not page.is_visible("#cards")
    assert not page.is_visible("#more")
    assert len(rows(visit, "Name")) == len(STEMS)
    for column in ("False positives, px", "True area, m²", "car: IoU", "serial", "Error of the area, m²"):
        heading = page.locator("#image-table thead").locator("button", has_text=re.compile(f"^{column}$"))
        for _ in range(2):
            heading.click()
            told = [float(text.replace(",", "")) for text in rows(visit, column) if text != "–"]
            up = page.locator("#image-table th[aria-sort]").get_attribute("aria-sort") == "ascending"
            assert told == sorted(told, reverse=not up), column
    assert len(set(rows(visit, "Name"))) == len(STEMS)
    field(visit, "Split").select_option(label="test (10)")
    assert len(rows(visit, "Name")) == 10
    page.locator("#image-table tbody tr").nth(2).locator("td").last.click()
    assert page.text_content("#viewer-name") == rows(visit, "Name")[2]


def test_an_address_opens_the_same_view(visit: Visit, made: Path) -> None:
    page = visit.page
    field(visit, "Group").select_option(label="group c (3)")
    page.fill("#search", "202")
    page.select_option("#sort", "attribute.serial")
    page.click("#direction")
    page.click("[data-view=table]")
    names = rows(visit, "Name")
    assert names == ["2026_c", "2025_c", "2024_c"]
    expect(page).to_have_url(re.compile("view=table"))
    address = page.url.partition("#")[2]
    page.goto("about:blank")
    go(visit, made, f"#{address}")
    assert rows(visit, "Name") == names
    assert page.locator("#chips button").all_text_contents() == ["Group group c×", "“202”×"]
    assert page.text_content("#direction") == "↓"
    page.evaluate("location.hash = '#images?split=test'")
    expect(page.locator("#cards h3")).to_have_count(10)
    page.go_back()
    expect(page.locator("#image-table tbody tr")).to_have_count(3)
    go(visit, made, "#images?split=absent&colour=red&attribute.height=3&sort=nothing")
    assert visit.names() == []
    assert page.locator("#none button").all_text_contents() == ["Without “Split absent”: 30"]


def test_cells_bars_and_rows_lead_to_their_images(visit: Visit) -> None:
    page = visit.page
    page.locator("#confusion").get_by_title("Images with true car predicted as road").click()
    assert found(visit) == AS_ROAD
    assert page.locator("#chips button").all_text_contents() == ["True car predicted as road×"]
    page.locator("#groups").get_by_role("button", name="group d").press("Enter")
    assert found(visit) == {"2024_d", "2025_d", "2026_d"}
    page.locator("#attributes summary").click()
    page.locator("#attributes table").get_by_role("button", name="2025").click()
    assert found(visit) == {stem for stem in STEMS if stem.startswith("2025")}
    page.locator("[data-plot=histogram] [role=slider], [data-plot=histogram][role=slider]").press("Enter")
    assert 0 < len(found(visit)) < len(STEMS)
    assert re.fullmatch(r"IoU [0-9.]+ to [0-9.]+×", page.text_content("#chips") or "")
    page.locator("#errors").get_by_role("button", name="object", exact=True).first.click()
    assert page.locator("#chips button").all_text_contents() == ["False positive objects×"]
    assert WITHOUT in found(visit)


def test_images_are_chosen_by_boxes_ranges_and_all_at_once(visit: Visit) -> None:
    page = visit.page
    page.select_option("#sort", "name")
    boxes = page.locator("[data-choose]")
    assert not page.is_visible("#tray")
    boxes.nth(1).focus()
    page.keyboard.press("Space")
    boxes.nth(4).click(modifiers=["Shift"])
    assert page.text_content("#chosen") == "4 chosen"
    boxes.nth(2).click()
    assert page.text_content("#chosen") == "3 chosen"
    field(visit, "Split").select_option(label="test (10)")
    assert page.text_content("#chosen") == "3 chosen, 3 not shown"
    page.click("#choose-all")
    assert page.text_content("#chosen") == "13 chosen, 3 not shown"
    assert page.is_disabled("#choose-all")
    page.click("[data-view=table]")
    assert page.locator("#image-table :checked").count() == 10
    page.get_by_role("button", name="Show them").click()
    assert len(rows(visit, "Name")) == 13
    page.get_by_role("button", name="Choose none").click()
    assert not page.is_visible("#tray")


CHOSEN = ["2024_b", "2025_b", "2025_c"]
VERBS = {
    "labelme": ["--images", "images", "--out", "out"],
    "cvat": ["--out", "out.xml"],
    "coco": ["--out", "out.json"],
    "labelstudio": ["--out", "out.json"],
    "overlay": ["images", "--out", "out"],
    "cutout": ["images", "--out", "out"],
    "submission": ["--class", "car", "--out", "out.csv"],
    "select": ["--count", "9", "--out", "out"],
    "areas": ["--out", "out"],
}


def test_the_saved_list_is_taken_by_every_verb(
    visit: Visit, made: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    page = visit.page
    for stem in CHOSEN:
        page.fill("#search", stem)
        page.click("#choose-all")
    page.fill("#search", "")
    page.select_option("#sort", "name")
    with page.expect_download() as download:
        page.get_by_role("button", name="Save list").click()
    assert download.value.suggested_filename == "images.txt"
    download.value.save_as(tmp_path / "images.txt")
    assert (tmp_path / "images.txt").read_text().splitlines() == [path_of(stem) for stem in CHOSEN]
    page.get_by_role("button", name="Copy list").click()
    expect(page.get_by_role("button", name="Copied")).to_be_visible()
    page.locator("#tray summary").click()
    commands = page.locator("#commands code").all_text_contents()
    assert any(
        re.fullmatch(r"sageseg analysis cvat \S+ --list images.txt --out annotations.xml", each) for each in commands
    )
    monkeypatch.chdir(tmp_path)
    (tmp_path / "images").symlink_to(made / "images")
    for verb, words in VERBS.items():
        command = [verb, str(made / "predictions"), *words, "--list", "images.txt", "--overwrite", "--workers", "1"]
        monkeypatch.setattr(sys, "argv", ["analysis", *command])
        with pytest.raises(SystemExit) as stopped:
            run_app(app)
        said = capsys.readouterr().err
        assert not stopped.value.code, said
        assert "note: 3 of 30 images, those of images.txt" in said, verb


def test_many_rows_are_a_page_at_a_time(visit: Visit, made: Path) -> None:
    page = visit.page
    images = [{"stem": f"image_{number:03d}", "iou": number / 300} for number in range(250)]
    many = with_images(made / "report" / "index.html", images, made / "report" / "many.html")
    page.goto(many.as_uri() + "#images?view=table")
    next_page = page.get_by_role("button", name="Next")
    for told in ("1 to 100", "101 to 200", "201 to 250"):
        assert page.text_content("#pager output") == f"{told} of 250"
        if next_page.is_enabled():
            next_page.click()
    assert next_page.is_disabled()
    assert rows(visit, "Name")[0] == "image_200"
    page.fill("#search", "image_00")
    assert len(rows(visit, "Name")) == 10
    assert not page.is_visible("#pager")


def without_missing_files(visit: Visit) -> None:
    """Where a page's files are not beside it, Chromium itself says so."""
    visit.complaints[:] = [each for each in visit.complaints if "ERR_FILE_NOT_FOUND" not in each]


def with_classes_beside(made: Path, name: str, *, there: bool) -> str:
    """A copy of the page whose columns of classes lie beside it, or were lost; its address."""
    text = (made / "report" / "index.html").read_text()
    (told,) = re.findall(r'<script type="application/json" id="data">(.*?)</script>', text, re.DOTALL)
    data = json.loads(told)
    places = range(1, len(CLASSES.names))
    if there:
        for place in places:
            columns = {key: each[place - 1] for key, each in data["classes"].items()}
            (made / "report" / f"{name}-{place}.js").write_text(f"takeColumns({json.dumps(columns)})")
    data |= {"classes": None, "classesBeside": [f"{name}-{place}.js" for place in places]}
    (made / "report" / f"{name}.html").write_text(text.replace(told, json.dumps(data).replace("<", "\\u003c")))
    return (made / "report" / f"{name}.html").as_uri()


def test_columns_of_classes_beside_the_page_are_read_when_asked_for(visit: Visit, made: Path) -> None:
    page = visit.page
    page.goto(with_classes_beside(made, "beside", there=True) + "#images?predicted=road&sort=iou.car")
    expect(page.locator("#shown")).to_have_text(f"2 of {len(STEMS)}")
    assert found(visit) == AS_ROAD
    page.click("#clear")
    page.click("[data-view=table]")
    expect(page.locator("#image-table tbody tr")).to_have_count(len(STEMS))
    assert "car: IoU" in page.locator("#image-table th").all_text_contents()


def test_a_page_passed_on_without_them_says_so(visit: Visit, made: Path) -> None:
    page = visit.page
    page.goto(with_classes_beside(made, "lost", there=False) + "#images?class=road&sort=iou.car&split=test")
    expect(page.locator("#page-note")).to_contain_text("this copy was passed on without them")
    assert found(visit) == {stem for stem in STEMS if stem.startswith("2026")}
    assert page.input_value("#sort") == "iou"
    page.click("[data-view=table]")
    assert len(rows(visit, "Name")) == 10
    without_missing_files(visit)


def test_names_with_markup_are_text_and_lead(visit: Visit, made: Path) -> None:
    page = visit.page
    evil = "<img src=x onerror=alert(1)>'\""
    images = [
        {"stem": f"{evil}{number}", "group": evil if number else "g", "attributes": {evil: evil}} for number in range(3)
    ]
    page.goto(with_images(made / "report" / "index.html", images, made / "report" / "evil.html").as_uri())
    field(visit, "Group").select_option(label=f"{evil} (2)")
    assert page.locator("#cards h3").count() == 2
    page.click("[data-view=table]")
    page.locator("[data-choose]").first.click()
    assert page.locator("#chips button").all_text_contents() == [f"Group {evil}×"]
    assert page.locator("img[src=x]").count() == 0
    without_missing_files(visit)
