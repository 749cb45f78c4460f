"""Patterns of names: what they read, and which are proposed where nothing pairs."""

import string

import pytest
from hypothesis import given
from hypothesis import strategies as st

from formats.errors import SagesegError
from prep.readers.pairs.likely_patterns import suggest_patterns
from prep.readers.pairs.patterns import CLASS, FILE, SPLIT, STEM, WHOLE, Named, parse_pattern

ALL = (STEM, FILE, CLASS, SPLIT)
words = st.text(string.ascii_lowercase + string.digits + "_-. ", min_size=1, max_size=8).filter(str.strip)
folders = st.lists(st.text(string.ascii_lowercase, min_size=1, max_size=4), max_size=3)


def readings(pattern: str, path: str) -> list[Named]:
    return parse_pattern(pattern, "--mask-name", ALL).readings(path)


@given(words, st.text("ab_-", max_size=4), st.text("ab_-", max_size=4), folders)
def test_a_pattern_finds_the_stem_that_was_put_in(stem: str, before: str, after: str, above: list[str]) -> None:
    path = "/".join([*above, f"{before}{stem}{after}"])
    assert readings(f"{before}{{stem}}{after}", path) == [Named("/".join([*above, stem]))]
    assert WHOLE.readings(path) == [Named(path)]


@given(words, words, st.sampled_from(["_", "__", "/", " - "]), st.booleans(), folders)
def test_a_pattern_with_a_class_finds_both(
    stem: str, class_name: str, between: str, class_first: bool, above: list[str]
) -> None:
    pattern, values = (
        ("{class}" + between + "{stem}", (class_name, stem))
        if class_first
        else ("{stem}" + between + "{class}", (stem, class_name))
    )
    found = readings(pattern, "/".join([*above, between.join(values)]))
    assert Named("/".join([*above, stem]), class_name) in found


@pytest.mark.parametrize(
    ("pattern", "path", "key"),
    [
        ("{stem}_leftImg8bit", "train/aachen/aachen_0_leftImg8bit", "train/aachen/aachen_0"),
        ("images/{stem}", "train/images/a", "train/a"),
        ("{split}_images/{stem}", "val_images/a", "val/a"),
        ("{split}annot/{stem}", "deep/trainannot/a", "train/deep/a"),
        ("{file}", "a.b.JPG", "a.b"),
        ("{file}_mask", "a.tiff_mask", "a"),
        ("[x].{stem}+", "[x].a+", "a"),
    ],
)
def test_what_a_path_belongs_to(pattern: str, path: str, key: str) -> None:
    assert [named.key for named in readings(pattern, path)] == [key]


@pytest.mark.parametrize(
    ("pattern", "path"),
    [
        ("{stem}_mask", "a"),
        ("{stem}_mask", "_mask"),
        ("masks/{stem}", "a"),
        ("masks/{stem}", "masks/deep/a"),
        ("{split}/{stem}", "other/a"),
        ("{file}", "a.mask"),
        ("{file}", "a"),
        ("{class}/{stem}", "a"),
    ],
)
def test_what_does_not_fit_is_not_read(pattern: str, path: str) -> None:
    assert readings(pattern, path) == []


@pytest.mark.parametrize(
    ("pattern", "message"),
    [
        ("mask", r"expected \{stem\} in it once"),
        ("{stem}{stem}", r"expected \{stem\} in it once"),
        ("{stem}_{file}", r"expected \{stem\} in it once"),
        ("{stem}{class}", "expected something between its fields"),
        ("{name}_mask", "expected none but the fields"),
        ("{stem", "expected none but the fields"),
    ],
)
def test_a_broken_pattern_is_refused(pattern: str, message: str) -> None:
    with pytest.raises(SagesegError, match=rf"--mask-name '.*': {message}"):
        parse_pattern(pattern, "--mask-name", ALL)


STEMS = [f"scene{number // 3}_{number:04}" for number in range(12)]


@pytest.mark.parametrize(
    ("image", "mask"),
    [
        ("{}", "{}_mask"),
        ("{}", "mask_{}"),
        ("{}", "{}-gt"),
        ("{}_leftImg8bit", "{}_gtFine_labelIds"),
        ("img_{}", "seg_{}"),
        ("{}_x", "{}"),
        ("images/{}", "masks/{}"),
    ],
)
def test_the_patterns_that_pair_are_found(image: str, mask: str) -> None:
    found = suggest_patterns([image.format(stem) for stem in STEMS], [mask.format(stem) for stem in STEMS])
    assert found[0] == (image.format("{stem}"), mask.format("{stem}"))


@pytest.mark.parametrize(
    ("image", "masks", "patterns"),
    [
        ("{}", ["{}.jpg"], ("{stem}", "{file}")),
        ("{}", ["{}.PNG_seg"], ("{stem}", "{file}_seg")),
        ("case_{}/image", ["case_{}/label"], ("{stem}/image", "{stem}/label")),
        ("train/{}", ["train_labels/{}_L"], ("{split}/{stem}", "{split}_labels/{stem}_L")),
        ("images/{}", ["masks/{}"], ("images/{stem}", "masks/{stem}")),
        ("images/{}", ["images/{}", "masks/{}"], ("images/{stem}", "masks/{stem}")),
    ],
)
def test_patterns_with_fields_of_their_own_are_found(image: str, masks: list[str], patterns: tuple[str, str]) -> None:
    found = suggest_patterns([image.format(stem) for stem in STEMS], [m.format(s) for m in masks for s in STEMS])
    assert patterns in found
    assert all(one != other for one, other in found)


@given(st.sampled_from(["", "a_", "pic-"]), st.sampled_from(["", "_b", ".c"]), st.sampled_from(["m_", "x-"]), st.data())
def test_what_is_proposed_pairs(before: str, after: str, other: str, data: st.DataObject) -> None:
    stems = data.draw(st.lists(st.text("012abc", min_size=2, max_size=5), min_size=2, max_size=6, unique=True))
    images = [f"{before}{stem}{after}" for stem in stems]
    masks = [f"{other}{stem}{after}" for stem in stems]
    for image_name, mask_name in suggest_patterns(images, masks):
        image, mask = parse_pattern(image_name, "", ALL), parse_pattern(mask_name, "", ALL)
        keys = {named.key for path in images for named in image.readings(path)}
        assert 2 * len(keys & {named.key for path in masks for named in mask.readings(path)}) >= len(stems)


def test_a_class_in_the_names_is_proposed() -> None:
    both = [f"{stem}_{name}" for stem in STEMS for name in ("car", "road")]
    assert suggest_patterns(STEMS, both)[-1] == ("{stem}", "{stem}_{class}")
    in_folders = [f"{name}/{stem}" for stem in STEMS for name in ("car", "road", "sky", "tree")]
    assert suggest_patterns(STEMS, in_folders) == [("{stem}", "{class}/{stem}")]


def test_splits_in_the_names_of_folders_are_proposed() -> None:
    images = [f"{split}/{stem}" for split in ("train", "val") for stem in STEMS]
    masks = [f"{split}annot/{stem}" for split in ("train", "val") for stem in STEMS]
    assert ("{split}/{stem}", "{split}annot/{stem}") in suggest_patterns(images, masks)


def test_nothing_is_proposed_where_names_have_nothing_in_common() -> None:
    assert suggest_patterns(STEMS, [f"q{number}" for number in range(12)]) == []
    assert suggest_patterns([], []) == []
