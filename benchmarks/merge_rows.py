"""Shards put together: `sageseg prep merge` of many manifest rows, in seconds and MB of a process of its own.

    .venv/bin/python benchmarks/merge_rows.py [ROWS] [CROPS] [KEPT] [SHARDS]

ROWS rows of the manifest, CROPS of each image, KEPT of all with files, in SHARDS shards; images are drawn by numbers
alone, no two alike. The files are links to a few bytes: what a merge does with files does not depend on their size.
"""

from __future__ import annotations

import resource
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import replace
from hashlib import sha256
from itertools import islice
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np

from formats.alike.alignment import SIDE
from formats.classes import ClassTable
from formats.console import result
from formats.crops import crop_grid, crop_id
from formats.dataset import image_path, mask_path
from formats.manifest import ManifestRow
from formats.shards.markers import JOURNAL, write_marker
from formats.shards.shard import Shard
from formats.shards.work_plan import settle_plan
from prep.dataset.journal import ImageEntry, format_entry
from prep.dataset.plan import Listed, Plan
from prep.dataset.planned import draft_of
from prep.dataset.shards import BYTES, files_of
from prep.dataset.split import assign_groups
from prep.options import PrepOptions

ROWS, CROPS, KEPT, SHARDS = 1_000_000, 12, 20_000, 4
SIZE = 512
CONTENT = b"a file"
LINKS = 10_000
"""Of one file, of which ext4 lets 65,000 be made; a merge makes two more of each."""


def images(count: int) -> list[Listed]:
    """Sixteen of each group, as of Carvana's cars."""
    return [
        Listed(f"car{n // 16:06}_{n % 16:02}.jpg", f"car{n // 16:06}", f"car{n // 16:06}", {}) for n in range(count)
    ]


def entry(image: Listed, split: str, crops: int, kept: int, thumbnail: bytes) -> ImageEntry:
    """An image of `crops` crops, the first `kept` of them with files."""
    stem, digest = Path(image.source).stem, sha256(CONTENT).hexdigest()
    width = SIZE * crops
    boxes = crop_grid(width, SIZE, SIZE, 0)
    rows = tuple(
        ManifestRow(
            *(crop_id(stem, box), split, image.group, image.source, box.left, box.top, box.width, box.height),
            *(width, SIZE, place < kept, 0.25, *((digest, digest) if place < kept else ("", ""))),
        )
        for place, box in enumerate(boxes)
    )
    return ImageEntry(image.source, digest, rows, (SIZE * width, 0), 0, thumbnail, digest)


def files(folder: Path) -> Iterator[Path]:
    """Files to be linked to, each LINKS times."""
    number = 0
    while True:
        path = folder / f"file{number}"
        path.write_bytes(CONTENT)
        yield from (path for _ in range(LINKS))
        number += 1


def make_shards(out: Path, rows: int, crops: int, kept: int, shards: int) -> None:
    found = images(-(-rows // crops))
    options = PrepOptions(val=0.2)
    groups = assign_groups({image.group for image in found}, seed=0, val=0.2, test=0)
    plan = Plan("carvana", ClassTable(("_background_", "car")), found, groups, options, "car")
    cells = [(image.source, "1", "1", image.group, image.family, groups[image.group], "") for image in found]
    draft = replace(
        draft_of(replace(plan, images=[]), []),
        rows=cells,
        checksums=lambda part: [("0" * 64, "0" * 64)] * len(found[part]),
    )
    random, links = np.random.default_rng(0), files(out.parent)
    each, more = divmod(kept, len(found))
    for number in range(1, shards + 1):
        shard = Shard(number, shards)
        digest = settle_plan(out, draft, shard)
        folder = out / shard.folder
        for path in (image_path(folder, "x"), mask_path(folder, "x")):
            path.parent.mkdir(parents=True)
        count = 0
        with (folder / JOURNAL).open("wb") as journal:
            for place in range(len(found))[shard.own]:
                image = found[place]
                one = entry(image, groups[image.group], crops, each + (place < more), random.bytes(SIDE**2))
                journal.write(format_entry(one))
                own = [path for path, _ in files_of(folder, one)]
                count += len(own)
                for path, link in zip(own, islice(links, len(own)), strict=True):
                    path.hardlink_to(link)
        write_marker(folder, shard, digest, {BYTES: count * len(CONTENT)})


def main(rows: int = ROWS, crops: int = CROPS, kept: int = KEPT, shards: int = SHARDS) -> None:
    with TemporaryDirectory() as folder:
        by, out = Path(folder) / "by", Path(folder) / "out"
        make_shards(by, rows, crops, kept, shards)
        start = time.perf_counter()
        words = ["sageseg", "prep", "merge", str(by), "--out", str(out)]
        subprocess.run([sys.executable, "-m", *words], check=True)
        took = time.perf_counter() - start
        used = resource.getrusage(resource.RUSAGE_CHILDREN)
        result(
            f"{rows:,} rows of {-(-rows // crops):,} images, {kept:,} crops with files, {shards} shards: {took:.1f} s, "
            f"{used.ru_utime + used.ru_stime:.1f} s of processor time, {used.ru_maxrss / 1000:.0f} MB"
        )


if __name__ == "__main__":
    main(*map(int, sys.argv[1:]))
