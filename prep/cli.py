"""The verbs of prep."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from formats.console import result
from formats.verbs.command_options import takes
from formats.verbs.mounting import make_app
from prep.commands import annotation_files, mask_files, rasters
from prep.commands.reading import Out, tell_dataset
from prep.frames.options import FrameOptions

app = make_app("Raw labels to a dataset.")


@app.callback()
def prep() -> None:
    """Raw labels to a dataset."""


def auto(
    folder: Annotated[str, typer.Argument(metavar="FOLDER", help="A folder of labels, or a file of them.")],
) -> None:
    """Say what labels these are, why, and the command that reads them."""
    from prep.recognise.recognise import recognise_or_refuse

    for number, found in enumerate(recognise_or_refuse(folder)):
        result(f"{'or ' if number else ''}{found.name} ({found.why})")
        result(found.command)
        if found.missing:
            result(f"first: {found.missing}")


@takes(FrameOptions, "options")
def frames(
    source: Annotated[Path, typer.Argument(metavar="VIDEO_OR_FOLDER", help="A video, or a folder of its frames.")],
    out: Annotated[Path, typer.Option(help="Folder of the frames to make.", show_default=False)],
    options: FrameOptions,
) -> None:
    """Frames of a video to label: every N-th, without near-duplicates."""
    from prep.frames.write import write_frames

    counts = write_frames(source, out, options)
    result(f"{counts.kept} of {counts.looked_at} frames kept, in {counts.blocks} time block(s)")
    result(str(out))


def merge(
    shards: Annotated[
        Path, typer.Argument(metavar="SHARDS", help="The --out of the shards, with their plan.", show_default=False)
    ],
    out: Out,
    overwrite: Annotated[bool, typer.Option("--overwrite", help="Replace what is at --out.")] = False,
) -> None:
    """All shards of a plan as one dataset, the one that a single machine would have made."""
    from prep.dataset.merge import merge_shards

    tell_dataset(out, merge_shards(shards, out, overwrite=overwrite))


for _verb in (
    auto,
    mask_files.pairs,
    mask_files.carvana,
    annotation_files.labelme,
    annotation_files.cvat,
    annotation_files.labelstudio,
    annotation_files.coco,
    mask_files.kitti,
    mask_files.voc,
    mask_files.channels,
    annotation_files.supervisely,
    annotation_files.yolo,
    annotation_files.via,
    mask_files.manifest,
    rasters.geotiff,
    rasters.tiles,
    merge,
    frames,
):
    app.command()(_verb)
