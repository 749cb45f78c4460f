"""Images chosen on the report's page, in Chromium, and their list, which every verb takes; pages of many images, or
without some of their files."""

from __future__ import annotations

import json
import re
import sys
from pathlib import Path

import pytest
from playwright.sync_api import expect

from analysis.cli import app
from formats.console import run_app
from tests.analysis.test_page_browser import with_images
from tests.support.find_samples import AS_ROAD, CLASSES, STEMS, field, found, path_of, rows
from tests.support.page_visits import Visit


def test_images_are_chosen_by_boxes_ranges_and_all_at_once(found_page: Visit) -> None:
    page = found_page.page
    page.select_option("#sort", "name")
    boxes = page.locator("[data-choose]")
    assert not page.is_visible("#tray")
    boxes.nth(1).focus()
    page.keyboard.press("Space")
    boxes.nth(4).click(modifiers=["Shift"])
    assert page.text_content("#chosen") == "4 chosen"
    boxes.nth(2).click()
    assert page.text_content("#chosen") == "3 chosen"
    field(found_page, "Split").select_option(label="test (10)")
    assert page.text_content("#chosen") == "3 chosen, 3 not shown"
    page.click("#choose-all")
    assert page.text_content("#chosen") == "13 chosen, 3 not shown"
    assert page.is_disabled("#choose-all")
    page.click("[data-view=table]")
    assert page.locator("#image-table :checked").count() == 10
    page.get_by_role("button", name="Show them").click()
    assert len(rows(found_page, "Name")) == 13
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
    found_page: Visit,
    found_report: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    page = found_page.page
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
    (tmp_path / "images").symlink_to(found_report / "images")
    for verb, words in VERBS.items():
        command = [
            verb,
            str(found_report / "predictions"),
            *words,
            "--list",
            "images.txt",
            "--overwrite",
            "--workers",
            "1",
        ]
        monkeypatch.setattr(sys, "argv", ["analysis", *command])
        with pytest.raises(SystemExit) as stopped:
            run_app(app)
        said = capsys.readouterr().err
        assert not stopped.value.code, said
        assert "note: 3 of 30 images, those of images.txt" in said, verb


def test_many_rows_are_a_page_at_a_time(found_page: Visit, found_report: Path) -> None:
    page = found_page.page
    images = [{"stem": f"image_{number:03d}", "iou": number / 300} for number in range(250)]
    many = with_images(found_report / "report" / "index.html", images, found_report / "report" / "many.html")
    page.goto(many.as_uri() + "#images?view=table")
    next_page = page.get_by_role("button", name="Next")
    for told in ("1 to 100", "101 to 200", "201 to 250"):
        assert page.text_content("#pager output") == f"{told} of 250"
        if next_page.is_enabled():
            next_page.click()
    assert next_page.is_disabled()
    assert rows(found_page, "Name")[0] == "image_200"
    page.fill("#search", "image_00")
    assert len(rows(found_page, "Name")) == 10
    assert not page.is_visible("#pager")


def without_missing_files(found_page: Visit) -> None:
    """Where a page's files are not beside it, Chromium itself says so."""
    found_page.complaints[:] = [each for each in found_page.complaints if "ERR_FILE_NOT_FOUND" not in each]


def with_classes_beside(found_report: Path, name: str, *, there: bool) -> str:
    """A copy of the page whose columns of classes lie beside it, or were lost; its address."""
    text = (found_report / "report" / "index.html").read_text()
    (told,) = re.findall(r'<script type="application/json" id="data">(.*?)</script>', text, re.DOTALL)
    data = json.loads(told)
    places = range(1, len(CLASSES.names))
    if there:
        for place in places:
            columns = {key: each[place - 1] for key, each in data["classes"].items()}
            (found_report / "report" / f"{name}-{place}.js").write_text(f"takeColumns({json.dumps(columns)})")
    data |= {"classes": None, "classesBeside": [f"{name}-{place}.js" for place in places]}
    (found_report / "report" / f"{name}.html").write_text(text.replace(told, json.dumps(data).replace("<", "\\u003c")))
    return (found_report / "report" / f"{name}.html").as_uri()


def test_columns_of_classes_beside_the_page_are_read_when_asked_for(found_page: Visit, found_report: Path) -> None:
    page = found_page.page
    page.goto(with_classes_beside(found_report, "beside", there=True) + "#images?predicted=road&sort=iou.car")
    expect(page.locator("#shown")).to_have_text(f"2 of {len(STEMS)}")
    assert found(found_page) == AS_ROAD
    page.click("#clear")
    page.click("[data-view=table]")
    expect(page.locator("#image-table tbody tr")).to_have_count(len(STEMS))
    assert "car: IoU" in page.locator("#image-table th").all_text_contents()


def test_a_page_passed_on_without_them_says_so(found_page: Visit, found_report: Path) -> None:
    page = found_page.page
    page.goto(with_classes_beside(found_report, "lost", there=False) + "#images?class=road&sort=iou.car&split=test")
    expect(page.locator("#page-note")).to_contain_text("which are missing or damaged here")
    assert found(found_page) == {stem for stem in STEMS if stem.startswith("2026")}
    assert page.input_value("#sort") == "iou"
    page.click("[data-view=table]")
    assert len(rows(found_page, "Name")) == 10
    without_missing_files(found_page)


def test_names_with_markup_are_text_and_lead(found_page: Visit, found_report: Path) -> None:
    page = found_page.page
    evil = "<img src=x onerror=alert(1)>'\""
    images = [
        {"stem": f"{evil}{number}", "group": evil if number else "g", "attributes": {evil: evil}} for number in range(3)
    ]
    page.goto(
        with_images(found_report / "report" / "index.html", images, found_report / "report" / "evil.html").as_uri()
    )
    field(found_page, "Group").select_option(label=f"{evil} (2)")
    assert page.locator("#cards h3").count() == 2
    page.click("[data-view=table]")
    page.locator("[data-choose]").first.click()
    assert page.locator("#chips button").all_text_contents() == [f"Group {evil}×"]
    assert page.locator("img[src=x]").count() == 0
    without_missing_files(found_page)
