#!/bin/sh
# rasterio 1.5.2 merges label rasters that name no no-data value as if class 0 were none: other rasters paint over it.
#
# Guessed before: where two rasters overlap merge's method "first" keeps the first one's pixels, all of which are valid.
# Seen: the first says 0, background, in the overlap, the second class 2, and the merged raster says 2, whichever comes
# first: it starts from 0 and takes what is 0 for not yet painted. That rasterio itself reads both files as valid all
# over is no help. With nodata=255 in the call the first one's 0 stays. So objects grow and background is lost where
# tiles overlap: name a value that is no class wherever labels or predictions are merged.
#
# Needs Python 3.12 or newer, as $PYTHON or python3, and the network for the packages below; nothing stays behind.
set -eu
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
"${PYTHON:-python3}" -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --no-deps rasterio==1.5.2 numpy==2.4.6 affine==3.0.1 attrs==26.1.0 click==8.5.1 \
    cligj==0.7.2 pyparsing==3.3.3 certifi==2026.10.18
cd "$folder"
venv/bin/python - <<'PY'
import importlib.metadata

import numpy as np
import rasterio
from rasterio.merge import merge
from rasterio.transform import from_origin

BACKGROUND, CAR = 0, 2


def write(name, left, value):
    """A raster of 4 x 4 pixels of one class, whose left edge lies there."""
    profile = {"driver": "GTiff", "width": 4, "height": 4, "count": 1, "dtype": "uint8", "crs": "EPSG:32632"}
    with rasterio.open(name, "w", **profile, transform=from_origin(left, 4, 1, 1)) as raster:
        raster.write(np.full((4, 4), value, np.uint8), 1)
    with rasterio.open(name) as raster:
        assert raster.nodata is None
        assert (raster.read_masks(1) == 255).all()


def row(names, **options):
    """The merged raster's first row; all its rows are alike."""
    merged, _ = merge(names, **options)
    assert (merged == merged[:, :1]).all()
    return merged[0, 0].tolist()


write("background.tif", 0, BACKGROUND)
write("car.tif", 2, CAR)
print("rasterio", importlib.metadata.version("rasterio"))
for names, options, seen in (
    (["background.tif", "car.tif"], {}, [0, 0, 2, 2, 2, 2]),
    (["car.tif", "background.tif"], {}, [0, 0, 2, 2, 2, 2]),
    (["background.tif", "car.tif"], {"nodata": 255}, [0, 0, 0, 0, 2, 2]),
):
    found = row(names, method="first", **options)
    print(f"first of {names}, {options}: {found}")
    assert found == seen, f"changed: {found} instead of {seen}"
PY
