"""The command lines that are killed on this machine alone: every verb that writes files."""

from __future__ import annotations

from dataclasses import replace

from trust.kills.tries import Try

READERS = (
    "pairs photos masks --labels labels.txt",
    "carvana train train_masks --metadata metadata.csv",
    "labelme annotated --labels labels.txt",
    "cvat task/annotations.xml task/images",
    "labelstudio project-1.json uploads",
    "coco instances_default.json pictures",
    "kitti data_road",
    "voc VOC2012",
    "channels bucket --labels labels.txt",
    "supervisely project",
    "manifest output.manifest --images synced",
    "geotiff city.tif --labels-from roads.geojson --class-field class",
    "yolo yolo-dataset",
    "via via_project.json shots",
)
_OTHERS = (
    ("prep merge shards --out OUT", 8),
    ("analysis merge report-shards --out OUT", 10),
    ("analysis merge stitch-shards --out OUT", 8),
    ("jobs merge predict-shards --out OUT", 8),
    ("prep tiles city.tif --out OUT", 4),
    ("prep frames drive.mp4 --every 5 --out OUT", 6),
    ("prep preview dataset --out OUT.html", 4),
    ("jobs predict model.tar.gz dataset --split val --probabilities --out OUT", 10),
    ("jobs predict model.tar.gz images --out OUT --crop 48 --overlap 8 --stitch", 6),
    ("jobs predict model.tar.gz drive.mp4 --every 10 --out OUT", 4),
    ("jobs features model.tar.gz image.jpg --out OUT.png", 3),
    ("jobs policy --bucket cars --region us-east-1 --account 123456789012 --out OUT", 6),
    ("jobs lambda cars --out OUT.yaml", 3),
    ("analysis stitch predictions --dataset dataset --out OUT", 16),
    ("analysis stitch predictions --dataset dataset --out OUT --least-pixels 20 --fill-holes", 6),
    ("analysis report stitched --dataset dataset --out OUT", 16),
    ("analysis report my-masks --truth train_masks --images train --out OUT", 8),
    ("analysis gate report-of-groups --least mean_iou=0.5 --out OUT.json", 4),
    ("analysis suspects predictions --dataset dataset --out OUT.csv", 4),
    ("analysis areas stitched --scale 0.5mm/px --out OUT", 6),
    ("analysis compare report-a report-b --out OUT", 6),
    ("analysis combine predictions-fcn predictions-psp --out OUT", 8),
    ("analysis overlay predictions images --out OUT", 6),
    ("analysis cutout predictions images --out OUT", 6),
    ("analysis select predictions --count 2 --out OUT", 6),
    ("analysis labelme stitched --images frames --out OUT", 6),
    ("analysis coco stitched --out OUT.json", 4),
    ("analysis cvat stitched --out OUT.xml", 4),
    ("analysis labelstudio stitched --out OUT.json --image-url /data/local-files/?d=shoot/", 4),
    ("analysis geojson stitched-on-earth --least-pixels 2 --out OUT.geojson", 4),
    ("analysis submission stitched --out OUT.csv.gz", 4),
)
_SHARDS = (
    ("prep carvana train train_masks --crop 40", 1),
    ("prep geotiff city.tif --labels-from roads.geojson --class-field class --crop 40", 2),
    ("analysis report stitched --dataset dataset", 2),
    ("analysis stitch predictions --dataset dataset", 1),
    ("jobs predict model.tar.gz images --crop 48 --probabilities", 1),
)
"""Each with the shard of two that is made, beside the plan which it writes."""
FIRST = (
    *(f"analysis report stitched --dataset dataset --out report-shards --shard {number}/2" for number in (1, 2)),
    *(f"analysis stitch predictions --dataset dataset --out stitch-shards --shard {number}/2" for number in (1, 2)),
    "analysis report my-masks --truth train_masks --images train --group-by ^(.+)$ --out report-of-groups",
    *(f"jobs predict model.tar.gz images --crop 48 --out predict-shards --shard {number}/2" for number in (1, 2)),
    "prep carvana train train_masks --crop 40 --out shards --shard 1/2",
    "prep carvana train train_masks --crop 40 --out shards --shard 2/2",
    "prep tiles city.tif --out tiles-of-city",
    "jobs predict model.tar.gz tiles-of-city --out predictions-on-earth",
    "analysis stitch predictions-on-earth --out stitched-on-earth --geotiff",
)
"""What is typed before, for lines that read it."""


_SHORT = ("prep labelme", "analysis coco")
"""What the short form tries, as few times as can be: a folder, and a file."""


def tries(*, short: bool) -> list[Try]:
    """Each verb's line, new and over something of its name."""
    found = _all()
    if not short:
        return found
    first = {verb: next(tried for tried in found if tried.line.startswith(verb)) for verb in _SHORT}
    return [replace(tried, kills=1) for tried in first.values()]


def _all() -> list[Try]:
    lines = [*((f"prep {reader} --crop 40 --out OUT", 7) for reader in READERS), *_OTHERS]
    found = []
    for number, (line, kills) in enumerate(lines):
        name = f"made{number}"
        makes = next(word for word in line.split() if word.startswith("OUT")).replace("OUT", name)
        typed = line.replace("OUT", name)
        kind = _kind(*line.split()[:2])
        found.append(Try(kind, typed, makes, kills))
        found.append(Try(kind, f"{typed} --overwrite", makes, max(2, kills // 2), old=True))
    for place, (line, number) in enumerate(_SHARDS):
        out = f"sharded{place}"
        typed = f"{line} --out {out} --shard {number}/2"
        found.append(Try(_kind(*line.split()[:2]), typed, f"{out}/shard-{number}-of-2", 16))
    by_two = "prep carvana train train_masks --crop 40 --workers 2 --out two"
    found.append(Try(_kind("prep", "carvana"), by_two, "two", 10, workers=2))
    return sorted(found, key=lambda tried: tried.kind)


def _kind(room: str, verb: str) -> str:
    alone = {"predict": "predict by the artefact", "stitch": "stitch", "report": "report"}
    return f"killed: {alone.get(verb, f'{room}, each verb')}"
