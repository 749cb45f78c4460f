"""Rasters on earth become datasets: every pixel and every label as rasterio gives them of the whole raster."""

import json
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
from formats.dataset import open_dataset
from formats.errors import SagesegError
from formats.images import decode_image, read_image
from formats.prepared.eight_bits import to_8_bits
from formats.prepared.georeference import Georeference, Raster, Tile, read_georeference, write_georeference
from formats.prepared.value_range import parse_range
from formats.safe_names import is_inside
from prep.dataset.writer import write_dataset
from prep.options import PrepOptions
from prep.readers.geo.drawing import burn, to_pixels
from prep.readers.geo.features import read_features
from prep.readers.geo.labels import LabelChoice
from prep.readers.geo.raster import look_at_raster
from prep.readers.geo.reader import TileOptions, read_geotiff
from prep.readers.geo.tile_folder import write_tiles
from prep.readers.geo.tiles import tile_grid
from prep.readers.labelled_image import Source, read_content
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

WIDTH, HEIGHT = 150, 110
SQUARE = [(10, 10), (60, 10), (60, 70), (10, 70)]


def read(path: Path, beside: Path, *, tiles: TileOptions | None = None, **choice: Any) -> Source:
    choice = {"class_field": "class", **choice} if beside.suffix == ".geojson" else choice
    return read_geotiff(path, LabelChoice(beside, **choice), tiles or TileOptions(side=64, least=32), workers=1)


def whole(source: Source, *, name: str = "") -> tuple[np.ndarray[Any, Any], np.ndarray[Any, Any]]:
    """The raster's image and mask, put together from its tiles; where there is none, 99."""
    assert source.georeference
    raster = next(each for each in source.georeference.rasters if each.name.startswith(name))
    image = np.full((raster.height, raster.width, 3), 99, np.uint8)
    mask = np.full((raster.height, raster.width), 99, np.uint8)
    by_source = {each.source: each for each in source.images}
    for tile in raster.tiles:
        place = np.s_[tile.box.top : tile.box.top + tile.box.height, tile.box.left : tile.box.left + tile.box.width]
        image[place] = decode_image(read_content(by_source[tile.source]))
        mask[place] = by_source[tile.source].mask.read()
    return image, mask


def rasterized(path: Path, features: list[Any], ids: dict[str, int]) -> np.ndarray[Any, Any]:
    """rasterio's own answer for the whole raster."""
    with rasterio.open(path) as raster:
        shapes = [(each["geometry"], ids[each["properties"]["class"]]) for each in features]
        return np.asarray(
            rasterio.features.rasterize(shapes, out_shape=raster.shape, transform=raster.transform, dtype="uint8")
        )


@settings(max_examples=50)
@given(st.integers(1, 300), st.integers(1, 300), st.integers(9, 90), st.data())
def test_tiles_cover_a_raster_once(width: int, height: int, side: int, data: st.DataObject) -> None:
    least = data.draw(st.integers(1, side))
    seen = np.zeros((height, width), int)
    for row in tile_grid(width, height, side, least):
        for box in row:
            assert (box.left % side, box.top % side) == (0, 0)
            assert min(width, least) <= box.width < side + least
            assert min(height, least) <= box.height < side + least
            seen[box.top : box.top + box.height, box.left : box.left + box.width] += 1
    assert (seen == 1).all()


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
    image, mask = whole(read(path, labels))
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
    _, mask = whole(read(path, write_geojson(tmp_path / "all.geojson", features, crs)))
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
    _, mask = whole(read(path, labels))
    expected = np.zeros_like(mask)
    for x in (3, 50, 100):
        expected[5:50, x : x + 30] = 1
    assert np.array_equal(mask, expected)


def test_a_ring_may_be_open_and_a_class_a_number(tmp_path: Path) -> None:
    path = write_raster(tmp_path / "city.tif", noise_bands(WIDTH, HEIGHT))
    feature = polygon(on_earth(SQUARE))
    feature["geometry"]["coordinates"][0].pop()
    feature["properties"] = {"class": 7}
    source = read(path, write_geojson(tmp_path / "all.geojson", [feature]))
    assert source.classes.names == ("_background_", "7")
    assert (whole(source)[1][10:70, 10:60] == 1).all()


def test_names_that_mean_no_class(tmp_path: Path) -> None:
    path = write_raster(tmp_path / "city.tif", noise_bands(WIDTH, HEIGHT))
    inner, other = on_earth([(20, 20), (40, 20), (40, 40), (20, 40)]), on_earth([(80, 5), (90, 5), (90, 9), (80, 9)])
    features = [polygon(on_earth(SQUARE)), polygon(inner, "_background_"), polygon(other, "__ignore__")]
    source = read(path, write_geojson(tmp_path / "all.geojson", features))
    mask = whole(source)[1]
    assert source.classes.names == ("_background_", "road")
    assert (mask[15, 15], mask[30, 30], mask[7, 85]) == (1, 0, IGNORE)


def test_labels_give_the_order_and_one_class_may_be_all(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = write_raster(tmp_path / "city.tif", noise_bands(WIDTH, HEIGHT))
    features = [polygon(on_earth(SQUARE), "road"), polygon(on_earth([(80, 80), (99, 80), (99, 99)]), "house")]
    labels, names = write_geojson(tmp_path / "all.geojson", features), tmp_path / "labels.txt"
    names.write_text("road\nhouse\n")
    assert read(path, labels, labels=names).classes.names == ("_background_", "road", "house")
    capsys.readouterr()
    assert read(path, labels).classes.names == ("_background_", "house", "road")
    assert "classes in the order of their names: house, road" in capsys.readouterr().err
    source = read(path, labels, class_field=None, one_class="built")
    assert source.classes.names == ("_background_", "built")
    assert set(np.unique(whole(source)[1])) == {0, 1}


IDS = np.zeros((HEIGHT, WIDTH), np.uint8)
IDS[5:60, 20:130], IDS[50:100, 70:90], IDS[:4, :4] = 1, 2, IGNORE


@pytest.mark.parametrize("kind", ["uint8", "int16", "uint32"])
def test_a_raster_of_labels_is_read_as_it_is(tmp_path: Path, kind: str) -> None:
    path = write_raster(tmp_path / "city.tif", noise_bands(WIDTH, HEIGHT))
    labels = write_raster(tmp_path / "labels/city.tif", IDS.astype(kind))
    (tmp_path / "labels.txt").write_text("background\nroad\nhouse\n")
    for told in (labels, labels.parent):
        source = read(path, told, labels=tmp_path / "labels.txt")
        assert source.classes.names == ("_background_", "road", "house")
        assert np.array_equal(whole(source)[1], IDS)


def test_lines_and_values_move_together_and_colours_have_classes(tmp_path: Path) -> None:
    path = write_raster(tmp_path / "city.tif", noise_bands(WIDTH, HEIGHT))
    labels = write_raster(tmp_path / "ids.tif", IDS)
    (tmp_path / "labels.txt").write_text("road\nbackground\nhouse\n")
    mask = whole(read(path, labels, labels=tmp_path / "labels.txt"))[1]
    assert np.array_equal(mask, np.array([1, 0, 2, *[0] * 252, IGNORE], np.uint8)[IDS])
    colours = np.array([[0, 0, 0], [128, 64, 0], [0, 0, 255], *[[0, 0, 0]] * 252, [224, 224, 192]], np.uint8)
    drawn = write_raster(tmp_path / "colours.tif", colours[IDS].transpose(2, 0, 1), photometric="RGB")
    (tmp_path / "map.txt").write_text("background:0,0,0::\nroad:128,64,0::\nhouse:0,0,255::\n")
    assert np.array_equal(whole(read(path, drawn, labels=tmp_path / "map.txt"))[1], IDS)


def test_black_and_white(tmp_path: Path) -> None:
    path = write_raster(tmp_path / "city.tif", noise_bands(WIDTH, HEIGHT))
    labels = write_raster(tmp_path / "gt.tif", np.where(IDS == 1, 255, 0).astype(np.uint8), nodata=255)
    (tmp_path / "labels.txt").write_text("building\n")
    assert "pass --binary" in read(path, labels, labels=tmp_path / "labels.txt").no_foreground
    source = read(path, labels, labels=tmp_path / "labels.txt", binary=True)
    assert np.array_equal(whole(source)[1], IDS == 1)


@pytest.mark.parametrize(("nodata", "value"), [(-9999, -9999), (200, 200), (0, 0)])
def test_what_a_raster_of_labels_calls_no_data_is_ignore_unless_it_is_a_class(
    tmp_path: Path, nodata: int, value: int, capsys: pytest.CaptureFixture[str]
) -> None:
    path = write_raster(tmp_path / "city.tif", noise_bands(WIDTH, HEIGHT))
    ids = IDS.astype(np.int16)
    ids[100:, :] = value
    labels = write_raster(tmp_path / "ids.tif", ids, nodata=nodata)
    (tmp_path / "labels.txt").write_text("background\nroad\nhouse\n")
    mask = whole(read(path, labels, labels=tmp_path / "labels.txt"))[1]
    assert (mask[100:] == (0 if value == 0 else IGNORE)).all()
    assert np.array_equal(mask[:100], IDS[:100])
    assert ("calls its value 0 no data; a class has it" in capsys.readouterr().err) == (value == 0)


GAP = np.s_[:, :70, :64]


@pytest.mark.parametrize("how", ["nodata", "alpha", "mask", "nan", "nan and nodata"])
def test_pixels_without_data_are_ignore_and_black_and_tiles_of_them_are_left_out(
    tmp_path: Path, how: str, capsys: pytest.CaptureFixture[str]
) -> None:
    bands = noise_bands(WIDTH, HEIGHT)
    expected = np.ascontiguousarray(bands.transpose(1, 2, 0)).copy()
    tiles = TileOptions(side=64, least=32)
    if how == "nodata":
        bands[GAP] = 0
        bands[0, 90, 90] = 0  # black in one band only is a colour
        expected[90, 90, 0] = 0
        path = write_raster(tmp_path / "city.tif", bands, nodata=0)
    elif how == "alpha":
        opaque = np.full((1, HEIGHT, WIDTH), 255, np.uint8)
        opaque[GAP] = 0
        path = write_raster(tmp_path / "city.tif", np.concatenate([bands, opaque]), alpha=True, photometric="RGB")
    elif how == "mask":
        path = write_raster(tmp_path / "city.tif", bands)
        with rasterio.Env(GDAL_TIFF_INTERNAL_MASK=True), rasterio.open(path, "r+") as raster:
            valid = np.ones((HEIGHT, WIDTH), bool)
            valid[GAP[1:]] = False
            raster.write_mask(valid)
    else:
        deep = bands.astype(np.float32)
        deep[GAP] = -1 if "nodata" in how else np.nan
        deep[1, 80, 80] = np.nan  # red and blue alone are no colour
        path = write_raster(tmp_path / "city.tif", deep, nodata=-1 if "nodata" in how else None)
        tiles = TileOptions(side=64, least=32, values=parse_range("0:255"))
        expected[80, 80] = 0
    expected[GAP[1:]] = 0
    features = [polygon(on_earth([(0, 0), (WIDTH, 0), (WIDTH, HEIGHT), (0, HEIGHT)]))]
    source = read(path, write_geojson(tmp_path / "all.geojson", features), tiles=tiles)
    image, mask = whole(source)
    told = capsys.readouterr().err
    assert [(each.reason, each.count) for each in source.left_out] == [("tiles without data", 1)]
    assert "ignore in masks" in told
    assert len(source.images) == 3
    assert (mask[:64, :64] == 99).all()
    assert (mask[64:70, :64] == IGNORE).all()
    image[:64, :64] = 0
    assert np.array_equal(image, expected)
    gaps = int((mask == IGNORE).sum())
    assert gaps == 6 * 64 + ("nan" in how)


def test_bands_and_values_are_those_that_were_said(tmp_path: Path) -> None:
    bands = np.random.default_rng(2).integers(0, 5000, (4, HEIGHT, WIDTH)).astype(np.uint16)
    path = write_raster(tmp_path / "city.tif", bands, photometric="MINISBLACK")
    labels = write_geojson(tmp_path / "all.geojson", [polygon(on_earth(SQUARE))])
    values = parse_range("0:4000,100:3000,0:5000")
    image, _ = whole(read(path, labels, tiles=TileOptions((4, 2, 1), values, 64, 32)))
    assert np.array_equal(image, to_8_bits(bands[[3, 1, 0]].transpose(1, 2, 0), values))
    grey, _ = whole(read(path, labels, tiles=TileOptions((2,), parse_range("0:5000"), 64, 32)))
    assert np.array_equal(grey, np.repeat(to_8_bits(bands[1][..., None], parse_range("0:5000")), 3, axis=2))


@pytest.mark.parametrize(
    ("colours", "expected"),
    [
        (["blue", "green", "red"], (3, 2, 1)),
        (["gray", "alpha"], (1,)),
        (["gray"], (1,)),
        (["red", "green", "blue", "alpha"], (1, 2, 3)),
    ],
)
def test_a_raster_may_say_itself_what_its_bands_are(
    tmp_path: Path, colours: list[str], expected: tuple[int, ...]
) -> None:
    from prep.readers.geo.raster import choose_bands

    bands = noise_bands(WIDTH, HEIGHT, len(colours))
    path = write_raster(
        tmp_path / "a.tif", bands, colours=colours, photometric="RGB" if colours[0] == "red" else "MINISBLACK"
    )
    assert choose_bands(look_at_raster(path, "a.tif"), None) == expected


def test_groups_are_rasters_or_squares_of_tiles(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for name in ("north/a", "b"):
        write_raster(tmp_path / f"rasters/{name}.tif", noise_bands(WIDTH, HEIGHT))
    labels = write_geojson(tmp_path / "all.geojson", [polygon(on_earth(SQUARE))])
    two = read(tmp_path / "rasters", labels)
    assert {each.group for each in two.images} == {"north/a", "b"}
    assert {each.attributes["raster"] for each in two.images} == {"north/a.tif", "b.tif"}
    assert "one raster alone" not in capsys.readouterr().err
    squares = read(tmp_path / "rasters", labels, tiles=TileOptions(side=32, least=16, group_tiles=2))
    groups = {each.source: each.group for each in squares.images}
    assert groups["b_r001_c003.png"] == groups["b_r000_c002.png"] == "b_r000_c001"
    assert groups["b_r002_c003.png"] == "b_r001_c001"
    alone = read(tmp_path / "rasters/b.tif", labels)
    assert len({each.group for each in alone.images}) == len(alone.images) == 4
    assert "note: one raster alone: each of its 4 tiles is a group" in capsys.readouterr().err


def test_each_raster_may_have_labels_of_its_own(tmp_path: Path) -> None:
    for number, name in enumerate(("a", "b", "c")):
        write_raster(tmp_path / f"rasters/{name}.tif", noise_bands(WIDTH, HEIGHT, seed=number))
    for name, x in (("a", 0), ("b", 50)):
        corners = on_earth([(x, 0), (x + 40, 0), (x + 40, 50), (x, 50)])
        write_geojson(tmp_path / f"labels/{name}.geojson", [polygon(corners)])
    source = read_geotiff(tmp_path / "rasters", LabelChoice(tmp_path / "labels", class_field="class"), TileOptions())
    assert [(each.reason, each.count) for each in source.left_out] == [("rasters without labels", 1)]
    assert (whole(source, name="a")[1][10, 20], whole(source, name="b")[1][10, 20]) == (1, 0)


def test_a_raster_that_no_memory_holds_is_read_by_windows(tmp_path: Path) -> None:
    """Thirty gigabytes of pixels, of which the file holds one block."""
    side, block, path = 100_000, noise_bands(64, 64), tmp_path / "country.tif"
    told = {"width": side, "height": side, "count": 3, "dtype": "uint8", "crs": UTM, "transform": PLACE}
    tiled = {"tiled": True, "blockxsize": 256, "blockysize": 256, "sparse_ok": True, "bigtiff": "YES"}
    with rasterio.open(path, "w", driver="GTiff", photometric="RGB", **told, **tiled) as raster:
        raster.write(block, window=rasterio.windows.Window(side - 64, side - 64, 64, 64))
    corners = on_earth([(side - 50, side - 60), (side, side - 60), (side, side - 10), (side - 50, side - 10)])
    labels = write_geojson(tmp_path / "all.geojson", [polygon(corners)])
    source = read(path, labels, tiles=TileOptions(side=2048, least=512))
    assert len(source.images) == 49**2
    last = source.images[-1]
    assert np.array_equal(decode_image(read_content(last))[-64:, -64:], block.transpose(1, 2, 0))
    mask = last.mask.read()
    assert (mask[-60:-10, -50:] == 1).all()
    assert mask.sum() == 50 * 50


def test_a_dataset_keeps_the_place_of_its_tiles(tmp_path: Path) -> None:
    path = write_raster(tmp_path / "city.tif", noise_bands(WIDTH, HEIGHT))
    labels = write_geojson(tmp_path / "all.geojson", random_features(WIDTH, HEIGHT, 20, 1))
    source = read(path, labels)
    write_dataset(source, tmp_path / "dataset", PrepOptions(crop=32, val=1, workers=1))
    told = read_georeference(tmp_path / "dataset")
    assert told == source.georeference
    assert told
    assert {row.source for row in open_dataset(tmp_path / "dataset").rows} == {t.source for t in told.rasters[0].tiles}


def test_tiles_to_predict_are_those_of_a_dataset(tmp_path: Path) -> None:
    deep = np.random.default_rng(2).integers(0, 5000, (3, HEIGHT, WIDTH)).astype(np.uint16)
    path = write_raster(tmp_path / "in/city.tif", deep, photometric="RGB")
    tiles = TileOptions(values=parse_range("0:5000"), side=64, least=32)
    source = read(path, write_geojson(tmp_path / "all.geojson", [polygon(on_earth(SQUARE))]), tiles=tiles)
    assert write_tiles(tmp_path / "in", tmp_path / "tiles", tiles, overwrite=False, workers=1) == len(source.images)
    assert read_georeference(tmp_path / "tiles") == source.georeference
    for image in source.images:
        assert np.array_equal(read_image(tmp_path / "tiles" / image.source), decode_image(read_content(image)))


far, side = st.floats(-1e7, 1e7), st.floats(1e-6, 1e6)
_LETTERS = st.characters(exclude_characters="\0", codec="utf-8")
names = st.text(_LETTERS, min_size=1)
rasters = st.builds(
    Raster,
    names.filter(is_inside),
    st.integers(20_000, 10**6),
    st.integers(20_000, 10**6),
    st.text(_LETTERS),
    st.tuples(side, st.just(0.0), far, st.just(0.0), side.map(lambda width: -width), far),
    st.lists(st.integers(1, 12), min_size=1, max_size=3).map(tuple),
    st.lists(
        st.builds(Tile, names, st.builds(Box, *[st.integers(0, 9999)] * 2, *[st.integers(1, 9999)] * 2)),
        unique_by=lambda t: t.source,
    ).map(tuple),
)


@settings(max_examples=25)
@given(st.lists(rasters, max_size=3).map(tuple), st.sampled_from(["none", "0:3000"]))
def test_a_place_on_earth_reads_back(told: tuple[Raster, ...], values: str) -> None:
    import tempfile

    with tempfile.TemporaryDirectory() as folder:
        write_georeference(Path(folder), Georeference(told, values))
        assert read_georeference(Path(folder)) == Georeference(told, values)


@pytest.mark.parametrize(
    "change",
    [
        *({side: value} for side in ("width", "height") for value in (0, -1, 1.5, "9", True, 2**31, None)),
        *({"tiles": {"a": box}} for box in ([-1, 0, 4, 4], [0, 0, 0, 4], [60, 0, 9, 9], [0, 0, 4], [0, 0, 4, 4, 4])),
        *({"transform": six} for six in ([0] * 6, [1, 2, 0, 2, 4, 0], [1, 0, 0, 0, float("inf"), 0], [1] * 5)),
        *({"bands": bands} for bands in ([0], [-1], ["red"], 3)),
    ],
)
def test_a_place_that_cannot_be_is_refused(tmp_path: Path, change: dict[str, object]) -> None:
    raster = {"name": "a.tif", "width": 64, "height": 48, "crs": "", "bands": [1], "tiles": {"a.png": [0, 0, 64, 48]}}
    raster |= {"transform": [1, 0, 0, 0, -1, 0]}
    (tmp_path / "georeference.json").write_text(json.dumps({"range": "none", "rasters": [raster]}))
    assert read_georeference(tmp_path)
    (tmp_path / "georeference.json").write_text(json.dumps({"range": "none", "rasters": [raster | change]}))
    with pytest.raises(SagesegError, match=r"georeference\.json: not what sageseg writes"):
        read_georeference(tmp_path)


@pytest.mark.parametrize("text", ["", "[]", "{}", '{"range": "none", "rasters": [{"tiles": {"a": [1]}}]}'])
def test_a_broken_file_of_places_is_named(tmp_path: Path, text: str) -> None:
    (tmp_path / "georeference.json").write_text(text)
    with pytest.raises(SagesegError, match=r"georeference\.json: not what sageseg writes"):
        read_georeference(tmp_path)
