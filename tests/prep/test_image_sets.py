"""VOC's lists decide the split; where they do not, none is drawn without a word."""

from pathlib import Path

import pytest

from formats.dataset import open_dataset
from formats.errors import SagesegError
from prep.dataset.source_split import fixed_groups, settle_split
from prep.dataset.writer import write_dataset
from prep.options import PrepOptions
from prep.readers.labelled_image import Source
from prep.readers.splits import parse_image_sets
from prep.readers.voc.image_sets import read_voc_image_sets
from prep.readers.voc.reader import read_voc
from tests.support.prep_samples import CLASSES
from tests.support.voc_samples import add_image_set, add_pair, rows

KEYS = ("a", "b", "c", "d 1", "2007.v2 b")


@pytest.mark.parametrize(
    ("train", "val", "test"),
    [
        ("Train", "Validation", "Test"),
        ("training", "valid", "testing"),
        ("TRN", "VAL", "TEST"),
        ("train", "val", "test"),
    ],
)
def test_splits_are_known_by_their_usual_names(tmp_path: Path, train: str, val: str, test: str) -> None:
    add_image_set(tmp_path, train, "a", "b")
    add_image_set(tmp_path, val, "c")
    add_image_set(tmp_path, test, "d 1", "secret")
    found = read_voc_image_sets(tmp_path, KEYS, {})
    assert found.splits == {"a": "train", "b": "train", "c": "val", "d 1": "test"}
    assert (sorted(found.chosen or ()), found.undecided) == (["a", "b", "c", "d 1"], "")


LIKELY = {"Mine": "val", "dev": "val", "fold1": "val", "car_train": "train", "Train2": "train", "mytest": "test"}


@pytest.mark.parametrize(("name", "likely"), LIKELY.items())
def test_a_list_of_no_known_name_is_refused_until_it_is_said_what_it_is(tmp_path: Path, name: str, likely: str) -> None:
    add_image_set(tmp_path, "train", "a")
    add_image_set(tmp_path, name, "b")
    with pytest.raises(SagesegError, match=f"{name}.txt: no split by its name, .*--image-set {name}={likely}"):
        read_voc_image_sets(tmp_path, KEYS, {})
    assert read_voc_image_sets(tmp_path, KEYS, {name: "val"}).splits == {"a": "train", "b": "val"}
    left_out = read_voc_image_sets(tmp_path, KEYS, {name.upper(): "none", "train.txt": "train"})
    assert list(left_out.chosen or ()) == ["a"]


def test_what_is_no_list_is_passed_over(tmp_path: Path) -> None:
    folder = add_image_set(tmp_path, "train", "a").parent
    add_image_set(tmp_path, "val", "b")
    for name in ("._train.txt", ".DS_Store", "notes.md"):
        (folder / name).write_bytes(b"\0\5\26\7")
    assert read_voc_image_sets(tmp_path, KEYS, {}).splits == {"a": "train", "b": "val"}
    (folder / "Test.lst").write_text("c\n")
    with pytest.raises(SagesegError, match=r"Test\.lst: expected a list of images as Test\.txt"):
        read_voc_image_sets(tmp_path, KEYS, {})


@pytest.mark.parametrize(("one", "other"), [("train", "Train"), ("val", "validation"), ("test", "Testing")])
def test_two_lists_of_one_split_must_be_equal(tmp_path: Path, one: str, other: str) -> None:
    add_image_set(tmp_path, "trn", "a")
    add_image_set(tmp_path, "valid", "b")
    split = {"train": "a", "val": "b", "test": "c"}[one]
    add_image_set(tmp_path, one, split)
    add_image_set(tmp_path, other, split)
    assert "a" in read_voc_image_sets(tmp_path, KEYS, {}).splits
    add_image_set(tmp_path, other, split, "2007.v2 b")
    with pytest.raises(SagesegError, match="differ; leave one out with --image-set"):
        read_voc_image_sets(tmp_path, KEYS, {})


def test_a_list_without_split_repeats_the_others_or_stands_alone(tmp_path: Path) -> None:
    add_image_set(tmp_path, "default", "a", "b")
    alone = read_voc_image_sets(tmp_path, KEYS, {})
    assert (alone.splits, sorted(alone.chosen or ()), alone.undecided) == ({}, ["a", "b"], "")
    add_image_set(tmp_path, "train", "a")
    add_image_set(tmp_path, "val", "b")
    assert read_voc_image_sets(tmp_path, KEYS, {}).splits == {"a": "train", "b": "val"}
    add_image_set(tmp_path, "trainval", "a", "b", "c")
    with pytest.raises(SagesegError, match=r"trainval\.txt: 1 of its images stand in no list of a split: c;"):
        read_voc_image_sets(tmp_path, KEYS, {})
    assert read_voc_image_sets(tmp_path, KEYS, {"trainval": "none"}).splits == {"a": "train", "b": "val"}


LINES = ["a", "a.jpg", "JPEGImages/a.jpg", "JPEGImages\\a.jpg", "./a", "/VOC/JPEGImages/a.jpg", " a ", "a.png"]
PAIRS = ["/JPEGImages/a.jpg /SegmentationClass/a.png", "JPEGImages\\a.jpg\tSegmentationClassAug\\a.png"]


@pytest.mark.parametrize("line", [*LINES, *PAIRS])
def test_a_line_names_its_image_in_any_usual_way(tmp_path: Path, line: str) -> None:
    add_image_set(tmp_path, "train", line, "", ends="\r\n")
    add_image_set(tmp_path, "val", "d 1", "2007.v2 b.jpg")
    splits = read_voc_image_sets(tmp_path, KEYS, {}).splits
    assert splits == {"a": "train", "d 1": "val", "2007.v2 b": "val"}


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("a  1", "line 2: 'a  1': a line of ImageSets/Main"),
        ("a -1", "line 2: 'a -1': a line of ImageSets/Main"),
        ("gone", "line 2: gone has no mask"),
        ("b", "line 2: b stands there twice"),
        ("JPEGImages/a.jpg SegmentationClass/c.png", "line 2: .*of two names"),
    ],
)
def test_a_line_that_is_not_clear_is_named(tmp_path: Path, line: str, message: str) -> None:
    add_image_set(tmp_path, "train", "b", line)
    with pytest.raises(SagesegError, match=rf"train\.txt: {message}"):
        read_voc_image_sets(tmp_path, KEYS, {})


def test_images_in_folders_are_named_with_them_where_stems_repeat(tmp_path: Path) -> None:
    keys = ("cam1/f0", "cam2/f0", "cam2/g")
    add_image_set(tmp_path, "train", "cam1/f0")
    add_image_set(tmp_path, "val", "JPEGImages/cam2/f0.jpg", "g")
    assert read_voc_image_sets(tmp_path, keys, {}).splits == {"cam1/f0": "train", "cam2/f0": "val", "cam2/g": "val"}
    add_image_set(tmp_path, "val", "f0")
    with pytest.raises(SagesegError, match=r"val\.txt: line 1: f0: stands for cam1/f0 and cam2/f0"):
        read_voc_image_sets(tmp_path, keys, {})
    add_image_set(tmp_path, "val", "cam3/g")
    with pytest.raises(SagesegError, match=r"val\.txt: line 1: cam3/g has no mask"):
        read_voc_image_sets(tmp_path, keys, {})


def test_an_image_stands_in_one_split(tmp_path: Path) -> None:
    add_image_set(tmp_path, "train", "a", "b")
    add_image_set(tmp_path, "val", "b")
    with pytest.raises(SagesegError, match=r"val\.txt: b stands in train already"):
        read_voc_image_sets(tmp_path, KEYS, {})


def test_validation_without_training_is_refused(tmp_path: Path) -> None:
    add_image_set(tmp_path, "val", "a")
    add_image_set(tmp_path, "test", "b")
    with pytest.raises(SagesegError, match="no list is of train"):
        read_voc_image_sets(tmp_path, KEYS, {})


def test_the_option_says_split_by_list() -> None:
    assert parse_image_sets(["My list=val,b=none", "c.txt=train"]) == {"My list": "val", "b": "none", "c.txt": "train"}
    for text in ("mine", "mine=dev", "=val"):
        with pytest.raises(SagesegError, match=f"--image-set {text}: expected NAME=SPLIT"):
            parse_image_sets([text])


def test_the_option_names_a_list_that_is_there(tmp_path: Path) -> None:
    with pytest.raises(SagesegError, match=r"--image-set x: expected one of the lists in .*, which has no list"):
        read_voc_image_sets(tmp_path, KEYS, {"x": "val"})


@pytest.fixture
def voc(tmp_path: Path) -> Path:
    root = tmp_path / "voc"
    for key in "abcde":
        add_pair(root, key, rows(0, 1))
    (root / "labels.txt").write_text("background\ncar\n")
    return root


def split_of(voc: Path, out: Path, **options: float) -> dict[str, str]:
    write_dataset(read_voc(voc, workers=1), out, PrepOptions(crop=None, workers=1, **options))  # type: ignore[arg-type]
    return {row.id: row.split for row in open_dataset(out).rows}


def only_train(voc: Path) -> None:
    add_image_set(voc, "Train", *"abcd")


def only_val(voc: Path) -> None:
    add_image_set(voc, "val", *"abcd")


def empty_val(voc: Path) -> None:
    only_train(voc)
    add_image_set(voc, "val")


def lists_of_main(voc: Path) -> None:
    (voc / "ImageSets" / "Main").mkdir(parents=True)
    (voc / "ImageSets" / "Main" / "train.txt").write_text("a\n")


def lists_beside(voc: Path) -> None:
    (voc / "train.txt").write_text("a\n")


def lists_below(voc: Path) -> None:
    (voc / "splits").mkdir()
    (voc / "splits" / "Val.txt").write_text("a\n")


ELSEWHERE = (lists_of_main, lists_beside, lists_below)


@pytest.mark.parametrize("lists", [only_train, only_val, empty_val, *ELSEWHERE])
def test_no_split_is_drawn_where_lists_are_half_of_one(voc: Path, tmp_path: Path, lists: object) -> None:
    assert callable(lists)
    lists(voc)
    with pytest.raises(SagesegError, match=r"ImageSets.*; mend the lists, or pass --val 0\.2 to draw a split"):
        split_of(voc, tmp_path / "refused")
    splits = split_of(voc, tmp_path / "asked", val=1)
    assert sorted(splits.values()).count("val") == 1
    assert ("e" in splits) == (lists in ELSEWHERE)


def test_a_choice_of_images_is_split_as_ever(voc: Path, tmp_path: Path) -> None:
    add_image_set(voc, "default", *"abcd")
    assert sorted(split_of(voc, tmp_path / "out").values()) == ["train"] * 3 + ["val"]


def test_a_split_that_lists_lack_is_drawn_from_train_if_asked(
    voc: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    add_image_set(voc, "train", *"abcd")
    add_image_set(voc, "test", "e")
    assert split_of(voc, tmp_path / "as_listed") == {**dict.fromkeys("abcd", "train"), "e": "test"}
    assert "lists name no image of val; pass --val 0.2 to draw it from those of train" in capsys.readouterr().err
    drawn = split_of(voc, tmp_path / "drawn", val=2, test=3)
    assert (drawn["e"], sorted(drawn.values())) == ("test", ["test", "train", "train", "val", "val"])
    assert "--test has no effect" in capsys.readouterr().err


def test_lists_that_are_the_split_hold_against_the_options(capsys: pytest.CaptureFixture[str]) -> None:
    source = Source("sample", CLASSES, (), {"a": "train", "b": "val"})
    settled = settle_split(source, PrepOptions(val=0.5))
    assert (settled.val, fixed_groups(source.splits, settled)) == (0, source.splits)
    assert "--val has no effect" in capsys.readouterr().err
    settle_split(source, PrepOptions())
    assert capsys.readouterr().err == ""


def test_a_split_file_counts_as_asking() -> None:
    source = Source("sample", CLASSES, (), undecided="half a split")
    assert settle_split(source, PrepOptions(split_file=Path("split.json"))).val == 0.2
    assert settle_split(source, PrepOptions(val=0)).val == 0
    with pytest.raises(SagesegError, match=r"^half a split; mend"):
        settle_split(source, PrepOptions())
