"""Images and masks in folders, paired by their names."""

import shutil
import unicodedata
from collections.abc import Callable
from pathlib import Path
from typing import Literal
from zipfile import ZipFile

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from formats.classes import voc_palette
from formats.dataset import open_dataset
from formats.errors import SagesegError
from formats.masks import read_mask
from prep.dataset.writer import write_dataset
from prep.options import STORED, PrepOptions
from prep.readers.labelled_image import Source
from prep.readers.orientation import settle_orientations
from prep.readers.pairs.layers import Layer, LayeredMask
from prep.readers.pairs.reader import read_pairs
from prep.readers.pairs.truth import PairOptions
from tests.support.exif_samples import as_stored, with_orientation
from tests.support.voc_samples import HEIGHT, WIDTH, add_image, add_mask, painted, palette_image, rows, whole

VOC = [tuple(colour) for colour in voc_palette().tolist()]
STEMS = ("a", "b.1", "c d")
Draw = Callable[[str], np.ndarray | Image.Image]


def ids(_: str) -> np.ndarray:
    return rows(0, 1, 255)


def make(root: Path, image: str, mask: str, *, masks: Draw = ids, labels: str = "background\ncar\n") -> Path:
    """Images and masks of STEMS under these names below a folder, and a class list."""
    for stem in STEMS:
        add_image(root / image.format(stem))
        add_mask(root / mask.format(stem), masks(stem))
    if labels:
        (root / "classes.txt").write_text(labels)
    return root


def read(root: Path, images: str = "images", masks: str = "masks", **options: object) -> Source:
    return read_pairs(root / images, root / masks, PairOptions(**options), workers=1)  # type: ignore[arg-type]


def columns(source: Source) -> dict[str, list[int]]:
    """The first rows of each image's mask, by the image's path."""
    return {image.source: image.mask.read()[:4, 0].tolist() for image in source.images}


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


def one_per_class(root: Path, pattern: str, drawn: dict[str, np.ndarray]) -> Path:
    for stem in STEMS:
        add_image(root / "images" / f"{stem}.jpg")
        for name, flags in drawn.items():
            add_mask(root / "masks" / f"{pattern.format(stem=stem, name=name)}.png", flags)
    return root


LAYERS = {"traffic_light": rows(0, 255, 255), "car": rows(255, 255, 0)}


@pytest.mark.parametrize(
    ("pattern", "mask_name"),
    [
        ("{name}/{stem}", "{class}/{stem}"),
        ("{stem}/{name}", "{stem}/{class}"),
        ("{stem}_{name}", "{stem}_{class}"),
        ("m-{name}-{stem}", "m-{class}-{stem}"),
    ],
)  # fmt: skip
def test_one_mask_per_class_later_over_earlier(
    tmp_path: Path, pattern: str, mask_name: str, capsys: pytest.CaptureFixture[str]
) -> None:
    source = read(one_per_class(tmp_path, pattern, LAYERS), mask_name=mask_name)
    assert source.classes.names == ("_background_", "car", "traffic_light")
    assert columns(source) == {f"{stem}.jpg": [1, 2, 2, 0] for stem in STEMS}
    assert {image.attributes["overlap_pixels"] for image in source.images} == {str(WIDTH)}
    told = capsys.readouterr().err
    assert "the classes are those of the masks' names, car, traffic_light; pass --labels for another order" in told
    assert f"masks of different classes overlap in {3 * WIDTH} pixels of 3 image(s)" in told
    (tmp_path / "order.txt").write_text("traffic_light\ncar\n")
    source = read(tmp_path, mask_name=mask_name, labels=tmp_path / "order.txt")
    assert columns(source)["a.jpg"] == [2, 2, 1, 0]


def test_a_mask_of_ignore_lies_over_all(tmp_path: Path) -> None:
    drawn = {**LAYERS, "__ignore__": rows(0, 0, 1, 1)}
    source = read(one_per_class(tmp_path, "{stem}_{name}", drawn), mask_name="{stem}_{class}")
    assert columns(source)["a.jpg"] == [1, 2, 255, 255]


def test_images_that_lack_a_class_are_told(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    one_per_class(tmp_path, "{name}/{stem}", LAYERS)
    (tmp_path / "masks" / "car" / "a.png").unlink()
    source = read(tmp_path, mask_name="{class}/{stem}")
    assert columns(source)["a.jpg"] == [0, 2, 2, 0]
    assert "1 image(s) lack the mask of a class and have no pixel of it, such as" in capsys.readouterr().err


def test_classes_in_names_are_settled_by_what_is_there(tmp_path: Path) -> None:
    for stem in ("a", "a_red"):
        add_image(tmp_path / "images" / f"{stem}.jpg")
    add_mask(tmp_path / "masks" / "a_car.png", rows(255))
    add_mask(tmp_path / "masks" / "a_red_car.png", rows(0, 255))
    with pytest.raises(
        SagesegError, match=r"a_red_car\.png: may be car of a_red or red_car of a; name the classes with"
    ):
        read(tmp_path, mask_name="{stem}_{class}")
    (tmp_path / "l.txt").write_text("car\n")
    source = read(tmp_path, mask_name="{stem}_{class}", labels=tmp_path / "l.txt")
    assert columns(source) == {"a.jpg": [1, 0, 0, 0], "a_red.jpg": [0, 1, 0, 0]}


def test_a_class_at_the_end_of_an_image_makes_no_mask_of_it(tmp_path: Path) -> None:
    for stem in ("a", "a_1"):
        add_image(tmp_path / "all" / f"{stem}.jpg")
        add_mask(tmp_path / "all" / f"{stem}_car.png", rows(0, 255))
    (tmp_path / "l.txt").write_text("car\n")
    source = read(tmp_path, "all", "all", mask_name="{stem}_{class}", labels=tmp_path / "l.txt")
    assert columns(source) == {"a.jpg": [0, 1, 0, 0], "a_1.jpg": [0, 1, 0, 0]}
    for stem in ("a", "a_1"):
        (tmp_path / "all" / f"{stem}.jpg").unlink()
        add_image(tmp_path / "all" / f"{stem}.png")
    source = read(tmp_path, "all", "all", mask_name="{stem}_{class}", labels=tmp_path / "l.txt")
    assert set(columns(source)) == {"a.png", "a_1.png"}


@pytest.mark.parametrize("form", ["NFC", "NFD"])
def test_names_and_classes_pair_whichever_way_letters_are_composed(tmp_path: Path, form: Literal["NFC", "NFD"]) -> None:
    def spelled(text: str) -> str:
        return unicodedata.normalize(form, text)

    add_image(tmp_path / "images" / "größe_é.jpg")
    add_mask(tmp_path / "masks" / f"{spelled('größe_é_schiène')}.png", rows(255))
    (tmp_path / "l.txt").write_text("schiène\n")
    source = read(tmp_path, mask_name="{stem}_{class}", labels=tmp_path / "l.txt")
    assert columns(source) == {"größe_é.jpg": [1, 0, 0, 0]}


@pytest.mark.parametrize("orientation", [3, 6, 8])
def test_masks_of_a_class_turn_with_the_image(tmp_path: Path, orientation: int) -> None:
    upright = np.random.default_rng(1).integers(0, 256, (12, 20, 3), np.uint8)
    drawn = np.zeros((12, 20), np.uint8)
    drawn[2:5, 3:17] = 255
    (tmp_path / "images").mkdir()
    content = with_orientation(as_stored(upright, orientation), orientation)
    (tmp_path / "images" / "a.jpg").write_bytes(content)
    for name, flags in (("car", drawn), ("road", drawn[::-1, ::-1])):
        add_mask(tmp_path / "masks" / name / "a.png", as_stored(flags, orientation))
    source = read(tmp_path, mask_name="{class}/{stem}")
    (image,) = settle_orientations(source.images, STORED)
    expected = np.where(drawn[::-1, ::-1] > 0, 2, np.where(drawn > 0, 1, 0))
    assert (image.mask.read() == expected).all()


def _of_other_size(root: Path) -> None:
    add_mask(root / "masks" / "car" / "a.png", rows(255)[:-1])


def _of_many_levels(root: Path) -> None:
    add_mask(root / "masks" / "car" / "a.png", rows(9, 99, 255))


def _of_unknown_class(root: Path) -> None:
    add_mask(root / "masks" / "cra" / "a.png", rows(255))


@pytest.mark.parametrize(
    ("broken", "message"),
    [
        (
            _of_other_size,
            r"masks/traffic_light/a\.png: 20×16 pixels, but .*car/a\.png has 20×15; the masks of one image",
        ),
        (_of_many_levels, r"masks/car/a\.png: it has the colours .*; expected two colours"),
        (_of_unknown_class, r"masks/cra/a\.png: label 'cra' is not in .*l\.txt; the nearest there is 'car'"),
    ],
)
def test_broken_masks_of_a_class_are_told(tmp_path: Path, broken: Callable[[Path], None], message: str) -> None:
    one_per_class(tmp_path, "{name}/{stem}", LAYERS)
    (tmp_path / "l.txt").write_text("car\ntraffic_light\n")
    broken(tmp_path)
    with pytest.raises(SagesegError, match=message):
        read(tmp_path, mask_name="{class}/{stem}", labels=tmp_path / "l.txt")


@given(st.lists(st.lists(st.booleans(), min_size=6, max_size=6), min_size=1, max_size=4))
def test_each_pixel_is_of_the_last_class_that_is_white_there(
    tmp_path_factory: pytest.TempPathFactory, flags: list[list[bool]]
) -> None:
    folder = tmp_path_factory.mktemp("layers")
    layers = []
    for number, row in enumerate(flags, start=1):
        Image.fromarray(np.array([row, [True, False] * 3], np.uint8) * 255).save(folder / f"{number}.png")
        layers.append(Layer(folder / f"{number}.png", number, 0, 0))
    expected = [max((number for number, row in enumerate(flags, start=1) if row[x]), default=0) for x in range(6)]
    assert LayeredMask(tuple(layers)).read()[0].tolist() == expected


def test_a_mask_of_a_class_that_changed_is_read_again(tmp_path: Path) -> None:
    def made() -> bytes:
        out = tmp_path / "out"
        shutil.rmtree(out, ignore_errors=True)
        source = read(tmp_path, mask_name="{class}/{stem}")
        write_dataset(source, out, PrepOptions(crop=None, val=1, workers=1))
        return (out / "SegmentationClass" / "a.png").read_bytes()

    one_per_class(tmp_path, "{name}/{stem}", LAYERS)
    broken = tmp_path / "images" / "c d.jpg"
    whole_image = broken.read_bytes()
    broken.write_bytes(b"no image")
    with pytest.raises(SagesegError, match=r"c d\.jpg: cannot be read"):
        made()
    broken.write_bytes(whole_image)
    add_mask(tmp_path / "masks" / "traffic_light" / "a.png", whole(255))
    made()
    assert (read_mask(tmp_path / "out" / "SegmentationClass" / "a.png") == 2).all()


def _orphan(root: Path) -> None:
    add_mask(root / "masks" / "z.png", rows(0, 1))


def _two_images(root: Path) -> None:
    add_image(root / "images" / "a.jpeg")


def _two_masks(root: Path) -> None:
    add_mask(root / "masks" / "a.gif", rows(0, 1))


def _jpeg(root: Path) -> None:
    (root / "masks" / "a.png").unlink()
    add_image(root / "masks" / "a.jpg")


def _empty(root: Path) -> None:
    (root / "masks" / "a.png").write_bytes(b"")


def _beyond(root: Path) -> None:
    add_mask(root / "masks" / "a.png", rows(0, 2))


def _twice(root: Path) -> None:
    (root / "classes.txt").write_text("background\ncar\ncar\n")


def _zip(root: Path) -> None:
    shutil.rmtree(root / "masks")
    with ZipFile(root / "masks", "w") as packed:
        packed.writestr("a.png", b"x")


def _no_masks(root: Path) -> None:
    shutil.rmtree(root / "masks")
    (root / "masks").mkdir()


def _gone(root: Path) -> None:
    shutil.rmtree(root / "images")


def _wide(root: Path) -> None:
    add_mask(root / "masks" / "a.png", Image.fromarray(rows(0, 1).astype(np.uint16)))


@pytest.mark.parametrize(
    ("broken", "message"),
    [
        (_orphan, r"masks/z\.png: no image z in .*images; add it, or take the mask away"),
        (_two_images, r"images/a\.jpeg and a\.jpg: two files of one name; remove one"),
        (_two_masks, r"masks/a\.gif and a\.png: two masks of one image; remove one"),
        (_jpeg, r"masks/a\.jpg: JPEG and WebP change the values of masks; expected PNG: export it again"),
        (_empty, r"masks/a\.png: cannot be read as an image \(the file is empty\)"),
        (_beyond, r"masks/a\.png: value 2 is no class: .*classes\.txt has 2 lines"),
        (_twice, r"classes\.txt: classes: 'car' stands twice"),
        (_zip, r"masks: a ZIP archive; expected a folder, .*: unpack it"),
        (_no_masks, r"masks: no .*\.png.* file in it"),
        (_gone, r"images: no such folder"),
        (_wide, r"masks/a\.png: mode I;16, .*, or give values of 16 bits names with --map"),
    ],
)  # fmt: skip
def test_bad_input_is_one_line_that_names_it(tmp_path: Path, broken: Callable[[Path], None], message: str) -> None:
    broken(make(tmp_path, "images/{}.jpg", "masks/{}.png"))
    with pytest.raises(SagesegError, match=message) as told:
        read(tmp_path)
    assert "\n" not in str(told.value)


def test_sizes_that_disagree_are_told_with_both(tmp_path: Path) -> None:
    make(tmp_path, "images/{}.jpg", "masks/{}.png")
    add_mask(tmp_path / "masks" / "a.png", rows(0, 1)[:, :-1])
    with pytest.raises(SagesegError, match=rf"masks/a\.png: 19×{HEIGHT} pixels, but a\.jpg has 20×{HEIGHT}"):
        write_dataset(read(tmp_path), tmp_path / "out", PrepOptions(crop=None, workers=1))


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"labels": "l.txt", "value_map": "m.csv"}, "--labels and --map: expected one of them"),
        ({"labels": "l.txt", "colors": "c.csv"}, "--labels and --colors: expected one of them"),
        ({"colors": "l.txt"}, r"l\.txt: no colours in it; expected name,red,green,blue in each line, or --labels"),
        ({"coding": "coco", "value_map": "m.csv"}, "--coding coco: expected ade20k"),
        ({"coding": "ade20k"}, "--coding ade20k: .*; pass --map FILE"),
        ({"binary": True, "value_map": "m.csv"}, "--binary and --map: expected one of them"),
        ({"binary": True, "mask_name": "{class}/{stem}"}, r"--mask-name '.*': .*; leave --map and --binary out"),
        ({"image_name": "{class}/{stem}"}, r"--image-name '.*': expected none but the fields \{stem\}.*\{split\}"),
    ],
)
def test_options_that_say_two_things_are_refused(tmp_path: Path, options: dict[str, object], message: str) -> None:
    make(tmp_path, "images/{}.jpg", "masks/{}.png")
    (tmp_path / "l.txt").write_text("car\n")
    files = {"labels", "colors", "value_map"}
    given = {name: tmp_path / str(value) if name in files else value for name, value in options.items()}
    with pytest.raises(SagesegError, match=message):
        read(tmp_path, **given)  # type: ignore[arg-type]
