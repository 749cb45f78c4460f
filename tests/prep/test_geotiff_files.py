"""Which files are rasters, and which of them label which; and that no raster is passed over."""

import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from html import escape
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from threading import Thread

import numpy as np
import pytest
from PIL import Image

from formats.errors import SagesegError
from prep.readers.geo.labels import LabelChoice
from prep.readers.geo.raster import look_at_raster
from prep.readers.geo.reader import TileOptions, read_geotiff
from prep.readers.geo.tile_folder import write_tiles
from tests.support.geo_samples import noise_bands, on_earth, polygon, write_geojson, write_raster
from tests.support.typed_commands import typed

TILES = TileOptions(side=64, least=32)
SQUARE = on_earth([(5, 5), (30, 5), (30, 30), (5, 30)])
OTHER = on_earth([(10, 10), (35, 10), (35, 35), (10, 35)])


def rasters(root: Path, *names: str) -> Path:
    for number, name in enumerate(names):
        write_raster(root / name, noise_bands(40, 40, seed=number))
    return root


def foreground(root: Path, labels: Path) -> dict[str, int]:
    """How many pixels of each image are labelled, and of which first."""
    source = read_geotiff(root, LabelChoice(labels, class_field="class"), TILES, workers=1)
    return {image.source: int(np.argmax(image.mask.read() > 0)) for image in source.images}


def test_polygons_may_lie_in_the_folder_of_their_rasters(tmp_path: Path) -> None:
    rasters(tmp_path, "a.tif", "b.tif")
    write_geojson(tmp_path / "a.geojson", [polygon(SQUARE)])
    write_geojson(tmp_path / "b.geojson", [polygon(OTHER)])
    assert foreground(tmp_path, tmp_path) == {"a_r000_c000.png": 5 * 40 + 5, "b_r000_c000.png": 10 * 40 + 10}


def test_rasters_of_labels_in_the_folder_of_the_images_are_no_images(tmp_path: Path) -> None:
    rasters(tmp_path, "a.tif", "b.tif")
    for name in "ab":
        write_raster(tmp_path / "masks" / f"{name}.tif", np.eye(40, dtype=np.uint8))
    (tmp_path / "labels.txt").write_text("_background_\nroad\n")
    choice = LabelChoice(tmp_path / "masks", tmp_path / "labels.txt")
    source = read_geotiff(tmp_path, choice, TILES, workers=1)
    assert [image.source for image in source.images] == ["a_r000_c000.png", "b_r000_c000.png"]
    assert not source.left_out


def test_rasters_of_one_stem_have_labels_by_their_paths(tmp_path: Path) -> None:
    rasters(tmp_path / "in", "x/a.tif", "y/a.tif")
    write_geojson(tmp_path / "labels" / "x" / "a.geojson", [polygon(SQUARE)])
    write_geojson(tmp_path / "labels" / "y" / "a.geojson", [polygon(OTHER)])
    assert foreground(tmp_path / "in", tmp_path / "labels") == {
        "x/a_r000_c000.png": 5 * 40 + 5,
        "y/a_r000_c000.png": 10 * 40 + 10,
    }


def test_labels_that_two_rasters_of_one_stem_may_have_are_refused(tmp_path: Path) -> None:
    rasters(tmp_path / "in", "x/a.tif", "y/a.tif")
    write_geojson(tmp_path / "labels" / "a.geojson", [polygon(SQUARE)])
    with pytest.raises(SagesegError, match=r"a\.geojson: no raster a .*some rasters have one stem, so paths must"):
        foreground(tmp_path / "in", tmp_path / "labels")


@pytest.mark.parametrize("suffix", [".tiff", ".TIF", ".img"])
def test_rasters_whose_tiles_would_have_one_name_are_refused(tmp_path: Path, suffix: str) -> None:
    rasters(tmp_path / "in", "a.tif", "b.tif")
    shutil.copy(tmp_path / "in" / "b.tif", tmp_path / "in" / f"a{suffix}")
    with pytest.raises(SagesegError, match=r"a\.\w+ and a\.\w+: tiles are called by the raster's stem"):
        write_tiles(tmp_path / "in", tmp_path / "out", TILES, overwrite=False, workers=1)
    assert not (tmp_path / "out").exists()


def test_a_tiff_of_several_pages_is_refused(tmp_path: Path) -> None:
    pages = [Image.fromarray(np.full((40, 40), value, np.uint8)) for value in (1, 2, 3)]
    pages[0].save(tmp_path / "a.tif", save_all=True, append_images=pages[1:])
    with pytest.raises(SagesegError, match=r"a\.tif: 3 rasters in one file; .*gdal_translate GTIFF_DIR:1:"):
        write_tiles(tmp_path / "a.tif", tmp_path / "out", TILES, overwrite=False, workers=1)


def test_overviews_and_masks_in_a_file_are_no_pages(tmp_path: Path) -> None:
    import rasterio

    write_raster(tmp_path / "a.tif", noise_bands(128, 128))
    with rasterio.Env(GDAL_TIFF_INTERNAL_MASK=True), rasterio.open(tmp_path / "a.tif", "r+") as raster:
        raster.write_mask(np.full((128, 128), 255, np.uint8))
        raster.build_overviews([2, 4])
    assert write_tiles(tmp_path / "a.tif", tmp_path / "out", TILES, overwrite=False, workers=1) == 4


@pytest.mark.parametrize("kind", ["Polygon", "MultiPolygon"])
def test_polygons_without_points_are_counted(tmp_path: Path, kind: str) -> None:
    rasters(tmp_path, "a.tif")
    empty = polygon(SQUARE, geometry={"type": kind, "coordinates": []})
    labels = write_geojson(tmp_path / "all.geojson", [polygon(SQUARE), empty])
    source = read_geotiff(tmp_path / "a.tif", LabelChoice(labels, class_field="class"), TILES, workers=1)
    (left_out,) = source.left_out
    assert (left_out.reason, left_out.count) == (f"features that are no polygon ({kind} without points)", 1)
    assert left_out.example == f"{labels}: features[1]"


@pytest.mark.parametrize("text", ["", '{"type": "Feature"}'])
def test_a_refusal_of_labels_names_no_other_verb_for_the_rasters(tmp_path: Path, text: str) -> None:
    rasters(tmp_path, "a.tif")
    (tmp_path / "a.geojson").write_text(text)
    words = ["prep", "geotiff", "a.tif", "--labels-from", "a.geojson", "--class", "road", "--out", "out"]
    ran = typed(words, tmp_path)
    assert ran.returncode == 1
    assert "expected GeoJSON" in ran.stderr
    assert "this looks like" not in ran.stderr


@pytest.mark.parametrize(
    ("corners", "is_drawn"),
    [
        ([(5.6, 5.6), (6.4, 5.6), (6.4, 6.4)], False),
        ([(5.6, 5), (6.4, 5), (6.4, 30), (5.6, 30)], False),
        ([(5, 5.6), (30, 5.6), (30, 6.4), (5, 6.4)], False),
        ([(5.4, 5.4), (6.4, 5.4), (6.4, 6.4), (5.4, 6.4)], True),
    ],
)
def test_polygons_between_the_centres_of_pixels_are_counted(
    tmp_path: Path, corners: list[tuple[float, float]], is_drawn: bool
) -> None:
    rasters(tmp_path, "a.tif")
    labels = write_geojson(tmp_path / "all.geojson", [polygon(on_earth(corners)), polygon(OTHER)])
    source = read_geotiff(tmp_path / "a.tif", LabelChoice(labels, class_field="class"), TILES, workers=1)
    assert bool(source.images[0].mask.read()[:9].any()) == is_drawn
    expected = [] if is_drawn else [("features that lie between the centres of pixels", 1, f"{labels}: features[0]")]
    assert [(each.reason, each.count, each.example) for each in source.left_out] == expected


@contextmanager
def listening() -> Iterator[tuple[str, list[str]]]:
    """A server that has nothing, and what was asked of it."""
    asked: list[str] = []

    class Nothing(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            asked.append(self.path)
            self.send_error(404)

        do_HEAD = do_GET  # noqa: N815  # its names

        def log_message(self, *_: object) -> None:
            pass

    with HTTPServer(("127.0.0.1", 0), Nothing) as server:
        Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}", asked
        server.shutdown()


def vrt_of(source: object) -> str:
    return (
        '<VRTDataset rasterXSize="40" rasterYSize="40"><VRTRasterBand dataType="Byte" band="1"><SimpleSource>'
        f"<SourceFilename>{escape(str(source))}</SourceFilename><SourceBand>1</SourceBand></SimpleSource>"
        "</VRTRasterBand></VRTDataset>"
    )


def wms_of(url: str) -> str:
    corners = (
        "<UpperLeftX>0</UpperLeftX><UpperLeftY>1</UpperLeftY><LowerRightX>1</LowerRightX><LowerRightY>0</LowerRightY>"
    )
    return (
        f'<GDAL_WMS><Service name="TMS"><ServerUrl>{url}/${{z}}/${{x}}/${{y}}.png</ServerUrl></Service><DataWindow>'
        f"{corners}<SizeX>40</SizeX><SizeY>40</SizeY></DataWindow><BandsCount>1</BandsCount></GDAL_WMS>"
    )


def test_no_raster_has_anything_fetched(tmp_path: Path) -> None:
    """In a process of its own: GDAL keeps the formats that the first user in a process asked for."""
    with listening() as (url, asked):
        for name, text in (
            ("curl", vrt_of(f"/vsicurl/{url}/a.tif")),
            ("plain", vrt_of(f"{url}/a.tif")),
            ("zipped", vrt_of(f"/vsizip//vsicurl/{url}/a.zip/a.tif")),
            ("service", wms_of(url)),
            ("inner", vrt_of(wms_of(url))),
            ("zarr", vrt_of(f'ZARR:"/vsicurl/{url}/a"')),
        ):
            (tmp_path / f"{name}.tif").write_text(text)
        script = (
            "import sys\nfrom pathlib import Path\nfrom formats.errors import SagesegError\n"
            "from formats.prepared.rasters import open_raster\n"
            "for path in sorted(Path(sys.argv[1]).iterdir()):\n"
            "    try:\n        with open_raster(path) as raster: print(raster.files, raster.read().sum())\n"
            "    except SagesegError: print('refused')\n"
        )
        ran = subprocess.run(
            [sys.executable, "-c", script, str(tmp_path)], capture_output=True, text=True, check=True, timeout=60
        )
    assert ran.stdout.split() == ["refused"] * 6
    assert asked == []


@pytest.mark.parametrize(
    ("name", "is_told"), [("in/a.tif", False), ("in/deep/a.tif", False), ("elsewhere/a.tif", True)]
)
def test_it_is_told_where_a_raster_takes_pixels_from_elsewhere(
    name: str, is_told: bool, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    rasters(tmp_path, name)
    (tmp_path / "in").mkdir(exist_ok=True)
    (tmp_path / "in" / "mosaic.tif").write_text(vrt_of(tmp_path / name))
    assert look_at_raster(tmp_path / "in" / "mosaic.tif", "mosaic.tif").count == 1
    assert (f"pixels from outside of its folder: {tmp_path / name}" in capsys.readouterr().err) == is_told
