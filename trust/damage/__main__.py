"""Look at one damaged input, or search with some targets alone: `python -m trust.damage TARGET NUMBER`, or
`python -m trust.damage [--seconds S] [TARGET …]`.
"""

from __future__ import annotations

import sys
from argparse import ArgumentParser

from trust.damage.all_targets import TARGETS
from trust.damage.apart import search_apart
from trust.damage.engine import folder_in_memory, show


def main() -> int:
    parser = ArgumentParser(prog="python -m trust.damage", description=__doc__)
    parser.add_argument("words", nargs="*", metavar="TARGET|NUMBER", help=", ".join(TARGETS))
    parser.add_argument("--seconds", type=float, default=5.0, help="of processor time, for each target")
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--first", type=int, default=0, help="number of the first input")
    given = parser.parse_args()
    if len(given.words) == 2 and given.words[1].isdecimal():
        with folder_in_memory() as folder:
            return show(TARGETS[given.words[0]](folder), int(given.words[1]))
    found = 0
    chosen = given.words or list(TARGETS)
    for tally in search_apart(chosen, seconds=given.seconds, workers=given.workers, first=given.first):
        found += len(tally.faults)
        each = tally.seconds / max(tally.tried, 1) * 1e6
        sys.stdout.write(
            f"{tally.name:20} {tally.tried:9,} inputs, {tally.refused:9,} refused, {each:7.0f} us each, the longest "
            f"{tally.worst * 1000:.0f} ms, {len(tally.faults)} fault(s)\n"
        )
        for fault in tally.faults.values():
            sys.stdout.write(f"    {fault}\n")
        sys.stdout.flush()
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
