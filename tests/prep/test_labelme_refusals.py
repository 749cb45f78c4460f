"""What would not become the pixels that were drawn in labelme is named: all of it, in one line."""

from collections.abc import Callable
from pathlib import Path

import pytest

from formats.errors import SagesegError
from prep.dataset.writer import write_dataset
from prep.options import PrepOptions
from prep.readers.labelme.reader import read_labelme
from tests.support.labelme_readings import read_images
from tests.support.labelme_samples import in_base64, noise, png, shape, write_json, write_labels, write_pair


def test_unknown_labels_are_told_together_with_how_often_they_stand(tmp_path: Path) -> None:
    for number in range(12):
        write_pair(tmp_path / "in", f"{number:02}", [shape("ca"), shape("car"), shape("ca")])
    write_pair(tmp_path / "in", "zz", [shape("raod"), shape("road", [[0, 0], [9, 9]])])
    with pytest.raises(SagesegError) as caught:
        read_images(tmp_path / "in")
    told = str(caught.value)
    assert told.startswith(f"{tmp_path}/in/00.json: shapes[0] (ca): label 'ca' is not in ")
    assert f"(1 of 26 faults: label 'ca' 24 times, first in {tmp_path}/in/00.json: shapes[0] (ca); " in told
    assert "zz.json: shapes[1] (road): polygon of 2 points; " in told
    assert f"zz.json: shapes[0] (raod): label 'raod' is not in {tmp_path}/labels.txt)" in told


def test_a_label_hides_neither_the_image_nor_where_shapes_lie(tmp_path: Path) -> None:
    write_pair(tmp_path / "in", "a", [shape("ca"), shape("car", [[90, 0], [99, 9], [99, 0]])])
    write_pair(tmp_path / "in", "b", [shape("ca")], imagePath="gone.jpg")
    with pytest.raises(SagesegError) as caught:
        read_images(tmp_path / "in")
    told = str(caught.value)
    assert "(1 of 4 faults: label 'ca' 2 times, " in told
    assert "lies outside the image of 60×40 pixels" in told
    assert told.endswith("b.json: imagePath gone.jpg is not there)")


def test_the_first_ten_faults_are_named_and_all_are_counted(tmp_path: Path) -> None:
    write_pair(tmp_path / "in", "good")
    for number in range(14):
        write_json(tmp_path / "in" / f"{number:02}.json", [shape(points=[[0, 0]]), shape()], imagePath="gone.jpg")
    with pytest.raises(SagesegError, match=r"00\.json: shapes\[0\].* \(1 of 14 faults: ") as caught:
        read_images(tmp_path / "in")
    assert [f"{number:02}.json" in str(caught.value) for number in range(14)] == [True] * 10 + [False] * 4
    assert str(caught.value).endswith("; …)")


def spoil_json(**more: object) -> Callable[[Path], None]:
    return lambda folder: void(write_pair(folder, "bad", **more))  # type: ignore[arg-type]


def void(_: object) -> None:
    """Nothing."""


def spoil_image(content: bytes, suffix: str = ".jpg") -> Callable[[Path], None]:
    def spoil(folder: Path) -> None:
        path = write_pair(folder, "bad", imagePath=f"bad{suffix}")
        path.with_suffix(".jpg").unlink()
        path.with_suffix(suffix).write_bytes(content)

    return spoil


def twice(folder: Path) -> None:
    write_pair(folder, "bad")
    write_json(folder / "copy.json", [shape()], imagePath="bad.jpg")


def loop(folder: Path) -> None:
    (folder / "deep").mkdir()
    (folder / "deep" / "back").symlink_to(folder, target_is_directory=True)


def link_to_itself(folder: Path) -> None:
    (folder / "bad.json").symlink_to(folder / "bad.json")


@pytest.mark.parametrize(
    ("spoil", "message"),
    [
        (
            spoil_json(shapes=[shape("carr")]),
            r"bad\.json: shapes\[0\] \(carr\): label 'carr' .* nearest there is 'car'",
        ),
        (spoil_json(shapes=[shape(points=[[0, 0], [9, 9]])]), r"bad\.json: shapes\[0\] \(car\): polygon of 2 points"),
        (spoil_json(shapes=[shape(points=[[0, 0], [9, float("nan")], [9, 9]])]), r"bad\.json: .* not finite"),
        (spoil_json(shapes=[shape(points=[[90, 0], [99, 9], [99, 0]])]), r"bad\.json: .* outside the image of 60×40"),
        (spoil_json(imagePath="../../secret.jpg"), r"bad\.json: imagePath \.\./\.\./secret\.jpg is not there"),
        (spoil_json(imagePath="gone.jpg"), r"bad\.json: imagePath gone\.jpg is not there"),
        (spoil_json(imagePath=...), r"bad\.json: neither imagePath nor imageData"),
        (spoil_json(imageData="%%%"), r"bad\.json: imageData is no base64"),
        (spoil_json(imageData=in_base64(b"nothing")), r"bad\.json: cannot be read as an image"),
        (spoil_json(imageHeight=50), r"bad\.json: labelled at 60×50 pixels, but bad\.jpg has 60×40"),
        (
            spoil_json(imageHeight=50, imageData=in_base64(png(noise()))),
            r"bad\.json: .* 60×50 .* its imageData has 60×40",
        ),
        (spoil_image(b""), r"bad\.jpg: cannot be read as an image"),
        (spoil_image(b"GIF89a", ".gif"), r"bad\.gif: cannot be read as an image"),
        (twice, r"copy\.json and .*bad\.json: both label bad\.jpg"),
        (loop, r"deep/back: a link back to .*in a circle; remove it"),
        (link_to_itself, r"bad\.json: cannot be read \(Too many levels of symbolic links\)"),
    ],
)
def test_what_would_not_become_the_drawn_pixels_is_named(
    tmp_path: Path, spoil: Callable[[Path], None], message: str
) -> None:
    write_pair(tmp_path / "in", "a")
    spoil(tmp_path / "in")
    with pytest.raises(SagesegError, match=message) as caught:
        read_images(tmp_path / "in")
    assert "\n" not in str(caught.value)


def test_two_images_of_one_name_in_one_folder_are_refused(tmp_path: Path) -> None:
    write_pair(tmp_path / "in" / "one", "a")
    (tmp_path / "in" / "one" / "a.png").write_bytes(png(noise(1)))
    write_json(tmp_path / "in" / "one" / "a2.json", [shape()], imagePath="a.png")
    source = read_labelme(tmp_path / "in", write_labels(tmp_path), workers=1)
    with pytest.raises(SagesegError, match=r"one/a\.jpg and one/a\.png would both be called a; rename one"):
        write_dataset(source, tmp_path / "out", PrepOptions(workers=1))


@pytest.mark.parametrize(
    ("folder", "labels", "message"),
    [
        ("gone", "labels.txt", "gone: no such folder"),
        ("empty", "labels.txt", r"empty: no \.json file in it; expected <image>\.json of labelme"),
        ("in", "gone.txt", r"gone\.txt: not found"),
        ("in", "twice.txt", r"twice\.txt: classes: 'car' stands twice"),
    ],
)
def test_missing_folders_and_labels_are_named(tmp_path: Path, folder: str, labels: str, message: str) -> None:
    write_pair(tmp_path / "in", "a")
    (tmp_path / "empty").mkdir()
    write_labels(tmp_path)
    (tmp_path / "twice.txt").write_text("car\ncar\n")
    with pytest.raises(SagesegError, match=message):
        read_labelme(tmp_path / folder, tmp_path / labels, workers=1)
