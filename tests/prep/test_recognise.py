"""Whoever has labels and no verb asks `sageseg prep auto`; whoever took the wrong verb is told the right one."""

import json
import shlex
import shutil
import zipfile
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image, TiffImagePlugin

from formats.classes import voc_palette
from formats.images import encode_image
from prep.readers.annotations import json_spans
from prep.recognise.recognise import recognise
from tests.support.geo_samples import noise_bands, write_geojson, write_raster
from tests.support.prep_samples import noise
from tests.support.typed_commands import typed

CAR = "0cdf5b5d0ce1_01"
COCO = {
    "images": [{"id": 1, "file_name": "a.jpg"}],
    "annotations": [{"id": 1, "segmentation": []}],
    "categories": [{"id": 1, "name": "car"}],
}
REGIONS = {"filename": "a.jpg", "size": 3, "regions": [], "file_attributes": {}}
FILES: dict[str, dict[str, Any]] = {
    "carvana": {f"train/{CAR}.jpg": None, f"train_masks/{CAR}_mask.gif": "mask"},
    "labelme": {"a.jpg": None, "a.json": {"version": "5.0.0", "shapes": [], "imagePath": "a.jpg", "imageHeight": 8}},
    "kitti": {
        "data_road/training/image_2/um_000000.png": None,
        "data_road/training/gt_image_2/um_road_000000.png": "mask",
    },
    "voc": {"VOC/JPEGImages/a.jpg": None, "VOC/SegmentationClass/a.png": "mask"},
    "channels": {"train/a.jpg": None, "train_annotation/a.png": "mask"},
    "manifest": {"output.manifest": '{"source-ref": "s3://b/a.jpg", "road-ref": "s3://b/a.png"}\n'},
    "coco": {"images/a.jpg": None, "annotations/instances.json": COCO},
    "labelstudio": {"project.json": [{"id": 1, "annotations": [], "data": {"image": "a.jpg"}}], "a.jpg": None},
    "cvat": {
        "annotations.xml": '<?xml version="1.0"?>\n<annotations><version>1.1</version><meta/></annotations>',
        "a.jpg": None,
    },
    "supervisely": {
        "meta.json": {"classes": [{"title": "car"}], "tags": []},
        "ds/img/a.jpg": None,
        "ds/ann/a.jpg.json": {"objects": []},
    },
    "via": {"via.json": {"a.jpg3": REGIONS}, "a.jpg": None},
    "yolo": {
        "images/train/a.jpg": None,
        "labels/train/a.txt": "0 0.1 0.1 0.5 0.1 0.5 0.5\n",
        "data.yaml": "names: [car]\n",
    },
    "geotiff": {"field.tif": "raster", "roads.geojson": {"type": "FeatureCollection", "features": []}},
    "tiles": {"field.tif": "raster"},
    "pairs": {"images/a.jpg": None, "masks/a.png": "mask"},
    "frames": {"drive.mp4": "video"},
}
"""By verb, the least that its labels are made of; None is an image."""


def lay_out(root: Path, files: dict[str, Any]) -> Path:
    for name, content in files.items():
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        if content in (None, "mask"):
            Image.fromarray(noise(1)).convert("RGB" if content is None else "L").save(path)
        elif content == "raster":
            keys = TiffImagePlugin.ImageFileDirectory_v2()
            keys[34735] = (1, 1, 0, 0)
            Image.fromarray(noise(1)).save(path, tiffinfo=keys)
        else:
            path.write_text(content if isinstance(content, str) else json.dumps(content))
    return root


@pytest.mark.parametrize("verb", FILES)
def test_labels_are_recognised_by_what_they_are_made_of(verb: str, tmp_path: Path) -> None:
    found = recognise(lay_out(tmp_path / "my labels", FILES[verb]))
    assert found[0].verb == verb
    words = shlex.split(found[0].command)
    assert words[:3] == ["sageseg", "prep", verb]
    assert Path(words[3]).exists()


@pytest.mark.parametrize(
    ("folders", "taken"),
    [(("semantic", "semantic_rgb", "instance"), "semantic"), (("semantic_rgb",), "semantic_rgb")],
)
def test_kittis_semantic_labels_are_cityscapes(folders: tuple[str, ...], taken: str, tmp_path: Path) -> None:
    names = {f"data/training/{folder}/000000_10.png": "mask" for folder in folders}
    root = lay_out(tmp_path, {"data/training/image_2/000000_10.png": None, **names})
    (found,) = recognise(root)
    training = root / "data/training"
    words = ["sageseg", "prep", "pairs", str(training / "image_2"), str(training / taken), "--map", "cityscapes"]
    assert (shlex.split(found.command)[:7], found.missing) == (words, "")


@pytest.mark.parametrize(
    ("colours", "option"),
    [
        ([(128, 64, 128), (0, 0, 142), (70, 130, 180), (0, 0, 0)], "--map cityscapes"),
        ([(128, 64, 128), (255, 0, 0), (0, 0, 0)], "--colors colours.csv"),
        ([(128, 64, 128), (0, 0, 142), (70, 130, 180), (9, 9, 9)], "--colors colours.csv"),
    ],
)
def test_masks_in_cityscapes_colours_have_its_table(
    colours: list[tuple[int, int, int]], option: str, tmp_path: Path
) -> None:
    root = lay_out(tmp_path, {"leftImg8bit/train/ulm/a_leftImg8bit.png": None})
    mask = root / "gtFine/train/ulm/a_gtFine_color.png"
    mask.parent.mkdir(parents=True)
    Image.fromarray(np.array([colours] * 4, np.uint8)).save(mask)
    (found,) = recognise(root)
    assert f" {option} " in found.command
    assert bool(found.missing) == (option != "--map cityscapes")


@pytest.mark.parametrize(
    ("names", "masks", "options"),
    [
        (["gtFine/default/cam/a_gtFine_labelIds", "gtFine/default/cam/a_gtFine_instanceIds"], "gtFine/default/cam",
         ["--mask-name", "{stem}_gtFine_labelIds"]),
        (["defaultannot/cam1/a", "defaultannot/cam2/a"], "defaultannot", []),
        (["default/semantic_rgb/a", "default/instance/a"], "default/semantic_rgb", []),
    ],
)  # fmt: skip
def test_masks_whose_images_were_not_saved_are_read_with_them(
    names: list[str], masks: str, options: list[str], tmp_path: Path
) -> None:
    files: dict[str, Any] = {f"{name}.png": "mask" for name in names}
    root = lay_out(tmp_path, files | {"label_colors.txt": "0 0 0 background\n64 0 128 car\n"})
    (found,) = recognise(root)
    listed = ["--labels", str(root / "label_colors.txt")]
    assert shlex.split(found.command)[2:-2] == ["pairs", "IMAGES", str(root / masks), *options, *listed]
    assert found.missing == "IMAGES is the folder of the images, which are not here"


def test_photographs_in_a_folder_called_like_masks_are_no_masks(tmp_path: Path) -> None:
    assert recognise(lay_out(tmp_path, {"labelled/a.jpg": None, "labelled/b.jpg": None})) == []


@pytest.mark.parametrize("verb", ["coco", "labelstudio", "cvat", "manifest", "via"])
def test_a_file_of_labels_is_recognised_alone(verb: str, tmp_path: Path) -> None:
    lay_out(tmp_path, FILES[verb])
    (file,) = (tmp_path / name for name, content in FILES[verb].items() if content is not None)
    assert [found.verb for found in recognise(file)] == [verb]


@pytest.mark.parametrize(
    ("files", "words"),
    [
        (("data.yaml", "train/labels/a.txt", "train/images/a.jpg"), ["."]),
        (("data.yaml", "labels/train/a.txt", "images/train/a.jpg"), ["."]),
        (("set/data.yaml", "set/labels/a.txt", "set/images/a.jpg"), ["set"]),
        (("classes.txt", "valid/labels/a.txt", "valid/images/a.jpg"), ["."]),
        (("labels/a.txt", "images/a.jpg"), [".", "--labels", "labels.txt"]),
    ],
)
def test_the_folder_of_yolos_files_is_the_one_with_its_classes(
    files: tuple[str, ...], words: list[str], tmp_path: Path
) -> None:
    row = "0 0.1 0.1 0.5 0.1 0.5 0.5\n"
    contents = {name: None if name.endswith(".jpg") else row for name in files}
    contents |= {name: "names: [car]\n" for name in files if name.endswith(".yaml")}
    contents |= {"classes.txt": "car\n"} if "classes.txt" in files else {}
    command = recognise(lay_out(tmp_path, contents))[0].command
    assert shlex.split(command)[3:-2] == [str(tmp_path / words[0]), *words[1:]]


@pytest.mark.parametrize(
    ("files", "labels"),
    [
        ({"a.tif": "raster", "roads.geojson": "{}"}, "roads.geojson"),
        ({"images/a.tif": "raster", "gt/a.tif": "raster"}, "gt"),
        ({"a.tif": "raster", "roads.gpkg": "x"}, "roads.geojson"),
    ],
)
def test_the_labels_of_rasters_are_named(files: dict[str, Any], labels: str, tmp_path: Path) -> None:
    found = recognise(lay_out(tmp_path, files))[0]
    assert f"--labels-from {tmp_path / labels} " in found.command
    assert ("ogr2ogr" in found.missing) == ("roads.gpkg" in files)
    assert recognise(tmp_path / next(iter(files)))[0].verb in ("tiles", "geotiff")


@pytest.mark.parametrize(
    "files",
    [
        {"a.jpg": None, "a_mask.png": "mask", "_classes.csv": "Pixel Value, Class\n0, background\n1, car\n"},
        {"a.jpg": None, "a.png": "mask"},
        {"train/img/a.jpg": None, "train/SegmentationMasks/a.png": "mask"},
    ],
)
def test_masks_may_lie_beside_their_images(files: dict[str, Any], tmp_path: Path) -> None:
    assert recognise(lay_out(tmp_path, files))[0].verb == "pairs"


@pytest.mark.parametrize(
    ("names", "words"),
    [
        (("images/train/{}.jpg", "masks/train/{}.png"), ["images", "masks"]),
        (("img/{}.jpg", "gt/{}_mask.png"), ["img", "gt", "--mask-name", "{stem}_mask"]),
        (("train/{}.jpg", "train/{}_mask.png"), ["train", "train", "--mask-name", "{stem}_mask"]),
        (("a/images/train/{}.jpg", "a/annotations/train/{}.png"), ["a/images", "a/annotations"]),
        (("in/{}.jpg", "GroundTruth/{}_truth.png"), ["in", "GroundTruth", "--mask-name", "{stem}_truth"]),
        (
            ("train/images/{}.jpg", "train/masks/{}.png", "val/images/v{}.jpg", "val/masks/v{}.png"),
            [".", ".", "--image-name", "images/{stem}", "--mask-name", "masks/{stem}"],
        ),
        (
            ("train/{}.png", "train_labels/{}_L.png", "val/v{}.png", "val_labels/v{}_L.png"),
            [".", ".", "--image-name", "{split}/{stem}", "--mask-name", "{split}_labels/{stem}_L"],
        ),
        (("pics/{}.png", "pics/{}_label.png"), ["pics", "pics", "--mask-name", "{stem}_label"]),
        (("{}.jpg", "{}.png"), [".", "."]),
        (("train/{}.jpg", "trainannot/{}.png"), ["train", "trainannot"]),
        (
            ("train/{}.jpg", "trainannot/{}.png", "val/v{}.jpg", "valannot/v{}.png"),
            [".", ".", "--image-name", "{split}/{stem}", "--mask-name", "{split}annot/{stem}"],
        ),
        (
            ("leftImg8bit/val/{}_leftImg8bit.png", "gtFine/val/{}_gtFine_i.png", "gtFine/val/{}_gtFine_labelIds.png"),
            ["leftImg8bit", "gtFine", "--image-name", "{stem}_leftImg8bit", "--mask-name", "{stem}_gtFine_labelIds"],
        ),
    ],
)  # fmt: skip
def test_the_command_for_pairs_names_both_folders_and_the_patterns(
    names: tuple[str, ...], words: list[str], tmp_path: Path
) -> None:
    kinds = {name: None if name.endswith(".jpg") else "mask" for name in names}
    files: dict[str, Any] = {name.format(stem): kinds[name] for name in names for stem in ("a_0", "b_1", "c_2")}
    lists = {f"{Path(name).parent}/labels.txt": "background\n" for name in names}
    (found,) = recognise(lay_out(tmp_path, files | lists))
    folders = [str(tmp_path / word) for word in words[:2]]
    assert shlex.split(found.command) == ["sageseg", "prep", "pairs", *folders, *words[2:], "--out", "DATASET"]


def test_images_without_masks_are_no_pairs(tmp_path: Path) -> None:
    files = [f"photos/{name}_{number}.{kind}" for name in "ab" for number in range(4) for kind in ("jpg",)]
    assert recognise(lay_out(tmp_path, dict.fromkeys([*files, "photos/a_0_crop.png"]))) == []


def test_pairs_of_other_labels_names_the_right_verb(tmp_path: Path) -> None:
    lay_out(tmp_path, FILES["voc"])
    ran = typed(["prep", "pairs", str(tmp_path / "VOC"), str(tmp_path / "VOC"), "--out", "x"], tmp_path)
    assert f"this looks like Pascal VOC's layout (SegmentationClass): sageseg prep voc {tmp_path}/VOC" in ran.stderr


@pytest.mark.parametrize("mode", ["L", "RGB"])
def test_black_and_white_in_vocs_layout_is_said_to_be_that(mode: str, tmp_path: Path) -> None:
    lay_out(tmp_path, FILES["voc"])
    white = Image.fromarray(np.array([[0, 255], [255, 0]], np.uint8))
    white.convert(mode).save(tmp_path / "VOC" / "SegmentationClass" / "a.png")
    (only,) = recognise(tmp_path)
    assert shlex.split(only.command)[4:-2] == ["--labels", "labels.txt", "--binary"]
    assert "write what white is" in only.missing


def test_datasets_beside_labels_are_passed_over(tmp_path: Path) -> None:
    lay_out(tmp_path, FILES["carvana"])
    before = [(each.verb, each.command) for each in recognise(tmp_path)]
    for made in ("dataset/dataset.json", "predictions/predictions.json"):
        lay_out(tmp_path, {made: "{}", str(Path(made).with_name("manifest.csv")): "id\n"})
    lay_out(tmp_path / "dataset", FILES["voc"])
    assert [(each.verb, each.command) for each in recognise(tmp_path)] == before
    ran = typed(["prep", "auto", "."], tmp_path / "predictions")
    assert ran.returncode == 1
    shutil.rmtree(tmp_path / "train")
    shutil.rmtree(tmp_path / "train_masks")
    assert (
        "but nothing, beside what sageseg made: dataset, predictions" in typed(["prep", "auto", "."], tmp_path).stderr
    )


def test_an_archive_is_to_be_unpacked(tmp_path: Path) -> None:
    with zipfile.ZipFile(tmp_path / "export.zip", "w") as archive:
        archive.writestr("a.txt", "")
    assert recognise(tmp_path)[0].command.startswith(f"unzip -d {tmp_path / 'export'} {tmp_path / 'export.zip'} && ")


def test_auto_prints_the_command_on_a_line_of_its_own(tmp_path: Path) -> None:
    lay_out(tmp_path, FILES["voc"] | FILES["coco"])
    ran = typed(["prep", "auto", str(tmp_path)], tmp_path)
    assert ran.stdout.splitlines() == [
        "COCO (images, annotations and categories in annotations/instances.json)",
        f"sageseg prep coco {tmp_path / 'annotations' / 'instances.json'} {tmp_path} --out DATASET",
        "or Pascal VOC's layout (SegmentationClass)",
        f"sageseg prep voc {tmp_path / 'VOC'} --out DATASET",
    ]


def test_auto_tells_what_lies_in_a_folder_without_labels(tmp_path: Path) -> None:
    (tmp_path / "a.jpg").write_bytes(encode_image(noise(1)))
    ran = typed(["prep", "auto", str(tmp_path)], tmp_path)
    assert ran.returncode == 1
    assert "1 image and no labels; where they lie in a folder beside it, name the folder above" in ran.stderr


@pytest.mark.parametrize("verb", ["voc", "kitti", "channels"])
def test_a_verb_for_other_labels_names_the_right_one(verb: str, tmp_path: Path) -> None:
    lay_out(tmp_path, FILES["coco"])
    ran = typed(["prep", verb, str(tmp_path), "--out", str(tmp_path / "out")], tmp_path)
    assert ran.returncode == 1
    assert "this looks like COCO (" in ran.stderr
    assert f"sageseg prep coco {tmp_path}/annotations/instances.json {tmp_path}/images" in ran.stderr


@pytest.mark.parametrize("verb", ["labelstudio", "via", "cvat", "manifest"])
def test_a_verb_for_other_files_names_the_right_one(verb: str, tmp_path: Path) -> None:
    lay_out(tmp_path, FILES["coco"])
    file = tmp_path / "annotations" / "instances.json"
    images = [*(["--images"] if verb == "manifest" else []), str(tmp_path / "images")]
    ran = typed(["prep", verb, str(file), *images, "--out", str(tmp_path / "out")], tmp_path)
    assert ran.returncode == 1
    assert f"sageseg prep coco {file}" in ran.stderr


def test_the_right_verb_at_the_wrong_place_is_told_the_place(tmp_path: Path) -> None:
    lay_out(tmp_path, FILES["voc"])
    ran = typed(["prep", "voc", str(tmp_path), "--out", str(tmp_path / "out")], tmp_path)
    assert f"this looks like Pascal VOC's layout (SegmentationClass): sageseg prep voc {tmp_path}/VOC" in ran.stderr


def test_the_right_verb_for_what_is_broken_is_told_no_other(tmp_path: Path) -> None:
    lay_out(tmp_path, FILES["voc"])
    (tmp_path / "VOC" / "JPEGImages" / "a.jpg").rename(tmp_path / "VOC" / "JPEGImages" / "b.jpg")
    assert (
        "looks like"
        not in typed(["prep", "voc", str(tmp_path / "VOC"), "--out", str(tmp_path / "out")], tmp_path).stderr
    )


def test_what_cannot_be_looked_through_leaves_a_refusal_as_it_is(tmp_path: Path) -> None:
    lay_out(tmp_path, {"images/a.jpg": None, "masks/b.png": "mask"})
    (tmp_path / "masks" / "more.zip").write_bytes(b"PK")
    ran = typed(["prep", "pairs", str(tmp_path / "images"), str(tmp_path / "masks"), "--out", "x"], tmp_path)
    assert ran.returncode == 1
    assert "no image (a) has a mask (b)" in ran.stderr


def test_auto_says_how_to_look_at_a_place_in_s3(tmp_path: Path) -> None:
    ran = typed(["prep", "auto", "s3://bucket/labels"], tmp_path)
    assert ran.returncode == 1
    assert ran.stderr.startswith(
        "error: s3://bucket/labels: expected labels on this machine; copy some of them, aws s3 "
    )


@pytest.mark.parametrize(
    ("files", "words"),
    [
        (["city.tif"], ["tiles", "{}"]),
        (["x/a.tif", "y/b.tif"], ["tiles", "{}"]),
        (["a.tif", "b.tif", "a.geojson", "b.geojson"], ["geotiff", "{}", "--labels-from", "{}"]),
        (["in/a.tif", "l/a.geojson"], ["geotiff", "{}/in", "--labels-from", "{}/l/a.geojson"]),
        (["in/x/a.tif", "in/y/a.tif", "masks/x/a.tif"], ["geotiff", "{}/in", "--labels-from", "{}/masks"]),
    ],
)
def test_all_rasters_of_a_folder_are_named(tmp_path: Path, files: list[str], words: list[str]) -> None:
    for name in files:
        if name.endswith(".tif"):
            write_raster(tmp_path / name, noise_bands(8, 8, 4).astype(np.uint16))  # which Pillow cannot open
        else:
            write_geojson(tmp_path / name, [])
    told = shlex.split(recognise(tmp_path)[0].command)
    assert told[2 : 2 + len(words)] == [word.format(tmp_path) for word in words]


@pytest.mark.parametrize("member", ["_via_img_metadata", None])
def test_a_large_project_is_recognised_without_being_parsed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, member: str | None
) -> None:
    entries = {f"{number}.jpg3": REGIONS | {"filename": f"{number}.jpg"} for number in range(100)}
    lay_out(tmp_path, {"a.json": {member: entries} if member else entries})
    monkeypatch.setattr("prep.recognise.survey._WHOLE", 500)
    read: list[int] = []
    parse = json_spans.parse_span

    def parsed(*words: Any) -> Any:
        read.append(words[2][1] - words[2][0])
        return parse(*words)

    monkeypatch.setattr(json_spans, "parse_span", parsed)
    assert [found.verb for found in recognise(tmp_path / "a.json")] == ["via"]
    assert sum(read) < 5000


@pytest.mark.parametrize(
    ("names", "asked"),
    [("background\na\nb\n", False), ("a\nb\nbackground\n", True), ("background\na\n", True)],
)
def test_names_beside_masks_in_vocs_palette_need_no_table(names: str, asked: bool, tmp_path: Path) -> None:
    root = lay_out(tmp_path, {"images/a.jpg": None, "masks/labels.txt": names})
    Image.fromarray(voc_palette()[[[0, 1, 2]] * 4]).save(root / "masks/a.png")
    (found,) = recognise(root)
    assert ("--colors" in found.command, bool(found.missing)) == (asked, asked)
