"""The report of many images: time beside that of decoding the same masks, memory, and the size of the page.

.venv/bin/python benchmarks/analysis_report.py               # 5,000 drawn images, 1918 × 1280: minutes
.venv/bin/python benchmarks/analysis_report.py --many 400
.venv/bin/python benchmarks/analysis_report.py --earlier     # and by the build of commit 498dbb5, of the same images
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
from earlier_build import COMMIT, HERE, earlier_build, environment_of

from formats import dataset as files
from formats.classes import ClassTable, write_labels
from formats.console import result
from formats.manifest import ManifestRow, write_manifest
from formats.masks import read_mask, write_mask
from formats.predictions import mask_path, write_predictions_tables
from sageseg.studio.shoot import draw_shoot

SIZE, ANGLES, WORKERS = (1918, 1280), 16, 2
CAR = ClassTable(("_background_", "car"))


def make_samples(root: Path, many: int) -> None:
    """`many` images of uncropped cars, hard links to a few, and predictions some pixels off."""
    draw_shoot(root / "shoot", cars=2, angles=ANGLES, size=SIZE, workers=WORKERS)
    dataset, predicted = root / "dataset", root / "predictions"
    for folder in (dataset / "JPEGImages", dataset / "SegmentationClass", predicted / "masks", root / "masks"):
        folder.mkdir(parents=True)
    drawn = sorted((root / "shoot" / "images").iterdir())
    for number, path in enumerate(drawn):
        truth = read_mask(root / "shoot" / "masks" / f"{path.stem}_mask.gif")
        write_mask(root / "masks" / f"{path.stem}_truth.png", truth)
        write_mask(root / "masks" / f"{path.stem}_prediction.png", np.roll(truth, 1 + number % 9, axis=1))
    rows = []
    for number in range(many):
        source = drawn[number % len(drawn)]
        row = ManifestRow(f"{number:05d}", "val", f"car{number // ANGLES}", f"{number:05d}.jpg", 0, 0, *SIZE, *SIZE)
        rows.append(row)
        os.link(source, files.image_path(dataset, row.id))
        os.link(root / "masks" / f"{source.stem}_truth.png", files.mask_path(dataset, row.id))
        os.link(root / "masks" / f"{source.stem}_prediction.png", mask_path(predicted, row.id))
    write_labels(files.labels_path(dataset), CAR)
    write_manifest(files.manifest_path(dataset), rows)
    files.info_path(dataset).write_text(json.dumps({"format_version": files.FORMAT_VERSION}))
    write_predictions_tables(predicted, rows, CAR, {})


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--many", type=int, default=5000)
    parser.add_argument("--earlier", action="store_true")
    given = parser.parse_args()
    with TemporaryDirectory() as folder:
        make_samples(Path(folder), given.many)
        result(f"{given.many} images of {SIZE[0]} × {SIZE[1]}, {WORKERS} workers")
        if given.earlier:
            with earlier_build(None) as build:
                result(f"\ncommit {COMMIT}")
                measure(Path(folder), environment_of(build))
            result("\nthis checkout")
        measure(Path(folder), environment_of(HERE))


def measure(samples: Path, environment: Mapping[str, str]) -> None:
    """In a process that has drawn nothing, so that its children's memory is the report's."""
    script = Path(__file__).with_name("analysis_report_once.py")
    subprocess.run([sys.executable, script, samples, str(WORKERS)], check=True, env=environment)


if __name__ == "__main__":
    main()
