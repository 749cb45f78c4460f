"""Masks of numbers beside a map from number to name, as Cityscapes and ADE20K have them."""

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from formats.errors import SagesegError
from prep.readers.classes.cityscapes import settle_cityscapes
from prep.readers.classes.class_masks import ClassMasks
from prep.readers.classes.value_map import ADE20K, MappedMask, read_value_map, settle_values
from tests.support.voc_samples import add_mask, rows


def settle(folder: Path, text: str, mask: np.ndarray | Image.Image, **options: str) -> ClassMasks:
    (folder / "map.csv").write_text(text)
    add_mask(folder / "m.png", mask)
    return settle_values(read_value_map(folder / "map.csv"), [folder / "m.png"], workers=1, **options)


def first(settled: ClassMasks, count: int) -> list[int]:
    (mask,) = settled.masks.values()
    return [int(value) for value in mask.read()[:count, 0]]


CITYSCAPES = "name,id\nunlabeled,0\nroad,7\nvehicle,26\nvehicle,33\nlicense plate,-1\n"


def test_several_values_have_one_name_and_255_stays_ignore(tmp_path: Path) -> None:
    settled = settle(tmp_path, "value,name\n0,background\n7,road\n26,vehicle\n33,vehicle\n", rows(0, 7, 26, 33, 255))
    assert settled.classes.names == ("_background_", "road", "vehicle")
    assert first(settled, 5) == [0, 1, 2, 2, 255]


def test_every_name_is_a_class_where_none_is_the_background(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    settled = settle(tmp_path, CITYSCAPES, rows(0, 7, 26, 33, 255))
    assert settled.classes.names == ("_background_", "unlabeled", "road", "vehicle", "license plate")
    assert first(settled, 5) == [1, 2, 3, 3, 4]
    assert "no name is background, so every name is a class" in capsys.readouterr().err
    settled = settle(tmp_path, CITYSCAPES, rows(0, 7, 26), background="unlabeled")
    assert (settled.classes.names[:2], first(settled, 3)) == (("_background_", "road"), [0, 1, 2])


def test_a_star_names_all_others_and_asks_about_255(tmp_path: Path) -> None:
    text = "*,background\n7,road\n3,ignore\n"
    assert first(settle(tmp_path, text, rows(0, 7, 3, 99)), 4) == [0, 1, 255, 0]
    with pytest.raises(SagesegError, match=r"m\.png: value 255 at \(0, 2\) .* write a line 255,ignore or 255,NAME"):
        settle(tmp_path, text, rows(0, 7, 255))
    assert first(settle(tmp_path, f"{text}255,sky\n", rows(7, 255)), 2) == [1, 2]


def test_values_of_16_bits_and_commas_in_names(tmp_path: Path) -> None:
    mask = Image.fromarray(rows(0, 1, 2).astype(np.uint16) * 700)
    settled = settle(tmp_path, "0,__ignore__\n700,road, route\n1400,'car'\n", mask)
    assert settled.classes.names == ("_background_", "road, route", "car")
    assert first(settled, 3) == [255, 1, 2]


@given(st.integers(0, 25), st.integers(0, 255), st.integers(0, 9), st.integers(0, 255))
def test_ade20ks_colours_are_numbers(
    tmp_path_factory: pytest.TempPathFactory, red: int, green: int, rest: int, blue: int
) -> None:
    path = tmp_path_factory.mktemp("ade") / "m.png"
    level = min(10 * red + rest, 255)
    Image.new("RGB", (3, 2), (level, green, blue)).save(path)
    mask = MappedMask(path, ((level // 10 * 256 + green, 1),), None, "map.csv", ADE20K)
    assert mask.read().tolist() == [[1, 1, 1]] * 2


def test_colours_need_a_coding(tmp_path: Path) -> None:
    colours = Image.new("RGB", (4, 4), (10, 2, 1))
    with pytest.raises(SagesegError, match=r"m\.png: mode RGB holds colours, .*--colors, or --coding ade20k"):
        settle(tmp_path, "258,car\n", colours)
    assert first(settle(tmp_path, "258,car\n", colours, coding=ADE20K), 1) == [1]
    with pytest.raises(SagesegError, match=r"m\.png: mode L; --coding ade20k is for masks of colours"):
        settle(tmp_path, "258,car\n", rows(0), coding=ADE20K)


def test_a_value_that_the_map_lacks_is_told_with_its_place(tmp_path: Path) -> None:
    with pytest.raises(
        SagesegError, match=r"m\.png: value 9 at \(0, 1\) is not in .*map\.csv; add a line 9,NAME, or one"
    ):
        settle(tmp_path, "0,background\n7,road\n", rows(0, 9))


def test_a_gif_is_refused_for_its_values_may_be_others(tmp_path: Path) -> None:
    add_mask(tmp_path / "m.gif", rows(0, 7))
    with pytest.raises(SagesegError, match=r"m\.gif: a GIF keeps colours and not values; expected PNG"):
        MappedMask(tmp_path / "m.gif", ((0, 0), (7, 1)), None, "map.csv").read()


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "no value in it; expected value,name in each line"),
        ("value,name\n", "no value in it"),
        ("7,road\nsky\n", "line 2: 'sky': expected value,name"),
        ("7,road\n\n7,car\n", "line 3: '7,car': the value is road already"),
        ("255,ignore\n-1,car\n", "line 2: '-1,car': the value is ignore already"),
        ("70000,road\n", "line 1: '70000,road': expected a value from -1 to 65535"),
        ("a,b\n1,road\n", "line 1: 'a,b': expected value,name"),
        ("7,road\n*,sky\n*,car\n", "line 3: .* the value is sky already"),
        ("*,sky\n", "no value in it"),
        ("7,\n", "line 1: '7,': expected value,name"),
    ],
)
def test_a_broken_map_is_told_by_its_line(tmp_path: Path, text: str, message: str) -> None:
    (tmp_path / "map.csv").write_text(text)
    with pytest.raises(SagesegError, match=rf"map\.csv: {message}"):
        read_value_map(tmp_path / "map.csv")


def test_the_background_may_be_named_twice_in_no_map(tmp_path: Path) -> None:
    with pytest.raises(SagesegError, match="are both the background; remove one"):
        settle(tmp_path, "0,background\n1,_background_\n", rows(0, 1))


@given(st.dictionaries(st.integers(0, 255), st.sampled_from(["background", "a", "b", "ignore"]), min_size=1), st.data())
def test_each_pixel_gets_the_name_of_its_value(
    tmp_path_factory: pytest.TempPathFactory, table: dict[int, str], data: st.DataObject
) -> None:
    folder = tmp_path_factory.mktemp("map")
    (folder / "map.csv").write_text("".join(f"{value},{name}\n" for value, name in table.items()))
    values = data.draw(st.lists(st.sampled_from(sorted(table)), min_size=1, max_size=9))
    Image.fromarray(np.array([values], np.uint8)).save(folder / "m.png")
    if {"a", "b"}.isdisjoint(table.values()):
        return  # no class but the background: refused by the class table
    settled = settle_values(read_value_map(folder / "map.csv"), [folder / "m.png"], workers=1)
    told = {0: "background", 255: "ignore"} | {i: name for i, name in enumerate(settled.classes.names) if i}
    (mask,) = settled.masks.values()
    assert [told[int(class_id)] for class_id in mask.read()[0]] == [table[value] for value in values]


def test_cityscapes_own_table_reads_ids_and_colours_alike(tmp_path: Path) -> None:
    ids = rows(0, 5, 7, 24, 33)
    colours = np.zeros((*ids.shape, 3), np.uint8)
    for value, colour in {5: (111, 74, 0), 7: (128, 64, 128), 24: (220, 20, 60), 33: (119, 11, 32)}.items():
        colours[ids == value] = colour
    drawn = Image.fromarray(colours)
    add_mask(tmp_path / "ids.png", ids)
    add_mask(tmp_path / "colour.png", drawn)
    add_mask(tmp_path / "opaque.png", drawn.convert("RGBA"))
    settled = settle_cityscapes(sorted(tmp_path.iterdir()), background=None, workers=1)
    assert len(settled.classes) == 20
    of = settled.classes.names.index
    expected = [255, 255, of("road"), of("person"), of("bicycle")]
    assert [mask.read()[:5, 0].tolist() for mask in settled.masks.values()] == [expected] * 3


def test_a_licence_plate_is_ignore_by_its_id_and_a_car_by_its_colour(tmp_path: Path) -> None:
    add_mask(tmp_path / "a.png", rows(26, 255))
    add_mask(tmp_path / "b.png", Image.fromarray(np.full((8, 8, 3), (0, 0, 142), np.uint8)))
    settled = settle_cityscapes(sorted(tmp_path.iterdir()), background=None, workers=1)
    by_id, by_colour = (mask.read() for mask in settled.masks.values())
    car = settled.classes.names.index("car")
    assert by_id[:2, 0].tolist() == [car, 255]
    assert (by_colour == car).all()


@pytest.mark.parametrize(
    ("name", "mask", "message"),
    [
        (
            "a_labelTrainIds",
            rows(0, 18),
            r"a_labelTrainIds\.png: holds train ids, and --map cityscapes is of label ids",
        ),
        ("a", rows(7, 34), r"a\.png: value 34 at \(0, 1\) is not in Cityscapes' table"),
    ],
)
def test_what_is_not_in_cityscapes_table_is_refused(tmp_path: Path, name: str, mask: np.ndarray, message: str) -> None:
    add_mask(tmp_path / f"{name}.png", mask)
    with pytest.raises(SagesegError, match=message):
        settle_cityscapes([tmp_path / f"{name}.png"], background=None, workers=1)
