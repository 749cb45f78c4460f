"""Predictions of rasters go back to their place on earth: the masks that were put in come out, pixel for pixel."""

from __future__ import annotations

import json
import warnings
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import rasterio
import rasterio.features
import rasterio.warp

from analysis.exports.geojson import Crs, export_geojson, regions, signed_area
from analysis.masks.combine import combine
from analysis.masks.stitch import stitch
from analysis.options import Rule
from formats.classes import ClassTable, voc_palette
from formats.dataset import Dataset, open_dataset
from formats.errors import SagesegError
from formats.manifest import ManifestRow
from formats.masks import read_mask, write_mask
from formats.predictions import Predictions, mask_path, open_predictions, write_predictions_tables
from formats.prepared.georeference import Georeference, read_georeference, write_georeference
from prep.dataset.writer import write_dataset
from prep.options import PrepOptions
from prep.readers.geo.labels import LabelChoice
from prep.readers.geo.reader import TileOptions, read_geotiff
from tests.support.geo_samples import PLACE, TURNED, UTM, noise_bands, read_raster, write_raster
from tests.support.typed_commands import typed

WIDTH, HEIGHT = 210, 150
CLASSES = ("_background_", "road", "house")


def blobs(seed: int, width: int = WIDTH, height: int = HEIGHT) -> Any:
    """A mask of regions with holes that cross the borders of tiles, and of single pixels."""
    rng = np.random.default_rng(seed)
    mask = np.zeros((height, width), np.uint8)
    for number in range(30):
        top, left = int(rng.integers(-10, height)), int(rng.integers(-10, width))
        high, wide = rng.integers(1, 60, 2)
        mask[max(top, 0) : top + high, max(left, 0) : left + wide] = number % 3
    mask[rng.random(mask.shape) < 0.004] = 1
    return mask


def made(
    folder: Path, mask: Any, *, transform: Any = PLACE, name: str = "city", **options: Any
) -> tuple[Dataset, Path]:
    """A dataset of a raster, and the raster of its labels."""
    path = write_raster(folder / f"{name}.tif", noise_bands(mask.shape[1], mask.shape[0]), transform=transform)
    labels = write_raster(folder / f"labels/{name}.tif", mask, transform=transform)
    (folder / "labels.txt").write_text("background\nroad\nhouse\n")
    choice = LabelChoice(labels, folder / "labels.txt")
    source = read_geotiff(path, choice, TileOptions(side=64, least=32), workers=1)
    told = {"crop": 32, "overlap": 8, "keep_empty": 1, "val": 1, "workers": 1, **options}
    write_dataset(source, folder / "dataset", PrepOptions(**told))
    return open_dataset(folder / "dataset"), labels


def predicted(dataset: Dataset, root: Path, splits: tuple[str, ...] = ("train", "val", "test")) -> Predictions:
    """The true crops as a model that is never wrong would predict them, padding as background."""
    (root / "masks").mkdir(parents=True)
    rows = [row for row in dataset.rows if row.split in splits]
    for row in rows:
        if row.kept:
            mask = read_mask(dataset.mask_path(row.id))
            write_mask(mask_path(root, row.id), np.where(mask == 255, 0, mask).astype(np.uint8))
    write_predictions_tables(root, rows, dataset.classes, {})
    georeference = read_georeference(dataset.root)
    assert georeference
    write_georeference(root, georeference)
    return open_predictions(root)


@pytest.mark.parametrize("transform", [PLACE, TURNED], ids=["north", "turned"])
@pytest.mark.parametrize("tell", ["dataset", "predictions"])
def test_a_raster_of_labels_comes_back(tmp_path: Path, transform: Any, tell: str) -> None:
    mask = blobs(1)
    dataset, labels = made(tmp_path, mask, transform=transform)
    predictions = predicted(dataset, tmp_path / "p")
    stitch(predictions, dataset if tell == "dataset" else None, tmp_path / "stitched", geotiff=True, workers=1)
    out = tmp_path / "stitched/rasters/city.tif"
    with rasterio.open(labels) as before, rasterio.open(out) as after:
        assert np.array_equal(before.read(), after.read())
        assert before.crs == after.crs
        assert before.transform == after.transform
        assert (after.nodata, after.dtypes, after.profile["compress"]) == (255, ("uint8",), "deflate")
        assert [after.colormap(1)[value][:3] for value in range(3)] == [
            tuple(voc_palette()[v].tolist()) for v in range(3)
        ]
        assert after.tags()["classes"] == ",".join(CLASSES)
    assert read_georeference(tmp_path / "stitched") == read_georeference(dataset.root)


def test_what_was_not_predicted_is_no_data(tmp_path: Path) -> None:
    mask = blobs(2)
    dataset, _ = made(tmp_path, mask)
    stitch(predicted(dataset, tmp_path / "p", ("val",)), None, tmp_path / "stitched", geotiff=True, workers=1)
    told = read_georeference(dataset.root)
    assert told
    expected = np.full_like(mask, 255)
    chosen = {row.source for row in dataset.rows if row.split == "val"}
    for tile in told.rasters[0].tiles:
        if tile.source in chosen:
            place = np.s_[tile.box.top : tile.box.top + tile.box.height, tile.box.left : tile.box.left + tile.box.width]
            expected[place] = mask[place]
    assert np.array_equal(read_raster(tmp_path / "stitched/rasters/city.tif")[0], expected)


def test_dropped_crops_are_no_data_too(tmp_path: Path) -> None:
    mask = np.zeros((HEIGHT, WIDTH), np.uint8)
    mask[5:20, 5:100] = 1
    dataset, _ = made(tmp_path, mask, keep_empty=0)
    predictions = predicted(dataset, tmp_path / "p")
    assert any(not row.kept for row in predictions.rows)
    stitch(predictions, dataset, tmp_path / "stitched", geotiff=True, workers=1)
    found = read_raster(tmp_path / "stitched/rasters/city.tif")[0]
    assert (found[mask == 1] == 1).all()
    assert set(np.unique(found)) == {0, 1, 255}


def burnt(path: Path, labels: Path) -> Any:
    """The features of a file burnt into the grid of a raster, by rasterio."""
    content = json.loads(path.read_text())
    crs = content["crs"]["properties"]["name"] if "crs" in content else "OGC:CRS84"
    with rasterio.open(labels) as raster:
        shapes = [
            (
                rasterio.warp.transform_geom(crs, raster.crs, each["geometry"]),
                CLASSES.index(each["properties"]["class"]),
            )
            for each in content["features"]
        ]
        return rasterio.features.rasterize(shapes, out_shape=raster.shape, transform=raster.transform, dtype="uint8")


@pytest.mark.parametrize("transform", [PLACE, TURNED], ids=["north", "turned"])
@pytest.mark.parametrize("crs", list(Crs))
def test_polygons_burnt_again_are_the_mask(tmp_path: Path, transform: Any, crs: Crs) -> None:
    mask = blobs(3)
    dataset, labels = made(tmp_path, mask, transform=transform)
    predictions = predicted(dataset, tmp_path / "p")
    exported = export_geojson(predictions, tmp_path / "out.geojson", crs=crs)
    content = json.loads((tmp_path / "out.geojson").read_text())
    assert ("crs" in content) == (crs is Crs.RASTER)
    assert np.array_equal(burnt(tmp_path / "out.geojson", labels), mask)
    assert exported.polygons == len(content["features"])
    for class_id, name in enumerate(CLASSES[1:], 1):
        told = [each["properties"]["pixels"] for each in content["features"] if each["properties"]["class"] == name]
        assert sum(told) == (mask == class_id).sum()
    for feature in content["features"]:
        outer, *holes = (np.array(ring) for ring in feature["geometry"]["coordinates"])
        assert signed_area(outer) > 0
        assert all(signed_area(hole) < 0 for hole in holes)
    stitch(predictions, None, tmp_path / "stitched", workers=1)
    export_geojson(open_predictions(tmp_path / "stitched"), tmp_path / "again.geojson", crs=crs)
    assert (tmp_path / "again.geojson").read_text() == (tmp_path / "out.geojson").read_text()


@pytest.mark.parametrize("number", [0, 1, -1])
def test_tiles_of_a_list_are_written_alone(tmp_path: Path, number: int) -> None:
    mask = blobs(3)
    predictions = predicted(made(tmp_path, mask)[0], tmp_path / "p")
    georeference = read_georeference(predictions.root)
    assert georeference
    tile = georeference.rasters[0].tiles[number]
    (tmp_path / "list.txt").write_text(f"{tile.source}\n")
    export_geojson(predictions, tmp_path / "out.geojson", listed=tmp_path / "list.txt")
    features = json.loads((tmp_path / "out.geojson").read_text())["features"]
    box = tile.box
    inside = mask[box.top : box.top + box.height, box.left : box.left + box.width]
    assert sum(each["properties"]["pixels"] for each in features) == np.count_nonzero(inside) > 0


@pytest.mark.parametrize("crs", list(Crs))
def test_polygons_fed_back_are_the_mask(tmp_path: Path, crs: Crs) -> None:
    mask = blobs(4)
    dataset, _ = made(tmp_path, mask)
    export_geojson(predicted(dataset, tmp_path / "p"), tmp_path / "out.geojson", crs=crs)
    choice = LabelChoice(tmp_path / "out.geojson", tmp_path / "labels.txt", class_field="class")
    source = read_geotiff(tmp_path / "city.tif", choice, TileOptions(side=64, least=32), workers=1)
    assert source.georeference
    for image, tile in zip(source.images, source.georeference.rasters[0].tiles, strict=True):
        box = tile.box
        assert np.array_equal(image.mask.read(), mask[box.top : box.top + box.height, box.left : box.left + box.width])


def test_regions_are_whole_across_tiles_and_small_ones_may_be_left_out(tmp_path: Path) -> None:
    mask = np.zeros((HEIGHT, WIDTH), np.uint8)
    mask[20:140, 10:200], mask[60:90, 40:120], mask[70, 50], mask[5, 5:7] = 1, 0, 2, 1
    dataset, _ = made(tmp_path, mask)
    predictions = predicted(dataset, tmp_path / "p")
    exported = export_geojson(predictions, tmp_path / "out.geojson", crs=Crs.RASTER, least_pixels=3)
    assert (exported.polygons, exported.left_out, exported.rasters) == (1, 2, 1)
    (feature,) = json.loads((tmp_path / "out.geojson").read_text())["features"]
    assert feature["properties"] == {"class": "road", "pixels": 120 * 190 - 30 * 80, "raster": "city.tif"}
    assert [len(ring) for ring in feature["geometry"]["coordinates"]] == [5, 5]


@pytest.mark.parametrize(("most", "refused"), [(1, True), (2, True), (3, False)])
def test_a_raster_of_too_many_regions_is_refused_with_what_to_pass(tmp_path: Path, most: int, refused: bool) -> None:
    mask = np.zeros((HEIGHT, WIDTH), np.uint8)
    mask[20:140, 10:200], mask[2:4, 2:4], mask[5, 5:7] = 1, 1, 2
    predictions = predicted(made(tmp_path, mask)[0], tmp_path / "p")
    if not refused:
        assert export_geojson(predictions, tmp_path / "out.geojson", most_objects=most).polygons == 3
        return
    with pytest.raises(
        SagesegError, match=rf"city\.tif: 3 regions, of which {most} .*; --least-pixels 5 leaves 1, or --most-obj"
    ):
        export_geojson(predictions, tmp_path / "out.geojson", most_objects=most)
    assert not (tmp_path / "out.geojson").exists()
    assert export_geojson(predictions, tmp_path / "out.geojson", least_pixels=5, most_objects=most).polygons == 1


def test_regions_that_touch_at_corners_are_two(tmp_path: Path) -> None:
    mask = np.zeros((4, 4), np.uint8)
    mask[:2, :2] = mask[2:, 2:] = 1
    found = list(regions(write_raster(tmp_path / "m.tif", mask, blockxsize=16, blockysize=16)))
    assert [(region.class_id, region.pixels) for region in found] == [(1, 4), (1, 4)]


def test_combined_predictions_keep_their_place(tmp_path: Path) -> None:
    dataset, _ = made(tmp_path, blobs(5))
    both = [predicted(dataset, tmp_path / name) for name in ("p", "q")]
    combine(both, tmp_path / "both", by=Rule.MAJORITY, workers=1)
    assert read_georeference(tmp_path / "both") == read_georeference(dataset.root)


def test_predictions_of_what_is_no_raster(tmp_path: Path) -> None:
    (tmp_path / "p/masks").mkdir(parents=True)
    write_mask(mask_path(tmp_path / "p", "a"), np.ones((8, 8), np.uint8))
    row = ManifestRow("a", "val", "a", "a.jpg", 0, 0, 8, 8, 8, 8)
    write_predictions_tables(tmp_path / "p", [row], ClassTable(CLASSES), {})
    predictions = open_predictions(tmp_path / "p")
    for act in (
        lambda: stitch(predictions, None, tmp_path / "s", geotiff=True, workers=1),
        lambda: export_geojson(predictions, tmp_path / "out.geojson"),
    ):
        with pytest.raises(SagesegError, match=r"georeference\.json: not found, so these images have no place"):
            act()
    write_georeference(tmp_path / "p", Georeference(()))
    with pytest.raises(SagesegError, match=r"a\.jpg: predicted, but georeference\.json knows no such tile"):
        export_geojson(predictions, tmp_path / "out.geojson")
    assert sorted(path.name for path in tmp_path.iterdir()) == ["p"]


def test_a_tile_of_another_size_and_rasters_without_one_system_are_refused(tmp_path: Path) -> None:
    dataset, _ = made(tmp_path, blobs(6))
    predictions = predicted(dataset, tmp_path / "p")
    text = (tmp_path / "p/georeference.json").read_text()
    content = json.loads(text)
    (raster,) = content["rasters"]
    tile = next(iter(raster["tiles"]))
    raster["tiles"][tile][2] += 1
    (tmp_path / "p/georeference.json").write_text(json.dumps(content))
    with pytest.raises(SagesegError, match=rf"{tile}: predicted at 64×64, but the tile has 65×64"):
        export_geojson(predictions, tmp_path / "out.geojson")
    raster["tiles"][tile][2] -= 1
    half = dict(list(raster["tiles"].items())[:3])
    rest = {name: box for name, box in raster["tiles"].items() if name not in half}
    two = [{**raster, "tiles": half}, {**raster, "name": "b.tif", "crs": "EPSG:25833", "tiles": rest}]
    (tmp_path / "p/georeference.json").write_text(json.dumps({"range": "none", "rasters": two}))
    with pytest.raises(
        SagesegError, match=r"--crs raster: city\.tif and b\.tif have different ones; expected --crs wgs84"
    ):
        export_geojson(predictions, tmp_path / "out.geojson", crs=Crs.RASTER)
    two[1]["crs"] = ""
    (tmp_path / "p/georeference.json").write_text(json.dumps({"range": "none", "rasters": two}))
    with pytest.raises(SagesegError, match=r"b\.tif has no coordinate reference system"):
        export_geojson(predictions, tmp_path / "out.geojson")
    assert not (tmp_path / "out.geojson").exists()


def test_a_raster_without_place_on_earth_comes_back_too(tmp_path: Path) -> None:
    mask = blobs(7, 100, 80)
    path = write_raster(tmp_path / "scan.tif", noise_bands(100, 80), crs=None, transform=rasterio.Affine.identity())
    labels = write_raster(tmp_path / "ids.tif", mask, crs=None, transform=rasterio.Affine.identity())
    (tmp_path / "labels.txt").write_text("background\nroad\nhouse\n")
    source = read_geotiff(path, LabelChoice(labels, tmp_path / "labels.txt"), TileOptions(side=32, least=16), workers=1)
    write_dataset(source, tmp_path / "dataset", PrepOptions(crop=16, keep_empty=1, val=1, workers=1))
    predictions = predicted(open_dataset(tmp_path / "dataset"), tmp_path / "p")
    stitch(predictions, None, tmp_path / "stitched", geotiff=True, workers=1)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        with rasterio.open(tmp_path / "stitched/rasters/scan.tif") as after:
            assert after.crs is None
            assert np.array_equal(after.read(1), mask)


def test_the_verbs_say_what_they_did(tmp_path: Path) -> None:
    dataset, _ = made(tmp_path, blobs(8))
    predicted(dataset, tmp_path / "p")
    ran = typed(["analysis", "stitch", "p", "--out", "stitched"], tmp_path)
    assert "note: these are tiles of rasters; --geotiff" in ran.stderr
    ran = typed(["analysis", "stitch", "p", "--out", "rasters", "--geotiff"], tmp_path)
    assert ran.stdout.split() == ["rasters/masks", "rasters/rasters"]
    line = "analysis geojson rasters --out roads.geojson --crs raster --least-pixels 5"
    ran = typed(line.split(), tmp_path)
    assert ran.stdout == "roads.geojson\n"
    assert "regions of fewer than 5 pixels were left out" in ran.stderr
    assert "polygons of 1 raster(s)" in ran.stderr
    told = json.loads((tmp_path / "roads.geojson").read_text())
    assert told["crs"]["properties"]["name"] == f"urn:ogc:def:crs:EPSG::{UTM.removeprefix('EPSG:')}"
    ran = typed(["analysis", "geojson", "rasters", "--out", "roads.geojson"], tmp_path)
    assert (ran.returncode, "exists already" in ran.stderr) == (1, True)
    ran = typed(["analysis", "geojson", "rasters", "--out", "roads.geojson", "--overwrite"], tmp_path)
    assert (ran.returncode, "crs" in json.loads((tmp_path / "roads.geojson").read_text())) == (0, False)
    ran = typed(["analysis", "geojson", "rasters", "--out", "other.geojson", "--crs", "utm"], tmp_path)
    assert (ran.returncode, ran.stderr) == (1, "error: --crs utm: expected wgs84 or raster\n")
