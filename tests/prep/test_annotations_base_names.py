"""Names that annotations have for images and classes meet files and ids, or are told as they stand."""

import unicodedata
import zipfile
from pathlib import Path

import pytest

from formats.errors import SagesegError
from formats.images import encode_image
from prep.readers.annotations.class_names import name_classes
from prep.readers.annotations.named_images import NamedImages, find_named
from prep.readers.labelled_image import LeftOut
from tests.support.labelme_samples import noise


def find(folder: Path, *names: str, skip_missing: bool = False) -> NamedImages:
    return find_named({name: f"entry {n}" for n, name in enumerate(names)}, folder, skip_missing=skip_missing)


def put(folder: Path, *sources: str) -> None:
    for source in sources:
        (folder / source).parent.mkdir(parents=True, exist_ok=True)
        (folder / source).write_bytes(encode_image(noise()))


@pytest.mark.parametrize(
    "name",
    [
        "cam1/a.jpg",
        "/home/somebody/data/cam1/a.jpg",
        "C:\\data\\cam1\\a.jpg",
        "../../upload/1/cam1/a.jpg",
        "https://example.com/cam1/a.jpg",
        "a.jpg",
    ],
)
def test_names_are_found_by_ever_fewer_of_their_last_parts(tmp_path: Path, name: str) -> None:
    put(tmp_path, "in/cam1/a.jpg")
    found = find(tmp_path / "in", name)
    assert found.paths == {name: tmp_path / "in" / "cam1" / "a.jpg"}
    assert found.sources == {name: "cam1/a.jpg"}


def test_the_whole_path_goes_before_its_end(tmp_path: Path) -> None:
    put(tmp_path, "a.jpg", "cam1/a.jpg", "cam2/a.jpg")
    assert find(tmp_path, "cam2/a.jpg", "a.jpg").sources == {"cam2/a.jpg": "cam2/a.jpg", "a.jpg": "a.jpg"}


def test_nothing_outside_of_the_folder_is_found(tmp_path: Path) -> None:
    put(tmp_path, "secret.jpg", "in/a.jpg")
    with pytest.raises(SagesegError, match=r"entry 1: 1 of 2 images are not in .*in: \.\./secret\.jpg; expected"):
        find(tmp_path / "in", "a.jpg", "../secret.jpg")


def test_a_name_that_two_files_have_is_refused(tmp_path: Path) -> None:
    put(tmp_path, "cam1/a.jpg", "cam2/a.jpg")
    with pytest.raises(SagesegError, match=r"entry 0: a\.jpg may be .*cam1/a\.jpg or cam2/a\.jpg; give the folder"):
        find(tmp_path, "a.jpg")


def test_two_names_of_one_file_are_refused(tmp_path: Path) -> None:
    put(tmp_path, "cam1/a.jpg")
    with pytest.raises(SagesegError, match=r"entry 0 and entry 1: both are .*cam1/a\.jpg"):
        find(tmp_path, "cam1/a.jpg", "a.jpg")


@pytest.mark.parametrize("count", [1, 3, 12])
def test_missing_images_are_refused_or_counted(tmp_path: Path, count: int) -> None:
    put(tmp_path, "a.jpg")
    names = ["a.jpg", *(f"b{number}.jpg" for number in range(count))]
    with pytest.raises(SagesegError, match=rf"entry 1: {count} of {count + 1} images are not in .*--skip-missing$"):
        find(tmp_path, *names)
    found = find(tmp_path, *names, skip_missing=True)
    assert list(found.paths) == ["a.jpg"]
    assert found.left_out == (LeftOut("images that are not in the folder", count, "b0.jpg"),)


def test_where_no_image_is_there_none_can_be_skipped(tmp_path: Path) -> None:
    put(tmp_path, "a.jpg")
    with pytest.raises(SagesegError, match="1 of 1 images are not in"):
        find(tmp_path, "b.jpg", skip_missing=True)


def test_images_that_nobody_names_are_counted(tmp_path: Path) -> None:
    put(tmp_path, "a.jpg", "b.jpg", "c.jpg")
    assert find(tmp_path, "b.jpg").left_out == (LeftOut("images that no annotation names", 2, f"{tmp_path}/a.jpg"),)


def test_images_that_are_left_out_for_another_reason_are_not_counted_again(tmp_path: Path) -> None:
    put(tmp_path, "a.jpg", "b.jpg", "d/c.jpg", "e/c.jpg")
    assert find_named({"b.jpg": "entry 0"}, tmp_path, passed_over=["x/a.jpg", "c.jpg", "gone.jpg"]).left_out == ()


def test_letters_may_be_composed_in_either_way(tmp_path: Path) -> None:
    put(tmp_path, unicodedata.normalize("NFD", "ß_é.jpg"))
    name = unicodedata.normalize("NFC", "ß_é.jpg")
    assert find(tmp_path, name).paths[name].exists()


def test_a_zip_in_the_place_of_the_folder_is_told(tmp_path: Path) -> None:
    with zipfile.ZipFile(tmp_path / "images.zip", "w") as archive:
        archive.writestr("a.jpg", b"")
    with pytest.raises(
        SagesegError, match=r"images\.zip: a ZIP archive; expected a folder of images: unpack it, unzip"
    ):
        find(tmp_path / "images.zip", "a.jpg")


def test_classes_are_numbered_as_they_are_declared() -> None:
    named = name_classes(["car", "background", "__ignore__", "__region__", "bus"], "the tool's list")
    assert named.classes.names == ("_background_", "car", "bus")
    assert [named.id_of(label, "here") for label in ("bus", "car", "background", "_background_")] == [2, 1, 0, 0]
    assert named.id_of("__ignore__", "here") == 255


@pytest.mark.parametrize(
    ("background", "names"), [("sky", ("_background_", "car")), (None, ("_background_", "car", "sky"))]
)
def test_the_background_may_be_named(background: str | None, names: tuple[str, ...]) -> None:
    assert name_classes(["car", "sky"], "the list", background=background).classes.names == names


def test_a_list_goes_before_what_is_declared(tmp_path: Path) -> None:
    labels = tmp_path / "labels.txt"
    labels.write_text("bus\ncar\n")
    named = name_classes(["car", "truck"], "the list", labels=labels)
    assert named.classes.names == ("_background_", "bus", "car")
    with pytest.raises(SagesegError, match=r"shape 7: label 'truck' is not in .*labels\.txt; the nearest there is"):
        named.id_of("truck", "shape 7")


@pytest.mark.parametrize(
    ("declared", "message"),
    [
        ([], "the list: no class in it"),
        (["car", "car"], "car"),
        (
            [unicodedata.normalize("NFC", "é"), unicodedata.normalize("NFD", "é")],
            "two labels differ in how their letters",
        ),
    ],
)
def test_lists_that_name_no_class_or_one_twice_are_refused(declared: list[str], message: str) -> None:
    with pytest.raises(SagesegError, match=message):
        name_classes(declared, "the list")


@pytest.mark.parametrize("form", ["NFC", "NFD"])
def test_a_label_is_one_however_its_letters_are_composed(form: str) -> None:
    named = name_classes([unicodedata.normalize("NFC", "Straße_é")], "the list")
    assert named.id_of(unicodedata.normalize("NFD", "Straße_é"), "here") == 1


@pytest.mark.parametrize("name", ["Background", "BACKGROUND", "__background__", "BG"])
def test_what_may_be_the_background_is_told_to_be_a_class(name: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert name_classes((name, "car"), "a.json").classes.names == ("_background_", name, "car")
    assert (
        f"note: a.json: {name} is a class; if it is the background, pass --background {name}" in capsys.readouterr().err
    )
    assert name_classes((name, "car"), "a.json", background=name).classes.names == ("_background_", "car")
    name_classes((name, "car"), "a.json", background="none")
    assert "is a class" not in capsys.readouterr().err
