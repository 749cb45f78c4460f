"""One report of the samples of analysis_report.py, by whichever build PYTHONPATH names."""

from __future__ import annotations

import importlib
import resource
import shutil
import sys
import time
from pathlib import Path

from formats.console import result
from formats.dataset import open_dataset
from formats.masks import read_mask
from formats.parallel import map_parallel
from formats.predictions import open_predictions

try:
    report = importlib.import_module("analysis.report.report").report
except ModuleNotFoundError:  # commit 498dbb5
    report = importlib.import_module("analysis.report").report


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


def measure(root: Path, workers: int) -> None:
    dataset, predictions = open_dataset(root / "dataset"), open_predictions(root / "predictions")
    masks = [path for row in dataset.rows for path in (dataset.mask_path(row.id), predictions.mask_path(row.id))]
    decoding = Clock()
    for _ in map_parallel(decode, masks, workers=workers, label="decoding masks"):
        pass
    decoding.stop()
    whole = Clock()
    report(predictions, dataset, root / "report", workers=workers)
    whole.stop()
    parent, child = (
        resource.getrusage(who).ru_maxrss / 1024 for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)
    )
    result("                     wall   processors")
    result(f"decoding masks   {decoding.wall:7.1f} s    {decoding.busy:7.1f} s")
    result(f"report           {whole.wall:7.1f} s    {whole.busy:7.1f} s")
    wall, busy = whole.wall - decoding.wall, whole.busy - decoding.busy
    result(f"once decoded     {wall:7.1f} s    {busy:7.1f} s")
    result(f"memory           {parent:7.0f} MB in the parent, {child:.0f} MB at most in a worker")
    result(f"index.html       {(root / 'report' / 'index.html').stat().st_size / 1e6:7.1f} MB")
    shutil.rmtree(root / "report")


if __name__ == "__main__":
    measure(Path(sys.argv[1]), int(sys.argv[2]))
