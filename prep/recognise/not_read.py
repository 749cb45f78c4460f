"""Labels that no reader takes, and the export of their tool that one does."""

from __future__ import annotations

import re
import shlex
from collections.abc import Callable
from pathlib import Path

from prep.recognise.survey import JsonFacts, Survey

_BRUSH = re.compile(r"task-\d+-annotation-\d+-by-\d+-tag-.+-\d+\.(?:png|npy)")
_RUN_LENGTHS = ("rle_mask", "EncodedPixels", "segmentation", "rle")
"""Columns of Kaggle's competitions."""
_VIA_COLUMN = "region_shape_attributes"


def json_of_others(survey: Survey) -> str:
    return next((f"{facts.path}: {told}" for facts in survey.jsons for fits, told in _JSON if fits(facts)), "")


_JSON: tuple[tuple[Callable[[JsonFacts], bool], str], ...] = (
    (
        lambda facts: "segments_info" in facts.inner.get("annotations", ()),
        "panoptic COCO, whose masks are PNG files of segments; take the file instances_….json of the same images",
    ),
    (
        lambda facts: "caption" in facts.inner.get("annotations", ()),
        "captions of COCO; take the file instances_….json of the same images",
    ),
    (
        lambda facts: {"items", "categories"} <= facts.keys,
        "Datumaro's own format; export CVAT for images 1.1 from CVAT (sageseg prep cvat), or convert it, datum convert "
        "-f coco_instances (sageseg prep coco)",
    ),
    (
        lambda facts: {"item", "annotations"} <= facts.keys,
        "V7's Darwin JSON; convert it, darwin dataset convert TEAM/DATASET coco -o FOLDER (sageseg prep coco)",
    ),
    (
        lambda facts: "samples" in facts.inner.get("dataset", ()),
        'a release of Segments.ai; make COCO of it, export_dataset(dataset, export_format="coco-instance") (sageseg '
        "prep coco)",
    ),
    (
        lambda facts: {"image", "annotations"} <= facts.keys,
        "masks of one image as Segment Anything writes them, which have no class; make a PNG mask of those of a class "
        "(sageseg prep pairs)",
    ),
    (
        lambda facts: {"images", "label_classes"} <= facts.keys,
        "Hasty's own JSON; export COCO there (sageseg prep coco)",
    ),
    (
        lambda facts: "objects" in facts.keys and not facts.is_array,
        "outlines of one image, as Cityscapes and Supervisely write them; Cityscapes' *_labelIds.png are what is read "
        "(sageseg prep pairs), and a project of Supervisely has a meta.json above it (sageseg prep supervisely)",
    ),
    (
        lambda facts: {"images", "categories"} <= facts.keys and "annotations" not in facts.keys,
        "COCO without annotations; expected the file that has them",
    ),
)
"""What a JSON file is, and what to export instead; verbs in brackets."""


def is_brush_mask(path: Path) -> bool:
    """Whether a file is called as a brush that Label Studio exports."""
    return bool(_BRUSH.fullmatch(path.name))


def brush_masks(survey: Survey) -> str:
    brush = next(filter(is_brush_mask, survey.files), None)
    if not brush:
        return ""
    return f"{brush}: a brush of Label Studio, whose name tells no image; export JSON there (sageseg prep labelstudio)"


def manifests(survey: Survey) -> str:
    for path, text in survey.beginnings(".manifest", ".jsonl"):
        if '"source-ref"' in text:
            return f"{path}: a manifest without masks; expected the output manifest of a semantic segmentation job"
    return ""


def tables(survey: Survey) -> str:
    for path, text in survey.beginnings(".csv"):
        head = text.partition("\n")[0]
        if _VIA_COLUMN in head:
            return f"{path}: CSV of VGG Image Annotator; export the annotations as JSON there (sageseg prep via)"
        if set(_RUN_LENGTHS) & {cell.strip('" \r') for cell in head.split(",")}:
            return f"{path}: run lengths in a table, which are not read; make a PNG mask of each (sageseg prep pairs)"
    return ""


def xml_of_others(survey: Survey) -> str:
    for path, text in survey.beginnings(".xml"):
        if "<annotation>" in text and "<bndbox" in text:
            return (
                f"{path}: Pascal VOC's boxes, which have no outline; expected masks in SegmentationClass, or polygons"
            )
        if "<annotation>" in text and "<polygon>" in text:
            return (
                f"{path}: XML of LabelMe on the web; export CVAT for images 1.1 where it is CVAT's (sageseg prep cvat)"
            )
    return ""


def images_alone(survey: Survey) -> str:
    """Images, and nothing beside them but the table that `prep frames` writes."""
    others = [path for path in survey.files if path not in survey.images and path.name != "frames.csv"]
    if others or survey.made or not survey.images:
        return ""
    count, draw = len(survey.images), shlex.join(["labelme", str(survey.root)])
    return (
        f"{survey.root}: {count} image{'s' if count > 1 else ''} and no labels; where they lie in a folder beside it, "
        f"name the folder above both; where they are still to be drawn, {draw} does (docs/loop.md)"
    )


def damaged_json(survey: Survey) -> str:
    return str(survey.damaged[0]) if survey.damaged else ""
