"""Carvana's images and masks become a dataset; what is wrong is named and leaves nothing behind."""

import csv
import hashlib
import json
import shlex
import shutil
import unicodedata
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from formats.crops import crop_grid, owned_boxes
from formats.dataset import channel_path, open_dataset
from formats.errors import SagesegError
from formats.images import encode_image, is_plain_jpeg, read_image
from formats.masks import read_mask
from formats.prepared.groups import parse_group_by
from prep.dataset.writer import write_dataset
from prep.options import PrepOptions
from prep.readers.carvana import read_carvana
from prep.recognise.recognise import recognise

CARS, ANGLES = ("0cdf5b5d0ce1", "0004d4463b50", "fff9b3a5373f"), ("01", "02")
WIDTH, HEIGHT = 150, 110


def draw(folder: Path, cars: tuple[str, ...] = CARS) -> tuple[Path, Path]:
    """A shoot of noise with one square car, which leaves some crops of 64 empty."""
    images, masks = folder / "images", folder / "masks"
    images.mkdir(parents=True)
    masks.mkdir()
    for number, (car, angle) in enumerate((car, angle) for car in cars for angle in ANGLES):
        pixels = np.random.default_rng(number).integers(0, 256, (HEIGHT, WIDTH, 3), np.uint8)
        (images / f"{car}_{angle}.jpg").write_bytes(encode_image(pixels))
        Image.fromarray(mask_of(number)).convert("P").save(masks / f"{car}_{angle}_mask.gif")
    return images, masks


def mask_of(number: int) -> np.ndarray:
    mask = np.zeros((HEIGHT, WIDTH), np.uint8)
    mask[5 + number : 40 + number, 7 : 60 + number] = 1
    return mask


def prepare(folder: Path, out: Path, options: PrepOptions = PrepOptions(crop=64, workers=1)) -> Path:  # noqa: B008
    write_dataset(read_carvana(folder / "images", folder / "masks", None, options.group_by), out, options)
    return out


@pytest.fixture
def shoot(tmp_path: Path) -> Path:
    draw(tmp_path / "shoot")
    return tmp_path / "shoot"


def digests(folder: Path) -> dict[str, str]:
    files = sorted(path for path in folder.rglob("*") if path.is_file())
    return {str(path.relative_to(folder)): hashlib.sha256(path.read_bytes()).hexdigest() for path in files}


def test_every_crop_holds_the_masks_own_pixels(shoot: Path, tmp_path: Path) -> None:
    dataset = open_dataset(prepare(shoot, tmp_path / "dataset"))
    stitched = {stem: np.zeros((HEIGHT, WIDTH), np.uint8) for stem in {row.source_stem for row in dataset.rows}}
    owned = owned_boxes(crop_grid(WIDTH, HEIGHT, 64), WIDTH, HEIGHT)
    for row in dataset.rows:
        if row.kept:
            own, mask = owned[row.box], read_mask(dataset.mask_path(row.id))
            part = mask[own.top - row.y : own.top - row.y + own.height, own.left - row.x : own.left - row.x + own.width]
            stitched[row.source_stem][own.top : own.top + own.height, own.left : own.left + own.width] = part
    for stem, mask in stitched.items():
        assert np.array_equal(mask, read_mask(shoot / "masks" / f"{stem}_mask.gif")), stem


def test_only_empty_training_crops_are_dropped_and_keep_their_row(shoot: Path, tmp_path: Path) -> None:
    dataset = open_dataset(prepare(shoot, tmp_path / "dataset"))
    assert len(dataset.rows) == 6 * len(crop_grid(WIDTH, HEIGHT, 64))
    dropped = [row for row in dataset.rows if not row.kept]
    assert dropped
    assert all(row.split == "train" and row.foreground == 0 and row.image_sha256 == "" for row in dropped)
    assert all(row.kept for row in dataset.rows if row.split == "val")
    assert {row.id for row in dataset.rows if row.kept} == {p.stem for p in (dataset.root / "JPEGImages").iterdir()}


def test_no_car_stands_in_two_splits(shoot: Path, tmp_path: Path) -> None:
    dataset = open_dataset(prepare(shoot, tmp_path / "dataset"))
    splits = {car: {row.split for row in dataset.rows if row.group == car} for car in CARS}
    assert sorted(map(sorted, splits.values())) == [["train"], ["train"], ["val"]]


def test_channels_hold_the_split_without_copying(shoot: Path, tmp_path: Path) -> None:
    dataset = open_dataset(prepare(shoot, tmp_path / "dataset"))
    for split, channel in (("train", "train"), ("val", "validation")):
        names = [f"{row.id}" for row in dataset.kept(split)]
        assert sorted(p.name for p in channel_path(dataset.root, channel).iterdir()) == sorted(
            f"{n}.jpg" for n in names
        )
        masks = channel_path(dataset.root, f"{channel}_annotation")
        assert sorted(p.name for p in masks.iterdir()) == sorted(f"{n}.png" for n in names)
        assert (masks / f"{names[0]}.png").samefile(dataset.mask_path(names[0]))
        image_set = dataset.root / "ImageSets" / "Segmentation" / f"{split}.txt"
        assert image_set.read_text().splitlines() == names


def test_manifest_holds_the_checksums_of_the_files(shoot: Path, tmp_path: Path) -> None:
    dataset = open_dataset(prepare(shoot, tmp_path / "dataset"))
    for row in dataset.kept("val"):
        assert hashlib.sha256(dataset.image_path(row.id).read_bytes()).hexdigest() == row.image_sha256
        assert hashlib.sha256(dataset.mask_path(row.id).read_bytes()).hexdigest() == row.mask_sha256


def test_the_same_input_gives_the_same_bytes_with_any_number_of_workers(shoot: Path, tmp_path: Path) -> None:
    one = prepare(shoot, tmp_path / "one", PrepOptions(crop=64, workers=1))
    two = prepare(shoot, tmp_path / "two", PrepOptions(crop=64, workers=2))
    assert digests(one) == digests(two)


def test_uncropped_images_are_copied_not_encoded_again(shoot: Path, tmp_path: Path) -> None:
    dataset = open_dataset(prepare(shoot, tmp_path / "dataset", PrepOptions(crop=None, workers=1)))
    assert [row.id for row in dataset.rows] == sorted(path.stem for path in (shoot / "images").iterdir())
    for row in dataset.rows:
        assert dataset.image_path(row.id).read_bytes() == (shoot / "images" / row.source).read_bytes()


def test_overlap_and_small_images_are_padded_with_ignore(shoot: Path, tmp_path: Path) -> None:
    dataset = open_dataset(prepare(shoot, tmp_path / "dataset", PrepOptions(crop=128, overlap=16, workers=1)))
    row = dataset.rows[0]
    mask = read_mask(dataset.mask_path(row.id))
    assert mask.shape == (128, 128)
    assert (mask[HEIGHT:] == 255).all()
    assert (mask[:HEIGHT] != 255).all()
    image = read_image(dataset.image_path(row.id)).astype(int)
    assert abs(image[HEIGHT:] - image[HEIGHT - 1]).mean() < 20  # the last row, repeated, within JPEG's loss


def test_keep_empty_keeps_a_share_that_grows_and_never_changes_its_mind(shoot: Path, tmp_path: Path) -> None:
    kept = []
    for share in (0.0, 0.5, 1.0):
        dataset = open_dataset(prepare(shoot, tmp_path / str(share), PrepOptions(crop=32, keep_empty=share, workers=1)))
        kept.append({row.id for row in dataset.kept("train") if row.foreground == 0})
    assert kept[0] == set()
    assert kept[0] < kept[1] < kept[2]


def test_angle_and_metadata_become_attributes(shoot: Path, tmp_path: Path) -> None:
    metadata = tmp_path / "metadata.csv"
    with metadata.open("w", newline="") as file:
        csv.writer(file).writerows([("id", "year", "make"), (CARS[0], "2014", "Audi")])
    source = read_carvana(shoot / "images", shoot / "masks", metadata, None)
    attributes = {image.source: image.attributes for image in source.images}
    assert attributes[f"{CARS[0]}_02.jpg"] == {"angle": "02", "year": "2014", "make": "Audi"}
    assert attributes[f"{CARS[1]}_01.jpg"] == {"angle": "01"}


def test_group_by_takes_the_first_capture(shoot: Path) -> None:
    source = read_carvana(shoot / "images", shoot / "masks", None, parse_group_by(r"_(\d+)$"))
    assert {image.group for image in source.images} == set(ANGLES)


def test_split_file_keeps_its_assignment(shoot: Path, tmp_path: Path) -> None:
    fixed = tmp_path / "split.json"
    fixed.write_text(json.dumps({"groups": {CARS[0]: "val", CARS[1]: "train", "elsewhere": "test"}}))
    dataset = open_dataset(
        prepare(shoot, tmp_path / "dataset", PrepOptions(crop=64, split_file=fixed, workers=1, seed=1))
    )
    certificate = json.loads((dataset.root / "split.json").read_text())
    assert certificate["groups"] == {CARS[0]: "val", CARS[1]: "train", CARS[2]: "train"}


def _missing_mask(shoot: Path) -> None:
    (shoot / "masks" / f"{CARS[1]}_02_mask.gif").unlink()


def _mask_of_another_size(shoot: Path) -> None:
    Image.new("P", (10, 10)).save(shoot / "masks" / f"{CARS[1]}_02_mask.gif")


def _truncated(name: str) -> Callable[[Path], None]:
    def cut(shoot: Path) -> None:
        path = shoot / name
        path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])

    return cut


def _value_outside(shoot: Path) -> None:
    mask = mask_of(0)
    mask[0, :8] = range(8)  # all of them: Pillow drops palette entries that no pixel uses
    Image.fromarray(mask).convert("P").save(shoot / "masks" / f"{CARS[1]}_02_mask.gif")


def _empty_folder(shoot: Path) -> None:
    for path in (shoot / "images").iterdir():
        path.unlink()


def _no_folder(shoot: Path) -> None:
    (shoot / "masks").rename(shoot / "elsewhere")


def _no_pair(shoot: Path) -> None:
    for path in list((shoot / "masks").iterdir()):
        path.rename(path.with_name(f"x{path.name}"))


def _two_masks(shoot: Path) -> None:
    Image.fromarray(mask_of(0) * 255).save(shoot / "masks" / f"{CARS[0]}_01_mask.png")


def _red_mask(shoot: Path) -> None:
    image = Image.fromarray(mask_of(0))
    image.putpalette([0, 0, 0, 255, 0, 0])
    image.save(shoot / "masks" / f"{CARS[0]}_01_mask.gif")


def _odd_name(shoot: Path) -> None:
    (shoot / "images" / f"{CARS[0]}_01.jpg").rename(shoot / "images" / "car.jpg")
    (shoot / "masks" / f"{CARS[0]}_01_mask.gif").rename(shoot / "masks" / "car_mask.gif")


@pytest.mark.parametrize(
    ("spoil", "message"),
    [
        (_missing_mask, rf"{CARS[1]}_02_mask\.gif: missing"),
        (_mask_of_another_size, rf"{CARS[1]}_02_mask\.gif: 10×10 pixels, but {CARS[1]}_02\.jpg has 150×110"),
        (_truncated(f"images/{CARS[1]}_02.jpg"), rf"{CARS[1]}_02\.jpg: cannot be read as an image"),
        (_truncated(f"masks/{CARS[1]}_02_mask.gif"), rf"{CARS[1]}_02_mask\.gif: cannot be read as an image"),
        (
            _value_outside,
            r"_02_mask\.gif: it has the colours \(0,0,0\), .* 8 in all; expected two colours, black",
        ),
        (_empty_folder, r"images: no image in it; expected <car>_<angle>\.jpg"),
        (_no_folder, "masks: no such folder"),
        (_two_masks, rf"{CARS[0]}_01_mask\.gif and {CARS[0]}_01_mask\.png: two masks of one image; remove one"),
        (_red_mask, rf"{CARS[0]}_01_mask\.gif: its palette gives the colours \(0,0,0\), \(255,0,0\); expected two"),
        (_no_pair, r"no image has a mask; expected <car>_<angle>\.jpg beside <car>_<angle>_mask\.gif"),
        (_odd_name, r"car\.jpg: expected a name like <car>_<angle>\.jpg; rename it or pass --group-by"),
    ],
)
def test_bad_input_is_named_and_leaves_no_dataset(
    shoot: Path, tmp_path: Path, spoil: Callable[[Path], None], message: str
) -> None:
    spoil(shoot)
    out = tmp_path / "results" / "dataset"
    with pytest.raises(SagesegError, match=message):
        prepare(shoot, out, PrepOptions(crop=64, workers=1))
    assert not out.exists()


def test_what_a_worker_process_finds_is_named_likewise(shoot: Path, tmp_path: Path) -> None:
    _truncated(f"images/{CARS[1]}_02.jpg")(shoot)
    with pytest.raises(SagesegError, match=rf"{CARS[1]}_02\.jpg: cannot be read as an image"):
        prepare(shoot, tmp_path / "dataset", PrepOptions(crop=64, workers=2))
    assert not (tmp_path / "dataset").exists()


def test_an_existing_output_is_refused_and_kept(shoot: Path, tmp_path: Path) -> None:
    out = prepare(shoot, tmp_path / "dataset")
    before = digests(out)
    with pytest.raises(SagesegError, match="dataset: exists already"):
        prepare(shoot, out)
    assert digests(out) == before


def test_a_dataset_whose_crops_are_all_empty_is_refused(tmp_path: Path) -> None:
    draw(tmp_path / "shoot")
    for path in (tmp_path / "shoot" / "masks").iterdir():
        Image.new("P", (WIDTH, HEIGHT)).save(path)
    with pytest.raises(SagesegError, match="train: every crop is empty"):
        prepare(tmp_path / "shoot", tmp_path / "dataset")


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"car,year\n", r"metadata\.csv: no column id; expected Carvana's id,year,make,model,trim1,trim2"),
        (b"id,year\nx\n", r"metadata\.csv: line 2: not as many cells as columns"),
        (b"id,year\ny,1,2\n", r"metadata\.csv: line 2: not as many cells as columns"),
        (b"\xff\xfe", r"metadata\.csv: not UTF-8 text"),
        (None, r"metadata\.csv: not found"),
    ],
)
def test_broken_metadata_is_named(shoot: Path, tmp_path: Path, content: bytes | None, message: str) -> None:
    if content is not None:
        (tmp_path / "metadata.csv").write_bytes(content)
    with pytest.raises(SagesegError, match=message):
        read_carvana(shoot / "images", shoot / "masks", tmp_path / "metadata.csv", None)


def test_metadata_may_have_semicolons_as_excel_writes_them(shoot: Path, tmp_path: Path) -> None:
    (tmp_path / "metadata.csv").write_bytes(b"\xef\xbb\xbfid;make\r\n%s;Alfa, Romeo\r\n" % CARS[0].encode())
    source = read_carvana(shoot / "images", shoot / "masks", tmp_path / "metadata.csv", None)
    assert {image.group: image.attributes.get("make") for image in source.images}[CARS[0]] == "Alfa, Romeo"


def test_cars_that_metadata_lacks_are_told(shoot: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "metadata.csv").write_bytes(b"\xef\xbb\xbfid,make\n%s,Audi\n" % CARS[0].encode())
    source = read_carvana(shoot / "images", shoot / "masks", tmp_path / "metadata.csv", None)
    assert {image.group: image.attributes.get("make") for image in source.images} == dict.fromkeys(CARS) | {
        CARS[0]: "Audi"
    }
    assert "2 cars are not in it, such as 0004d4463b50" in capsys.readouterr().err


def _palette(mask: np.ndarray, colours: list[int]) -> Image.Image:
    image = Image.fromarray(mask)
    image.putpalette(colours)
    return image


WAYS: dict[str, Callable[[np.ndarray], Image.Image]] = {
    "_mask.gif with black first": lambda mask: _palette(mask, [0, 0, 0, 255, 255, 255]),
    "_mask.gif with white first": lambda mask: _palette(1 - mask, [255, 255, 255, 0, 0, 0]),
    "_mask.gif with white last": lambda mask: _palette(mask * 255, [0, 0, 0] * 255 + [255, 255, 255]),
    "_mask.gif from RGB": lambda mask: Image.fromarray(np.repeat(mask[..., None] * 255, 3, 2)),
    "_mask.png of greys": lambda mask: Image.fromarray(mask * 255),
    "_mask.png of 0 and 1": Image.fromarray,
    "_mask.png of one bit": lambda mask: Image.fromarray(mask * 255).convert("1"),
    "_mask.png with white first": lambda mask: _palette(1 - mask, [255, 255, 255, 0, 0, 0]),
    "_mask.png of colours": lambda mask: Image.fromarray(np.repeat(mask[..., None] * 255, 3, 2)),
    "_mask.bmp of greys": lambda mask: Image.fromarray(mask * 255),
    "_mask.tif of one bit": lambda mask: Image.fromarray(mask * 255).convert("1"),
    "_MASK.PNG of greys": lambda mask: Image.fromarray(mask * 255),
}


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("show", ["car", "all car", "no car"])
def test_white_is_the_car_whatever_its_value(shoot: Path, way: str, show: str) -> None:
    mask = {"car": mask_of(0), "all car": np.ones_like(mask_of(0)), "no car": np.zeros_like(mask_of(0))}[show]
    for path in (shoot / "masks").glob(f"{CARS[0]}_01_mask.*"):
        path.unlink()
    WAYS[way](mask).save(shoot / "masks" / f"{CARS[0]}_01{way.partition(' ')[0]}")
    read = {image.source: image.mask.read() for image in read_carvana(*folders(shoot), None, None).images}
    assert np.array_equal(read[f"{CARS[0]}_01.jpg"], mask)
    assert np.array_equal(read[f"{CARS[0]}_02.jpg"], mask_of(1))  # GIFs and PNGs may be mixed


def folders(shoot: Path) -> tuple[Path, Path]:
    return shoot / "images", shoot / "masks"


def test_names_pair_whichever_way_their_letters_are_composed(tmp_path: Path) -> None:
    draw(tmp_path, ("größe", "b"))
    for path in (tmp_path / "masks").iterdir():
        path.rename(path.with_name(unicodedata.normalize("NFD", path.name)))
    images = read_carvana(*folders(tmp_path), None, None).images
    assert [unicodedata.is_normalized("NFC", image.mask.path.name) for image in images] == [True, True, False, False]


@pytest.mark.parametrize("mode", ["L", "CMYK"])
def test_jpegs_that_are_not_rgb_are_encoded_once(shoot: Path, tmp_path: Path, mode: str) -> None:
    path = shoot / "images" / f"{CARS[0]}_01.jpg"
    with Image.open(path) as image:
        image.convert(mode).save(path)
    dataset = open_dataset(prepare(shoot, tmp_path / "dataset", PrepOptions(crop=None, workers=1)))
    written = dataset.image_path(path.stem).read_bytes()
    assert written == encode_image(read_image(path))
    assert is_plain_jpeg(written)


def test_a_link_in_a_circle_and_two_images_of_one_stem_are_refused(shoot: Path, tmp_path: Path) -> None:
    loop = shoot / "images" / f"{CARS[0]}_09.jpg"
    loop.symlink_to(loop)
    with pytest.raises(SagesegError, match=rf"{loop.name}: cannot be read \(Too many levels of symbolic links\)"):
        prepare(shoot, tmp_path / "dataset")
    loop.unlink()
    (shoot / "images" / f"{CARS[0]}_01.jpeg").write_bytes((shoot / "images" / f"{CARS[0]}_01.jpg").read_bytes())
    with pytest.raises(SagesegError, match=rf"{CARS[0]}_01\.jpeg and {CARS[0]}_01\.jpg would both be called"):
        prepare(shoot, tmp_path / "dataset")


def test_names_may_hold_spaces_quotes_and_any_letters(tmp_path: Path) -> None:
    images, _ = draw(tmp_path / "shoot", ('it\'s a "grüße" 日本', "b, c", "d"))
    dataset = open_dataset(prepare(tmp_path / "shoot", tmp_path / "dataset", PrepOptions(crop=None, workers=1)))
    assert {row.source for row in dataset.rows} == {path.name for path in images.iterdir()}
    assert {row.group for row in dataset.rows} == {'it\'s a "grüße" 日本', "b, c", "d"}


def test_names_that_text_files_cannot_hold_are_refused(shoot: Path, tmp_path: Path) -> None:
    (shoot / "images" / f"{CARS[0]}_01.jpg").rename(shoot / "images" / "line\nbreak_01.jpg")
    with pytest.raises(SagesegError, match=r"the name 'line\\nbreak_01\.jpg' is not printable text"):
        prepare(shoot, tmp_path / "dataset")


def test_images_of_every_kind_count_and_the_rest_is_said(shoot: Path, capsys: pytest.CaptureFixture[str]) -> None:
    first = shoot / "images" / f"{CARS[0]}_01.jpg"
    Image.open(first).save(first.with_suffix(".bmp"))
    first.unlink()
    (shoot / "images" / "notes.txt").touch()
    (shoot / "images" / f"._{CARS[0]}_02.jpg").touch()
    source = read_carvana(shoot / "images", shoot / "masks", None, None)
    assert len(source.images) == len(CARS) * len(ANGLES)
    assert "images found: 6; left out as no image: 1 .txt, 1 hidden" in capsys.readouterr().err


def test_images_and_masks_may_lie_in_one_folder(shoot: Path) -> None:
    for path in (shoot / "masks").iterdir():
        path.rename(shoot / "images" / path.name)
    source = read_carvana(shoot / "images", shoot / "images", None, None)
    assert [image.source for image in source.images] == sorted(f"{car}_{angle}.jpg" for car in CARS for angle in ANGLES)


def test_two_images_of_one_mask_are_refused(shoot: Path) -> None:
    first = shoot / "images" / f"{CARS[0]}_01.jpg"
    Image.open(first).save(first.with_suffix(".png"))
    with pytest.raises(SagesegError, match=rf"{first.name} and {first.stem}\.png would both be called {first.stem}"):
        read_carvana(shoot / "images", shoot / "masks", None, None)


def test_metadata_names_cars_by_either_spelling(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    spelled = {form: unicodedata.normalize(form, "Größe") for form in ("NFD", "NFC")}
    for folder, name in (("images", f"{spelled['NFD']}_01.jpg"), ("masks", f"{spelled['NFC']}_01_mask.png")):
        (tmp_path / folder).mkdir()
        Image.new("L", (8, 8)).convert("RGB").save(tmp_path / folder / name)
    (tmp_path / "metadata.csv").write_text(f"id,make\n{spelled['NFC']},Audi\n")
    (image,) = read_carvana(tmp_path / "images", tmp_path / "masks", tmp_path / "metadata.csv", None).images
    assert image.attributes == {"angle": "01", "make": "Audi"}
    assert capsys.readouterr().err == ""


@pytest.mark.parametrize("beside", [False, True])
def test_a_folder_for_each_car_is_read(shoot: Path, tmp_path: Path, beside: bool) -> None:
    flat = prepare(shoot, tmp_path / "flat")
    for path in (*(shoot / "images").iterdir(), *(shoot / "masks").iterdir()):
        root = tmp_path / "by car" / ("images" if beside else path.parent.name)
        (root / path.name.partition("_")[0]).mkdir(parents=True, exist_ok=True)
        shutil.copy(path, root / path.name.partition("_")[0])
    images, masks = (tmp_path / "by car" / name for name in ("images", "images" if beside else "masks"))
    (found,) = recognise(tmp_path / "by car")
    assert found.command == shlex.join(["sageseg", "prep", "carvana", str(images), str(masks), "--out", "DATASET"])
    write_dataset(read_carvana(images, masks, None, None), tmp_path / "out", PrepOptions(crop=64, workers=1))
    assert {row.group for row in open_dataset(tmp_path / "out").rows} == set(CARS)
    assert digests(flat / "SegmentationClass") == digests(tmp_path / "out" / "SegmentationClass")
