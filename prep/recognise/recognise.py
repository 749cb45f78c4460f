"""Everything that a folder or file of labels may be."""

from __future__ import annotations

import shlex
from collections import Counter
from pathlib import Path

from formats.errors import SagesegError
from prep.recognise import annotation_files, image_pairs, mask_layouts
from prep.recognise.recognised import Recognised
from prep.recognise.survey import Survey

_ARCHIVES = (".zip", ".tar", ".tar.gz", ".tgz")
_VIDEOS = (".mp4", ".mov", ".avi", ".mkv", ".webm", ".m4v")


def recognise(path: Path) -> list[Recognised]:
    """What a folder or file may be, the surest first; empty where nothing is known."""
    survey = Survey(path)
    found = [recognised for look in _LOOKS if (recognised := look(survey))]
    return found or [recognised for look in _LAST_LOOKS if (recognised := look(survey))]


def recognise_or_refuse(path: Path) -> list[Recognised]:
    """`recognise`. Raises SagesegError where nothing is known, with what lies there."""
    if not path.exists():
        raise SagesegError(f"{path}: no such file or folder; expected labels")
    found = recognise(path)
    if found:
        return found
    kinds = Counter(file.suffix.lower() or "without suffix" for file in Survey(path).files)
    there = ", ".join(f"{count} {kind}" for kind, count in kinds.most_common(8)) or "nothing"
    raise SagesegError(f"{path}: no labels that are known, but {there}; docs/readers.md tells what is read, and how")


def _dataset(survey: Survey) -> Recognised | None:
    if not (survey.root / "dataset.json").is_file():
        return None
    root = shlex.quote(str(survey.root))
    return Recognised("check", "a dataset that prep made", "dataset.json", survey.root, f"sageseg prep check {root}")


def _archive(survey: Survey) -> Recognised | None:
    archive = next(iter(survey.of(*_ARCHIVES)), None)
    if not archive or survey.images or survey.jsons:
        return None
    to = shlex.quote(str(archive.with_name(archive.name.partition(".")[0])))
    unpack = f"unzip -d {to}" if archive.suffix == ".zip" else f"mkdir {to} && tar -C {to} -xf"
    command = f"{unpack} {shlex.quote(str(archive))} && sageseg prep auto {to}"
    return Recognised("auto", "an archive, to be unpacked first", archive.name, archive, command)


def _frames(survey: Survey) -> Recognised | None:
    videos = survey.of(*_VIDEOS)
    if not videos:
        return None
    command = f"sageseg prep frames {shlex.quote(str(videos[0]))} --out FRAMES"
    return Recognised("frames", "a video without labels", videos[0].name, videos[0], command)


_LOOKS = (
    _dataset,
    _archive,
    annotation_files.manifest,
    annotation_files.coco,
    annotation_files.label_studio,
    annotation_files.cvat,
    annotation_files.supervisely,
    annotation_files.via,
    annotation_files.labelme,
    mask_layouts.voc,
    mask_layouts.channels,
    mask_layouts.kitti,
    mask_layouts.carvana,
    mask_layouts.geotiff,
    annotation_files.yolo,
)
_LAST_LOOKS = (image_pairs.pairs, _frames)
"""Any folder may hold pairs of images, or a video."""
