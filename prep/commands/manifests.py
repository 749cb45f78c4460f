"""Verbs for labels that a manifest names: `sageseg prep manifest`."""

from __future__ import annotations

from typing import Annotated

import typer

from formats.command_options import takes
from prep.commands.reading import Background, Labels, Out, SkipMissing, reading, write
from prep.options import PrepOptions


@takes(PrepOptions, "options")
def manifest(
    file: Annotated[str, typer.Argument(help="Augmented manifest, such as output.manifest; a path or s3://…")],
    out: Out,
    options: PrepOptions,
    images: Annotated[
        str | None, typer.Option(help="Folder of the images, where they are not in S3.", metavar="FOLDER")
    ] = None,
    masks: Annotated[
        str | None, typer.Option(help="Folder of the masks, where they are not in S3.", metavar="FOLDER")
    ] = None,
    job: Annotated[
        str | None, typer.Option(help="The labelling job whose masks are meant, where lines have several.")
    ] = None,
    leave_out: Annotated[
        list[str] | None,
        typer.Option(help="Leave out images of which a verification job said this.", metavar="VERDICT"),
    ] = None,
    labels: Labels = None,
    background: Background = None,
    skip_missing: SkipMissing = False,
) -> None:
    """Output manifests of Ground Truth, and datasets of Lookout for Vision and DDA."""
    from prep.readers.manifest.reader import read_manifest_file
    from prep.remote.local import local_file
    from prep.remote.places import parse_place

    path = local_file(file)
    with reading("manifest", path):
        source = read_manifest_file(
            path,
            place=parse_place(file),
            images=parse_place(images) if images else None,
            masks=parse_place(masks) if masks else None,
            job=job,
            leave_out=leave_out or (),
            labels=labels,
            background=background,
            skip_missing=skip_missing,
            group_by=options.group_by,
            workers=options.workers,
        )
    write(source, out, options)
