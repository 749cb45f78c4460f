"""Images and masks in folders, paired by their names."""

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from formats.classes import voc_palette
from formats.dataset import open_dataset
from formats.errors import SagesegError
from formats.masks import read_mask
from prep.dataset.writer import write_dataset
from prep.options import PrepOptions
from tests.support.pair_samples import STEMS, Draw, columns, ids, make, read
from tests.support.voc_samples import add_image, add_mask, painted, palette_image, rows

VOC = [tuple(colour) for colour in voc_palette().tolist()]


@pytest.mark.parametrize("kind", ["png", "gif", "bmp", "tif", "tiff"])
def test_equal_stems_pair(tmp_path: Path, kind: str, capsys: pytest.CaptureFixture[str]) -> None:
    source = read(make(tmp_path, "images/{}.jpg", f"masks/{{}}.{kind}", masks=lambda _: rows(0, 1)))
    assert columns(source) == {f"{stem}.jpg": [0, 1, 0, 0] for stem in STEMS}
    assert source.classes.names == ("_background_", "car")
    assert [image.group for image in source.images] == list(STEMS)
    assert f"the classes are those of {tmp_path / 'classes.txt'}" in capsys.readouterr().err


def test_masks_of_any_kind_become_png(tmp_path: Path) -> None:
    make(tmp_path, "images/{}.png", "masks/{}.gif", masks=lambda _: palette_image(rows(0, 1), VOC))
    write_dataset(read(tmp_path), tmp_path / "out", PrepOptions(crop=None, workers=1))
    dataset = open_dataset(tmp_path / "out")
    for row in dataset.rows:
        assert dataset.mask_path(row.id).read_bytes().startswith(b"\x89PNG")
        assert (read_mask(dataset.mask_path(row.id)) == rows(0, 1)).all()


@pytest.mark.parametrize(
    ("image", "mask", "options"),
    [
        ("images/{}.jpg", "masks/{}_mask.png", {"mask_name": "{stem}_mask"}),
        ("images/{}.jpg", "masks/{}.jpg.png", {"mask_name": "{file}"}),
        ("images/{}_leftImg8bit.png", "masks/{}_gtFine_labelIds.png", {
            "image_name": "{stem}_leftImg8bit", "mask_name": "{stem}_gtFine_labelIds"
        }),
        ("images/x/y/{}.jpg", "masks/{}_L.png", {"mask_name": "{stem}_L"}),
    ],
)  # fmt: skip
def test_patterns_pair(tmp_path: Path, image: str, mask: str, options: dict[str, str]) -> None:
    source = read(make(tmp_path, image, mask), **options)
    assert [Path(image.source).name for image in source.images] == [Path(image.format(stem)).name for stem in STEMS]
    assert {tuple(column) for column in columns(source).values()} == {(0, 1, 255, 0)}


@pytest.mark.parametrize(
    ("image", "mask", "folders", "options"),
    [
        ("all/{}.jpg", "all/{}_mask.png", ("all", "all"), {"mask_name": "{stem}_mask"}),
        ("all/{}.png", "all/{}_mask.png", ("all", "all"), {"mask_name": "{stem}_mask"}),
        ("all/{}.jpg", "all/{}.png", ("all", "all"), {}),
        ("all/i/{}.jpg", "all/m/{}.png", ("all", "all"), {"image_name": "i/{stem}", "mask_name": "m/{stem}"}),
        ("all/{}.jpg", "all/masks/{}.png", ("all", "all/masks"), {}),
        ("all/pictures/{}.jpg", "all/{}.png", ("all/pictures", "all"), {}),
    ],
)  # fmt: skip
def test_images_and_masks_may_share_a_folder(
    tmp_path: Path, image: str, mask: str, folders: tuple[str, str], options: dict[str, str]
) -> None:
    make(tmp_path, image, mask, labels="")
    (tmp_path / "l.txt").write_text("background\ncar\n")
    source = read(tmp_path, *folders, labels=tmp_path / "l.txt", **options)
    assert [image.image for image in source.images] == [tmp_path / image.format(stem) for stem in STEMS]
    assert [image.mask.path for image in source.images] == [tmp_path / mask.format(stem) for stem in STEMS]
    assert source.left_out == ()


def test_where_nothing_pairs_the_patterns_that_would_are_shown(tmp_path: Path) -> None:
    make(tmp_path, "images/{}.jpg", "masks/seg_{}.png")
    with pytest.raises(SagesegError) as told:
        read(tmp_path)
    assert str(told.value) == (
        f"{tmp_path / 'images'} and {tmp_path / 'masks'}: no image (a, b.1 …) has a mask (seg_a, seg_b.1 …) by the "
        "names {stem} and {stem}; pass --mask-name 'seg_{stem}'"
    )
    make(tmp_path / "same", "all/{}.jpg", "all/{}_mask.png")
    with pytest.raises(SagesegError, match=r"; pass --mask-name '\{stem\}_mask'$"):
        read(tmp_path / "same", "all", "all")
    with pytest.raises(SagesegError, match=r"by the names \{stem\} and x_\{stem\}; pass --mask-name 'seg_\{stem\}'$"):
        read(tmp_path, mask_name="x_{stem}")


def test_where_names_have_nothing_in_common_it_is_asked(tmp_path: Path) -> None:
    make(tmp_path, "images/{}.jpg", "other/{}.png")
    add_mask(tmp_path / "masks" / "q.png", rows(0, 1))
    with pytest.raises(SagesegError, match="; say how they pair with --image-name and --mask-name, such as "):
        read(tmp_path)


def test_folders_of_splits_on_both_sides_are_the_split(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for word in ("Train", "valid", "test"):
        make(tmp_path, f"images/{word}/{{}}.jpg", f"masks/{word}/{{}}.png")
    source = read(tmp_path)
    assert {image.source: source.splits[image.group] for image in source.images} == {
        f"{word}/{stem}.jpg": split
        for word, split in (("Train", "train"), ("valid", "val"), ("test", "test"))
        for stem in STEMS
    }
    assert "the folders of train, val, test are the split" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("image", "mask", "image_name", "mask_name"),
    [
        ("{}_images", "{}_masks", "{split}_images/{stem}", "{split}_masks/{stem}"),
        ("{}", "{}annot", "{split}/{stem}", "{split}annot/{stem}"),
        ("{}/images", "{}/masks", "images/{stem}", "masks/{stem}"),
    ],
)
def test_splits_in_names_of_folders_are_the_split(
    tmp_path: Path, image: str, mask: str, image_name: str, mask_name: str
) -> None:
    for split in ("train", "val"):
        make(tmp_path, f"all/{image.format(split)}/{{}}.jpg", f"all/{mask.format(split)}/{{}}.png")
    source = read(tmp_path, "all", "all", image_name=image_name, mask_name=mask_name, labels=tmp_path / "classes.txt")
    assert sorted(source.splits.values()) == ["train"] * 3 + ["val"] * 3
    assert {image.group for image in source.images} == {
        f"{split}/{stem}" for split in ("train", "val") for stem in STEMS
    }


def test_folders_below_are_groups_and_their_split_is_not(tmp_path: Path) -> None:
    for split, city in (("train", "aachen"), ("val", "lindau")):
        make(tmp_path, f"images/{split}/{city}/{{}}.jpg", f"masks/{split}/{city}/{{}}.png")
    source = read(tmp_path)
    assert {image.group for image in source.images} == {"aachen", "lindau"}
    assert {image.own_group for image in source.images} == {"aachen", "lindau"}
    assert source.splits == {"aachen": "train", "lindau": "val"}


@pytest.mark.parametrize(
    ("pairs", "why"),
    [
        (("train/{}", "train/{}", "more/{}", "more/{}"), "more/a is not in"),
        (("{}", "train/{}"), "train/a is not in one folder of train on both sides"),
        (("train/{}", "train/{}"), "only folders of train are there"),
        (("val/{}", "val/{}", "test/{}", "test/{}"), "no folder is of train"),
    ],
)  # fmt: skip
def test_folders_that_are_no_whole_split_are_asked_about(tmp_path: Path, pairs: tuple[str, ...], why: str) -> None:
    for image, mask in zip(pairs[::2], pairs[1::2], strict=True):
        make(tmp_path, f"images/{image}.jpg", f"masks/{mask}.png")
    source = read(tmp_path)
    assert source.splits == {}
    with pytest.raises(SagesegError, match=rf"{why}.*; mend the lists, or pass --val"):
        write_dataset(source, tmp_path / "out", PrepOptions(crop=None, workers=1))
    write_dataset(source, tmp_path / "out", PrepOptions(crop=None, val=0.3, workers=1))
    assert {row.split for row in open_dataset(tmp_path / "out").rows} == {"train", "val"}


def test_what_is_left_out_is_counted_by_reason(tmp_path: Path) -> None:
    make(tmp_path, "images/{}_i.jpg", "masks/{}_m.png")
    add_image(tmp_path / "images" / "new_i.jpg")
    add_image(tmp_path / "images" / "thumb.jpg")
    for name in ("a_colour.png", "b.1_colour.png"):
        add_mask(tmp_path / "masks" / name, rows(0, 1))
    add_image(tmp_path / "masks" / "a_m.jpg")
    source = read(tmp_path, image_name="{stem}_i", mask_name="{stem}_m")
    assert len(source.images) == 3
    assert [(each.count, each.reason.split(" in ")[0], Path(each.example).name) for each in source.left_out] == [
        (1, "images without a mask", "new_i.jpg"),
        (1, "files", "thumb.jpg"),
        (2, "files", "a_colour.png"),
        (1, "JPEG and WebP files beside masks of the same name", "a_m.jpg"),
    ]
    write_dataset(source, tmp_path / "out", PrepOptions(crop=None, workers=1))
    assert sum(open_dataset(tmp_path / "out").info["left_out"].values()) == 5


def colours(_: str) -> Image.Image:
    return painted(rows(0, 1, 2), [(0, 0, 0), (128, 64, 128), (0, 0, 142)])


def test_a_table_names_colours(tmp_path: Path) -> None:
    make(tmp_path, "images/{}.jpg", "masks/{}.png", masks=colours, labels="")
    (tmp_path / "c.csv").write_text("name,r,g,b\nroad,128,64,128\ncar,0,0,142\n")
    source = read(tmp_path, colors=tmp_path / "c.csv")
    assert source.classes.names == ("_background_", "road", "car")
    assert columns(source)["a.jpg"] == [0, 1, 2, 0]
    (tmp_path / "c.csv").rename(tmp_path / "masks" / "class_dict.csv")
    assert columns(read(tmp_path)) == columns(source)


def test_colours_in_no_table_are_told_with_their_place(tmp_path: Path) -> None:
    make(tmp_path, "images/{}.jpg", "masks/{}.png", masks=colours, labels="")
    (tmp_path / "c.csv").write_text("road,128,64,128\n")
    with pytest.raises(SagesegError, match=r"masks/a\.png: colour 0,0,142 at \(0, 2\) means nothing; expected"):
        write_dataset(read(tmp_path, colors=tmp_path / "c.csv"), tmp_path / "out", PrepOptions(crop=None, workers=1))
    assert not (tmp_path / "out").exists()


def test_a_map_names_values(tmp_path: Path) -> None:
    make(tmp_path, "images/{}.jpg", "masks/{}.png", masks=lambda _: rows(7, 26, 33))
    (tmp_path / "map.csv").write_text("value,name\n*,background\n26,vehicle\n33,vehicle\n")
    source = read(tmp_path, value_map=tmp_path / "map.csv")
    assert (source.classes.names, columns(source)["a.jpg"]) == (("_background_", "vehicle"), [0, 1, 1, 0])


def test_black_and_white_is_read_with_binary(tmp_path: Path) -> None:
    make(tmp_path, "images/{}.jpg", "masks/{}.png", masks=lambda _: rows(0, 255), labels="car\n")
    assert columns(read(tmp_path, binary=True))["a.jpg"] == [0, 1, 0, 0]
    assert "pass --binary" in read(tmp_path).no_foreground


@pytest.mark.parametrize(
    ("masks", "message"),
    [
        (ids, "hold the values 0, 1, 255; write the name of each value, .*--labels labels.txt; .*--map"),
        (lambda _: rows(0, 255), "are black and white; .* pass --labels labels.txt --binary"),
        (lambda _: palette_image(rows(0, 1), [(0, 0, 0), (255, 255, 255)]), "are black and white"),
        (colours, "hold colours, such as 0,0,0 0,0,142 128,64,128; write name,red,green,blue .*--colors"),
        (lambda _: np.arange(64, dtype=np.uint8)[:, None].repeat(3, 1), "the values 0, 1, 2, .* 39 …; write"),
    ],
)
def test_what_masks_hold_is_shown_where_no_list_names_it(tmp_path: Path, masks: Draw, message: str) -> None:
    make(tmp_path, "images/{}.jpg", "masks/{}.png", masks=masks, labels="")
    with pytest.raises(SagesegError, match=rf"masks: no list of classes \(.*\) beside the masks, and .*{message}"):
        read(tmp_path)


def test_roboflows_folders_are_read(tmp_path: Path) -> None:
    for split in ("train", "valid"):
        make(
            tmp_path, f"export/{split}/{split}_{{}}.rf.0a.jpg", f"export/{split}/{split}_{{}}.rf.0a_mask.png", labels=""
        )
        (tmp_path / "export" / split / "_classes.csv").write_text("Pixel Value, Class\n0, background\n1, car\n")
    source = read(tmp_path, "export", "export", mask_name="{stem}_mask")
    assert source.classes.names == ("_background_", "car")
    assert sorted(source.splits.values()) == ["train"] * 3 + ["val"] * 3
    (tmp_path / "export" / "valid" / "_classes.csv").write_text("Pixel Value, Class\n0, background\n1, bus\n")
    with pytest.raises(SagesegError, match=r"train/_classes\.csv and .*valid/_classes\.csv name other classes"):
        read(tmp_path, "export", "export", mask_name="{stem}_mask")
