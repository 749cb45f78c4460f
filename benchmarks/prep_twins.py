"""What the search for near-twins costs, by signatures that are drawn at random: it grows with the number of pairs.

    .venv/bin/python benchmarks/prep_twins.py [IMAGES] [OTHERS]

Prints the time and the processor's time a pair (as it is, and mirrored) and the memory of the process. Comparing the
pixels of the few that are near is not in it.
"""

from __future__ import annotations

import resource
import sys
import time

import numpy as np

from formats.alike.signatures import CELLS, nearest
from formats.console import result

IMAGES, OTHERS = 4_000, 16_000
_PEAK_UNIT = 2**20 if sys.platform == "darwin" else 2**10


def main(images: int = IMAGES, others: int = OTHERS) -> None:
    rng = np.random.default_rng(0)
    hashes = rng.integers(-42, 43, (images + others, CELLS**2), np.int8)  # as far from 0 as those of images
    start, begun = time.perf_counter(), time.process_time()
    for _ in nearest(hashes, range(images), range(images, images + others)):
        pass
    seconds, processor = time.perf_counter() - start, time.process_time() - begun
    pairs = images * others
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / _PEAK_UNIT
    result(
        f"{images:,} × {others:,} images: {seconds:.2f} s, {1e9 * seconds / pairs:.1f} ns a pair, "
        f"{1e9 * processor / pairs:.1f} ns of processors; {peak:.0f} MB"
    )


if __name__ == "__main__":
    main(*map(int, sys.argv[1:]))
