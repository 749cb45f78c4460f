"""What palettes say, file by file: white first, white of the class alone, one colour, 255 filled up."""

import struct
import zlib
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from formats.classes import voc_palette
from formats.errors import SagesegError
from formats.masks import Mask
from prep.readers.classes.class_masks import ClassMasks, settle_masks
from prep.readers.classes.label_list import ClassList, Line
from tests.support.voc_samples import add_mask, palette_image, rows, whole

Colour = tuple[int, int, int]
BLACK, WHITE, GREEN, BROWN = (0, 0, 0), (255, 255, 255), (48, 112, 32), (176, 112, 32)
VOC: list[Colour] = [(red, green, blue) for red, green, blue in voc_palette().tolist()]
ONE_CLASS = ClassList("list", (Line("background"), Line("cat")))
CAT_ALONE = ClassList("list", (Line("cat"),))
MAP = ClassList("map", (Line("background", BLACK), Line("cat", WHITE)), is_map=True)
GREEN_MAP = ClassList("map", (Line("background", BLACK), Line("cat", GREEN), Line("dog", BROWN)), is_map=True)
WHITE_FIRST = [WHITE, BLACK]
CLASS_ONLY = [BLACK, WHITE] + [BLACK] * 254
WHITE_FILLED = [BLACK] + [WHITE] * 255


def save_short(path: Path, image: Image.Image) -> None:
    """A PNG of 8 bits with a palette no longer than the image's. Pillow itself would store fewer bits, and cut the
    values to them."""
    own = bytes(image.getpalette() or [])
    long = image.copy()
    long.putpalette(own.ljust(768, b"\0"))
    long.save(path)
    content = path.read_bytes()
    at = content.index(b"PLTE") - 4
    chunk = struct.pack(">I", len(own)) + b"PLTE" + own + struct.pack(">I", zlib.crc32(b"PLTE" + own))
    path.write_bytes(content[:at] + chunk + content[at + 12 + 768 :])


def settle(
    folder: Path, listed: ClassList, *masks: Mask | Image.Image, background: str | None = None, binary: bool = False
) -> ClassMasks:
    folder.mkdir(parents=True, exist_ok=True)
    paths = [folder / f"m{number}.png" for number in range(len(masks))]
    for path, mask in zip(paths, masks, strict=True):
        add_mask(path, mask)
        if isinstance(mask, Image.Image) and mask.mode == "P":
            save_short(path, mask)
    return settle_masks(listed, paths, background=background, binary=binary, workers=1)


def heads(settled: ClassMasks, length: int = 3) -> list[list[int]]:
    """The first values of each mask, row by row."""
    return [[int(value) for value in mask.read()[:length, 0]] for mask in settled.masks.values()]


def white_first(mask: Mask) -> Image.Image:
    return palette_image(1 - mask, WHITE_FIRST)


CAT = rows(0, 1, 1)
BESIDE: dict[str, Mask | Image.Image] = {
    "grey of zeros": whole(0),
    "grey ids": CAT,
    "grey ids and 255": rows(1, 255, 0),
    "VOC's palette": palette_image(CAT, VOC),
    "black first": palette_image(CAT, [BLACK, WHITE]),
    "one colour": palette_image(CAT, [BLACK] * 2),
    "white of the class alone": palette_image(rows(0, 1, 255), CLASS_ONLY),
}


@pytest.mark.parametrize("listed", [ONE_CLASS, CAT_ALONE], ids=["background, cat", "cat"])
@pytest.mark.parametrize("kind", BESIDE)
def test_white_first_is_read_by_colour_whatever_stands_beside_it(
    tmp_path: Path, kind: str, listed: ClassList, capsys: pytest.CaptureFixture[str]
) -> None:
    beside = BESIDE[kind]
    ids = np.asarray(beside)[:3, 0].tolist()
    settled = settle(tmp_path, listed, white_first(CAT), beside, white_first(CAT))
    assert settled.classes.names == ("_background_", "cat")
    assert heads(settled) == [[0, 1, 1], ids, [0, 1, 1]]
    told = capsys.readouterr().err
    assert "2 of 3 masks, such as" in told
    assert "white is the class, whatever its index; the values of the other 1 are ids" in told
    assert (tmp_path / "m0.png") not in settled.final


@pytest.mark.parametrize("value", [0, 1])
def test_white_first_of_one_value_keeps_its_colour(tmp_path: Path, value: int) -> None:
    settled = settle(tmp_path, ONE_CLASS, palette_image(whole(value), WHITE_FIRST), CAT)
    assert heads(settled) == [[1 - value] * 3, [0, 1, 1]]


@pytest.mark.parametrize("value", [0, 1])
def test_greys_of_one_value_keep_their_order(tmp_path: Path, value: int) -> None:
    greys = [(230, 230, 230), (30, 30, 30)]
    settled = settle(tmp_path, ONE_CLASS, palette_image(whole(value), greys), palette_image(1 - CAT, greys), CAT)
    assert heads(settled) == [[1 - value] * 3, [0, 1, 1], [0, 1, 1]]


@pytest.mark.parametrize("mask", [rows(0, 1), whole(0), whole(1), rows(0, 1, 255)])
def test_a_hue_before_black_is_refused_and_after_it_ids(tmp_path: Path, mask: Mask) -> None:
    with pytest.raises(SagesegError, match=r"m0\.png: its values .* mean one thing as ids, and another by the colours"):
        settle(tmp_path / "a", ONE_CLASS, palette_image(mask, [(128, 0, 0), BLACK] + [(9, 9, 9)] * 254), CAT)
    colours = palette_image(mask, [BLACK, (128, 0, 0)] + [(9, 9, 9)] * 254)
    assert heads(settle(tmp_path / "b", ONE_CLASS, colours, CAT))[0] == mask[:3, 0].tolist()


def test_a_palette_of_white_alone_follows_white_first_or_is_refused(tmp_path: Path) -> None:
    alone = palette_image(whole(0), [WHITE])
    assert heads(settle(tmp_path / "a", ONE_CLASS, alone, white_first(CAT)))[0] == [1, 1, 1]
    with pytest.raises(SagesegError, match=r"m0\.png: its values 0 mean one thing as ids, and another by the col"):
        settle(tmp_path / "b", ONE_CLASS, alone, CAT)


@given(st.lists(st.sampled_from(["white first", *BESIDE]), min_size=1, max_size=5))
def test_what_a_file_means_does_not_hang_on_its_neighbours(
    tmp_path_factory: pytest.TempPathFactory, kinds: list[str]
) -> None:
    masks = [white_first(CAT) if kind == "white first" else BESIDE[kind] for kind in kinds]
    settled = settle(tmp_path_factory.mktemp("masks"), ONE_CLASS, *masks)
    expected = [[0, 1, 1] if kind == "white first" else np.asarray(BESIDE[kind])[:3, 0].tolist() for kind in kinds]
    assert heads(settled) == expected


@pytest.mark.parametrize("kind", ["grey", "palette", "one bit"])
def test_0_and_255_beside_colours_are_asked_about(tmp_path: Path, kind: str) -> None:
    levels = palette_image(rows(0, 255), [(i, i, i) for i in range(256)]) if kind == "palette" else rows(0, 255)
    coloured = Image.fromarray(rows(0, 255)).convert("1") if kind == "one bit" else white_first(rows(0, 1))
    with pytest.raises(SagesegError, match=r"m1\.png: holds 0 and 255, .*m0\.png, whose white is cat; pass --binary"):
        settle(tmp_path, ONE_CLASS, coloured, levels)
    assert heads(settle(tmp_path, ONE_CLASS, coloured, levels, binary=True)) == [[0, 1, 0]] * 2


@pytest.mark.parametrize("listed", [ONE_CLASS, CAT_ALONE, MAP], ids=["background, cat", "cat", "map"])
@pytest.mark.parametrize(
    "palette",
    [CLASS_ONLY, WHITE_FILLED, [BLACK, WHITE], VOC, [BLACK] * 256, [BLACK] * 255 + [WHITE]],
    ids=["white of the class alone", "white filled up", "255 beyond", "VOC's", "black", "white of 255 alone"],
)
def test_255_is_ignore_whatever_its_colour(
    tmp_path: Path, listed: ClassList, palette: list[Colour], capsys: pytest.CaptureFixture[str]
) -> None:
    masks = [palette_image(mask, palette) for mask in (rows(0, 1, 255), rows(0, 255, 255), rows(0, 1, 1))]
    settled = settle(tmp_path, listed, *masks)
    assert heads(settled) == [[0, 1, 255], [0, 255, 255], [0, 1, 1]]
    assert "white is the class" not in capsys.readouterr().err


def test_class_and_255_alone_hold_ignore(tmp_path: Path) -> None:
    for number, palette in enumerate((CLASS_ONLY, WHITE_FILLED, [BLACK] * 255 + [WHITE])):
        full = np.where(rows(255), 255, 1).astype(np.uint8)
        settled = settle(tmp_path / str(number), ONE_CLASS, palette_image(full, palette), CAT)
        assert heads(settled) == [[255, 1, 1], [0, 1, 1]]


@pytest.mark.parametrize("palette", [[WHITE] + [BLACK] * 255, [WHITE, BLACK]], ids=["filled", "255 beyond"])
def test_white_first_beside_255_is_refused(tmp_path: Path, palette: list[Colour]) -> None:
    with pytest.raises(SagesegError, match=r"m0\.png: its values 0, 1, 255 mean one thing as ids"):
        settle(tmp_path, ONE_CLASS, palette_image(rows(0, 1, 255), palette))


@pytest.mark.parametrize("mask", [CAT, whole(1), whole(0)], ids=["both", "class", "background"])
@pytest.mark.parametrize("colour", [BLACK, WHITE, (7, 7, 7)])
@pytest.mark.parametrize("length", [2, 256])
def test_a_palette_of_one_colour_says_nothing(tmp_path: Path, mask: Mask, colour: Colour, length: int) -> None:
    for listed in (ONE_CLASS, MAP):
        settled = settle(tmp_path / listed.where, listed, palette_image(mask, [colour] * length), CAT)
        assert heads(settled) == [mask[:3, 0].tolist(), [0, 1, 1]]


@pytest.mark.parametrize("shown", [BLACK, WHITE, None], ids=["black", "white", "beyond"])
def test_the_colours_of_a_map_stay_decisive_beside_255(tmp_path: Path, shown: Colour | None) -> None:
    palette = [BROWN, BLACK, GREEN] + ([] if shown is None else [BLACK] * 252 + [shown])
    masks = [palette_image(mask, palette) for mask in (rows(0, 1, 2), rows(2, 0, 255), np.maximum(whole(1), rows(255)))]
    assert heads(settle(tmp_path, GREEN_MAP, *masks)) == [[2, 0, 1], [1, 2, 255], [255, 0, 0]]


def test_one_colour_under_another_value_than_0_is_no_colour_of_a_map(tmp_path: Path) -> None:
    black = [BLACK] * 256
    same = palette_image(rows(0, 1, 2), [BLACK, GREEN, BROWN])
    assert heads(settle(tmp_path / "a", GREEN_MAP, palette_image(whole(1), black), same)) == [[1, 1, 1], [0, 1, 2]]
    moved = palette_image(rows(0, 1, 2), [BROWN, BLACK, GREEN])
    assert heads(settle(tmp_path / "b", GREEN_MAP, palette_image(whole(0), black), moved)) == [[0, 0, 0], [2, 0, 1]]
    with pytest.raises(SagesegError, match=r"m1\.png: its palette has the colours of map in another order"):
        settle(tmp_path / "c", GREEN_MAP, palette_image(whole(1), black), moved)


def test_a_map_in_another_order_beside_ids_is_refused(tmp_path: Path) -> None:
    coloured = palette_image(rows(0, 1, 2), [BROWN, BLACK, GREEN])
    with pytest.raises(SagesegError, match=r"m0\.png: its palette has the colours of map in another .*m1\.png has oth"):
        settle(tmp_path, GREEN_MAP, coloured, rows(0, 1))
    same = palette_image(rows(0, 1, 2), [BLACK, GREEN, BROWN])
    assert heads(settle(tmp_path, GREEN_MAP, same, rows(0, 1))) == [[0, 1, 2], [0, 1, 0]]


def test_a_map_of_white_background_is_not_read_as_black_and_white(tmp_path: Path) -> None:
    white = ClassList("map", (Line("background", WHITE), Line("cat", BLACK)), is_map=True)
    masks: list[Mask | Image.Image] = [palette_image(CAT, WHITE_FIRST), CAT]
    assert heads(settle(tmp_path, white, *masks)) == [[0, 1, 1]] * 2


def test_a_map_and_black_and_white_are_told_in_one_note(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    green = ClassList("map", (Line("background", BLACK), Line("cat", GREEN)), is_map=True)
    assert heads(settle(tmp_path, green, white_first(CAT))) == [[0, 1, 1]]
    assert capsys.readouterr().err.count("note:") == 1


def test_a_mask_that_changed_since_is_refused(tmp_path: Path) -> None:
    settled = settle(tmp_path, GREEN_MAP, palette_image(rows(0, 1), [BLACK, GREEN]))
    add_mask(tmp_path / "m0.png", rows(0, 9))
    with pytest.raises(SagesegError, match=r"m0\.png: value 9 was not in it before"):
        heads(settled)


def test_binary_refuses_255_that_shares_a_colour(tmp_path: Path) -> None:
    for number, palette in enumerate((CLASS_ONLY, WHITE_FILLED)):
        settled = settle(tmp_path / str(number), ONE_CLASS, palette_image(rows(0, 1, 255), palette), binary=True)
        with pytest.raises(SagesegError, match=r"m0\.png: its palette gives 255 the colour of another of the values"):
            heads(settled)
