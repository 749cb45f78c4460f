"""Every parser of prep and formats as a target of the trial. Each reads as a verb does: what a file of annotations
declares is drawn too, onto images of 12 x 9 pixels that are whole.

What reads images themselves is in `image_targets`.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

from PIL import Image

from formats.classes import read_labelmap, read_labels
from formats.crops import Box
from formats.dataset import open_dataset
from formats.errors import SagesegError
from formats.manifest import read_manifest
from formats.prepared.georeference import read_georeference
from formats.prepared.label_map import read_label_maps
from formats.texts.given_files import refuse_zip
from formats.video.ffmpeg_text import ShownFrames, parse_header
from prep.dataset.split import read_split_file
from prep.readers.carvana import read_carvana
from prep.readers.classes.label_list import find_background, number_lines, read_class_list
from prep.readers.classes.value_map import read_value_map
from prep.readers.coco.reader import read_coco
from prep.readers.cvat.reader import read_cvat
from prep.readers.geo.drawing import burn, on_tiles, place_features
from prep.readers.geo.features import read_features
from prep.readers.geo.raster import look_at_raster
from prep.readers.kitti import read_kitti
from prep.readers.labelled_image import Source
from prep.readers.labelme.annotation import read_annotation
from prep.readers.labelme.reader import read_labelme
from prep.readers.labelstudio.reader import read_labelstudio
from prep.readers.manifest.reader import read_manifest_file
from prep.readers.regions import read_regions
from prep.readers.supervisely import read_supervisely
from prep.readers.via.reader import read_via
from prep.readers.voc.image_sets import read_voc_image_sets
from prep.readers.yolo.reader import read_yolo
from prep.recognise.recognise import recognise
from trust.damage.engine import CORPORA, Builder, Target, of_file

WIDTH, HEIGHT = 12, 9


def _image(path: Path, mode: str = "RGB", colour: object = 0) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.new(mode, (WIDTH, HEIGHT), colour).save(path)  # type: ignore[arg-type]
    return path


def _drawn(source: Source) -> None:
    for image in source.images:
        image.mask.read()


def _reader(read: Callable[[Path, Path], Source], name: str, file: str, kind: str, *images: str) -> Builder:
    """A reader of annotations: `read` is given the damaged file and the folder of all."""

    def build(folder: Path) -> Target:
        for image in images:
            _image(folder / image)
        return of_file(folder, name, file, kind, lambda path: _drawn(read(path, folder)))

    return build


def _plain(read: Callable[[Path], object], name: str, file: str, kind: str = "text", **more: Any) -> Builder:
    """A parser that wants nothing beside its file."""
    return lambda folder: of_file(folder, name, file, kind, read, **more)


def _labelme(folder: Path) -> Target:
    _image(folder / "a.png")
    says = folder.name  # a file without shapes leaves the folder without a class
    return of_file(folder, "labelme", "a.json", "json", lambda _: _drawn(read_labelme(folder, workers=1)), says=says)


def _supervisely(folder: Path) -> Target:
    _image(folder / "ds" / "img" / "a.png")
    (folder / "meta.json").write_bytes((CORPORA / "supervisely-meta" / "seed.json").read_bytes())
    return of_file(
        folder, "supervisely", "ds/ann/a.png.json", "json", lambda _: _drawn(read_supervisely(folder, workers=1))
    )


def _supervisely_meta(folder: Path) -> Target:
    _image(folder / "ds" / "img" / "a.png")
    annotation = folder / "ds" / "ann" / "a.png.json"
    annotation.parent.mkdir(parents=True, exist_ok=True)
    annotation.write_bytes((CORPORA / "supervisely" / "seed.json").read_bytes())
    says = folder.name  # the annotations may name what it lacks
    return of_file(
        folder,
        "supervisely-meta",
        "meta.json",
        "json",
        lambda _: _drawn(read_supervisely(folder, workers=1)),
        says=says,
    )


def _yolo(folder: Path) -> Target:
    _image(folder / "images" / "a.png")
    (folder / "data.yaml").write_text("names: [car, road]\ntrain: images\n", encoding="utf-8")
    return of_file(folder, "yolo", "labels/a.txt", "text", lambda _: _drawn(read_yolo(folder, workers=1)))


def _yolo_yaml(folder: Path) -> Target:
    _image(folder / "images" / "a.png")
    (folder / "labels").mkdir()
    (folder / "labels" / "a.txt").write_text("0 0.1 0.1 0.8 0.1 0.8 0.7\n", encoding="utf-8")
    read = lambda _: _drawn(read_yolo(folder, workers=1))  # noqa: E731  # as in all targets
    return of_file(folder, "yolo-yaml", "data.yaml", "text", read, says=folder.name)


def _voc_lists(folder: Path) -> Target:
    file = "ImageSets/Segmentation/train.txt"
    return of_file(folder, "voc-lists", file, "text", lambda _: read_voc_image_sets(folder, ("a", "b", "c"), {}))


def _class_list(path: Path) -> None:
    listed = read_class_list(path)
    number_lines(listed, find_background(listed, None))


def _geojson(folder: Path) -> Target:
    import numpy as np

    from formats.prepared.rasters import open_raster

    raster = folder / "a.tif"
    place = (0.4, 0.0, 500123.5, 0.0, -0.4, 5540017.25)
    from rasterio import Affine

    profile = {"driver": "GTiff", "width": WIDTH, "height": HEIGHT, "count": 1, "dtype": "uint8"}
    with open_raster(raster, "w", crs="EPSG:25832", transform=Affine(*place), **profile) as written:
        written.write(np.zeros((1, HEIGHT, WIDTH), np.uint8))
    facts = look_at_raster(raster, raster.name)
    box = Box(0, 0, WIDTH, HEIGHT)

    def read(path: Path) -> None:
        found = read_features(path, "class", None)
        ids = {feature.name: 1 for feature in found.features}
        tiles, _ = on_tiles(place_features(found, facts, ids), [box])
        burn(tiles[0], box)

    return of_file(folder, "geojson", "a.geojson", "json", read)


def _kitti(folder: Path) -> Path:
    for number in range(2):
        _image(folder / f"training/image_2/um_00000{number}.png")
        _image(folder / f"training/gt_image_2/um_road_00000{number}.png", colour=(255, 0, 255))
    return folder


def _kitti_list(folder: Path) -> Target:
    root = _kitti(folder / "data_road")
    return of_file(
        folder, "kitti-list", "train.txt", "text", lambda path: read_kitti(root, "road", lists={"train": path})
    )


def _kitti_calibration(folder: Path) -> Target:
    root = _kitti(folder)
    return of_file(
        folder,
        "kitti-calibration",
        "training/calib/um_000000.txt",
        "text",
        lambda _: read_kitti(root, "road"),
    )


def _carvana(folder: Path) -> Target:
    _image(folder / "photos" / "0ab_01.jpg")
    _image(folder / "masks" / "0ab_01_mask.png", "L", 255)
    return of_file(
        folder,
        "carvana-metadata",
        "metadata.csv",
        "text",
        lambda path: read_carvana(folder / "photos", folder / "masks", path, None),
    )


def _manifest_lines(folder: Path) -> Target:
    bucket = folder / "bucket"
    for number in (1, 2):
        _image(bucket / "photos" / f"im{number}.jpg")
        mask = bucket / "out" / "seg" / "annotations" / f"{number}_2026-03-01T10:00:00.000001.png"
        _image(mask, colour=(255, 255, 255))
    return of_file(
        folder,
        "manifest-lines",
        "output.manifest",
        "json",
        lambda path: _drawn(read_manifest_file(path, images=bucket, workers=1)),
    )


def _dataset(folder: Path) -> Target:
    (folder / "labels.txt").write_text("_background_\ncar\n", encoding="utf-8")
    (folder / "manifest.csv").write_bytes((CORPORA / "manifest" / "seed.csv").read_bytes())
    return of_file(folder, "dataset-info", "dataset.json", "json", lambda _: open_dataset(folder))


def _georeference(folder: Path) -> Target:
    return of_file(folder, "georeference", "georeference.json", "json", lambda _: read_georeference(folder))


def _label_maps(folder: Path) -> Target:
    file = "train_label_map.json"
    return of_file(folder, "label-maps", file, "json", lambda _: read_label_maps(folder, 21))


def _ffmpeg_frames(folder: Path) -> Target:  # noqa: ARG001  # text from a pipe
    def read(content: bytes) -> None:
        frames = ShownFrames()
        for line in content.split(b"\n"):
            frames.add(line.decode("ascii", "replace").strip())

    return Target("ffmpeg-frames", "text", read)


def _ffmpeg_header(folder: Path) -> Target:  # noqa: ARG001  # text from a pipe
    return Target(
        "ffmpeg-header", "text", lambda content: parse_header(content.decode("utf-8", "replace").splitlines())
    )


def _recognise(kind: str, suffix: str, *corpora: str) -> Builder:
    """`prep auto` of a file of any kind: what it is for is a guess, and none is a refusal."""
    name = f"recognise-{kind}"

    def build(folder: Path) -> Target:
        _image(folder / "labels" / "a.png")

        def read(_: Path) -> None:
            try:
                recognise(folder / "labels")
            except SagesegError as e:
                raise SagesegError(f"a{suffix}: {e}") from e  # of a folder; it need not be this file

        return of_file(folder, name, f"labels/a{suffix}", kind, read, others=corpora)

    return build


TARGETS: dict[str, Builder] = {
    "manifest": _plain(read_manifest, "manifest", "manifest.csv"),
    "dataset-info": _dataset,
    "labels": _plain(read_labels, "labels", "labels.txt"),
    "labelmap": _plain(read_labelmap, "labelmap", "labelmap.txt"),
    "label-maps": _label_maps,
    "georeference": _georeference,
    "split-file": _plain(read_split_file, "split-file", "split.json", "json"),
    "archive": _plain(partial(refuse_zip, expected="a folder"), "archive", "a.zip", "bytes"),
    "ffmpeg-header": _ffmpeg_header,
    "ffmpeg-frames": _ffmpeg_frames,
    "labelme": _labelme,
    "labelme-json": _plain(read_annotation, "labelme-json", "a.json", "json", others=("labelme",)),
    "regions": _plain(read_regions, "regions", "regions.json", "json"),
    "coco": _reader(lambda path, folder: read_coco(path, folder, workers=1), "coco", "instances.json", "json", "a.png"),
    "cvat": _reader(
        lambda path, folder: read_cvat(path, folder, workers=1),
        "cvat",
        "annotations.xml",
        "xml",
        "a.png",
        "frame_000000.png",
    ),
    "via": _reader(lambda path, folder: read_via(path, folder, workers=1), "via", "via.json", "json", "a.png"),
    "labelstudio": _reader(
        lambda path, folder: read_labelstudio(path, folder, workers=1), "labelstudio", "export.json", "json", "a.png"
    ),
    "supervisely": _supervisely,
    "supervisely-meta": _supervisely_meta,
    "yolo": _yolo,
    "yolo-yaml": _yolo_yaml,
    "voc-lists": _voc_lists,
    "class-list": _plain(_class_list, "class-list", "classes.txt"),
    "value-map": _plain(read_value_map, "value-map", "map.csv"),
    "manifest-lines": _manifest_lines,
    "geojson": _geojson,
    "kitti-list": _kitti_list,
    "kitti-calibration": _kitti_calibration,
    "carvana-metadata": _carvana,
    "recognise-json": _recognise("json", ".json", "labelme", "coco", "via", "labelstudio", "supervisely", "geojson"),
    "recognise-xml": _recognise("xml", ".xml", "cvat"),
    "recognise-text": _recognise("text", ".txt", "yolo", "voc-lists", "class-list"),
}
