"""TIFF files over 8 bits that OpenCV decodes to other pixels than they hold are refused; others keep every bit."""

from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest

from formats.errors import SagesegError
from formats.images import read_image
from formats.prepared.value_range import parse_range
from tests.support.geo_samples import write_raster

BANDS = np.random.default_rng(0).integers(0, 4096, (4, 24, 40)).astype(np.uint16)
RANGE = parse_range("0:4095")


def scaled(bands: npt.NDArray[Any]) -> npt.NDArray[np.uint8]:
    return np.floor(np.moveaxis(bands[:3], 0, 2) / 4095 * 255 + 0.5).astype(np.uint8)


@pytest.mark.parametrize("count", [3, 4])
@pytest.mark.parametrize("tiled", [True, False])
@pytest.mark.parametrize("compress", ["none", "deflate"])
def test_channels_that_lie_apart_are_refused(tmp_path: Path, count: int, tiled: bool, compress: str) -> None:
    how = {"photometric": "RGB", "tiled": tiled, "compress": compress} | ({} if tiled else {"blockysize": 8})
    if count == 4:
        how["alpha"] = True
    path = write_raster(tmp_path / "apart.tif", BANDS[:count], interleave="band", **how)
    with pytest.raises(SagesegError, match=rf"apart\.tif: {count} channels over 8 bits, each apart .*INTERLEAVE=PIXEL"):
        read_image(path, RANGE)
    path = write_raster(tmp_path / "together.tif", BANDS[:count], interleave="pixel", **how)
    assert np.array_equal(read_image(path, RANGE), scaled(BANDS))


def test_one_channel_has_none_beside_it(tmp_path: Path) -> None:
    path = write_raster(tmp_path / "grey.tif", BANDS[:1], interleave="band")
    assert np.array_equal(read_image(path, RANGE)[..., 0], scaled(BANDS[:1])[..., 0])
