"""What is wrong with Carvana's images and masks is named, and leaves nothing behind."""

from collections.abc import Callable
from pathlib import Path

import pytest
from PIL import Image

from formats.errors import SagesegError
from prep.options import PrepOptions
from prep.readers.carvana import read_carvana
from tests.support.carvana_samples import CARS, HEIGHT, WIDTH, draw, mask_of, prepare, shoot_in
from tests.support.prep_samples import digests


@pytest.fixture
def shoot(tmp_path: Path) -> Path:
    return shoot_in(tmp_path)


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


def test_a_link_in_a_circle_and_two_images_of_one_stem_are_refused(shoot: Path, tmp_path: Path) -> None:
    loop = shoot / "images" / f"{CARS[0]}_09.jpg"
    loop.symlink_to(loop)
    with pytest.raises(SagesegError, match=rf"{loop.name}: cannot be read \(Too many levels of symbolic links\)"):
        prepare(shoot, tmp_path / "dataset")
    loop.unlink()
    (shoot / "images" / f"{CARS[0]}_01.jpeg").write_bytes((shoot / "images" / f"{CARS[0]}_01.jpg").read_bytes())
    with pytest.raises(SagesegError, match=rf"{CARS[0]}_01\.jpeg and {CARS[0]}_01\.jpg would both be called"):
        prepare(shoot, tmp_path / "dataset")


def test_names_that_text_files_cannot_hold_are_refused(shoot: Path, tmp_path: Path) -> None:
    (shoot / "images" / f"{CARS[0]}_01.jpg").rename(shoot / "images" / "line\nbreak_01.jpg")
    with pytest.raises(SagesegError, match=r"the name 'line\\nbreak_01\.jpg' is not printable text"):
        prepare(shoot, tmp_path / "dataset")


def test_two_images_of_one_mask_are_refused(shoot: Path) -> None:
    first = shoot / "images" / f"{CARS[0]}_01.jpg"
    Image.open(first).save(first.with_suffix(".png"))
    with pytest.raises(SagesegError, match=rf"{first.name} and {first.stem}\.png would both be called {first.stem}"):
        read_carvana(shoot / "images", shoot / "masks", None, None)
