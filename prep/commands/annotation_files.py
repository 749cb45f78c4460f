"""Verbs for labels that are shapes in annotation files: `sageseg prep labelme`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from formats.command_options import takes
from prep.commands.reading import Background, Labels, Out, SkipMissing, reading, write
from prep.options import PrepOptions


@takes(PrepOptions, "options")
def labelme(
    annotations: Annotated[Path, typer.Argument(help="Folder of labelme's JSON files, beside their images.")],
    labels: Annotated[Path, typer.Option(help="labels.txt: one label per line; __ignore__ is mask value 255.")],
    out: Out,
    options: PrepOptions,
    images: Annotated[Path | None, typer.Option(help="Folder of the images, where they lie elsewhere.")] = None,
    background: Background = None,
) -> None:
    """Shapes drawn in labelme, of every version and type."""
    from prep.readers.labelme.reader import read_labelme

    with reading("labelme", annotations):
        source = read_labelme(
            annotations,
            labels,
            images=images,
            background=background,
            group_by=options.group_by,
            orientation=options.orientation,
            workers=options.workers,
        )
    write(source, out, options)


@takes(PrepOptions, "options")
def supervisely(
    project: Annotated[Path, typer.Argument(help="Folder of a project, with meta.json and its datasets.")],
    out: Out,
    options: PrepOptions,
    labels: Labels = None,
    background: Background = None,
) -> None:
    """Supervisely's projects: polygons, bitmaps and rectangles."""
    from prep.readers.supervisely import read_supervisely

    with reading("supervisely", project):
        source = read_supervisely(
            project, labels, background=background, group_by=options.group_by, workers=options.workers
        )
    write(source, out, options)


@takes(PrepOptions, "options")
def yolo(
    folder: Annotated[Path, typer.Argument(help="Folder with data.yaml, or with images and labels.")],
    out: Out,
    options: PrepOptions,
    labels: Labels = None,
    background: Background = None,
) -> None:
    """YOLO's text files of polygons; the folders of data.yaml are the split."""
    from prep.readers.yolo.reader import read_yolo

    with reading("yolo", folder):
        source = read_yolo(folder, labels, background=background, group_by=options.group_by, workers=options.workers)
    write(source, out, options)


@takes(PrepOptions, "options")
def via(
    file: Annotated[Path, typer.Argument(help="Project, or annotations exported as JSON.")],
    images: Annotated[Path, typer.Argument(help="Folder of the images.")],
    out: Out,
    options: PrepOptions,
    labels: Labels = None,
    attribute: Annotated[str | None, typer.Option(help="The region attribute that is the class.")] = None,
    background: Background = None,
    skip_missing: SkipMissing = False,
) -> None:
    """VGG Image Annotator 2: polygons, rectangles, circles and ellipses."""
    from prep.readers.via import read_via

    with reading("via", file):
        source = read_via(
            file,
            images,
            labels,
            attribute=attribute,
            background=background,
            skip_missing=skip_missing,
            group_by=options.group_by,
            workers=options.workers,
        )
    write(source, out, options)
