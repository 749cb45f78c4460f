"""Run the trial, or the parts of it that are named, and print its table: `python -m trust [--short] [PART …]`.

Exits with 1 where anything was lost, doubled, let out or ended in a traceback.
"""

from __future__ import annotations

import sys
from argparse import ArgumentParser
from collections.abc import Callable, Iterator
from importlib import import_module

from trust.outcome import Outcome

PARTS = ("kills", "damage", "clients", "billing", "disks")
"""The modules of the trial, each with `trial(short=…)`, in the order in which they run."""
Trial = Callable[..., Iterator[Outcome]]


def main() -> int:
    parser = ArgumentParser(prog="python -m trust", description=__doc__)
    parser.add_argument("parts", nargs="*", metavar="PART", help=", ".join(PARTS))
    parser.add_argument("--short", action="store_true", help="a few of each, as the tests do")
    chosen = parser.parse_args()
    if unknown := set(chosen.parts) - set(PARTS):
        parser.error(f"{', '.join(sorted(unknown))}: no such part; there are {', '.join(PARTS)}")
    lost = 0
    sys.stdout.write("| tried | how often | faults | time | measured |\n|---|---|---|---|---|\n")
    for part in chosen.parts or PARTS:
        trial: Trial = import_module(f"trust.{part}").trial
        for outcome in trial(short=chosen.short):
            lost += len(outcome.faults)
            sys.stdout.write(
                f"| {outcome.what} | {outcome.tried:,} | {len(outcome.faults)} | {outcome.seconds:.0f} s "
                f"| {outcome.measured} |\n"
            )
            sys.stdout.flush()
            for fault in outcome.faults:
                sys.stderr.write(f"{outcome.what}: {fault}\n")
    return 1 if lost else 0


if __name__ == "__main__":
    sys.exit(main())
