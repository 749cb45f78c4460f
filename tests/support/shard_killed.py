"""A program that makes a shard of a dataset, or merges two, and kills itself at a point, for test_shards_killed.py.

shard_killed.py LABELS OUT POINT
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path

import formats.shards.work_plan
import prep.dataset.merge
import prep.dataset.shards
import prep.dataset.tables
from formats.disk.whole_folders import Stage
from prep.dataset.journal import Journal
from prep.dataset.merge import merge_shards
from prep.options import PrepOptions
from tests.support.prep_killed import kill_at
from tests.support.prep_samples import make_source
from tests.support.shard_samples import GROUPS, write_shards

OPTIONS = PrepOptions(crop=64, workers=1)
OF_SHARDS: dict[str, Callable[[], None]] = {
    "half of the sources": lambda: kill_at(formats.shards.work_plan, "format_csv", 4),
    "sources without a plan": lambda: kill_at(formats.shards.work_plan, "format_json", 1),
    "between images": lambda: kill_at(Journal, "append", 3),
    "journal": lambda: kill_at(prep.dataset.shards, "format_entry", 2),
    "marker": lambda: kill_at(prep.dataset.shards, "write_marker", 1),
    "all but its name": lambda: kill_at(Stage, "finish", 1),
}
TIDYING = "removal of what it was made in"
OF_TIDYING: dict[str, Callable[[], None]] = {TIDYING: lambda: kill_at(Stage, "remove", 1)}
OF_MERGES: dict[str, Callable[[], None]] = {
    "links": lambda: kill_at(prep.dataset.merge, "link_file", 5),
    "channels": lambda: kill_at(prep.dataset.tables, "link_file", 5),
    "certificate": lambda: kill_at(prep.dataset.tables, "certify", 1),
    "name of the merged": lambda: kill_at(Stage, "finish", 1),
}


def main(labels: str, out: str, point: str) -> None:
    folder = Path(out)
    if point in OF_MERGES:
        OF_MERGES[point]()
        merge_shards(folder, folder.with_name("merged"))
    else:
        (OF_SHARDS | OF_TIDYING)[point]()
        write_shards(make_source(Path(labels), GROUPS), folder, 2, OPTIONS, [1])


if __name__ == "__main__":
    main(*sys.argv[1:])
