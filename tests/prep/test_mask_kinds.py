"""Which kinds of mask files hold class ids, and which hold black and white alone."""

import struct
import zlib
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from formats.errors import SagesegError
from prep.readers.classes.class_masks import settle_masks
from prep.readers.classes.label_list import read_class_list
from prep.readers.classes.mask_values import survey_mask
from tests.support.class_list_samples import BLACK, CAT, DOG, VOC, WHITE, first, settle, write
from tests.support.voc_samples import add_mask, painted, palette_image, rows, whole


def test_masks_of_0_and_255_among_others_are_told(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    settle(tmp_path, ["background", "car"], rows(0, 255), rows(0, 1), rows(255))
    told = "2 of 3 masks hold nothing but 0 and 255, which is ignore, such as"
    assert told in capsys.readouterr().err
    settle(tmp_path, ["background", "car", "bus"], rows(0, 255), rows(0, 1), rows(255))
    assert told not in capsys.readouterr().err


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


@pytest.mark.parametrize("kind", ["gif", "bmp", "tif"])
def test_only_png_files_are_copied_as_they_are(tmp_path: Path, kind: str) -> None:
    palette_image(rows(0, 1), VOC).save(tmp_path / f"m.{kind}")
    path = (tmp_path / f"m.{kind}").rename(tmp_path / "m.png")
    settled = settle_masks(read_class_list(write(tmp_path, "background", "car")), [path], workers=1)
    assert settled.final == frozenset()
    assert first(settled)[:3] == [0, 1, 0]


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
