"""`sageseg prep labelstudio`."""

from __future__ import annotations

from typing import Annotated

import typer

from formats.command_options import takes
from prep.commands.reading import Background, Labels, Out, SkipMissing, write
from prep.options import PrepOptions
from prep.remote.local import local_file
from prep.remote.places import parse_place


@takes(PrepOptions, "options")
def labelstudio(
    export: Annotated[str, typer.Argument(metavar="FILE", help="Label Studio's export, JSON or JSON-MIN.")],
    images: Annotated[str, typer.Argument(help="Folder of the images.")],
    out: Out,
    options: PrepOptions,
    labels: Labels = None,
    annotator: Annotated[
        str | None, typer.Option(help="Whose annotations to take; else each task's newest.", metavar="EMAIL|ID")
    ] = None,
    image_key: Annotated[
        str | None, typer.Option(help="The key of the tasks' data that holds the image, where several do.")
    ] = None,
    image_tag: Annotated[
        str | None, typer.Option(help="The name of the <Image> whose regions are meant, where there are several.")
    ] = None,
    use_predictions: Annotated[
        bool, typer.Option("--use-predictions", help="Read the tasks' predictions instead of their annotations.")
    ] = False,
    skip_missing: SkipMissing = False,
    background: Background = None,
) -> None:
    """Regions drawn in Label Studio: brushes, bitmasks, polygons, rectangles, ellipses."""
    from prep.readers.labelstudio.reader import read_labelstudio

    source = read_labelstudio(
        local_file(export),
        parse_place(images),
        labels,
        annotator=annotator,
        image_key=image_key,
        image_tag=image_tag,
        use_predictions=use_predictions,
        skip_missing=skip_missing,
        background=background,
        group_by=options.group_by,
        workers=options.workers,
    )
    write(source, out, options)
