"""SageMaker's own folders: they are the split, and their masks follow the rule of all readers."""

from pathlib import Path

import pytest
from PIL import Image

from formats.classes import voc_palette
from formats.dataset import open_dataset
from formats.errors import SagesegError
from prep.dataset.writer import write_dataset
from prep.options import PrepOptions
from prep.readers.sagemaker_channels import read_channels
from tests.support.voc_samples import add_image, add_mask, palette_image, rows

VOC = [tuple(colour) for colour in voc_palette().tolist()]


@pytest.fixture
def aws(tmp_path: Path) -> Path:
    root = tmp_path / "aws"
    for channel, keys in (("train", ("a", "b")), ("validation", ("c",))):
        for key in keys:
            add_image(root / channel / f"{key}.jpg")
            add_mask(root / f"{channel}_annotation" / f"{key}.png", palette_image(rows(0, 1, 255), VOC))
    (root / "labels.txt").write_text("background\ncar\n")
    return root


def test_the_folders_are_the_split_and_masks_are_copied(aws: Path, tmp_path: Path) -> None:
    write_dataset(read_channels(aws, workers=1), tmp_path / "out", PrepOptions(crop=None, workers=1))
    dataset = open_dataset(tmp_path / "out")
    assert {row.id: row.split for row in dataset.rows} == {"a": "train", "b": "train", "c": "val"}
    assert dataset.info["source_format"] == "channels"
    assert dataset.mask_path("c").read_bytes() == (aws / "validation_annotation" / "c.png").read_bytes()


def test_masks_of_other_colours_are_painted_as_labelmap_says(aws: Path, tmp_path: Path) -> None:
    painted = palette_image(rows(0, 1, 255), [(9, 9, 9), (0, 0, 255), *[(7, 7, 7)] * 254])
    add_mask(aws / "validation_annotation" / "c.png", painted)
    write_dataset(read_channels(aws, workers=1), tmp_path / "out", PrepOptions(crop=None, workers=1))
    with Image.open(open_dataset(tmp_path / "out").mask_path("c")) as written:
        assert written.tobytes() == painted.tobytes()
        assert written.getpalette() == [part for colour in VOC for part in colour]


def test_one_name_in_two_channels_is_two_images(aws: Path, capsys: pytest.CaptureFixture[str]) -> None:
    add_image(aws / "validation" / "a.jpg")
    add_mask(aws / "validation_annotation" / "a.png", rows(0, 1))
    source = read_channels(aws, workers=1)
    assert [image.source for image in source.images] == [
        "train/a.jpg",
        "train/b.jpg",
        "validation/a.jpg",
        "validation/c.jpg",
    ]
    assert len({image.group for image in source.images}) == 4
    assert "divided" not in capsys.readouterr().err


def test_folders_of_a_channel_are_groups(aws: Path) -> None:
    for key in ("cam/f0", "cam/f1"):
        add_image(aws / "train" / f"{key}.jpg")
        add_mask(aws / "train_annotation" / f"{key}.png", rows(0, 1))
    assert [image.group for image in read_channels(aws, workers=1).images][2:4] == ["cam", "cam"]


def test_a_class_list_is_needed_and_follows_the_rule(aws: Path, tmp_path: Path) -> None:
    (aws / "labels.txt").rename(tmp_path / "mine.txt")
    with pytest.raises(SagesegError, match="aws: no list of classes .*--labels"):
        read_channels(aws, workers=1)
    (tmp_path / "mine.txt").write_text("car\nroad\n")
    with pytest.raises(SagesegError, match=r"mine\.txt: no line is the background, and the masks use 0 to 1 and 255"):
        read_channels(aws, tmp_path / "mine.txt", workers=1)
    named = read_channels(aws, tmp_path / "mine.txt", background="none", workers=1).classes.names
    assert named == ("_background_", "car", "road")


def test_what_is_missing_is_named(aws: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (aws / "validation_annotation").rename(aws / "other")
    (aws / "label_map").mkdir()
    assert {image.source.partition("/")[0] for image in read_channels(aws, workers=1).images} == {"train"}
    told = capsys.readouterr().err
    assert "validation: has no validation_annotation beside it and is left out" in told
    assert "label_map: is not applied here" in told
    (aws / "train" / "a.jpg").unlink()
    with pytest.raises(SagesegError, match=r"train_annotation/a\.png: no image a in"):
        read_channels(aws, workers=1)
    with pytest.raises(SagesegError, match="train_annotation: no such folder; expected SageMaker's channels"):
        read_channels(tmp_path)


def test_a_folder_that_is_no_dataset_leads_to_the_verb_that_tells_what_it_is(tmp_path: Path) -> None:
    with pytest.raises(SagesegError, match=r"no dataset here .*sageseg prep auto \S+ says how"):
        open_dataset(tmp_path)


def test_the_channels_of_a_dataset_lead_to_it(aws: Path, tmp_path: Path) -> None:
    write_dataset(read_channels(aws, workers=1), tmp_path / "out", PrepOptions(crop=None, workers=1))
    with pytest.raises(SagesegError, match=f"these are the channels of a dataset: give {tmp_path / 'out'}$"):
        open_dataset(tmp_path / "out" / "channels")


def test_channels_share_names_and_no_group(aws: Path) -> None:
    source = read_channels(aws, workers=1)
    assert {image.own_group for image in source.images if "/" not in image.source.partition("/")[2]} == {None}


def test_a_folder_like_a_channel_is_told(aws: Path, capsys: pytest.CaptureFixture[str]) -> None:
    add_image(aws / "val" / "x.jpg")
    add_mask(aws / "val_annotation" / "x.png", rows(0, 1))
    read_channels(aws, workers=1)
    assert "val_annotation left out, with the images beside; SageMaker's channels are called" in capsys.readouterr().err
