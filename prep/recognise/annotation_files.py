"""Labels that are shapes in annotation files: what shows their formats."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from pathlib import Path

from prep.readers.coco.files import is_known_name
from prep.recognise.images_beside import folder_of_images, told_missing
from prep.recognise.recognised import Recognised, found, one_of
from prep.recognise.survey import JsonFacts, Survey, common_folder

_MASK_REF = re.compile(r'"(?!source-ref")[^"]+-ref"\s*:')
_TASKS = ({"annotations", "data"}, {"completions", "data"}, {"annotation_id", "annotator"})


def manifests(survey: Survey) -> list[Recognised]:
    """Manifests with labels, those that a labelling job put out last before the steps on its way there."""
    paths = [
        path
        for path, text in survey.beginnings(".manifest", ".jsonl")
        if '"source-ref"' in text and _MASK_REF.search(text)
    ]
    final = [path for path in paths if path.parent.name == "output"] or paths
    synced: list[Path | str] = ["--images", survey.root] if survey.images else []
    return [
        found(
            "manifest",
            "an output manifest of Ground Truth",
            f"source-ref and labels in {_inside(path, survey)}{one_of(number, len(final))}",
            path,
            *synced,
        )
        for number, path in enumerate(final, start=1)
    ]


def cvat(survey: Survey) -> list[Recognised]:
    paths = [
        path
        for path, text in survey.beginnings(".xml")
        if "<annotations>" in text and re.search(r"<(?:image|track|meta)\b", text)
    ]
    return _in_files("cvat", "CVAT's XML", "annotations", paths, survey)


def coco(survey: Survey) -> list[Recognised]:
    """One file, or the folder of several: they are read together, each for its split."""
    every = _jsons_with(
        survey,
        lambda facts: (
            {"images", "annotations", "categories"} <= facts.keys
            and not {"segments_info", "caption"} & facts.inner["annotations"]
        ),
    )
    paths = [path for path in every if is_known_name(path)] or every
    if len(paths) < 2:
        return _in_files("coco", "COCO", "images, annotations and categories", paths, survey)
    folder = common_folder(paths)
    why = f"images, annotations and categories in {len(paths)} files, such as {_inside(paths[0], survey)}"
    images = folder_of_images(survey, *paths)
    if folder == images or folder in Path(images).parents:
        return [found("coco", "COCO", why, folder)]
    return [found("coco", "COCO", why, folder, images, missing=told_missing(images))]


def label_studio(survey: Survey) -> list[Recognised]:
    paths = _jsons_with(survey, lambda facts: facts.is_array and any(keys <= facts.keys for keys in _TASKS))
    return _in_files("labelstudio", "an export of Label Studio", "tasks", paths, survey)


def via(survey: Survey) -> list[Recognised]:
    """Projects, or annotations alone: an object of entries with `filename` and `regions`."""
    paths = _jsons_with(
        survey,
        lambda facts: (
            "_via_img_metadata" in facts.keys
            or (not facts.is_array and any({"filename", "regions"} <= keys for keys in facts.inner.values()))
        ),
    )
    return _in_files("via", "VGG Image Annotator", "regions", paths, survey)


def supervisely(survey: Survey) -> list[Recognised]:
    paths = _jsons_with(survey, lambda facts: facts.path.name == "meta.json" and "classes" in facts.keys)
    return [
        found(
            "supervisely",
            "a project of Supervisely",
            f"classes in {_inside(path, survey)}{one_of(number, len(paths))}",
            path.parent,
        )
        for number, path in enumerate(paths, start=1)
    ]


def labelme(survey: Survey) -> list[Recognised]:
    paths = _jsons_with(survey, lambda facts: {"shapes", "imagePath"} <= facts.keys)
    if not paths:
        return []
    folder = common_folder(paths)
    lists = [path for path in (folder / "labels.txt", folder.parent / "labels.txt") if path.is_file()]
    options: list[Path | str] = ["--labels", lists[0]] if lists else []
    images = {path.parent / path.stem for path in survey.images}
    if survey.images and not any(path.parent / path.stem in images for path in paths):
        options += ["--images", common_folder(survey.images)]
    return [found("labelme", "labelme's files", f"shapes in {paths[0].name}", folder, *options)]


def _jsons_with(survey: Survey, fits: Callable[[JsonFacts], bool]) -> list[Path]:
    return [facts.path for facts in survey.jsons if fits(facts)]


def _in_files(verb: str, name: str, what: str, files: Iterable[Path], survey: Survey) -> list[Recognised]:
    """Files that are each read by itself, with the folder of its images."""
    every = list(files)
    images = {file: folder_of_images(survey, file) for file in every}
    return [
        found(
            verb,
            name,
            f"{what} in {_inside(file, survey)}{one_of(number, len(every))}",
            file,
            images[file],
            missing=told_missing(images[file]),
        )
        for number, file in enumerate(every, start=1)
    ]


def _inside(path: Path, survey: Survey) -> str:
    """How a file is called in the folder that is looked at."""
    return path.name if path == survey.root else path.relative_to(survey.root).as_posix()
