"""A dataset's plan in the folder of its shards: as a shard writes it, and as the merge reads it."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, TypedDict

from formats.classes import class_table
from formats.dataset import SPLITS
from formats.errors import SagesegError
from formats.parallel import map_all
from formats.prepared.georeference import FILE as GEOREFERENCE
from formats.prepared.georeference import format_georeference, read_georeference
from formats.shards.checksums import file_checksum, file_size, joined_checksum
from formats.shards.work_plan import PLAN, SOURCES, Draft, WorkPlan, read_sources
from formats.texts.typed_json import check_type
from prep.dataset.again import Typed
from prep.dataset.plan import Listed, Plan, parse_options, recorded_options
from prep.options import PrepOptions
from prep.readers.labelled_image import LabelledImage, mask_files
from prep.remote.awaited import NOTHING_AWAITED, Awaited

KIND = "prep"
BESIDE = (GEOREFERENCE,)
"""What may lie beside a plan."""
_COLUMNS = ("source", "size", "mask_size", "group", "family", "split", "attributes")
_CHECKED = ("checksum", "mask_checksum")
_ETAG = "etag:"
_MEND = "bring back the folder that the shards wrote"


class _Settled(TypedDict):
    """What plan.json tells of a dataset; `files` are those that the command names, `regions` those of a folder."""

    source_format: str
    classes: list[str]
    unit: str
    options: dict[str, Any]
    files: dict[str, str]
    regions: dict[str, str]
    left_out: dict[str, int]


def draft_of(plan: Plan, images: Sequence[LabelledImage], awaited: Awaited = NOTHING_AWAITED) -> Draft:
    """The plan of a dataset; `images` are those of the plan, with their files. Of files that are `awaited` the plan has
    what S3's listing tells, so that nobody fetches them for it."""
    settled = _Settled(
        source_format=plan.format,
        classes=list(plan.classes.names),
        unit=plan.unit,
        options=recorded_options(plan.options),
        files=plan.typed.files,
        regions=_digests_of_regions(plan.options),
        left_out=dict(plan.left_out),
    )
    files = {GEOREFERENCE: format_georeference(plan.georeference)} if plan.georeference else {}
    rows = [_row(image, listed, plan, awaited) for image, listed in zip(images, plan.images, strict=True)]
    command = ("prep", *plan.typed.command)

    def checksums(part: slice) -> list[tuple[str, ...]]:
        return _checksums(images[part], plan.options.workers, awaited)

    return Draft(KIND, command, dict(settled), _COLUMNS, rows, _CHECKED, checksums, files)


def _row(image: LabelledImage, listed: Listed, plan: Plan, awaited: Awaited) -> tuple[str, ...]:
    sizes = (str(sum(_size(path, awaited) for path in paths)) for paths in _files(image))
    attributes = json.dumps(listed.attributes, ensure_ascii=False) if listed.attributes else ""
    return (listed.source, *sizes, listed.group, listed.family, plan.groups[listed.group], attributes)


def _size(path: Path, awaited: Awaited) -> int:
    told = awaited.told(path)
    return told.size if told else file_size(path)


def _files(image: LabelledImage) -> tuple[tuple[Path, ...], tuple[Path, ...]]:
    """Those of the image, and of its mask."""
    return (image.image,), mask_files(image.mask)


def _checksums(images: Sequence[LabelledImage], workers: int | None, awaited: Awaited) -> list[tuple[str, ...]]:
    """The sha256 of each image's file and of its mask's, or the ETag of one that is awaited; files of many images are
    read once. Of a mask of several files it is the sha256 of their checksums."""
    paths = list(dict.fromkeys(path for image in images for files in _files(image) for path in files))
    told = {path: awaited.told(path) for path in paths}
    found = {path: f"{_ETAG}{one.etag}" for path, one in told.items() if one}
    here = [path for path in paths if path not in found]
    found |= zip(here, map_all(file_checksum, here, workers=workers, label="checksums"), strict=True)
    return [tuple(joined_checksum([found[path] for path in files]) for files in _files(image)) for image in images]


def _digests_of_regions(options: PrepOptions) -> dict[str, str]:
    """By name the regions in a folder, which the command tells by its name alone."""
    focus = options.focus
    paths = sorted(focus.glob("*.json")) if isinstance(focus, Path) and focus.is_dir() else []
    return {path.name: file_checksum(path) for path in paths}


def plan_of(out: Path, work: WorkPlan) -> Plan:
    """The plan of a dataset that lies in a folder. Raises SagesegError that names the file which is damaged."""
    try:
        check_type(work.settled, _Settled)
        settled: Mapping[str, Any] = work.settled
        options = parse_options(settled["options"])
    except ValueError as e:
        raise SagesegError(f"{out / PLAN}: damaged ({e}); {_MEND}") from e
    images, groups = list[Listed](), dict[str, str]()
    for image, split in _listed(out):
        images.append(image)
        groups[image.group] = split
    return Plan(
        settled["source_format"],
        class_table(settled["classes"], out / PLAN),
        images,
        {name: groups[name] for name in sorted(groups)},
        options,
        settled["unit"],
        settled["left_out"],
        read_georeference(out),
        Typed(tuple(work.command[1:]), settled["files"]),
    )


def _listed(out: Path) -> Iterator[tuple[Listed, str]]:
    """The images of sources.csv, each with its split."""
    seen: dict[str, str] = {}  # texts that repeat are held once
    for row in read_sources(out):
        try:
            group, family = (seen.setdefault(row[name], row[name]) for name in ("group", "family"))
            attributes = json.loads(row["attributes"] or "{}")
            check_type(attributes, dict[str, str], "attributes")
            split = SPLITS[SPLITS.index(row["split"])]
            yield Listed(row["source"], group, family, attributes), split
        except (ValueError, KeyError) as e:
            raise SagesegError(f"{out / SOURCES}: {row.get('source')}: damaged ({e}); {_MEND}") from e
