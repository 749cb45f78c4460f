"""Run lengths of 1918 × 1280 masks: formats.objects.runs against pycocotools.

    .venv/bin/python benchmarks/analysis_run_length.py [MASK]     # your own, else a drawn one

pycocotools counts down the columns and packs its numbers; it is given the mask as it wants it.
"""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
import pycocotools.mask
from side_by_side import tell

from analysis.exports.run_length import decode_runs, encode_runs
from formats.masks import Mask, read_mask

HEIGHT, WIDTH, ROUNDS = 1280, 1918, 50


def drawn() -> Mask:
    rows, columns = np.mgrid[:HEIGHT, :WIDTH]
    wavy = 420 + 12 * np.sin(columns / 20)
    return (((columns - 960) / 1.6) ** 2 + (rows - 640) ** 2 < wavy**2).astype(np.uint8)


def main() -> None:
    car = read_mask(Path(sys.argv[1])) if sys.argv[1:] else drawn()
    height, width = car.shape
    by_columns = np.asfortranarray(car)
    text, packed = encode_runs(car == 1), pycocotools.mask.encode(by_columns)
    if not np.array_equal(decode_runs(text, width, height), car):
        raise SystemExit("the round trip is not exact")
    tell(
        f"encode {len(text.split()) // 2} runs",
        "formats.objects.runs",
        {
            "formats.objects.runs": lambda: encode_runs(car == 1),
            "pycocotools": lambda: pycocotools.mask.encode(by_columns),
        },
        ROUNDS,
    )
    tell(
        "decode",
        "formats.objects.runs",
        {
            "formats.objects.runs": lambda: decode_runs(text, width, height),
            "pycocotools": lambda: pycocotools.mask.decode(packed),
        },
        ROUNDS,
    )


if __name__ == "__main__":
    main()
