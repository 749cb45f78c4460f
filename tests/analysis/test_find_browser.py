"""Finding images on the report's page, in Chromium: filters, sorts, the table, addresses, and what leads to images."""

from __future__ import annotations

import csv
import re
from pathlib import Path

import pytest
from playwright.sync_api import expect

from tests.support.find_samples import AS_ROAD, CLEAN, STEMS, WITHOUT, field, found, go, rows
from tests.support.page_visits import Visit


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
    found_page: Visit, label: str, option: str, names: set[str], chip: str
) -> None:
    field(found_page, label).select_option(label=option)
    assert found(found_page) == names
    chips = found_page.page.locator("#chips button")
    assert chips.all_text_contents() == [f"{chip}×"]
    chips.click()
    assert found(found_page) == set(STEMS)
    assert not found_page.page.is_visible("#clear")


@pytest.mark.parametrize(("side", "what"), [("wrong", "false_positive"), ("missed", "missed")])
@pytest.mark.parametrize("kind", ["halo", "bulge", "object"])
def test_kinds_of_objects_are_those_of_the_table(
    found_page: Visit, found_report: Path, side: str, what: str, kind: str
) -> None:
    with (found_report / "report" / "objects.csv").open(encoding="utf-8") as file:
        names = {row["stem"] for row in csv.DictReader(file) if row["what"] == what and row["kind"] == kind}
    if names:
        field(found_page, "Errors").select_option(f"{side}-{kind}")
        assert found(found_page) == names
    else:
        assert field(found_page, "Errors").locator(f"option[value={side}-{kind}]").count() == 0


def test_a_class_is_true_or_predicted(found_page: Visit) -> None:
    field(found_page, "Has class").select_option("car")
    assert found(found_page) == set(STEMS)
    field(found_page, "True or predicted").select_option("True")
    assert found(found_page) == set(STEMS) - {WITHOUT}
    field(found_page, "Has class").select_option("road")
    assert found(found_page) == set()
    field(found_page, "True or predicted").select_option("Predicted")
    assert found(found_page) == AS_ROAD


def test_of_many_values_one_or_a_range_is_typed(found_page: Visit) -> None:
    serial = field(found_page, "serial")
    for typed, names in (("7", {"2024_g"}), ("29..", {"2026_i", "2026_j"}), ("2..3", {"2024_b", "2024_c"})):
        serial.fill(typed)
        serial.press("Tab")
        assert found(found_page) == names, typed
    serial.fill("none")
    serial.press("Tab")
    assert serial.evaluate("field => field.validationMessage") == "None is called none"
    assert found(found_page) == {"2024_b", "2024_c"}
    serial.fill("")
    serial.press("Tab")
    assert found(found_page) == set(STEMS)
    assert serial.evaluate("field => field.list.options.length") == len(STEMS)


def test_filters_are_combined_and_what_to_take_away_is_said(found_page: Visit) -> None:
    page = found_page.page
    field(found_page, "Group").select_option(label="group c (3)")
    field(found_page, "Split").select_option(label="val (20)")
    assert found(found_page) == {"2024_c", "2025_c"}
    page.fill("#search", "2026")
    assert found(found_page) == set()
    assert not page.is_visible("#more")
    offers = page.locator("#none button")
    assert offers.all_text_contents() == ["Without “Split val”: 1", "Without “2026”: 2", "Without any filter: 30"]
    offers.first.click()
    assert found(found_page) == {"2026_c"}
    page.click("#clear")
    assert found(found_page) == set(STEMS)
    assert page.input_value("#search") == ""


def test_more_is_offered_while_there_is_more(found_page: Visit) -> None:
    page = found_page.page
    page.set_viewport_size({"width": 1280, "height": 300})
    go(found_page, Path(page.url.removeprefix("file://")).parents[1])
    more = page.locator("#more")
    assert more.text_content() == "Show more of 30"
    more.scroll_into_view_if_needed()
    expect(more).to_be_hidden()
    assert len(found_page.names()) == len(STEMS)
    field(found_page, "Split").select_option(label="val (20)")
    assert len(found_page.names()) == 20
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
def test_any_column_sorts_both_ways(found_page: Visit, key: str, first: str, other: str) -> None:
    page = found_page.page
    page.select_option("#sort", key)
    if page.text_content("#direction") == "↓":
        page.click("#direction")
    assert re.search(first, found_page.names()[0])
    page.click("#direction")
    assert re.search(other, found_page.names()[0])


def test_the_table_sorts_by_its_headings_and_its_rows_open(found_page: Visit) -> None:
    page = found_page.page
    page.click("[data-view=table]")
    assert not page.is_visible("#cards")
    assert not page.is_visible("#more")
    assert len(rows(found_page, "Name")) == len(STEMS)
    for column in ("False positives, px", "True area, m²", "car: IoU", "serial", "Error of the area, m²"):
        heading = page.locator("#image-table thead").locator("button", has_text=re.compile(f"^{column}$"))
        for _ in range(2):
            heading.click()
            told = [float(text.replace(",", "")) for text in rows(found_page, column) if text != "–"]
            up = page.locator("#image-table th[aria-sort]").get_attribute("aria-sort") == "ascending"
            assert told == sorted(told, reverse=not up), column
    assert len(set(rows(found_page, "Name"))) == len(STEMS)
    field(found_page, "Split").select_option(label="test (10)")
    assert len(rows(found_page, "Name")) == 10
    page.locator("#image-table tbody tr").nth(2).locator("td").last.click()
    assert page.text_content("#viewer-name") == rows(found_page, "Name")[2]


def test_an_address_opens_the_same_view(found_page: Visit, found_report: Path) -> None:
    page = found_page.page
    field(found_page, "Group").select_option(label="group c (3)")
    page.fill("#search", "202")
    page.select_option("#sort", "attribute.serial")
    page.click("#direction")
    page.click("[data-view=table]")
    names = rows(found_page, "Name")
    assert names == ["2026_c", "2025_c", "2024_c"]
    expect(page).to_have_url(re.compile("view=table"))
    address = page.url.partition("#")[2]
    page.goto("about:blank")
    go(found_page, found_report, f"#{address}")
    assert rows(found_page, "Name") == names
    assert page.locator("#chips button").all_text_contents() == ["Group group c×", "“202”×"]
    assert page.text_content("#direction") == "↓"
    page.evaluate("location.hash = '#images?split=test'")
    expect(page.locator("#cards h3")).to_have_count(10)
    page.go_back()
    expect(page.locator("#image-table tbody tr")).to_have_count(3)
    go(found_page, found_report, "#images?split=absent&colour=red&attribute.height=3&sort=nothing")
    assert found_page.names() == []
    assert page.locator("#none button").all_text_contents() == ["Without “Split absent”: 30"]


@pytest.mark.parametrize("start", ["", "#groups", "#images?split=test"])
def test_back_leads_to_the_images_that_were_shown_before(found_page: Visit, found_report: Path, start: str) -> None:
    page = found_page.page
    go(found_page, found_report, start)
    before = found(found_page)
    cell, group = page.locator("#confusion").get_by_title("Images with true car predicted as road"), "group d"
    cell.click()
    page.locator("#groups").get_by_role("button", name=group).click()
    of_group = found(found_page)
    page.go_back()
    expect(page.locator("#chips button")).to_have_text(["True car predicted as road×"])
    assert found(found_page) == AS_ROAD
    page.go_back()
    expect(page.locator("#chips button")).to_have_text(["Split test×"] if "split" in start else [])
    assert found(found_page) == before
    page.go_forward()
    page.go_forward()
    expect(page.locator("#chips button")).to_have_text(["Group group d×"])
    assert found(found_page) == of_group == {"2024_d", "2025_d", "2026_d"}


def test_filters_stay_where_a_section_was_looked_at_and_an_image_opened(found_page: Visit) -> None:
    page = found_page.page
    page.locator("#groups").get_by_role("button", name="group d").click()
    page.locator("nav").get_by_role("link", name="Groups").click()
    page.locator("#cards .stack").first.click()
    page.keyboard.press("Escape")
    expect(page.locator("#viewer")).not_to_be_visible()
    assert page.locator("#chips button").all_text_contents() == ["Group group d×"]


def test_cells_bars_and_rows_lead_to_their_images(found_page: Visit) -> None:
    page = found_page.page
    page.locator("#confusion").get_by_title("Images with true car predicted as road").click()
    assert found(found_page) == AS_ROAD
    assert page.locator("#chips button").all_text_contents() == ["True car predicted as road×"]
    page.locator("#groups").get_by_role("button", name="group d").press("Enter")
    assert found(found_page) == {"2024_d", "2025_d", "2026_d"}
    page.locator("#attributes summary").click()
    page.locator("#attributes table").get_by_role("button", name="2025").click()
    assert found(found_page) == {stem for stem in STEMS if stem.startswith("2025")}
    page.locator("[data-plot=histogram] [role=slider], [data-plot=histogram][role=slider]").press("Enter")
    assert 0 < len(found(found_page)) < len(STEMS)
    assert re.fullmatch(r"IoU [0-9.]+ to [0-9.]+×", page.text_content("#chips") or "")
    page.locator("#errors").get_by_role("button", name="object", exact=True).first.click()
    assert page.locator("#chips button").all_text_contents() == ["False positive objects×"]
    assert WITHOUT in found(found_page)
