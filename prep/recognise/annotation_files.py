"""Labels that are shapes in annotation files: what shows their formats."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path

from prep.readers.classes.label_list import CLASS_LISTS
from prep.readers.splits import split_of_word
from prep.readers.yolo.layout import YAMLS
from prep.recognise.recognised import Recognised, found
from prep.recognise.survey import JsonFacts, Survey

_YOLO_LINE = re.compile(r"\s*\d+(?:\s+-?\d[\d.eE+-]*){4,}\s*")


def manifest(survey: Survey) -> Recognised | None:
    for path, text in survey.beginnings(".manifest", ".jsonl"):
        if '"source-ref"' in text.partition("\n")[0]:
            synced: list[Path | str] = ["--images", survey.root] if survey.images else []
            return found("manifest", "an output manifest of Ground Truth", f"source-ref in {path.name}", path, *synced)
    return None


def cvat(survey: Survey) -> Recognised | None:
    for path, text in survey.beginnings(".xml"):
        if "<annotations>" in text and re.search(r"<(?:image|track|meta)\b", text):
            return _in_file("cvat", "CVAT's XML", "annotations", path, survey)
    return None


def coco(survey: Survey) -> Recognised | None:
    facts = _json_with(survey, lambda facts: {"images", "annotations", "categories"} <= facts.keys)
    if not facts or "segments_info" in facts.inner["annotations"]:
        return None
    return _in_file("coco", "COCO", "images, annotations and categories", facts.path, survey)


def label_studio(survey: Survey) -> Recognised | None:
    tasks = ({"annotations", "data"}, {"completions", "data"}, {"annotation_id", "annotator"})
    facts = _json_with(survey, lambda facts: facts.is_array and any(keys <= facts.keys for keys in tasks))
    return _in_file("labelstudio", "an export of Label Studio", "tasks", facts.path, survey) if facts else None


def via(survey: Survey) -> Recognised | None:
    """A project, or the annotations alone: an object of entries with `filename` and `regions`."""
    facts = _json_with(
        survey,
        lambda facts: (
            "_via_img_metadata" in facts.keys
            or (not facts.is_array and any({"filename", "regions"} <= keys for keys in facts.inner.values()))
        ),
    )
    return _in_file("via", "VGG Image Annotator", "regions", facts.path, survey) if facts else None


def supervisely(survey: Survey) -> Recognised | None:
    facts = _json_with(survey, lambda facts: facts.path.name == "meta.json" and "classes" in facts.keys)
    return (
        found("supervisely", "a project of Supervisely", "classes in meta.json", facts.path.parent) if facts else None
    )


def labelme(survey: Survey) -> Recognised | None:
    facts = _json_with(survey, lambda facts: {"shapes", "imagePath"} <= facts.keys)
    if not facts:
        return None
    folder = survey.root if survey.root.is_dir() else facts.path.parent
    lists = [path for path in (folder / "labels.txt", folder.parent / "labels.txt") if path.is_file()]
    labels = lists[0] if lists else "labels.txt"
    return found("labelme", "labelme's files", f"shapes in {facts.path.name}", folder, "--labels", labels)


def yolo(survey: Survey) -> Recognised | None:
    for path, text in survey.beginnings(".txt"):
        whole_lines = text.rpartition("\n")[0] or text
        if all(map(_YOLO_LINE.fullmatch, whole_lines.splitlines() or [""])):
            root = _yolo_root(path, survey)
            listed = any((root / name).is_file() for name in (*YAMLS, *CLASS_LISTS))
            labels = () if listed else ("--labels", "labels.txt")
            return found("yolo", "YOLO's text files", f"rows of numbers in {path.name}", root, *labels)
    return None


def _yolo_root(text: Path, survey: Survey) -> Path:
    """The folder with data.yaml above a text file; else the one that has the labels, of all splits."""
    above = [folder for folder in text.parents if folder.is_relative_to(survey.root)]
    for folder in above:
        if any((folder / name).is_file() for name in YAMLS):
            return folder
    root = next((folder.parent for folder in text.parents if folder.name == "labels"), text.parent)
    return root.parent if split_of_word(root.name) and root.parent in above else root


def _json_with(survey: Survey, fits: Callable[[JsonFacts], bool]) -> JsonFacts | None:
    return next((facts for facts in survey.jsons if fits(facts)), None)


def _in_file(verb: str, name: str, what: str, file: Path, survey: Survey) -> Recognised:
    return found(verb, name, f"{what} in {file.name}", file, _images_folder(survey, file))


def _images_folder(survey: Survey, beside: Path) -> Path | str:
    """The folder that holds all images of an annotation file."""
    if survey.root.is_file():
        survey = Survey(beside.parent)
    folders = list({path.parent: None for path in survey.images})
    return "IMAGES" if not folders else folders[0] if len(folders) == 1 else survey.root
