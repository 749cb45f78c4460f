"""What is wrong with rasters, and with what labels them, is one line that says where and what to do."""

import json
import re
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import rasterio

from formats import limits
from formats.errors import SagesegError
from formats.prepared.value_range import parse_range
from prep.readers.geo.labels import LabelChoice
from prep.readers.geo.raster import look_at_raster
from prep.readers.geo.reader import TileOptions, cut_rasters, read_geotiff
from tests.support.geo_samples import PLACE, noise_bands, on_earth, polygon, write_geojson, write_raster
from tests.support.typed_commands import typed

SIZE = 40
SQUARE = on_earth([(5, 5), (30, 5), (30, 30), (5, 30)])


def city(folder: Path, bands: Any = None, **profile: Any) -> Path:
    return write_raster(folder / "city.tif", noise_bands(SIZE, SIZE) if bands is None else bands, **profile)


def refused(path: Path, choice: LabelChoice, tiles: TileOptions | None = None) -> str:
    with pytest.raises(SagesegError) as caught:
        read_geotiff(path, choice, tiles or TileOptions(side=32, least=16), workers=1)
    assert "\n" not in str(caught.value)
    return str(caught.value)


def broken_ring(ring: Any) -> dict[str, Any]:
    return polygon(SQUARE, geometry={"type": "Polygon", "coordinates": [ring]})


FEATURES: dict[str, tuple[Any, str]] = {
    "class missing": (
        [polygon(SQUARE), polygon(SQUARE, None)],
        r"features\[1\]: its property class is null.*here: none",
    ),
    "class null": ([polygon(SQUARE, properties={"class": None, "kind": "road"})], r"features\[0\].*here: class, kind"),
    "class a list": (
        [polygon(SQUARE, properties={"class": ["road"]})],
        r'features\[0\]: its property class is \["road"\]',
    ),
    "empty": ([], "no feature in it; expected polygons"),
    "lines": (
        [polygon(SQUARE, geometry={"type": "LineString", "coordinates": SQUARE})],
        r"no polygon in it \(1 LineString",
    ),
    "outside": (
        [polygon([(0, 0), (9, 0), (9, 9)]), polygon([(0, 0), (5, 0), (9, 9)])],
        "all 2 polygons lie outside the rasters",
    ),
    "two points": (
        [polygon(SQUARE), broken_ring([[1, 1], [2, 2], [1, 1]])],
        r"features\[1\]\.geometry\.coordinates\[0\]: a ring of 2 point",
    ),
    "no numbers": (
        [broken_ring([["a", 1], [2, 2], [3, 3]])],
        r"features\[0\]\.geometry\.coordinates\[0\]: .*expected points",
    ),
    "flat": ([broken_ring([1, 2, 3, 4])], r"features\[0\]\.geometry\.coordinates\[0\]: .*expected points"),
    "not finite": ([broken_ring([[1, 1], [float("nan"), 2], [3, 3]])], r"features\[0\].*no finite number"),
    "no feature": (["road"], r"features\[0\]: road is no feature"),
    "no list": (
        [polygon(SQUARE, geometry={"type": "Polygon", "coordinates": None})],
        r"features\[0\].*expected a list of rings",
    ),
    "properties a list": ([polygon(SQUARE, properties=["road"])], r'features\[0\]: properties is \["road"\]'),
    "geometries no list": (
        [polygon(SQUARE, geometry={"type": "GeometryCollection", "geometries": 5})],
        r"features\[0\]\.geometry: 5; expected a list of geometries",
    ),
    "number without end": ([broken_ring([[10**400, 1], [2, 2], [3, 3]])], r"coordinates\[0\]: .*expected points"),
}


@pytest.mark.parametrize("name", FEATURES)
def test_features(tmp_path: Path, name: str) -> None:
    features, expected = FEATURES[name]
    labels = write_geojson(tmp_path / "all.geojson", features)
    told = refused(city(tmp_path), LabelChoice(labels, class_field="class"))
    assert told.startswith(f"{labels}: ")
    assert re.search(expected, told), told


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("", "not JSON"),
        ("{", "not JSON"),
        ("[" * 100_000, "not JSON"),
        ('{"type": "Feature"}\n{"type": "Feature"}', "not JSON"),
        ('{"type": "Topology", "objects": {}}', "Topology; expected GeoJSON"),
        ("[1, 2]", "no object; expected GeoJSON"),
        ('{"shapes": []}', "an object without type; expected GeoJSON"),
        ('{"features": [], "crs": 3}', "no feature in it"),
    ],
)
def test_what_is_no_geojson(tmp_path: Path, text: str, expected: str) -> None:
    (tmp_path / "all.geojson").write_text(text)
    assert expected in refused(city(tmp_path), LabelChoice(tmp_path / "all.geojson", class_field="class"))


@pytest.mark.parametrize(
    ("crs", "expected"),
    [("EPSG:999999", "EPSG:999999 is no coordinate reference system"), ("EPSG:4326", "has no place|lie outside")],
)
def test_coordinates_in_another_system_than_the_file_says(tmp_path: Path, crs: str, expected: str) -> None:
    labels = write_geojson(tmp_path / "all.geojson", [polygon(SQUARE)], crs)
    assert re.search(expected, refused(city(tmp_path), LabelChoice(labels, class_field="class")))


def test_a_crs_that_is_none(tmp_path: Path) -> None:
    labels = write_geojson(tmp_path / "all.geojson", [polygon(SQUARE)])
    content = json.loads(labels.read_text()) | {"crs": "EPSG:25832"}
    labels.write_text(json.dumps(content))
    told = refused(city(tmp_path), LabelChoice(labels, class_field="class"))
    assert 'all.geojson: crs is "EPSG:25832"; expected' in told


def test_a_raster_without_place_on_earth_beside_geojson(tmp_path: Path) -> None:
    labels = write_geojson(tmp_path / "all.geojson", [polygon(SQUARE)])
    told = refused(city(tmp_path, crs=None), LabelChoice(labels, class_field="class"))
    assert "city.tif: no coordinate reference system, so all.geojson has no place on it" in told


@pytest.mark.parametrize("choice", [{}, {"class_field": "class", "one_class": "road"}])
def test_the_class_must_be_said_once(tmp_path: Path, choice: dict[str, Any]) -> None:
    labels = write_geojson(tmp_path / "all.geojson", [polygon(SQUARE)])
    assert "--class-field which property is the class, or with --class" in refused(
        city(tmp_path), LabelChoice(labels, **choice)
    )


def test_a_class_beyond_the_list(tmp_path: Path) -> None:
    labels = write_geojson(tmp_path / "all.geojson", [polygon(SQUARE), polygon(SQUARE, "raod")])
    (tmp_path / "labels.txt").write_text("road\n")
    told = refused(city(tmp_path), LabelChoice(labels, tmp_path / "labels.txt", class_field="class"))
    assert "all.geojson: features[1]: class raod stands not in" in told


def palette(folder: Path) -> Path:
    path = city(folder, noise_bands(SIZE, SIZE, 1))
    with rasterio.open(path, "r+") as raster:
        raster.write_colormap(1, {value: (value, 0, 0) for value in range(256)})
    return path


def text(path: Path) -> Path:
    path.parent.mkdir(exist_ok=True)
    path.write_text("nothing of the kind")
    return path


BANDS: dict[str, tuple[Callable[[Path], Path], TileOptions, str]] = {
    "five bands": (lambda f: city(f, noise_bands(SIZE, SIZE, 5)), TileOptions(), "5 bands .*--bands 3,2,1"),
    "two bands": (lambda f: city(f, noise_bands(SIZE, SIZE, 2), photometric="MINISBLACK"), TileOptions(), "2 bands"),
    "beyond": (city, TileOptions((1, 2, 4)), "--bands 4: it has 3 bands"),
    "palette": (palette, TileOptions(), "places of a palette"),
    "complex": (lambda f: city(f, noise_bands(SIZE, SIZE, 1).astype(np.complex64)), TileOptions(), "type complex64"),
    "deep": (
        lambda f: city(f, np.full((3, SIZE, SIZE), 1200, np.uint16), photometric="RGB"),
        TileOptions(),
        r"bands 1,2,3: uint16, values 1200 to 1200, the middle 96 % from 1200 to 1200.*--range LOW:HIGH",
    ),
    "float": (
        lambda f: city(f, np.full((1, SIZE, SIZE), 0.25, np.float32)),
        TileOptions(),
        "band 1|float32, values 0.25 to 0.25",
    ),
    "pairs": (
        lambda f: city(f, np.full((3, SIZE, SIZE), 1200, np.uint16), photometric="RGB"),
        TileOptions(values=parse_range("0:9,0:9")),
        "2 pairs for bands 1,2,3",
    ),
    "8 bits": (city, TileOptions(values=parse_range("0:9")), "8 bits a band, and --range 0:9"),
    "nodata everywhere": (
        lambda f: city(f, np.zeros((3, SIZE, SIZE), np.uint8), nodata=0),
        TileOptions(),
        "no pixel with data in bands 1,2,3",
    ),
    "all NaN": (
        lambda f: city(f, np.full((1, SIZE, SIZE), np.nan, np.float32)),
        TileOptions(values=parse_range("0:1")),
        "no pixel with data in bands 1",
    ),
    "all NaN and no range": (
        lambda f: city(f, np.full((1, SIZE, SIZE), np.nan, np.float32)),
        TileOptions(),
        "no value that is a number",
    ),
    "no raster": (lambda f: text(f / "city.tif"), TileOptions(), "cannot be read as a raster"),
    "nothing": (lambda f: f / "absent.tif", TileOptions(), "not found; expected a raster"),
    "empty folder": (lambda f: text(f / "x" / "notes.txt").parent, TileOptions(), "no .*tif.* file in it"),
}


@pytest.mark.parametrize("name", BANDS)
def test_rasters(tmp_path: Path, name: str) -> None:
    make, tiles, expected = BANDS[name]
    labels = write_geojson(tmp_path / "all.geojson", [polygon(SQUARE)])
    assert re.search(expected, refused(make(tmp_path), LabelChoice(labels, class_field="class"), tiles))


IDS = np.zeros((SIZE, SIZE), np.uint8)
IDS[3:9, 3:9] = 1
GRIDS: dict[str, tuple[Any, dict[str, Any], str]] = {
    "size": (IDS[:-1], {}, f"{SIZE}×{SIZE - 1} pixels, but city.tif has {SIZE}×{SIZE}"),
    "shifted": (IDS, {"transform": PLACE @ rasterio.Affine.translation(1, 0)}, "up to 1 pixels from"),
    "coarser": (IDS, {"transform": PLACE @ rasterio.Affine.scale(1.01)}, "up to 0.4 pixels from"),
    "crs": (IDS, {"crs": "EPSG:25833"}, "in another coordinate reference system"),
    "float": (IDS.astype(np.float32), {}, "1 band.s. of float32; expected one band of class ids"),
    "two bands": (np.stack([IDS, IDS]), {"photometric": "MINISBLACK"}, "2 band.s. of uint8"),
    "colours": (np.stack([IDS] * 3), {"photometric": "RGB"}, "holds colours; expected the list"),
    "beyond the list": (IDS * 7, {}, "value 7 is no class"),
    "negative": (-IDS.astype(np.int16), {}, "value -1 is no class"),
    "no ids": (np.arange(SIZE * SIZE, dtype=np.uint16).reshape(SIZE, SIZE), {}, "over 256 values, from 0 to"),
}


@pytest.mark.parametrize("name", GRIDS)
def test_rasters_of_labels(tmp_path: Path, name: str) -> None:
    values, profile, expected = GRIDS[name]
    labels = write_raster(tmp_path / "ids.tif", values, **profile)
    (tmp_path / "labels.txt").write_text("background\nroad\n")
    told = refused(city(tmp_path), LabelChoice(labels, tmp_path / "labels.txt"))
    assert re.search(expected, told), told
    assert "ids.tif" in told


@pytest.mark.parametrize("extra", [{"class_field": "class"}, {"one_class": "road"}])
def test_a_raster_of_labels_has_no_properties(tmp_path: Path, extra: dict[str, Any]) -> None:
    labels = write_raster(tmp_path / "ids.tif", IDS)
    assert "only for polygons" in refused(city(tmp_path), LabelChoice(labels, **extra))
    assert "nobody says what its values mean" in refused(city(tmp_path), LabelChoice(labels))


def test_labels_and_rasters_that_do_not_meet(tmp_path: Path) -> None:
    write_raster(tmp_path / "rasters/a.tif", noise_bands(SIZE, SIZE))
    write_raster(tmp_path / "rasters/b.tif", noise_bands(SIZE, SIZE))
    one = write_raster(tmp_path / "ids.tif", IDS)
    assert "one raster of labels for 2 rasters" in refused(tmp_path / "rasters", LabelChoice(one))
    (tmp_path / "labels").mkdir()
    folder = LabelChoice(tmp_path / "labels", class_field="class")
    assert "no GeoJSON and no raster in it" in refused(tmp_path / "rasters", folder)
    write_geojson(tmp_path / "labels/c.geojson", [polygon(SQUARE)])
    assert "c.geojson: no raster c among" in refused(tmp_path / "rasters", folder)
    write_raster(tmp_path / "rasters/c.tif", noise_bands(SIZE, SIZE))
    write_raster(tmp_path / "labels/a.tif", IDS)
    assert "some labels are GeoJSON and some are rasters" in refused(tmp_path / "rasters", folder)
    write_geojson(tmp_path / "labels/a.json", [polygon(SQUARE)])
    assert "two files of one stem" in refused(tmp_path / "rasters", folder)
    assert "absent: not found" in refused(tmp_path / "rasters", LabelChoice(tmp_path / "absent"))


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        (["--bands", "1,2"], "--bands 1,2: expected three bands"),
        (["--bands", "0"], "--bands 0: expected three bands"),
        (["--bands", "r,g,b"], "--bands r,g,b: expected three bands"),
        (["--range", "9:3"], "--range 9:3: 9:3 has no values between"),
        (["--tile", "100"], "--tile 100: smaller than a crop of 512"),
    ],
)
def test_options(tmp_path: Path, words: list[str], expected: str) -> None:
    city(tmp_path)
    write_geojson(tmp_path / "all.geojson", [polygon(SQUARE)])
    line = ["prep", "geotiff", "city.tif", "--labels-from", "all.geojson", "--class-field", "class", "--out", "dataset"]
    ran = typed([*line, *words], tmp_path)
    assert (ran.returncode, ran.stderr.count("\n")) == (1, 1)
    assert expected in ran.stderr
    assert not (tmp_path / "dataset").exists()


def test_without_rasterio_one_line_says_what_to_install(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path, labels = city(tmp_path), write_geojson(tmp_path / "all.geojson", [polygon(SQUARE)])
    monkeypatch.setitem(sys.modules, "rasterio", None)
    assert "needs rasterio" in (told := refused(path, LabelChoice(labels, class_field="class")))
    assert "pip install -e '.[geo]'" in told


@pytest.mark.parametrize(
    ("side", "most_pixels", "most_files", "message"),
    [
        (64, 64 * 48 - 1, 10**6, r"a tile of --tile 64: 64×48 pixels; expected 1 to .*: choose a smaller --tile"),
        (16, 10**6, 11, r"64×48 pixels are 12 tiles, over 11; choose a larger --tile"),
    ],
)
def test_tiles_that_are_too_large_or_too_many_are_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, side: int, most_pixels: int, most_files: int, message: str
) -> None:
    raster = look_at_raster(write_raster(tmp_path / "city.tif", noise_bands(64, 48)), "city.tif")
    tiles = TileOptions(side=side, least=1)
    assert cut_rasters([raster], tiles, 1)[0]
    monkeypatch.setattr(limits, "MOST_PIXELS", most_pixels)
    monkeypatch.setattr(limits, "MOST_FILES", most_files)
    with pytest.raises(SagesegError, match=message):
        cut_rasters([raster], tiles, 1)
