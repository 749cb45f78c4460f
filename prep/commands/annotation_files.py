"""Verbs for labels that are shapes in annotation files: `sageseg prep labelme`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from formats.command_options import takes
from prep.commands.reading import Background, Out, write
from prep.options import PrepOptions
from prep.remote.local import local_folder


@takes(PrepOptions, "options")
def labelme(
    annotations: Annotated[str, typer.Argument(help="Folder of labelme's JSON files, beside their images.")],
    labels: Annotated[Path, typer.Option(help="labels.txt: one label per line; __ignore__ is mask value 255.")],
    out: Out,
    options: PrepOptions,
    images: Annotated[
        str | None, typer.Option(help="Folder of the images, where they lie elsewhere.", metavar="FOLDER")
    ] = None,
    background: Background = None,
) -> None:
    """Shapes drawn in labelme, of every version and type."""
    from prep.readers.labelme.reader import read_labelme
    from prep.remote.needs import all_images, labelme_folder

    source = read_labelme(
        local_folder(annotations, labelme_folder),
        labels,
        images=local_folder(images, all_images) if images else None,
        background=background,
        group_by=options.group_by,
        orientation=options.orientation,
        workers=options.workers,
    )
    write(source, out, options)
