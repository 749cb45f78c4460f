"""What line n of which list means for which kind of mask: one rule for all readers."""

import struct
import zlib
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from formats.classes import ClassTable, labelmap, voc_palette
from formats.errors import SagesegError
from prep.readers.classes.class_masks import ClassMasks, settle_masks
from prep.readers.classes.label_list import (
    ClassList,
    Line,
    find_background,
    find_class_list,
    number_lines,
    read_class_list,
)
from prep.readers.classes.mask_values import survey_mask
from tests.support.voc_samples import add_mask, painted, palette_image, rows, whole

BLACK, WHITE, BORDER = (0, 0, 0), (255, 255, 255), (224, 224, 192)
CAT, DOG = (48, 112, 32), (176, 112, 32)
VOC = [tuple(colour) for colour in voc_palette().tolist()]


def write(folder: Path, *lines: str, name: str = "labels.txt") -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / name
    path.write_text("".join(f"{line}\n" for line in lines), encoding="utf-8")
    return path


def settle(
    folder: Path,
    lines: list[str],
    *masks: np.ndarray | Image.Image,
    name: str = "labels.txt",
    background: str | None = None,
    binary: bool = False,
) -> ClassMasks:
    paths = [folder / f"m{number}.png" for number in range(len(masks))]
    for path, mask in zip(paths, masks, strict=True):
        add_mask(path, mask)
    listed = read_class_list(write(folder, *lines, name=name))
    return settle_masks(listed, paths, background=background, binary=binary, workers=1)


def first(settled: ClassMasks) -> list[int]:
    """The values of the first mask, row by row."""
    mask = next(iter(settled.masks.values())).read()
    return [int(value) for value in mask[:, 0]]


names = st.lists(st.sampled_from("abcdefghij"), min_size=2, unique=True).map(tuple)


@given(names, st.data())
def test_names_and_ids_move_together(classes: tuple[str, ...], data: st.DataObject) -> None:
    listed = ClassList("list", tuple(map(Line, classes)))
    background = data.draw(st.none() | st.integers(0, len(classes) - 1))
    numbering = number_lines(listed, background)
    for value, name in enumerate(classes):
        expected = "_background_" if value == background else name
        assert numbering.classes.names[numbering.of_value[value]] == expected
        assert numbering.of_name[name] == numbering.of_value[value]
    left_out = number_lines(listed, None, zero_is_background=True)
    assert [left_out.classes.names[i] for i in left_out.of_value] == ["_background_", *classes]


@pytest.mark.parametrize(
    ("lines", "ids"),
    [
        (["background", "road", "walk"], [0, 1, 2, 255]),
        (["road", "background", "walk"], [1, 0, 2, 255]),
        (["road", "walk", "_background_"], [1, 2, 0, 255]),
        (["__ignore__", "_background_", "road", "walk"], [0, 1, 2, 255]),
    ],
)
def test_a_background_on_any_line_is_class_0(tmp_path: Path, lines: list[str], ids: list[int]) -> None:
    settled = settle(tmp_path, lines, rows(0, 1, 2, 255))
    assert settled.classes.names == ("_background_", "road", "walk")
    assert first(settled)[:4] == ids


def test_masks_stay_as_they_are_only_where_ids_do(tmp_path: Path) -> None:
    masks = [palette_image(rows(0, 1, 2, 255), VOC), palette_image(rows(0, 0, 255), VOC)]
    assert len(settle(tmp_path / "a", ["background", "road", "walk"], *masks).final) == 2
    moved = settle(tmp_path / "b", ["road", "background", "walk"], *masks)
    assert moved.final == frozenset()


def test_a_list_without_background_beside_ids_is_asked_about(tmp_path: Path) -> None:
    mask = rows(0, 1, 2, 255)
    with pytest.raises(SagesegError, match="no line is the background, and the masks use 0 to 2 and 255: pass") as told:
        settle(tmp_path, ["road", "walk", "house"], mask)
    assert "--background none if value 0 is road, or --background background if 0" in str(told.value)
    settled = settle(tmp_path, ["road", "walk", "house"], mask, background="none")
    assert settled.classes.names == ("_background_", "road", "walk", "house")
    assert first(settled)[:4] == [1, 2, 3, 255]
    settled = settle(tmp_path, ["road", "walk", "house"], mask, background="background")
    assert settled.classes.names == ("_background_", "road", "walk", "house")
    assert first(settled)[:4] == [0, 1, 2, 255]


def test_the_highest_value_settles_a_list_without_background(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    settled = settle(tmp_path, ["road", "walk"], whole(0), rows(0, 2))
    assert settled.classes.names == ("_background_", "road", "walk")
    assert first(settled)[0] == 0
    assert (
        "no line is the background, and the masks use 0 to 2: so value 0 is the background" in capsys.readouterr().err
    )


@pytest.mark.parametrize("name", ["bg", "void", "unlabeled", "Unlabelled", "Background"])
def test_a_name_like_background_is_never_guessed(tmp_path: Path, name: str) -> None:
    with pytest.raises(SagesegError, match=f"pass --background {name} if that is it"):
        settle(tmp_path, ["road", name], rows(0, 1))
    settled = settle(tmp_path, ["road", name], rows(0, 1), background=name)
    assert settled.classes.names == ("_background_", "road")
    assert first(settled)[:2] == [1, 0]


def test_a_background_that_is_not_in_the_list_is_refused_with_the_nearest(tmp_path: Path) -> None:
    with pytest.raises(SagesegError, match="--background voit: no line of .*labels.txt; the nearest is 'void'"):
        settle(tmp_path, ["road", "void"], rows(0, 1), background="voit")
    with pytest.raises(SagesegError, match="labels.txt has a line none"):
        settle(tmp_path, ["road", "none"], rows(0, 1), background="none")
    with pytest.raises(SagesegError, match="_background_ and background are both the background"):
        settle(tmp_path, ["_background_", "background"], rows(0, 1))


def test_values_over_the_list_are_refused_by_file(tmp_path: Path) -> None:
    with pytest.raises(
        SagesegError, match=r"m1\.png: value 7 is no class: .*labels.txt has 2 lines, for values 0 to 1"
    ):
        settle(tmp_path, ["background", "car"], rows(0, 1), rows(0, 7))
    with pytest.raises(SagesegError, match=r"m0\.png: value 4 is no class: .* has 3 lines, for values 0 to 3"):
        settle(tmp_path, ["road", "walk", "house"], rows(0, 4))


@pytest.mark.parametrize(
    ("lines", "message"),
    [
        (["background", "", "car"], "line 2 is empty"),
        (["0 background", "1 car"], "each line begins with a number"),
        (["# my classes", "background", "car"], "a line begins with '# '"),
        (["background", "car", "car"], "'car' stands twice"),
        ([], "no class in it"),
    ],
)
def test_lists_whose_line_numbers_are_unclear_are_refused(tmp_path: Path, lines: list[str], message: str) -> None:
    with pytest.raises(SagesegError, match=f"labels.txt: .*{message}"):
        settle(tmp_path, lines, rows(0, 1))


MAP = ["# label:color_rgb:parts:actions", "background:0,0,0::", "cat:48,112,32::", "dog:176,112,32::"]


@pytest.mark.parametrize("name", ["labelmap.txt", "mine.txt"])
def test_one_channel_without_the_maps_colours_holds_line_numbers(
    tmp_path: Path, name: str, capsys: pytest.CaptureFixture[str]
) -> None:
    grey, palette = rows(0, 1, 2, 255), palette_image(rows(0, 2, 1), VOC)
    settled = settle(tmp_path, MAP, grey, palette, name=name)
    assert settled.classes.names == ("_background_", "cat", "dog")
    assert first(settled)[:4] == [0, 1, 2, 255]
    assert "masks of one channel hold its lines' numbers" in capsys.readouterr().err


def test_the_colours_of_a_palette_decide_where_they_are_the_maps(tmp_path: Path) -> None:
    by_frequency = palette_image(rows(1, 0, 2), [DOG, BLACK, CAT])
    assert first(settle(tmp_path, MAP, by_frequency, name="labelmap.txt"))[:3] == [0, 2, 1]
    white = ["background:0,0,0::", "car:255,255,255::"]
    assert first(settle(tmp_path, white, rows(0, 255), whole(0), name="labelmap.txt"))[:2] == [0, 1]


def test_what_fills_a_palette_up_is_no_colour(tmp_path: Path) -> None:
    filled = palette_image(rows(0, 1, 2, 255), [BLACK, CAT, DOG] + [BLACK] * 253)
    assert first(settle(tmp_path, MAP, filled, name="labelmap.txt"))[:4] == [0, 1, 2, 255]
    no_background = palette_image(np.maximum(whole(1), rows(1, 2, 255)), [BLACK, CAT, DOG] + [BLACK] * 253)
    assert first(settle(tmp_path, MAP, no_background, name="labelmap.txt"))[:3] == [1, 2, 255]


def test_masks_of_0_and_255_among_others_are_told(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    settle(tmp_path, ["background", "car"], rows(0, 255), rows(0, 1), rows(255))
    told = "2 of 3 masks hold nothing but 0 and 255, which is ignore, such as"
    assert told in capsys.readouterr().err
    settle(tmp_path, ["background", "car", "bus"], rows(0, 255), rows(0, 1), rows(255))
    assert told not in capsys.readouterr().err


def test_one_channel_that_fits_neither_way_is_refused(tmp_path: Path) -> None:
    with pytest.raises(SagesegError, match=r"m1\.png: value 9 is no line of .*labelmap.txt, which has 3, and the col"):
        settle(tmp_path, MAP, rows(0, 1), rows(0, 9), name="labelmap.txt")


def test_colours_and_line_numbers_may_stand_side_by_side(tmp_path: Path) -> None:
    settled = settle(tmp_path, MAP, painted(rows(0, 2), [BLACK, CAT, DOG]), rows(0, 1), name="labelmap.txt")
    assert [mask.read()[1, 0] for mask in settled.masks.values()] == [2, 1]


def test_black_is_the_background_of_a_map_that_names_none(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    lines = ["car:9,9,9::", "sky:0,0,0::"]
    mask = painted(rows(1, 0), [BLACK, (9, 9, 9)])
    settled = settle(tmp_path, lines, mask, name="labelmap.txt")
    assert (settled.classes.names, first(settled)[:2]) == (("_background_", "car"), [1, 0])
    assert "no line is called background, and sky is black" in capsys.readouterr().err
    settled = settle(tmp_path, lines, mask, name="labelmap.txt", background="none")
    assert (settled.classes.names, first(settled)[:2]) == (("_background_", "car", "sky"), [1, 2])
    settled = settle(tmp_path, lines[:1], mask, name="labelmap.txt")
    assert (settled.classes.names, first(settled)[:2]) == (("_background_", "car"), [1, 0])


@pytest.mark.parametrize("name", ["ignored", "Ignore", "void", "__ignore__"])
def test_vocs_border_under_a_name_of_ignore_is_no_class(tmp_path: Path, name: str) -> None:
    lines = [*MAP, f"{name}:224,224,192::"]
    coloured = settle(tmp_path / "a", lines, painted(rows(0, 1, 3), [BLACK, CAT, DOG, BORDER]), name="labelmap.txt")
    assert (coloured.classes.names, first(coloured)[:3]) == (("_background_", "cat", "dog"), [0, 1, 255])
    numbered = settle(tmp_path / "b", lines, rows(0, 1, 3), name="labelmap.txt")
    assert (numbered.classes.names, first(numbered)[:3]) == (("_background_", "cat", "dog"), [0, 1, 255])


@pytest.mark.parametrize("line", ["void:1,2,3::", "ignored:::", "tree:224,224,192::"])
def test_another_name_or_colour_is_a_class(tmp_path: Path, line: str, capsys: pytest.CaptureFixture[str]) -> None:
    name = line.partition(":")[0]
    assert settle(tmp_path, [*MAP, line], rows(0, 1, 3), name="labelmap.txt").classes.names[-1] == name
    assert ("write __ignore__ in its place" in capsys.readouterr().err) == (name != "tree")


def test_a_map_without_colours_is_a_list(tmp_path: Path) -> None:
    lines = ["background:::", "car:::", "bus:::"]
    assert first(settle(tmp_path, lines, rows(0, 2, 1), name="labelmap.txt"))[:3] == [0, 2, 1]


def test_a_map_without_colours_has_datumaros_where_masks_hold_colours(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    lines = ["background:::", "car:::", "bus:::"]
    mask = painted(rows(0, 2, 1, 255), VOC)
    settled = settle(tmp_path, lines, mask, name="labelmap.txt")
    assert settled.classes.names == ("_background_", "car", "bus")
    assert first(settled)[:4] == [0, 2, 1, 255]
    assert "no colours, so VOC's palette is taken in the order of the classes" in capsys.readouterr().err
    with pytest.raises(SagesegError, match=r"m0\.png: holds colours, and .*labelmap.txt says none; expected name:red,"):
        first(settle(tmp_path, lines, painted(rows(0, 1), [BLACK, CAT]), name="labelmap.txt"))


@pytest.mark.parametrize("lines", [["car:::", "background:::"], ["car:::", "bus:::"]])
def test_a_map_without_colours_that_datumaro_would_not_write_is_refused(tmp_path: Path, lines: list[str]) -> None:
    with pytest.raises(SagesegError, match=r"m0\.png: holds colours, and .*labelmap.txt says none"):
        settle(tmp_path, lines, painted(rows(0, 1), VOC), name="labelmap.txt")


@pytest.mark.parametrize("mask", [rows(0, 2), palette_image(rows(0, 2), VOC), rows(0, 1, 255)])
def test_a_gif_whose_values_were_numbered_anew_is_refused(tmp_path: Path, mask: np.ndarray | Image.Image) -> None:
    """Pillow 13.0 saves the values 0 and 2 as 0 and 1."""
    add_mask(tmp_path / "m.gif", mask)
    listed = read_class_list(write(tmp_path, "background", "car", "bus"))
    with pytest.raises(
        SagesegError, match=r"m\.gif: a GIF keeps colours and not values, so 0, 1(, 2)? may be other ids"
    ):
        settle_masks(listed, [tmp_path / "m.gif"], workers=1)


@pytest.mark.parametrize("mask", [rows(0, 1), rows(0, 1, 2), palette_image(rows(0, 1, 2), VOC), whole(0)])
def test_a_gif_whose_colours_say_its_values_is_read(tmp_path: Path, mask: np.ndarray | Image.Image) -> None:
    add_mask(tmp_path / "m.gif", mask)
    listed = read_class_list(write(tmp_path, "background", "car", "bus"))
    assert first(settle_masks(listed, [tmp_path / "m.gif"], workers=1)) == np.asarray(mask)[:, 0].tolist()


def test_a_gif_is_read_by_the_colours_of_a_map(tmp_path: Path) -> None:
    add_mask(tmp_path / "m.gif", palette_image(rows(0, 2), [BLACK, CAT, DOG]))
    listed = read_class_list(write(tmp_path, "background:0,0,0::", "cat:48,112,32::", "dog:176,112,32::"))
    assert first(settle_masks(listed, [tmp_path / "m.gif"], workers=1))[:2] == [0, 2]


@pytest.mark.parametrize("kind", ["gif", "bmp", "tif"])
def test_only_png_files_are_copied_as_they_are(tmp_path: Path, kind: str) -> None:
    palette_image(rows(0, 1), VOC).save(tmp_path / f"m.{kind}")
    path = (tmp_path / f"m.{kind}").rename(tmp_path / "m.png")
    settled = settle_masks(read_class_list(write(tmp_path, "background", "car")), [path], workers=1)
    assert settled.final == frozenset()
    assert first(settled)[:3] == [0, 1, 0]


@pytest.mark.parametrize(
    ("lines", "message"),
    [
        (["car"], "'car': expected name:red,green,blue"),
        (["car:1,2::"], "'car:1,2::': expected name:red,green,blue"),
        (["car:1,2,300::"], "'car:1,2,300::': expected red, green and blue from 0 to 255"),
        (["car:1,2,3::", "bus:1,2,3::"], "bus has the colour of another label"),
    ],
)
def test_a_broken_map_is_refused(tmp_path: Path, lines: list[str], message: str) -> None:
    with pytest.raises(SagesegError, match=rf"labelmap\.txt: {message}"):
        settle(tmp_path, lines, rows(0, 1), name="labelmap.txt")


@pytest.mark.parametrize("lines", [["car"], ["background", "car"], ["car", "_background_"]])
def test_masks_of_0_and_255_alone_are_asked_about(tmp_path: Path, lines: list[str]) -> None:
    masks = [rows(0, 255), whole(0)]
    settled = settle(tmp_path, lines, *masks)
    assert "nothing but 0 and 255, and 255 is ignore, so there is no foreground" in settled.no_foreground
    assert settled.no_foreground.endswith("if 255 is car, pass --binary")
    settled = settle(tmp_path, lines, *masks, binary=True)
    assert (settled.classes.names, first(settled)[:2]) == (("_background_", "car"), [0, 1])


def test_binary_takes_a_list_of_one_class(tmp_path: Path) -> None:
    told = settle(tmp_path, ["background", "car", "bus"], whole(255)).no_foreground
    assert "nothing but 255, and" in told
    assert "name it in a list, and pass that with --labels" in told
    with pytest.raises(SagesegError, match="--binary: .*labels.txt has 2 classes beside the background"):
        settle(tmp_path, ["background", "car", "bus"], rows(0, 255), binary=True)
    settled = settle(tmp_path, ["car"], painted(rows(0, 1), [BLACK, WHITE]), binary=True)
    assert first(settled)[:2] == [0, 1]
    with pytest.raises(SagesegError, match=r"m0\.png: it has the colours .*\(128,128,128\)"):
        first(settle(tmp_path, ["car"], rows(0, 128, 255), binary=True))


BITS = Image.fromarray(rows(0, 255)).convert("1")
WHITE_FIRST = palette_image(rows(1, 0), [WHITE, BLACK])


@pytest.mark.parametrize("lines", [["car"], ["background", "car"]])
@pytest.mark.parametrize("mask", [WHITE_FIRST, BITS], ids=["white_first", "bits"])
def test_white_is_the_one_class_whatever_its_index(tmp_path: Path, lines: list[str], mask: Image.Image) -> None:
    all_black = palette_image(whole(1), [WHITE, BLACK])
    settled = settle(tmp_path, lines, mask, all_black)
    assert (settled.classes.names, first(settled)[:2]) == (("_background_", "car"), [0, 1])
    assert {int(value) for value in np.unique(list(settled.masks.values())[1].read())} == {0}
    assert settled.final == frozenset()


def test_black_and_white_beside_several_classes_is_told(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert first(settle(tmp_path, ["background", "car", "bus"], WHITE_FIRST))[:2] == [1, 0]
    assert "black and white by its palette, which is no matter: its values are ids" in capsys.readouterr().err


def test_a_palette_is_no_matter_where_it_is_not_black_and_white(tmp_path: Path) -> None:
    for number, colours in enumerate(([BLACK, WHITE], VOC, [DOG, CAT], [(7, 7, 7)] * 2)):
        settled = settle(tmp_path / str(number), ["background", "car"], palette_image(rows(0, 1), colours))
        assert first(settled)[:2] == [0, 1]
        assert len(settled.final) == 1
    many = palette_image(rows(0, 1, 2), [WHITE, BLACK, (90, 90, 90)])
    assert first(settle(tmp_path, ["background", "car", "bus"], many))[:3] == [0, 1, 2]


def test_masks_that_hold_no_classes_are_named(tmp_path: Path) -> None:
    with pytest.raises(
        SagesegError, match=r"m0\.png: mode 1, .* has 2 classes beside the background; expected class ids"
    ):
        settle(tmp_path, ["background", "car", "bus"], BITS)
    with pytest.raises(SagesegError, match=r"m0\.png: mode I;16, .*8 bits a channel"):
        settle(tmp_path, ["background", "car"], Image.fromarray(rows(0, 1).astype(np.uint16)))
    with pytest.raises(SagesegError, match=r"m0\.png: holds colours, and .*labels\.txt none; expected a labelmap\.txt"):
        settle(tmp_path, ["background", "car"], painted(rows(0, 1), [BLACK, CAT]))


def grey_png(bits: int, packed: bytes) -> bytes:
    """A grey PNG of one row of `packed`, at this depth."""

    def chunk(kind: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    header = struct.pack(">IIBBBBB", len(packed) * 8 // bits, 1, bits, 0, 0, 0, 0)
    pixels = chunk(b"IDAT", zlib.compress(b"\0" + packed))
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + pixels + chunk(b"IEND", b"")


@pytest.mark.parametrize("bits", [2, 4])
def test_grey_of_few_bits_is_refused(tmp_path: Path, bits: int) -> None:
    (tmp_path / "few.png").write_bytes(grey_png(bits, b"\x10\x01"))
    with pytest.raises(SagesegError, match=rf"few\.png: grey of {bits} bits, whose values are levels"):
        survey_mask(tmp_path / "few.png")
    with pytest.raises(SagesegError, match=r"none\.png: not found"):
        survey_mask(tmp_path / "none.png")


def test_palettes_of_few_bits_hold_ids(tmp_path: Path) -> None:
    palette_image(rows(0, 1, 2), VOC[:3]).save(tmp_path / "two.png", bits=2)
    assert survey_mask(tmp_path / "two.png").values == (0, 1, 2)


def test_a_mask_that_changed_since_is_read_by_the_same_rule(tmp_path: Path) -> None:
    settled = settle(tmp_path, ["background", "car"], rows(0, 1))
    add_mask(tmp_path / "m0.png", rows(0, 5))
    with pytest.raises(SagesegError, match=r"m0\.png: value 5 is no class; expected 0 to 1, or 255"):
        first(settled)


def test_two_lists_in_a_folder_must_agree(tmp_path: Path) -> None:
    write(tmp_path, "__ignore__", "_background_", "car")
    write(tmp_path, "_background_", "car", name="class_names.txt")
    found = find_class_list(tmp_path)
    assert found is not None
    assert [line.name for line in found.lines] == ["_background_", "car"]
    write(tmp_path, "_background_", "bus", name="class_names.txt")
    with pytest.raises(SagesegError, match="labels.txt and .*class_names.txt name other classes"):
        find_class_list(tmp_path)


def test_polygons_need_no_values(tmp_path: Path) -> None:
    listed = read_class_list(write(tmp_path, "car", "bg", "__ignore__"))
    assert number_lines(listed, find_background(listed, None)).of_name == {
        "_background_": 0,
        "car": 1,
        "bg": 2,
        "__ignore__": 255,
    }
    assert number_lines(listed, find_background(listed, "bg")).of_name["bg"] == 0
    coins = read_class_list(write(tmp_path, "1 euro", "2 euro"))
    assert number_lines(coins, find_background(coins, None)).of_name["2 euro"] == 2


@given(st.lists(st.text("abc ü,1.", min_size=1, max_size=4).map(str.strip).filter(bool), min_size=1, unique=True))
def test_the_label_map_of_a_dataset_is_read_as_its_classes(
    tmp_path_factory: pytest.TempPathFactory, own: list[str]
) -> None:
    classes = ClassTable(("_background_", *own))
    path = tmp_path_factory.mktemp("map") / "labelmap.txt"
    path.write_text(labelmap(classes) or "", encoding="utf-8")
    listed = read_class_list(path)
    numbering = number_lines(listed, find_background(listed, None))
    assert numbering.classes == classes
    assert {colour: VOC.index(colour) for colour in numbering.of_colour} == numbering.of_colour


def test_the_two_lists_of_a_dataset_are_one(tmp_path: Path) -> None:
    write(tmp_path, "_background_", "car")
    write(tmp_path, "background:0,0,0::", "car:128,0,0::", name="labelmap.txt")
    found = find_class_list(tmp_path)
    assert found is not None
    assert found.has_colours
