"""What an object in S3 costs a shard that does not work on it: an empty file in its place, and its line of the listing.

    .venv/bin/python benchmarks/prep_awaited.py [OBJECTS]

Prints the processor's time an object, when it is new and when its empty file is there already, and memory an object.
Nothing is asked of S3; listing, a call for each 1,000 objects, is not in it.
"""

from __future__ import annotations

import os
import resource
import sys
import time
from tempfile import TemporaryDirectory

from formats.console import result
from prep.remote.cache import Wanted, open_cache

OBJECTS = 100_000
_UNIT = 1 if sys.platform == "darwin" else 2**10


def main(count: int = OBJECTS) -> None:
    before = _peak()
    listed = {f"{number:09d}.jpg": _object(number) for number in range(count)}
    memory = (_peak() - before) / count
    with TemporaryDirectory() as name:
        os.environ["SAGESEG_HOME"] = name
        new, again = (_stand_in(list(listed.values())) for _ in range(2))
    result(f"{count:,} objects: {new:.0f} µs each of the processor, {again:.0f} µs again; {memory:.0f} bytes each")


def _object(number: int) -> Wanted:
    return Wanted(f"cars/train/{number:09d}.jpg", f"{number:032x}", 500_000, 1_700_000_000 + number)


def _stand_in(objects: list[Wanted]) -> float:
    """Microseconds an object."""
    begun = time.process_time()
    with open_cache("bucket") as cache:
        cache.stand_in(objects)
    return 1e6 * (time.process_time() - begun) / len(objects)


def _peak() -> int:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * _UNIT


if __name__ == "__main__":
    main(*map(int, sys.argv[1:]))
