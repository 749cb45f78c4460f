"""The preview in Chromium: layers on and off, crops larger by click, key and address; no complaint, no request."""

from __future__ import annotations

import re
import shutil
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import quote

import numpy as np
import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright import sync_api
from playwright.sync_api import expect

from formats.classes import ClassTable
from formats.dataset import Dataset, open_dataset
from formats.images import Rgb
from formats.masks import Mask
from prep.dataset.writer import write_dataset
from prep.options import PrepOptions
from prep.preview.page import Asked, write_preview
from prep.preview.sizes import NetworkView
from tests.support.page_visits import Visit, started_browser, visiting
from tests.support.prep_samples import make_source

EVIL = "<img src=x onerror=alert(1)>"
CLASSES = ClassTable(("_background_", "car", EVIL))


def image(number: int) -> Rgb:
    levels = np.linspace(20 * number, 255, 200)[None, :, None].repeat(140, 0)
    return np.concatenate([levels, levels[:, ::-1], levels[::-1] / 2], axis=2).astype(np.uint8)


def mask(number: int) -> Mask:
    drawn = np.zeros((140, 200), np.uint8)
    drawn[10 + number : 60, 5:80] = 1
    drawn[20:25, 30:34] = 2 if number < 2 else 1
    return drawn


@pytest.fixture(scope="module")
def root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a dataset and its page."""
    root = tmp_path_factory.mktemp("previews")
    source = make_source(root / "labels", {"a": 2, "b": 2, "#c %": 1}, image=image, mask=mask, classes=CLASSES)
    write_dataset(source, root / "a dataset", PrepOptions(crop=64, workers=1, keep_empty=0.4))
    asked = Asked(network=NetworkView(520, 240, 8, "As a job would."))
    write_preview(open_dataset(root / "a dataset"), root / "preview.html", 1, asked)
    return root


@pytest.fixture(scope="module")
def dataset(root: Path) -> Dataset:
    return open_dataset(root / "a dataset")


@pytest.fixture(scope="module")
def browser() -> Iterator[sync_api.Browser]:
    with started_browser() as browser:
        yield browser


@pytest.fixture(scope="module")
def shared(browser: sync_api.Browser) -> Iterator[Visit]:
    with visiting(browser) as opened:
        yield opened


@pytest.fixture
def page(shared: Visit, root: Path) -> Iterator[sync_api.Page]:
    """The page, loaded anew."""
    shared.page.goto("about:blank")
    shared.page.goto((root / "preview.html").as_uri())
    yield shared.page
    assert shared.complaints == []


def shown(page: sync_api.Page, layer: str) -> bool:
    found = page.locator(f"#samples .{layer}").first.evaluate("layer => getComputedStyle(layer).display")
    return bool(found != "none")


def test_masks_and_outlines_go_and_come_by_key_and_button(page: sync_api.Page) -> None:
    assert (shown(page, "mask"), shown(page, "outline")) == (True, True)
    page.keyboard.press("m")
    assert (shown(page, "mask"), shown(page, "outline")) == (False, False)
    page.keyboard.press("m")
    page.keyboard.press("o")
    assert (shown(page, "mask"), shown(page, "outline")) == (True, False)
    masks, outlines = (page.locator(f"#samples [data-layer={layer}]") for layer in ("mask", "outline"))
    assert [each.get_attribute("aria-pressed") for each in (masks, outlines)] == ["true", "false"]
    outlines.click()
    masks.click()
    assert (shown(page, "mask"), shown(page, "outline")) == (False, False)
    assert masks.get_attribute("aria-pressed") == "false"


def test_masks_are_as_opaque_as_the_slider_says(page: sync_api.Page) -> None:
    page.locator("#samples [data-opacity]").fill("80")
    assert page.locator("#samples .mask").first.evaluate("mask => getComputedStyle(mask).opacity") == "0.8"
    assert page.locator("#larger [data-opacity]").input_value() == "80"


def test_outlines_are_drawn_where_the_class_changes(page: sync_api.Page) -> None:
    stack = page.locator("#samples .stack").first
    stack.scroll_into_view_if_needed()
    drawn = "canvas => { const { data } = canvas.getContext('2d').getImageData(0, 0, canvas.width, canvas.height);"
    drawn += " return data.filter((_, at) => at % 4 === 3 && data[at]).length / (canvas.width * canvas.height); }"
    expect(stack.locator(".outline")).not_to_have_js_property("width", 300)  # a canvas that nobody has drawn on
    assert 0 < stack.locator(".outline").evaluate(drawn) < 0.2


def test_a_crop_is_larger_by_click_and_comes_from_the_dataset_beside(page: sync_api.Page, dataset: Dataset) -> None:
    stack = page.locator("#samples .stack").first
    key = stack.get_attribute("data-drawing") or ""
    stack.click()
    name = page.text_content("#larger-name") or ""
    assert key == f"crop={name}"
    assert page.url.endswith(f"#crop={quote(name, safe='')}")
    expect(page.locator("#stage .image")).to_have_attribute("src", re.compile("^file:"))
    assert page.locator("#stage .image").evaluate("image => image.naturalWidth") == 64
    expect(page.locator("#larger-classes li").first).to_have_text("car")
    assert page.text_content("#larger-note") == ""
    page.keyboard.press("m")
    assert page.locator("#stage .mask").evaluate("mask => getComputedStyle(mask).display") == "none"
    page.keyboard.press("Escape")
    expect(page.locator("#larger")).to_be_hidden()
    expect(page).to_have_url(re.compile("html$"))
    assert page.evaluate("document.activeElement.dataset.drawing") == key


def words_at(page: sync_api.Page, key: str, x: float, y: float) -> str:
    """What is told of a place of a drawing, in its pixels."""
    page.goto(page.url.partition("#")[0] + f"#{key}")
    expect(page.locator("#larger-classes li").first).to_be_visible()
    box = page.locator("#stage .stack").bounding_box()
    width, height = page.evaluate(
        "key => { const { width, height } = JSON.parse(document.getElementById('data').textContent).drawings[key];"
        " return [width, height]; }",
        key,
    )
    assert box
    page.mouse.move(box["x"] + (x + 0.5) * box["width"] / width, box["y"] + (y + 0.5) * box["height"] / height)
    return page.locator("#larger-class").inner_text()


@pytest.mark.parametrize(
    ("x", "y", "words"),
    [(6, 30, "car at 6, 30"), (31, 22, f"{EVIL} at 31, 22"), (2, 2, "_background_ at 2, 2"), (80, 30, "_background_")],
)
def test_the_class_under_the_pointer_is_told(x: int, y: int, words: str, page: sync_api.Page) -> None:
    assert words_at(page, "image=a_0.jpg", x, y).startswith(words)
    page.mouse.move(1, 1)
    expect(page.locator("#larger-class")).to_have_text("")


def test_a_dropped_crop_is_told_under_the_pointer(page: sync_api.Page) -> None:
    key, x, y = page.evaluate(
        """() => {
            const box = document.querySelector("[data-drawing] rect.dropped");
            const at = ["x", "y"].map((side) => Number(box.getAttribute(side)));
            return [box.closest("[data-drawing]").dataset.drawing, ...at];
        }"""
    )
    assert words_at(page, key, x, y) == f"dropped crop at {x}, {y}"
    assert "dropped" not in words_at(page, key, 10, 30)


def test_the_next_and_the_one_before_by_key_and_button(page: sync_api.Page) -> None:
    keys = page.locator("[data-drawing]").evaluate_all(
        "stacks => [...new Set(stacks.map(each => each.dataset.drawing))]"
    )
    page.locator("#samples .stack").first.click()
    expect(page.locator("#larger-place")).to_have_text(f"1 of {len(keys)}")
    page.keyboard.press("ArrowRight")
    page.locator("#larger [data-step='1']").click()
    assert page.text_content("#larger-place") == f"3 of {len(keys)}"
    for _ in range(3):
        page.keyboard.press("ArrowLeft")
    assert page.text_content("#larger-place") == f"{len(keys)} of {len(keys)}"
    page.locator("#larger [data-opacity]").press("ArrowRight")
    assert page.text_content("#larger-place") == f"{len(keys)} of {len(keys)}", "the slider has its own arrows"
    page.go_back()
    expect(page.locator("#larger")).to_be_hidden()
    page.go_forward()
    expect(page.locator("#larger")).to_be_visible()
    page.locator("[data-close]").click()
    expect(page.locator("#larger")).to_be_hidden()


@pytest.mark.parametrize("key", ["image=a_0.jpg", "image=#c %_0.jpg"])
def test_an_address_opens_its_image(page: sync_api.Page, root: Path, key: str) -> None:
    kind, name = key.split("=")
    page.goto("about:blank")
    page.goto(f"{(root / 'preview.html').as_uri()}#{kind}={quote(name, safe='')}")
    expect(page.locator("#larger-name")).to_have_text(name)
    assert page.locator("#stage svg rect").count() == 12
    page.keyboard.press("Escape")
    expect(page).to_have_url(re.compile("html$"))
    assert page.evaluate("document.activeElement.dataset.drawing") == key


@pytest.mark.parametrize("hash_", ["#crop=nobody", "#sizes", "#crop=%", "#"])
def test_an_address_of_nothing_opens_nothing(page: sync_api.Page, root: Path, hash_: str) -> None:
    page.goto("about:blank")
    page.goto((root / "preview.html").as_uri() + hash_)
    assert not page.is_visible("#larger")


def test_tables_sort_and_names_are_text(page: sync_api.Page) -> None:
    names = page.locator("#sizes .sortable tbody th")
    assert names.all_text_contents() == ["car", EVIL]
    page.locator("#sizes thead button", has_text="Objects").click()
    page.locator("#sizes thead button", has_text="Objects").click()
    assert names.all_text_contents() == [EVIL, "car"]
    assert page.locator("img[src=x]").count() == 0


@pytest.mark.parametrize(
    ("name", "words"),
    [("Groups in two splits", "is to be whole in one split"), ("Larger than the crop", "no crop shows it whole")],
)
def test_words_are_explained_in_place(name: str, words: str, page: sync_api.Page) -> None:
    page.get_by_role("button", name=f"What is {name}?").press("Enter")
    expect(page.locator("#explanation")).to_contain_text(words)
    page.keyboard.press("Escape")
    expect(page.locator("#explanation")).to_be_hidden()


def test_a_page_mailed_alone_says_where_full_size_is(browser: sync_api.Browser, root: Path, tmp_path: Path) -> None:
    alone = tmp_path / "preview.html"
    shutil.copyfile(root / "preview.html", alone)
    page = browser.new_page()
    page.goto(alone.as_uri())
    page.locator("#samples .stack").first.click()
    expect(page.locator("#larger-note")).to_contain_text("the dataset does not lie beside this page")
    expect(page.locator("#larger-note")).to_contain_text("JPEGImages/")
    assert page.locator("#stage .image").evaluate("image => image.naturalWidth") == 64
    page.close()


def test_a_page_written_elsewhere_asks_for_nothing(visit: Visit, dataset: Dataset, tmp_path: Path) -> None:
    write_preview(dataset, tmp_path / "deep" / "down" / "preview.html", 1)
    visit.page.goto((tmp_path / "deep" / "down" / "preview.html").as_uri())
    visit.page.locator("#samples .stack").first.click()
    expect(visit.page.locator("#larger-note")).to_contain_text("the dataset does not lie beside this page")


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_axe_finds_nothing_against_it(browser: sync_api.Browser, root: Path, scheme: str) -> None:
    with visiting(browser, color_scheme=scheme, bypass_csp=True) as opened:  # it runs a program of its own in the page
        opened.page.goto((root / "preview.html").as_uri())
        for folded in opened.page.locator("summary").all():
            folded.click()
        opened.page.add_style_tag(content=".balance .rows { max-height: 3rem !important; }")  # as with many classes
        found = Axe().run(opened.page).response["violations"]
        opened.page.locator("#samples .stack").first.click()
        found += Axe().run(opened.page).response["violations"]
    assert [(each["id"], each["nodes"][0]["html"]) for each in found] == []


@pytest.fixture
def visit(browser: sync_api.Browser) -> Iterator[Visit]:
    with visiting(browser) as opened:
        yield opened


def test_it_fits_a_phone_the_dark_and_paper(visit: Visit, root: Path) -> None:
    page = visit.page
    page.set_viewport_size({"width": 390, "height": 844})
    page.emulate_media(color_scheme="dark")
    page.goto((root / "preview.html").as_uri())
    assert page.evaluate("document.documentElement.scrollWidth") <= 390
    assert visit.style("body", "backgroundColor") == "rgb(17, 20, 24)"
    page.locator("#samples .stack").first.click()
    assert page.locator("#larger").evaluate("dialog => dialog.scrollWidth") <= 390
    page.keyboard.press("Escape")
    page.emulate_media(media="print")
    assert visit.style("body", "backgroundColor") == "rgb(255, 255, 255)"
    assert not page.is_visible("#samples [data-layer]")


@pytest.mark.parametrize("name", ["c" * 120, "snake_" * 20, "ü" * 90])
def test_long_names_of_classes_fit_a_phone(name: str, visit: Visit, dataset: Dataset, tmp_path: Path) -> None:
    copied = shutil.copytree(dataset.root, tmp_path / "long")
    (copied / "labels.txt").write_text(f"_background_\n{name}\n{name}2\n", encoding="utf-8")
    asked = Asked(network=NetworkView(520, 240, 8, "As a job would."))
    write_preview(open_dataset(copied), tmp_path / "preview.html", 1, asked)
    visit.page.set_viewport_size({"width": 390, "height": 844})
    visit.page.goto((tmp_path / "preview.html").as_uri())
    assert visit.page.evaluate("document.documentElement.scrollWidth") <= 390
