"""Labels of rasters, polygons or rasters themselves: every pixel as rasterio draws the whole raster."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import rasterio
import rasterio.features
from hypothesis import given, settings
from hypothesis import strategies as st

from formats.classes import IGNORE
from formats.crops import Box
from prep.readers.geo.drawing import burn, to_pixels
from prep.readers.geo.features import read_features
from prep.readers.geo.labels import LabelChoice
from prep.readers.geo.reader import TileOptions, read_geotiff
from prep.readers.geo.tiles import tile_grid
from tests.support.geo_readings import HEIGHT, SQUARE, WIDTH, put_together, read_tiles
from tests.support.geo_samples import (
    PLACE,
    TURNED,
    UTM,
    noise_bands,
    on_earth,
    polygon,
    random_features,
    read_raster,
    write_geojson,
    write_raster,
)


def rasterized(path: Path, features: list[Any], ids: dict[str, int]) -> np.ndarray[Any, Any]:
    """rasterio's own answer for the whole raster."""
    with rasterio.open(path) as raster:
        shapes = [(each["geometry"], ids[each["properties"]["class"]]) for each in features]
        return np.asarray(
            rasterio.features.rasterize(shapes, out_shape=raster.shape, transform=raster.transform, dtype="uint8")
        )


@pytest.mark.parametrize(
    "transform", [PLACE, TURNED, rasterio.Affine(0.5, 0, 7.1, 0, 0.3, -2)], ids=["north", "turned", "south"]
)
@pytest.mark.parametrize("seed", range(3))
def test_polygons_are_drawn_as_rasterio_draws_the_whole_raster(tmp_path: Path, transform: Any, seed: int) -> None:
    path = write_raster(tmp_path / "city.tif", noise_bands(WIDTH, HEIGHT), transform=transform)
    features = random_features(WIDTH, HEIGHT, 30, seed, ("house", "road", "tree"))
    for feature in features:  # drawn on PLACE, moved to where this raster lies
        for ring in feature["geometry"]["coordinates"]:
            ring[:] = [list(transform @ (~PLACE @ tuple(point))) for point in ring]
    labels = write_geojson(tmp_path / "all.geojson", features)
    image, mask = put_together(read_tiles(path, labels))
    assert np.array_equal(image, read_raster(path).transpose(1, 2, 0))
    assert np.array_equal(mask, rasterized(path, features, {"house": 1, "road": 2, "tree": 3}))


quarters = st.integers(-80, 720).map(lambda value: value / 4)


@settings(max_examples=25)
@given(
    st.lists(st.lists(st.tuples(quarters, quarters), min_size=3, max_size=7, unique=True), min_size=1, max_size=4),
    st.integers(30, 80),
)
def test_a_window_is_drawn_as_the_whole_is(corners: list[list[tuple[float, float]]], side: int) -> None:
    from prep.readers.geo.drawing import Drawn

    drawn = [Drawn(place + 1, (((*ring, ring[0]),),)) for place, ring in enumerate(corners)]
    together = burn(drawn, Box(0, 0, 160, 120))
    for row in tile_grid(160, 120, side, 1):
        for box in row:
            part = together[box.top : box.top + box.height, box.left : box.left + box.width]
            assert np.array_equal(burn(drawn, box), part)


@pytest.mark.parametrize("transform", [PLACE, TURNED])
def test_pixels_of_places_on_earth_are_gdals(transform: Any) -> None:
    points = np.random.default_rng(4).uniform(-50, 300, (500, 2))
    told = (transform.a, transform.b, transform.c, transform.d, transform.e, transform.f)
    back = to_pixels(np.array(on_earth(points.tolist(), transform)), told)
    assert np.abs(back - points).max() < 1e-7


@pytest.mark.parametrize(
    "crs", [None, "EPSG:4326", "urn:ogc:def:crs:OGC:1.3:CRS84", "EPSG:3857", "urn:ogc:def:crs:EPSG::25832"]
)
def test_coordinates_are_longitude_and_latitude_unless_the_file_says_else(tmp_path: Path, crs: str | None) -> None:
    path = write_raster(tmp_path / "city.tif", noise_bands(WIDTH, HEIGHT))
    features = random_features(WIDTH, HEIGHT, 12, 7)
    expected = rasterized(path, features, {"road": 1})
    for feature in features:
        feature["geometry"] = rasterio.warp.transform_geom(UTM, crs or "OGC:CRS84", feature["geometry"])
    _, mask = put_together(read_tiles(path, write_geojson(tmp_path / "all.geojson", features, crs)))
    assert np.array_equal(mask, expected)


def test_kinds_of_geometry(tmp_path: Path) -> None:
    """Two polygons in one feature, one in a collection, and heights, which are left out."""
    path = write_raster(tmp_path / "city.tif", noise_bands(WIDTH, HEIGHT))
    one, two, three = (on_earth([(x, 5), (x + 30, 5), (x + 30, 50), (x, 50)]) for x in (3, 50, 100))
    rings = [[[*points, points[0]]] for points in (one, two)]
    collection = {"type": "GeometryCollection", "geometries": [polygon([(*point, 7.5) for point in three])["geometry"]]}
    features = [
        polygon(one, geometry={"type": "MultiPolygon", "coordinates": rings}),
        polygon(one, geometry=collection),
        polygon(one, geometry={"type": "Point", "coordinates": one[0]}),
        polygon(one, geometry=None),
    ]
    labels = write_geojson(tmp_path / "all.geojson", features)
    found = read_features(labels, "class", None)
    assert found.left_out == {"Point": ["features[2]"], "without geometry": ["features[3]"]}
    _, mask = put_together(read_tiles(path, labels))
    expected = np.zeros_like(mask)
    for x in (3, 50, 100):
        expected[5:50, x : x + 30] = 1
    assert np.array_equal(mask, expected)


def test_a_ring_may_be_open_and_a_class_a_number(tmp_path: Path) -> None:
    path = write_raster(tmp_path / "city.tif", noise_bands(WIDTH, HEIGHT))
    feature = polygon(on_earth(SQUARE))
    feature["geometry"]["coordinates"][0].pop()
    feature["properties"] = {"class": 7}
    source = read_tiles(path, write_geojson(tmp_path / "all.geojson", [feature]))
    assert source.classes.names == ("_background_", "7")
    assert (put_together(source)[1][10:70, 10:60] == 1).all()


def test_names_that_mean_no_class(tmp_path: Path) -> None:
    path = write_raster(tmp_path / "city.tif", noise_bands(WIDTH, HEIGHT))
    inner, other = on_earth([(20, 20), (40, 20), (40, 40), (20, 40)]), on_earth([(80, 5), (90, 5), (90, 9), (80, 9)])
    features = [polygon(on_earth(SQUARE)), polygon(inner, "_background_"), polygon(other, "__ignore__")]
    source = read_tiles(path, write_geojson(tmp_path / "all.geojson", features))
    mask = put_together(source)[1]
    assert source.classes.names == ("_background_", "road")
    assert (mask[15, 15], mask[30, 30], mask[7, 85]) == (1, 0, IGNORE)


def test_labels_give_the_order_and_one_class_may_be_all(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = write_raster(tmp_path / "city.tif", noise_bands(WIDTH, HEIGHT))
    features = [polygon(on_earth(SQUARE), "road"), polygon(on_earth([(80, 80), (99, 80), (99, 99)]), "house")]
    labels, names = write_geojson(tmp_path / "all.geojson", features), tmp_path / "labels.txt"
    names.write_text("road\nhouse\n")
    assert read_tiles(path, labels, labels=names).classes.names == ("_background_", "road", "house")
    capsys.readouterr()
    assert read_tiles(path, labels).classes.names == ("_background_", "house", "road")
    assert "classes in the order of their names: house, road" in capsys.readouterr().err
    source = read_tiles(path, labels, class_field=None, one_class="built")
    assert source.classes.names == ("_background_", "built")
    assert set(np.unique(put_together(source)[1])) == {0, 1}


IDS = np.zeros((HEIGHT, WIDTH), np.uint8)
IDS[5:60, 20:130], IDS[50:100, 70:90], IDS[:4, :4] = 1, 2, IGNORE


@pytest.mark.parametrize("kind", ["uint8", "int16", "uint32"])
def test_a_raster_of_labels_is_read_as_it_is(tmp_path: Path, kind: str) -> None:
    path = write_raster(tmp_path / "city.tif", noise_bands(WIDTH, HEIGHT))
    labels = write_raster(tmp_path / "labels/city.tif", IDS.astype(kind))
    (tmp_path / "labels.txt").write_text("background\nroad\nhouse\n")
    for told in (labels, labels.parent):
        source = read_tiles(path, told, labels=tmp_path / "labels.txt")
        assert source.classes.names == ("_background_", "road", "house")
        assert np.array_equal(put_together(source)[1], IDS)


def test_lines_and_values_move_together_and_colours_have_classes(tmp_path: Path) -> None:
    path = write_raster(tmp_path / "city.tif", noise_bands(WIDTH, HEIGHT))
    labels = write_raster(tmp_path / "ids.tif", IDS)
    (tmp_path / "labels.txt").write_text("road\nbackground\nhouse\n")
    mask = put_together(read_tiles(path, labels, labels=tmp_path / "labels.txt"))[1]
    assert np.array_equal(mask, np.array([1, 0, 2, *[0] * 252, IGNORE], np.uint8)[IDS])
    colours = np.array([[0, 0, 0], [128, 64, 0], [0, 0, 255], *[[0, 0, 0]] * 252, [224, 224, 192]], np.uint8)
    drawn = write_raster(tmp_path / "colours.tif", colours[IDS].transpose(2, 0, 1), photometric="RGB")
    (tmp_path / "map.txt").write_text("background:0,0,0::\nroad:128,64,0::\nhouse:0,0,255::\n")
    assert np.array_equal(put_together(read_tiles(path, drawn, labels=tmp_path / "map.txt"))[1], IDS)


def test_black_and_white(tmp_path: Path) -> None:
    path = write_raster(tmp_path / "city.tif", noise_bands(WIDTH, HEIGHT))
    labels = write_raster(tmp_path / "gt.tif", np.where(IDS == 1, 255, 0).astype(np.uint8), nodata=255)
    (tmp_path / "labels.txt").write_text("building\n")
    assert "pass --binary" in read_tiles(path, labels, labels=tmp_path / "labels.txt").no_foreground
    source = read_tiles(path, labels, labels=tmp_path / "labels.txt", binary=True)
    assert np.array_equal(put_together(source)[1], IDS == 1)


@pytest.mark.parametrize(("nodata", "value"), [(-9999, -9999), (200, 200), (0, 0)])
def test_what_a_raster_of_labels_calls_no_data_is_ignore_unless_it_is_a_class(
    tmp_path: Path, nodata: int, value: int, capsys: pytest.CaptureFixture[str]
) -> None:
    path = write_raster(tmp_path / "city.tif", noise_bands(WIDTH, HEIGHT))
    ids = IDS.astype(np.int16)
    ids[100:, :] = value
    labels = write_raster(tmp_path / "ids.tif", ids, nodata=nodata)
    (tmp_path / "labels.txt").write_text("background\nroad\nhouse\n")
    mask = put_together(read_tiles(path, labels, labels=tmp_path / "labels.txt"))[1]
    assert (mask[100:] == (0 if value == 0 else IGNORE)).all()
    assert np.array_equal(mask[:100], IDS[:100])
    assert ("calls its value 0 no data; a class has it" in capsys.readouterr().err) == (value == 0)


def test_each_raster_may_have_labels_of_its_own(tmp_path: Path) -> None:
    for number, name in enumerate(("a", "b", "c")):
        write_raster(tmp_path / f"rasters/{name}.tif", noise_bands(WIDTH, HEIGHT, seed=number))
    for name, x in (("a", 0), ("b", 50)):
        corners = on_earth([(x, 0), (x + 40, 0), (x + 40, 50), (x, 50)])
        write_geojson(tmp_path / f"labels/{name}.geojson", [polygon(corners)])
    source = read_geotiff(tmp_path / "rasters", LabelChoice(tmp_path / "labels", class_field="class"), TileOptions())
    assert [(each.reason, each.count) for each in source.left_out] == [("rasters without labels", 1)]
    assert (put_together(source, name="a")[1][10, 20], put_together(source, name="b")[1][10, 20]) == (1, 0)
