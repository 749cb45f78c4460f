"""A poor model's mask, 3840 × 2160 with 190,000 specks, for annotation tools: as it is, and cleaned.

    .venv/bin/python benchmarks/analysis_poor_masks.py

Times are of this process's processor, so that others on the machine do not count.
"""

from __future__ import annotations

import sys
import tempfile
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path

import cv2
import numpy as np

from analysis.exports.coco import Shapes, export_coco
from analysis.exports.cvat import export_cvat
from analysis.exports.labelme import export_labelme
from analysis.options import AS_PREDICTED, Cleaning
from formats.classes import ClassTable
from formats.errors import SagesegError
from formats.manifest import ManifestRow
from formats.masks import Mask, encode_mask
from formats.predictions import mask_path, open_predictions, write_predictions_tables

HEIGHT, WIDTH = 2160, 3840
CLEANED = Cleaning(least_pixels=50, fill_holes=50)
UNLIMITED = 10**9


def drawn() -> Mask:
    """A disc full of holes among specks."""
    noise = cv2.GaussianBlur(np.random.default_rng(0).standard_normal((HEIGHT, WIDTH)).astype(np.float32), (0, 0), 0.8)
    rows, columns = np.mgrid[:HEIGHT, :WIDTH]
    disc = (rows - 1000) ** 2 + (columns - 1900) ** 2 < 500**2
    return np.where(disc, noise > np.quantile(noise, 0.1), noise > np.quantile(noise, 0.85)).astype(np.uint8)


def timed(name: str, work: Callable[[], object], made: Path) -> None:
    begun = time.process_time()
    try:
        work()
        files = [made] if made.is_file() else [*made.iterdir()]
        ended = f"{sum(path.stat().st_size for path in files) / 1e6:.1f} MB"
    except SagesegError as e:
        ended = f"refused: {e}"
    sys.stdout.write(f"{name:<44} {time.process_time() - begun:6.1f} s  {ended}\n")
    sys.stdout.flush()


def main() -> None:
    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder) / "predictions"
        (root / "masks").mkdir(parents=True)
        mask_path(root, "frame").write_bytes(encode_mask(drawn()))
        row = ManifestRow("frame", "", "frame", "frame.jpg", 0, 0, WIDTH, HEIGHT, WIDTH, HEIGHT)
        write_predictions_tables(root, [row], ClassTable(("_background_", "target")), {})
        opened, out = open_predictions(root), Path(folder)
        for what, cleaning, most in (
            ("", AS_PREDICTED, None),
            ("--most-objects", AS_PREDICTED, UNLIMITED),
            ("--least-pixels --fill-holes", CLEANED, None),
        ):
            how = {"cleaning": cleaning, "most_objects": most, "overwrite": True, "workers": 1}
            for name, export in (
                ("labelme", export_labelme),
                ("coco", export_coco),
                ("cvat", export_cvat),
                ("coco --polygons", partial(export_coco, shapes=Shapes(tolerance=1))),
            ):
                if most is None or "polygons" not in name:  # all of those would take an hour
                    timed(f"{name} {what}", partial(export, opened, out / name, **how), out / name)


if __name__ == "__main__":
    main()
