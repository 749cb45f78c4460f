"""Each source image has a name of its own, which its ids begin with and from which it is found again."""

import unicodedata

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from formats.crops import Box, crop_id, parse_crop_id
from formats.errors import SagesegError
from formats.prepared.source_names import name_sources, source_name

parts = st.sampled_from(
    ["a", "b", "a_b", "y0", "0", "x0", "a_x0_y0", "x0_y0", "_", "é", unicodedata.normalize("NFD", "é")]
)
sources = st.lists(
    st.builds(lambda folders, stem: "/".join([*folders, f"{stem}.jpg"]), st.lists(parts, max_size=3), parts),
    min_size=1,
    max_size=8,
    unique=True,
)
sides = st.integers(0, 3000)


@given(sources, sides, sides)
@example(["y0_x0/y0.jpg", "b/y0.jpg"], 0, 0)
def test_names_are_unique_and_found_again_in_ids(found: list[str], left: int, top: int) -> None:
    try:
        names = name_sources(found)
    except SagesegError as e:
        assert any(source in str(e) or ascii(source)[1:-1] in str(e) for source in found)  # noqa: PT017
        return
    assert list(names) == found
    assert len({unicodedata.normalize("NFC", name) for name in names.values()}) == len(found)
    for source, name in names.items():
        crop = crop_id(name, Box(left, top, 512, 512))
        assert parse_crop_id(crop) == (name, left, top)
        assert source_name(crop, source, left, top) == name
        assert source_name(name, source, 0, 0) == name


@given(sources)
def test_names_do_not_depend_on_the_order(found: list[str]) -> None:
    def named(order: list[str]) -> dict[str, str] | str:
        try:
            return name_sources(order)
        except SagesegError as e:
            return str(e)

    assert named(found) == named(found[::-1])


@given(st.lists(parts, min_size=1, unique_by=lambda text: unicodedata.normalize("NFC", text)))
def test_stems_that_stand_once_are_the_names(stems: list[str]) -> None:
    found = [f"folder{place}/{stem}.png" for place, stem in enumerate(stems)]
    assert list(name_sources(found).values()) == stems


@pytest.mark.parametrize(
    ("found", "names"),
    [
        (["cam1/0.jpg", "cam2/0.jpg"], ["cam1_0", "cam2_0"]),
        (["JPEGImages/cam1/0.jpg", "JPEGImages/cam2/0.jpg", "JPEGImages/1.jpg"], ["cam1_0", "cam2_0", "1"]),
        (["mon/cam1/0.jpg", "tue/cam1/0.jpg"], ["mon_cam1_0", "tue_cam1_0"]),
        (["0.jpg", "cam1/0.jpg"], ["0", "cam1_0"]),
        (["a.b/0.c.jpg", "a/0.c.jpg"], ["a.b_0.c", "a_0.c"]),
    ],
)
def test_names_where_stems_repeat(found: list[str], names: list[str]) -> None:
    assert list(name_sources(found).values()) == names


@pytest.mark.parametrize(
    ("found", "message"),
    [
        (["a/0.jpg", "a/0.png"], r"a/0\.jpg and a/0\.png would both be called 0"),
        (["a/0.jpg", "b/0.jpg", "a_0.jpg"], r"a/0\.jpg and a_0\.jpg would both be called a_0"),
        (["a/b_0.jpg", "a_b/0.jpg", "0.jpg", "c/b_0.jpg"], "would both be called a_b_0"),
        (["é.jpg", unicodedata.normalize("NFD", "é.jpg")], r"'e\\u0301\.jpg' and '\\xe9\.jpg', one name"),
        (["y0_x0/y0.jpg", "b/y0.jpg"], r"y0_x0/y0\.jpg: would be called y0_x0_y0, which reads like"),
        (["a\n.jpg"], r"'a\\n\.jpg': a name with a line break"),
    ],
)
def test_names_that_cannot_be_are_refused(found: list[str], message: str) -> None:
    with pytest.raises(SagesegError, match=message):
        name_sources(found)


def test_ids_of_other_programs_say_nothing() -> None:
    assert source_name("prediction-17", "day/a.jpg", 0, 0) == "a"
