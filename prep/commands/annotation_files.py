"""Verbs for labels that are shapes in annotation files: `sageseg prep labelme`, `coco`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from formats.command_options import takes
from prep.commands.reading import Background, Labels, Out, SkipMissing, write
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
def coco(
    annotations: Annotated[Path, typer.Argument(help="A JSON file of COCO, or a folder with one for each split.")],
    out: Out,
    options: PrepOptions,
    images: Annotated[
        Path | None, typer.Argument(help="Folder of the images.  [default: where the annotations are]")
    ] = None,
    labels: Labels = None,
    background: Background = None,
    crowd: Annotated[
        str,
        typer.Option(help="What iscrowd makes of an outline: pixels of its category, or 255.", metavar="class|ignore"),
    ] = "class",
    boxes: Annotated[
        str | None,
        typer.Option(
            help="Draw the boxes of annotations that have no outline; else they are left out.", metavar="class|ignore"
        ),
    ] = None,
    skip_missing: SkipMissing = False,
    skip_empty: Annotated[bool, typer.Option("--skip-empty", help="Leave out images without an annotation.")] = False,
) -> None:
    """Polygons and run lengths of COCO, and of the tools that export to it."""
    from prep.readers.coco.reader import Choices, read_coco

    source = read_coco(
        annotations,
        images,
        labels=labels,
        background=background,
        choices=Choices(crowd, boxes),
        skip_missing=skip_missing,
        skip_empty=skip_empty,
        group_by=options.group_by,
        workers=options.workers,
    )
    write(source, out, options)
