"""The viewer in Chromium: wrong objects, values, layers, keys and touch."""

from __future__ import annotations

import re
from collections.abc import Iterator

import pytest
from playwright import sync_api
from playwright.sync_api import expect

from tests.support.page_visits import visiting
from tests.support.viewer_places import display, middle_of, on_screen, open_image, percent, shown
from tests.support.viewer_samples import HEIGHT, RIGHT, WIDTH, sample_prediction, sample_truth

NAMES = ["background", "car", "road"]


@pytest.fixture
def touch_page(browser: sync_api.Browser, viewer_address: str) -> Iterator[sync_api.Page]:
    with visiting(browser, has_touch=True, viewport={"width": 390, "height": 844}) as opened:
        opened.page.goto(viewer_address + "#image=a_01")
        yield opened.page


# ---- wrong objects


def test_objects_are_stepped_through_each_in_the_middle_in_its_box(
    viewer_page: sync_api.Page, viewer_address: str
) -> None:
    page = viewer_page
    open_image(page, viewer_address, "a_01")
    lines = [
        "false positive of road, truly background · 1,500 px · object",
        "false positive of car, truly road · 800 px · object",
        "missed road, taken for car · 800 px · bulge",
        "missed car, taken for background · 400 px · halo",
    ]
    boxes = [(180, 100, 50, 30), (100, 20, 20, 40), (100, 20, 20, 40), (20, 20, 10, 40)]
    for number, (line, (x, y, width, height)) in enumerate(zip(lines, boxes, strict=True), start=1):
        page.keyboard.press("n")
        assert page.text_content("#viewer-object") == line
        assert page.text_content("#viewer-object-number") == f"{number} of 4"
        page.wait_for_url(f"{viewer_address}#image=a_01&object={number}")
        centre = on_screen(page, x + width / 2, y + height / 2)
        assert centre == pytest.approx(middle_of(page, ".picture"), abs=1)
        assert middle_of(page, ".frames .chosen") == pytest.approx(centre, abs=1)
    page.keyboard.press("n")
    page.locator("[data-object='-1']").click()
    assert page.text_content("#viewer-object-number") == "4 of 4", "before the first comes the last"


@pytest.mark.parametrize(
    ("asked", "number", "middle"),
    [
        ("&object=2", "2 of 4", (110, 40)),
        ("&box=100,20,20,40", "2 of 4", (110, 40)),
        ("&box=60,90,30,20", "4 wrong", (75, 100)),
        ("&box=10,120,6,4", "4 wrong", (13, 122)),
    ],
)
def test_an_address_names_an_object_or_a_box(
    viewer_page: sync_api.Page, viewer_address: str, asked: str, number: str, middle: tuple[int, int]
) -> None:
    page = viewer_page
    open_image(page, viewer_address, f"a_01{asked}")
    assert page.text_content("#viewer-object-number") == number
    assert middle_of(page, ".frames .chosen") == pytest.approx(on_screen(page, *middle), abs=1)


def test_an_object_that_there_is_not_is_told(viewer_page: sync_api.Page, viewer_address: str) -> None:
    page = viewer_page
    open_image(page, viewer_address, "a_01&object=9")
    assert page.text_content("#viewer-note") == "This image has no wrong object 9: 4 are listed."
    open_image(page, viewer_address, f"{RIGHT}&object=1")
    assert page.text_content("#viewer-note") == "This image has no wrong object."
    assert page.locator("[data-object='1']").is_disabled()
    page.keyboard.press("o")
    assert page.text_content("#viewer-note") == "No wrong object in this image."


@pytest.mark.parametrize(
    ("what", "line", "number"),
    [("wrong", "false positive of road, .* 1,500 px", 1), ("missed", "missed road, .* 800 px", 3)],
)
def test_a_close_up_opens_its_object(viewer_page: sync_api.Page, what: str, line: str, number: int) -> None:
    page = viewer_page
    opener = page.locator(f"#errors [data-what={what}]").nth(1)
    opener.click()
    assert shown(page) == opener.get_attribute("data-open")
    expect(page.locator("#viewer-object")).to_have_text(re.compile(line))
    page.wait_for_url(lambda url: url.endswith(f"&object={number}"))


def test_a_box_of_a_suspicious_label_says_so(viewer_page: sync_api.Page, viewer_address: str) -> None:
    open_image(viewer_page, viewer_address, "a_01&box=60,90,30,20")
    expect(viewer_page.locator("#viewer-object")).to_have_text(re.compile("^suspicious label · 500 px"))


def test_boxes_are_shown_and_a_click_in_one_chooses_it(viewer_page: sync_api.Page, viewer_address: str) -> None:
    page = viewer_page
    open_image(page, viewer_address, "a_01")
    box = page.locator(".frames .object:not(.under)")
    assert not box.first.is_visible()
    page.keyboard.press("o")
    assert [box.nth(n).is_visible() for n in range(box.count())] == [True] * 4
    page.mouse.click(*on_screen(page, 25, 40))
    assert page.text_content("#viewer-object-number") == "4 of 4"


# ---- size and place


def test_keys_zoom_and_fit(viewer_page: sync_api.Page) -> None:
    page = viewer_page
    page.locator("#cards .stack").first.click()
    page.wait_for_function("document.querySelector('#stage .image').src.startsWith('file:')")
    assert page.locator("#stage .difference").evaluate("canvas => [canvas.width, canvas.height]") == [WIDTH, HEIGHT]
    fitted = percent(page)
    page.keyboard.press("+")
    assert percent(page) == pytest.approx(1.5 * fitted, abs=2)
    page.keyboard.press("1")
    assert percent(page) == 100
    page.keyboard.press("0")
    assert percent(page) == fitted
    page.set_viewport_size({"width": 700, "height": 500})
    expect(page.locator("#viewer-zoom")).not_to_have_text(f"{fitted} %")
    page.set_viewport_size({"width": 1280, "height": 900})
    expect(page.locator("#viewer-zoom")).to_have_text(f"{fitted} %")


def test_the_wheel_zooms_where_the_pointer_is_and_dragging_moves(viewer_page: sync_api.Page) -> None:
    page = viewer_page
    page.locator("#worst .stack").first.click()
    x, y = middle_of(page, ".picture")
    before = percent(page)
    page.mouse.move(x + 100, y + 50)
    place = page.locator(".values b").text_content()
    page.mouse.wheel(0, -200)
    expect(page.locator("#viewer-zoom")).not_to_have_text(f"{before} %")
    assert percent(page) > before
    page.mouse.move(x + 101, y + 50)
    assert page.locator(".values b").text_content() == place
    corner = on_screen(page, 0, 0)
    page.mouse.down()
    page.mouse.move(x + 161, y + 60, steps=3)
    page.mouse.up()
    assert on_screen(page, 0, 0) == pytest.approx((corner[0] + 60, corner[1] + 10), abs=0.1)
    page.mouse.move(x, y)
    page.mouse.dblclick(x, y)
    assert percent(page) == before


def test_the_handle_wipes_from_truth_to_prediction(viewer_page: sync_api.Page) -> None:
    page = viewer_page
    page.locator("#worst .stack").first.click()
    page.locator("#viewer [data-layer=truth]").click()
    page.locator("#viewer [data-layer=prediction]").click()
    x, y = middle_of(page, ".handle")
    page.mouse.move(x, y)
    page.mouse.down()
    page.mouse.move(on_screen(page, WIDTH / 4, 0)[0], y)
    page.mouse.up()
    assert page.locator("#viewer .wipe input").input_value() == "25"
    assert middle_of(page, ".handle")[0] == pytest.approx(on_screen(page, WIDTH / 4, 0)[0], abs=1)


# ---- values


@pytest.mark.parametrize("keys", [[], ["n"], ["n", "n", "+"]])
def test_values_under_the_pointer_are_those_of_the_masks(
    viewer_page: sync_api.Page, viewer_address: str, keys: list[str]
) -> None:
    page = viewer_page
    open_image(page, viewer_address, "a_01")
    for key in keys:
        page.keyboard.press(key)
    truth, prediction = sample_truth(), sample_prediction()
    middle = middle_of(page, ".picture")
    read = set()
    for across, down in ((0, 0), (-90, -60), (60, 90), (-160, 20), (30, -140)):
        page.mouse.move(middle[0] + across, middle[1] + down)
        said = page.locator(".values").text_content() or ""
        found = re.match(r"x (\d+), y (\d+)( not judged| true (\w+)) predicted (\w+) foreground ([\d.]+)", said)
        assert found, said
        x, y = int(found[1]), int(found[2])
        assert on_screen(page, x + 0.5, y + 0.5) == pytest.approx(
            (middle[0] + across, middle[1] + down), abs=percent(page) / 200 + 1
        )
        assert (found[4] or "") == ("" if truth[y, x] == 255 else NAMES[truth[y, x]])
        assert found[5] == NAMES[prediction[y, x]]
        assert float(found[6]) == pytest.approx(x / 255, abs=0.02)
        read.add((x, y))
    assert len(read) == 5


def test_values_know_what_is_not_judged_and_end_with_the_image(viewer_page: sync_api.Page, viewer_address: str) -> None:
    page = viewer_page
    open_image(page, viewer_address, RIGHT)
    page.mouse.move(*on_screen(page, 100, 155))
    assert page.locator(".values").text_content() == "x 100, y 155 not judged predicted background"
    page.mouse.move(*(value + 4 for value in on_screen(page, 0, -12)))
    assert not page.locator(".values").is_visible()


def test_a_crosshair_reads_values_by_keys(viewer_page: sync_api.Page, viewer_address: str) -> None:
    page = viewer_page
    open_image(page, viewer_address, "a_01")
    page.keyboard.press("1")
    page.keyboard.press("Shift+ArrowRight")
    page.keyboard.press("Shift+ArrowUp")
    assert page.text_content("#viewer-said") == page.locator(".values").text_content()
    assert (page.text_content("#viewer-said") or "").startswith("x 130, y 70 true background")
    assert middle_of(page, ".frames .cross") == pytest.approx(on_screen(page, 130.5, 70.5), abs=1)
    for _ in range(30):
        page.keyboard.press("Shift+ArrowLeft")
    assert (page.text_content("#viewer-said") or "").startswith("x 0, y 70 ")


# ---- layers


def test_probabilities_take_the_place_of_masks_while_the_viewer_shows_them(
    viewer_page: sync_api.Page, viewer_address: str
) -> None:
    page = viewer_page
    open_image(page, viewer_address, "a_01")
    expect(page.locator("#viewer [data-layer=probability]")).to_be_visible()
    page.keyboard.press("h")
    assert display(page, "#stage .probability") == "block"
    assert display(page, "#stage .difference") == "none"
    read = "canvas => [...canvas.getContext('2d').getImageData(230, 80, 1, 1).data]"
    red, _, blue, opacity = page.locator("#stage .probability").evaluate(read)
    assert red > blue > 0
    assert opacity == pytest.approx(0.78 * 255, abs=1)
    page.keyboard.press("Escape")
    assert display(page, "#cards .difference") == "block"


def test_layers_that_an_image_lacks_have_no_button_and_say_so(viewer_page: sync_api.Page, viewer_address: str) -> None:
    page = viewer_page
    open_image(page, viewer_address, RIGHT)
    for layer, key, said in (
        ("probability", "h", "No probabilities"),
        ("suspects", "s", "No suspicious label"),
        ("objects", "o", "No wrong object"),
    ):
        assert not page.is_visible(f"#viewer [data-layer={layer}]")
        page.keyboard.press(key)
        assert said in (page.text_content("#viewer-note") or "")
    open_image(page, viewer_address, "a_01")
    assert page.text_content("#viewer [data-layer=suspects]") == "Suspicious 1"
    page.keyboard.press("s")
    assert middle_of(page, ".frames .suspect") == pytest.approx(on_screen(page, 75, 100), abs=1)


# ---- keys and touch


def test_keys_are_listed_and_escape_closes_the_list_alone(viewer_page: sync_api.Page) -> None:
    page = viewer_page
    page.keyboard.press("?")
    assert page.is_visible("#keys")
    page.keyboard.press("Escape")
    page.locator("#cards .stack").first.click()
    page.locator("#viewer [data-keys]").click()
    listed = page.locator("#keys kbd").all_text_contents()
    assert set("/itpd?nbosh+−01←→") <= set(listed)
    page.keyboard.press("d")  # no key of the viewer acts below the list
    page.keyboard.press("Escape")
    assert not page.is_visible("#keys")
    assert page.is_visible("#viewer")
    assert page.locator("#viewer [data-layer=difference]").get_attribute("aria-pressed") == "true"
    assert page.evaluate("document.activeElement.dataset.keys") == "", "focus returns to the button"


def test_a_tap_reads_values_and_a_swipe_steps(touch_page: sync_api.Page) -> None:
    page = touch_page
    expect(page.locator("#viewer-object-number")).to_have_text("4 wrong")
    page.touchscreen.tap(*on_screen(page, 40.5, 40.5))
    expect(page.locator(".values")).to_contain_text("x 40, y 40 true car predicted car")
    x, y = middle_of(page, ".picture")
    swipe(page, [(x + 80, y)], [(x - 80, y + 10)])
    first = shown(page)
    assert first != "a_01"
    swipe(page, [(x - 80, y)], [(x + 80, y)])
    assert shown(page) == "a_01"
    swipe(page, [(x, y - 80)], [(x, y + 80)])
    assert shown(page) == "a_01", "downwards is no step"
    before = percent(page)
    swipe(page, [(x - 20, y), (x + 20, y)], [(x - 60, y), (x + 60, y)])
    assert percent(page) == pytest.approx(3 * before, rel=0.05)
    swipe(page, [(x + 60, y)], [(x - 60, y)])
    assert shown(page) == "a_01", "what is zoomed into is moved"


def swipe(page: sync_api.Page, start: list[tuple[float, float]], end: list[tuple[float, float]]) -> None:
    """Fingers from their places to others, in four moves."""
    session = page.context.new_cdp_session(page)
    for step in range(6):
        kind = "touchStart" if step == 0 else "touchEnd" if step == 5 else "touchMove"
        points = [
            {"x": a + (c - a) * step / 4, "y": b + (d - b) * step / 4, "id": n}
            for n, ((a, b), (c, d)) in enumerate(zip(start, end, strict=True))
        ]
        session.send("Input.dispatchTouchEvent", {"type": kind, "touchPoints": [] if step == 5 else points})
    session.detach()
