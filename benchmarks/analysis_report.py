"""The report of many images: time beside that of decoding the same masks, and memory.

.venv/bin/python benchmarks/analysis_report.py               # 5,000 drawn images, 1918 × 1280: minutes
.venv/bin/python benchmarks/analysis_report.py --many 400
"""

from __future__ import annotations

import argparse
import json
import os
import resource
import subprocess
import sys
import time
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np

from analysis.report.report import report
from analysis.report_files import PAGE
from formats import dataset as files
from formats.classes import ClassTable, write_labels
from formats.console import result
from formats.dataset import open_dataset
from formats.manifest import ManifestRow, write_manifest
from formats.masks import read_mask, write_mask
from formats.parallel import map_parallel
from formats.predictions import mask_path, open_predictions, write_predictions_tables
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


class Clock:
    """Seconds since it was made: on the wall, and of processors, which other programs disturb less."""

    def __init__(self) -> None:
        self._wall, self._busy = time.perf_counter(), _busy()
        self.wall = self.busy = 0.0

    def stop(self) -> None:
        self.wall, self.busy = time.perf_counter() - self._wall, _busy() - self._busy


def _busy() -> float:
    used = [resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    return sum(each.ru_utime + each.ru_stime for each in used)


def decode(path: Path) -> int:
    return int(read_mask(path)[0, 0])


def measure(root: Path) -> None:
    """In a process that has drawn nothing, so that its children's memory is the report's."""
    dataset, predictions = open_dataset(root / "dataset"), open_predictions(root / "predictions")
    masks = [path for row in dataset.rows for path in (dataset.mask_path(row.id), predictions.mask_path(row.id))]
    decoding = Clock()
    for _ in map_parallel(decode, masks, workers=WORKERS, label="decoding masks"):
        pass
    decoding.stop()
    whole = Clock()
    report(predictions, dataset, root / "report", workers=WORKERS)
    whole.stop()
    many = len(dataset.rows)
    parent, child = (
        resource.getrusage(who).ru_maxrss / 1024 for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)
    )
    result(f"{many} images of {SIZE[0]} × {SIZE[1]}, {WORKERS} workers")
    result("                     wall   processors")
    result(f"decoding masks   {decoding.wall:7.1f} s    {decoding.busy:7.1f} s")
    result(f"report           {whole.wall:7.1f} s    {whole.busy:7.1f} s")
    wall, busy = whole.wall - decoding.wall, whole.busy - decoding.busy
    result(f"once decoded     {wall:7.1f} s    {busy:7.1f} s")
    result(f"memory           {parent:7.0f} MB in the parent, {child:.0f} MB at most in a worker")
    result(f"index.html       {(root / 'report' / PAGE).stat().st_size / 1e6:7.1f} MB")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--many", type=int, default=5000)
    parser.add_argument("--of", type=Path, help=argparse.SUPPRESS)
    given = parser.parse_args()
    if given.of:
        measure(given.of)
        return
    with TemporaryDirectory() as folder:
        make_samples(Path(folder), given.many)
        subprocess.run([sys.executable, __file__, "--of", folder], check=True)


if __name__ == "__main__":
    main()
