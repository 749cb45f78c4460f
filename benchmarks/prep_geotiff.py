"""A large raster with polygons to a dataset and back to a GeoTIFF: time, and the most memory that a process holds.

    .venv/bin/python benchmarks/prep_geotiff.py 20000

The raster has three bands of 16 bits in deflated tiles of 512 pixels; 2,000 polygons lie on it in longitude and
latitude. The way back takes the true crops for predictions.
"""

from __future__ import annotations

import json
import os
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np
import rasterio
from rasterio.warp import transform_geom
from rasterio.windows import Window

from formats.console import result
from formats.dataset import image_path, mask_path, open_dataset
from formats.masks import read_mask, write_mask
from formats.predictions import mask_path as predicted_path
from formats.predictions import write_predictions_tables
from formats.prepared.georeference import read_georeference, write_georeference

BLOCK, POLYGONS, UTM = 512, 2000, "EPSG:25832"
PLACE = rasterio.Affine(0.2, 0, 500000, 0, -0.2, 5540000)


def draw_raster(path: Path, side: int) -> None:
    rng = np.random.default_rng(0)
    ramp = np.add.outer(np.arange(BLOCK), np.arange(BLOCK)).astype(np.uint16)
    blocks = {
        "tiled": True,
        "blockxsize": BLOCK,
        "blockysize": BLOCK,
        "compress": "deflate",
        "predictor": 2,
        "zlevel": 1,
    }
    size = {"width": side, "height": side, "count": 3, "dtype": "uint16", "photometric": "RGB"}
    with rasterio.open(path, "w", driver="GTiff", crs=UTM, transform=PLACE, bigtiff="YES", **size, **blocks) as raster:
        for top in range(0, side, BLOCK):
            for left in range(0, side, BLOCK):
                high, wide = min(BLOCK, side - top), min(BLOCK, side - left)
                noise = rng.integers(0, 64, (3, high, wide), np.uint16)
                raster.write(ramp[:high, :wide] + noise + rng.integers(0, 2000), window=Window(left, top, wide, high))


def draw_polygons(path: Path, side: int) -> None:
    rng = np.random.default_rng(1)
    features = []
    for number in range(POLYGONS):
        middle, turns = rng.uniform(0, side, 2), np.sort(rng.uniform(0, 2 * np.pi, 12))
        star = middle + np.column_stack([np.cos(turns), np.sin(turns)]) * rng.uniform(40, 300)
        ring = [PLACE @ tuple(point) for point in [*star, star[0]]]
        geometry = transform_geom(UTM, "OGC:CRS84", {"type": "Polygon", "coordinates": [ring]})
        features.append({"type": "Feature", "properties": {"class": f"class {number % 3}"}, "geometry": geometry})
    path.write_text(json.dumps({"type": "FeatureCollection", "features": features}))


def predict_truth(dataset: Path, root: Path) -> None:
    """The true crops as predictions; dropped ones are not predicted."""
    opened = open_dataset(dataset)
    (root / "masks").mkdir(parents=True)
    for row in opened.rows:
        if row.kept:
            mask = read_mask(mask_path(dataset, row.id))
            write_mask(predicted_path(root, row.id), np.where(mask == 255, 0, mask).astype(np.uint8))
    write_predictions_tables(root, opened.rows, opened.classes, {})
    told = read_georeference(dataset)
    if told:
        write_georeference(root, told)


def run(folder: Path, *words: str) -> None:
    """Run the command, and tell its time and memory."""
    before, begun = resource.getrusage(resource.RUSAGE_CHILDREN), time.monotonic()
    subprocess.run([sys.executable, "-c", _TOLD, *words], cwd=folder, check=True, env={**os.environ, "CI": "1"})
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    cores = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    result(f"{' '.join(words[:2])}: {time.monotonic() - begun:.0f} s wall, {cores:.0f} s of processor")


_TOLD = """
import resource, sys
sys.argv[0] = "sageseg"
from sageseg.cli import main
try:
    main()
finally:
    kinds = {"main process": resource.RUSAGE_SELF, "largest worker": resource.RUSAGE_CHILDREN}
    told = ", ".join(f"{name} {resource.getrusage(kind).ru_maxrss / 1024:.0f} MB" for name, kind in kinds.items())
    print(f"memory at most: {told}")
"""


def main() -> None:
    side = int(sys.argv[1]) if len(sys.argv) > 1 else 20000
    with tempfile.TemporaryDirectory() as made:
        folder = Path(made)
        draw_raster(folder / "city.tif", side)
        draw_polygons(folder / "all.geojson", side)
        packed = (folder / "city.tif").stat().st_size / 2**20
        result(f"{side} × {side}: {packed:.0f} MB, {6 * side**2 / 2**20:.0f} unpacked")
        labels = ["--labels-from", "all.geojson", "--class-field", "class", "--range", "0:3100", "--keep-empty", "1"]
        run(folder, "prep", "geotiff", "city.tif", *labels, "--out", "dataset")
        result(f"{len(list(image_path(folder / 'dataset', 'x').parent.iterdir()))} crops")
        predict_truth(folder / "dataset", folder / "predictions")
        run(folder, "analysis", "stitch", "predictions", "--out", "stitched", "--geotiff")
        run(folder, "analysis", "geojson", "stitched", "--out", "found.geojson")


if __name__ == "__main__":
    main()
