"""A part of a dataset, made on a machine of its own: the plan, the crops of the part, and a marker when all are there.

What it leaves in `<out>/shard-2-of-4/` are the folders of a dataset with its own crops, and its journal.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from formats.dataset import image_path, mask_path, truth_path
from formats.disk.whole_files import written_beside
from formats.shards.markers import BYTES, JOURNAL, Marker, finished, write_marker
from formats.shards.shard import Shard
from formats.shards.work_plan import refuse_another_cut, settle_plan
from prep.dataset.again import UNTYPED, Typed
from prep.dataset.journal import ImageEntry, Journal, format_entry, resumable_folder
from prep.dataset.plan import Listed
from prep.dataset.planned import draft_of
from prep.dataset.writer import settle, write_images
from prep.options import PrepOptions
from prep.readers.labelled_image import Source


def write_shard(source: Source, out: Path, options: PrepOptions, shard: Shard, told: Typed = UNTYPED) -> Marker:
    """Make the shard of a dataset in `out`, beside the plan, which is written where there is none. One that is done
    already stays. Returns its marker.

    Raises SagesegError where the plan in `out` is another, and where `out` is cut otherwise.
    """
    refuse_another_cut(out, shard)
    settled = settle(source, options, told)
    plan_sha256 = settle_plan(out, draft_of(settled.plan, settled.images, settled.awaited), shard)
    done = None if options.overwrite else finished(out, shard, plan_sha256)
    if done:
        return done
    header = {"plan": plan_sha256, "shard": str(shard)}
    with resumable_folder(out / shard.folder, header, overwrite=options.overwrite) as (root, journal):
        write_images(settled, shard.own, root, journal)
        counts = _close(root, journal, settled.plan.images[shard.own])
        return write_marker(root, shard, plan_sha256, counts)


def _close(root: Path, journal: Journal, images: Sequence[Listed]) -> dict[str, int]:
    """Keep the journal with the crops, an entry for each image in order, and count what there is."""
    counts = {"images": len(images), "crops": 0, "kept": 0, BYTES: 0}
    with written_beside(root / JOURNAL) as beside, beside.open("wb") as file:
        for entry in journal.entries(image.source for image in images):
            file.write(format_entry(entry))
            counts["crops"] += len(entry.rows)
            counts["kept"] += sum(row.kept for row in entry.rows)
            counts[BYTES] += sum(path.stat().st_size for path, _ in files_of(root, entry))
    return counts


def files_of(root: Path, entry: ImageEntry) -> list[tuple[Path, str]]:
    """The files of an image's crops in a dataset or a shard, and of the truth that it may have, with their sha256."""
    kept = [row for row in entry.rows if row.kept]
    images = [(image_path(root, row.id), row.image_sha256) for row in kept]
    masks = [(mask_path(root, row.id), row.mask_sha256) for row in kept]
    first = entry.rows[0]
    truth = [(truth_path(root, first.source_stem), first.truth_sha256)] if first.truth_sha256 else []
    return [*images, *masks, *truth]
