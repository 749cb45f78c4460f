"""Areas in the user's units: one scale for all, for a group or an image, or the raster's own."""

from __future__ import annotations

import json
import math
from pathlib import Path
from typing import Any

import pytest

from analysis.areas.areas import measure_areas
from analysis.areas.scales import read_scales, settle_scales
from analysis.masks.sources import plan_sources
from analysis.options import Scale, parse_scale
from formats.crops import Box
from formats.errors import SagesegError
from formats.predictions import Predictions
from formats.prepared.georeference import Georeference, Raster, Tile
from tests.support.area_samples import MASKS, predicted, run_areas
from tests.support.geo_samples import PIXEL, UTM


@pytest.fixture
def predictions(tmp_path: Path) -> Predictions:
    return predicted(tmp_path)


def test_without_a_scale_areas_are_pixels_and_that_is_said(predictions: Predictions, tmp_path: Path) -> None:
    code, _, err = run_areas(tmp_path, "predictions --out areas")
    assert (code, "note: areas are in pixels; --scale 0.5mm/px" in err) == (0, True)
    told = json.loads((tmp_path / "areas/areas.json").read_text("utf-8"))
    assert (told["unit"], told["scales"], told["classes"]["cone"]["area"]) == ("px", [], 108)


@pytest.mark.parametrize("side", [0.5, 3.0])
def test_areas_grow_with_the_square_of_the_scale(predictions: Predictions, tmp_path: Path, side: float) -> None:
    plain = measure_areas(predictions, tmp_path / "plain", workers=1)["classes"]["cone"]
    scaled = measure_areas(predictions, tmp_path / "scaled", scale=Scale(side, "cm"), workers=1)["classes"]["cone"]
    for key in ("sum", "mean", "median", "largest"):
        assert scaled["objects"][key] == pytest.approx(plain["objects"][key] * side**2)


def test_a_scale_for_each_group(predictions: Predictions, tmp_path: Path) -> None:
    (tmp_path / "scales.csv").write_text("group,scale\nshoot1,1mm/px\nshoot2,0.2cm/px\nshoot9,1mm/px\n")
    code, _, err = run_areas(tmp_path, "predictions --scales scales.csv --out areas")
    assert code == 0, err
    assert "note: scales are in mm and cm; areas are in mm²" in err
    assert "note: scales.csv: nothing was predicted of 1 groups, such as shoot9" in err
    told = json.loads((tmp_path / "areas/areas.json").read_text("utf-8"))
    assert (told["unit"], told["scales"]) == ("mm²", ["1mm/px", "2mm/px"])
    assert told["classes"]["cone"]["area"] == 8 + 100 * 4


def test_a_scale_for_each_image(predictions: Predictions, tmp_path: Path) -> None:
    lines = "\ufeffImage;Scale\r\nshoot1_a.jpg;1 mm\r\nshoot1_b;2mm/px\r\nshoot2_a;1mm/px\r\n\r\n"
    (tmp_path / "scales.csv").write_text(lines, "utf-8", newline="")
    assert run_areas(tmp_path, "predictions --scales scales.csv --out areas")[0] == 0
    told = json.loads((tmp_path / "areas/areas.json").read_text("utf-8"))
    assert told["classes"]["car"]["area"] == 46 + 4 * 4


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("group,scale\nshoot1,1mm/px\n", r"no scale for 1 groups: shoot2; add a line for each"),
        ("image,scale\na,1mm\n", r"no scale for 3 images: shoot1_a\.jpg, shoot1_b\.jpg, shoot2_a\.jpg; add"),
        ("group,scale\na,1mm\nb,2mm\na,1mm\n", r"line 4: a stands in line 2 already; remove one"),
        ("group,scale\nshoot1,1mm\nshoot2,2furlong\n", r"furlong beside mm; expected one unit, or units of nm"),
        ("group,scale\nshoot1,wide\n", r"line 2: wide: expected the side of a pixel, such as 0\.5mm/px"),
        ("group,scale\nshoot1,0.5\n", r"line 2: 0\.5: expected the side of a pixel"),
        ("group,scale\nshoot1,-1mm\n", r"line 2: -1mm: expected the side of a pixel"),
        ("group;scale\nshoot1;x\nshoot2;1mm;1\n", r"line 2: x: expected .*faults: .*line 3: 3 cells"),
        ("group,scale\nshoot1\n", r"line 2: 1 cells; expected the columns group,scale or image,scale"),
        ("shoot1,1mm\n", r"line 1: shoot1,1mm; expected the columns"),
        ("", r"line 1: empty; expected the columns"),
    ],
)
def test_bad_files_of_scales_are_one_line(predictions: Predictions, tmp_path: Path, text: str, said: str) -> None:
    file = tmp_path / "scales.csv"
    file.write_text(text)
    with pytest.raises(SagesegError, match=r"scales\.csv: " + said):
        settle_scales(plan_sources(predictions, None), None, file, None)


def test_scales_that_cannot_be_read_are_one_line(predictions: Predictions, tmp_path: Path) -> None:
    with pytest.raises(SagesegError, match=r"absent: not found; expected the columns group,scale"):
        read_scales(tmp_path / "absent")
    (tmp_path / "wide.csv").write_text("group,scale\n", "utf-16")
    with pytest.raises(SagesegError, match=r"wide\.csv: not UTF-8 text; expected the columns"):
        read_scales(tmp_path / "wide.csv")
    assert "expected one of them" in run_areas(tmp_path, "predictions --scale 1mm --scales wide.csv --out areas")[2]


def placed(predictions: Predictions, **raster: Any) -> Georeference:
    """The images of predictions as the tiles of one raster."""
    tiles = tuple(Tile(f"{stem}.jpg", Box(40 * number, 0, 40, 30)) for number, stem in enumerate(MASKS))
    transform = (PIXEL, 0.0, 500000.0, 0.0, -PIXEL, 5540000.0)
    told = {"crs": UTM, "transform": transform, **raster}
    return Georeference((Raster("city.tif", 120, 30, bands=(1, 2, 3), tiles=tiles, **told),))


@pytest.mark.parametrize(
    ("raster", "unit", "side", "said"),
    [
        ({}, "m", 0.4, "note: areas in m², by the rasters' own pixels of 0.4 m"),
        ({"transform": (0.3, 0.4, 0.0, 0.4, -0.3, 0.0)}, "m", 0.5, "pixels of 0.5 m"),
        ({"crs": "EPSG:2263"}, "m", 0.4 * 0.3048006, "pixels of 0.12192"),  # New York's, in US feet
        ({"crs": "EPSG:4326"}, "px", 1, "note: the size of pixels on earth is not known: city.tif is in degrees"),
        ({"crs": "EPSG:3857"}, "px", 1, "city.tif is in Web Mercator, which stretches areas"),
        ({"crs": ""}, "px", 1, "city.tif has no coordinate reference system"),
    ],
)
def test_tiles_of_rasters_bring_their_scale(
    predictions: Predictions,
    capsys: pytest.CaptureFixture[str],
    raster: dict[str, Any],
    unit: str,
    side: float,
    said: str,
) -> None:
    scales = settle_scales(plan_sources(predictions, None), None, None, placed(predictions, **raster))
    assert scales.unit == unit
    assert [each.per_pixel for each in scales.by_stem.values()] == pytest.approx([side] * 3, rel=1e-6)
    assert said in capsys.readouterr().err


def test_a_scale_that_is_given_holds_for_rasters_too(predictions: Predictions) -> None:
    scales = settle_scales(plan_sources(predictions, None), Scale(2, "mm"), None, placed(predictions))
    assert scales.unit == "mm"


def test_units_as_people_write_them() -> None:
    assert parse_scale("0.5 µm / px") == Scale(0.5, "µm")
    assert math.isclose(parse_scale("1e-3m").per_pixel, 0.001)


@pytest.mark.parametrize("text", ["0.5", "mm", "0.5px/mm", "0mm", "1e400m", "1e-300m", "0,5mm", "-1mm", "0.5mm²"])
def test_scales_that_are_none_are_one_line(text: str) -> None:
    with pytest.raises(SagesegError, match="expected the side of a pixel with its unit, such as"):
        parse_scale(text)
