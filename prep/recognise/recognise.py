"""Everything that a folder or file of labels may be."""

from __future__ import annotations

import shlex
from collections import Counter
from collections.abc import Callable
from pathlib import Path

from formats.errors import SagesegError
from formats.texts.given_files import refuse_unsafe
from formats.texts.wording import name_first
from prep.recognise import annotation_files, image_pairs, mask_layouts, not_read, rasters, yolo_files
from prep.recognise.recognised import Recognised
from prep.recognise.survey import Survey

_ARCHIVES = (".zip", ".tar.gz", ".tgz", ".tar")
_VIDEOS = (".mp4", ".mov", ".avi", ".mkv", ".webm", ".m4v")


def recognise(path: Path) -> list[Recognised]:
    """What a folder or file may be, the surest first; empty where nothing is known."""
    survey = Survey(path)
    for looks in (_LOOKS, _LAST_LOOKS):
        found = [recognised for look in looks for recognised in look(survey)]
        if found:
            return found
    return []


def recognise_or_refuse(given: str) -> list[Recognised]:
    """`recognise` of a path that was typed. Raises SagesegError for a place in S3, and where nothing is known, with
    what lies there."""
    if given.startswith("s3://"):
        copied = shlex.join(["aws", "s3", "sync", given, "labels"])
        raise SagesegError(f"{given}: expected labels on this machine; copy some of them, {copied}")
    path = Path(given)
    if not path.exists():
        raise SagesegError(f"{path}: no such file or folder; expected labels")
    found = recognise(path)
    if found:
        return found
    survey = Survey(path)
    told = next(filter(None, (look(survey) for look in _NOT_READ)), "")
    if told:
        raise SagesegError(told)
    kinds = Counter(file.suffix.lower() or "without suffix" for file in survey.files)
    there = ", ".join(f"{count} {kind}" for kind, count in kinds.most_common(8)) or (
        "nothing" if survey.made else "an empty folder"
    )
    if survey.made:
        there += f", beside what sageseg made: {name_first(sorted(survey.made))}"
    raise SagesegError(f"{path}: no labels that are known, but {there}; docs/readers.md tells what is read, and how")


def _datasets(survey: Survey) -> list[Recognised]:
    if not (survey.root / "dataset.json").is_file():
        return []
    command = shlex.join(["sageseg", "prep", "check", str(survey.root)])
    return [Recognised("check", "a dataset that prep made", "dataset.json", survey.root, command)]


def _archives_alone(survey: Survey) -> list[Recognised]:
    return [] if survey.images or survey.jsons else _archives(survey)


def _archives(survey: Survey) -> list[Recognised]:
    """All archives are unpacked, each into a folder of its own: images may lie in one and labels in another."""
    archives = survey.of(*_ARCHIVES)
    if not archives:
        return []
    for archive in archives:
        if archive.suffix.lower() == ".zip":
            refuse_unsafe(archive)
    unpack = [_unpack(archive) for archive in archives]
    where = unpack[0][0] if survey.root.is_file() else survey.root
    commands = [*(words for _, words in unpack), shlex.join(["sageseg", "prep", "auto", str(where)])]
    name = (
        "an archive, to be unpacked first" if len(archives) == 1 else f"{len(archives)} archives, to be unpacked first"
    )
    return [Recognised("auto", name, archives[0].name, archives[0], " && ".join(commands))]


def _unpack(archive: Path) -> tuple[Path, str]:
    """The folder that an archive is unpacked into, and the command."""
    suffix = next(suffix for suffix in _ARCHIVES if archive.name.lower().endswith(suffix))
    to = archive.with_name(archive.name[: -len(suffix)])
    if suffix == ".zip":
        return to, shlex.join(["unzip", "-d", str(to), str(archive)])
    return to, f"{shlex.join(['mkdir', '-p', str(to)])} && {shlex.join(['tar', '-C', str(to), '-xf', str(archive)])}"


def _frames(survey: Survey) -> list[Recognised]:
    videos = survey.of(*_VIDEOS)
    if not videos:
        return []
    command = f"{shlex.join(['sageseg', 'prep', 'frames', str(videos[0])])} --out FRAMES"
    return [Recognised("frames", "a video without labels", videos[0].name, videos[0], command)]


_LOOKS: tuple[Callable[[Survey], list[Recognised]], ...] = (
    _datasets,
    _archives_alone,
    annotation_files.manifests,
    annotation_files.coco,
    annotation_files.label_studio,
    annotation_files.cvat,
    annotation_files.supervisely,
    annotation_files.via,
    annotation_files.labelme,
    mask_layouts.voc,
    mask_layouts.channels,
    mask_layouts.kitti,
    mask_layouts.kitti_semantic,
    mask_layouts.carvana,
    rasters.geotiff,
    yolo_files.yolo,
)
_LAST_LOOKS: tuple[Callable[[Survey], list[Recognised]], ...] = (image_pairs.pairs, _archives, _frames)
"""Any folder may hold pairs of images, an archive or a video."""
_NOT_READ: tuple[Callable[[Survey], str], ...] = (
    not_read.json_of_others,
    not_read.brush_masks,
    not_read.manifests,
    not_read.tables,
    not_read.xml_of_others,
    yolo_files.boxes,
    not_read.images_alone,
    not_read.damaged_json,
)
"""What is known and no reader takes."""
