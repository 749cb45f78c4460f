"""A part of a dataset, made on a machine of its own: the plan, the crops of the part, and a marker when all are there.

What it leaves in `<out>/shard-2-of-4/` are the folders of a dataset with its own crops, and its journal.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Sequence
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from formats.classes import class_table
from formats.console import say
from formats.dataset import image_path, mask_path, truth_path
from formats.disk.whole_files import written_beside
from formats.errors import SagesegError, cannot_use
from formats.manifest import ManifestRow
from formats.parallel import map_all
from formats.prepared.georeference import FILE as GEOREFERENCE
from formats.prepared.georeference import read_georeference, write_georeference
from formats.shards.markers import JOURNAL, Marker, finished, write_marker
from formats.shards.shard import Shard
from formats.shards.work_plan import PLAN, Draft, WorkPlan, read_sources, refuse_another_cut, settle_plan
from formats.texts.typed_json import check_type
from prep.dataset.again import UNTYPED, Typed
from prep.dataset.journal import ImageEntry, Journal, format_entry, resumable_folder
from prep.dataset.plan import Listed, Plan, parse_options, recorded_options
from prep.dataset.writer import Settled, settle, write_images
from prep.options import PrepOptions
from prep.readers.labelled_image import LabelledImage, Source

KIND = "prep"
BESIDE = (GEOREFERENCE,)
"""What may lie beside a plan."""
_COLUMNS = ("source", "size", "mask_size", "group", "family", "split", "attributes")
_CHECKED = ("sha256", "mask_sha256")


def write_shard(source: Source, out: Path, options: PrepOptions, shard: Shard, told: Typed = UNTYPED) -> Marker:
    """Make the shard of a dataset in `out`, beside the plan, which is written where there is none. One that is done
    already stays. Returns its marker.

    Raises SagesegError where the plan in `out` is another, and where `out` is cut otherwise.
    """
    refuse_another_cut(out, shard)
    settled = settle(source, options, told)
    plan_sha256 = settle_plan(out, _draft(settled), shard)
    done = None if options.overwrite else finished(out, shard, plan_sha256)
    if done:
        say(f"note: {out / shard.folder}: is there already, of this plan; nothing is left to do")
        return done
    header = {"plan": plan_sha256, "shard": str(shard)}
    with resumable_folder(out / shard.folder, header, overwrite=options.overwrite) as (root, journal):
        write_images(settled, shard.own, root, journal)
        counts = _close(root, journal, settled.images[shard.own])
        write_marker(root, shard, plan_sha256, counts)
    return finished(out, shard, plan_sha256) or Marker(0, 0, 0, "", {}, "")


def _close(root: Path, journal: Journal, images: Sequence[LabelledImage]) -> dict[str, int]:
    """Keep the journal with the crops, an entry for each image in order, and count what there is."""
    counts = {"images": len(images), "crops": 0, "kept": 0, "bytes": 0}
    with written_beside(root / JOURNAL, durable=True) as beside, beside.open("wb") as file:
        for entry in journal.entries(image.source for image in images):
            file.write(format_entry(entry))
            kept = [row for row in entry.rows if row.kept]
            counts["crops"] += len(entry.rows)
            counts["kept"] += len(kept)
            counts["bytes"] += sum(path.stat().st_size for path in files_of(root, entry))
    return counts


def files_of(root: Path, entry: ImageEntry) -> list[Path]:
    """The files of an image's crops in a dataset or shard, and of the truth that it may have."""
    files = [path(root, row.id) for row in entry.rows if row.kept for path in (image_path, mask_path)]
    first: ManifestRow = entry.rows[0]
    return [*files, truth_path(root, first.source_stem)] if first.truth_sha256 else files
