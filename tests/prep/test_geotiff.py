"""Rasters on earth become datasets: every pixel as rasterio gives it of the whole raster, tile by tile."""

from pathlib import Path

import numpy as np
import pytest
import rasterio
from hypothesis import given, settings
from hypothesis import strategies as st

from formats.classes import IGNORE
from formats.dataset import open_dataset
from formats.images import decode_image, read_image
from formats.prepared.eight_bits import to_8_bits
from formats.prepared.georeference import read_georeference
from formats.prepared.value_range import parse_range
from prep.dataset.writer import write_dataset
from prep.options import PrepOptions
from prep.readers.geo.raster import look_at_raster
from prep.readers.geo.reader import TileOptions
from prep.readers.geo.tile_folder import write_tiles
from prep.readers.geo.tiles import tile_grid
from prep.readers.labelled_image import read_content
from tests.support.geo_readings import HEIGHT, SQUARE, WIDTH, put_together, read_tiles
from tests.support.geo_samples import (
    PLACE,
    UTM,
    noise_bands,
    on_earth,
    polygon,
    random_features,
    write_geojson,
    write_raster,
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
    source = read_tiles(path, write_geojson(tmp_path / "all.geojson", features), tiles=tiles)
    image, mask = put_together(source)
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
    image, _ = put_together(read_tiles(path, labels, tiles=TileOptions((4, 2, 1), values, 64, 32)))
    assert np.array_equal(image, to_8_bits(bands[[3, 1, 0]].transpose(1, 2, 0), values))
    grey, _ = put_together(read_tiles(path, labels, tiles=TileOptions((2,), parse_range("0:5000"), 64, 32)))
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
    two = read_tiles(tmp_path / "rasters", labels)
    assert {each.group for each in two.images} == {"north/a", "b"}
    assert {each.attributes["raster"] for each in two.images} == {"north/a.tif", "b.tif"}
    assert "one raster alone" not in capsys.readouterr().err
    squares = read_tiles(tmp_path / "rasters", labels, tiles=TileOptions(side=32, least=16, group_tiles=2))
    groups = {each.source: each.group for each in squares.images}
    assert groups["b_r001_c003.png"] == groups["b_r000_c002.png"] == "b_r000_c001"
    assert groups["b_r002_c003.png"] == "b_r001_c001"
    alone = read_tiles(tmp_path / "rasters/b.tif", labels)
    assert len({each.group for each in alone.images}) == len(alone.images) == 4
    assert "note: one raster alone: each of its 4 tiles is a group" in capsys.readouterr().err


def test_a_raster_that_no_memory_holds_is_read_by_windows(tmp_path: Path) -> None:
    """Thirty gigabytes of pixels, of which the file holds one block."""
    side, block, path = 100_000, noise_bands(64, 64), tmp_path / "country.tif"
    told = {"width": side, "height": side, "count": 3, "dtype": "uint8", "crs": UTM, "transform": PLACE}
    tiled = {"tiled": True, "blockxsize": 256, "blockysize": 256, "sparse_ok": True, "bigtiff": "YES"}
    with rasterio.open(path, "w", driver="GTiff", photometric="RGB", **told, **tiled) as raster:
        raster.write(block, window=rasterio.windows.Window(side - 64, side - 64, 64, 64))
    corners = on_earth([(side - 50, side - 60), (side, side - 60), (side, side - 10), (side - 50, side - 10)])
    labels = write_geojson(tmp_path / "all.geojson", [polygon(corners)])
    source = read_tiles(path, labels, tiles=TileOptions(side=2048, least=512))
    assert len(source.images) == 49**2
    last = source.images[-1]
    assert np.array_equal(decode_image(read_content(last))[-64:, -64:], block.transpose(1, 2, 0))
    mask = last.mask.read()
    assert (mask[-60:-10, -50:] == 1).all()
    assert mask.sum() == 50 * 50


def test_a_dataset_keeps_the_place_of_its_tiles(tmp_path: Path) -> None:
    path = write_raster(tmp_path / "city.tif", noise_bands(WIDTH, HEIGHT))
    labels = write_geojson(tmp_path / "all.geojson", random_features(WIDTH, HEIGHT, 20, 1))
    source = read_tiles(path, labels)
    write_dataset(source, tmp_path / "dataset", PrepOptions(crop=32, val=1, workers=1))
    told = read_georeference(tmp_path / "dataset")
    assert told == source.georeference
    assert told
    assert {row.source for row in open_dataset(tmp_path / "dataset").rows} == {t.source for t in told.rasters[0].tiles}


def test_tiles_to_predict_are_those_of_a_dataset(tmp_path: Path) -> None:
    deep = np.random.default_rng(2).integers(0, 5000, (3, HEIGHT, WIDTH)).astype(np.uint16)
    path = write_raster(tmp_path / "in/city.tif", deep, photometric="RGB")
    tiles = TileOptions(values=parse_range("0:5000"), side=64, least=32)
    source = read_tiles(path, write_geojson(tmp_path / "all.geojson", [polygon(on_earth(SQUARE))]), tiles=tiles)
    assert write_tiles(tmp_path / "in", tmp_path / "tiles", tiles, overwrite=False, workers=1) == len(source.images)
    assert read_georeference(tmp_path / "tiles") == source.georeference
    for image in source.images:
        assert np.array_equal(read_image(tmp_path / "tiles" / image.source), decode_image(read_content(image)))
