"""Where tiles lie on earth, in georeference.json: it reads back, and what cannot be is refused."""

import json
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from formats.crops import Box
from formats.errors import SagesegError
from formats.prepared.georeference import Georeference, Raster, Tile, read_georeference, write_georeference
from formats.safe_names import is_inside

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
