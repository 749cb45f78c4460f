"""`sageseg analysis submission`, `overlay` and `cutout`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from analysis.exports.options import parse_background, parse_size
from analysis.options import Cleaning, ListFile, Overwrite, PredictionsFolder, Workers
from formats.console import result, say
from formats.errors import SagesegError
from formats.verbs.command_options import takes

ImagesFolder = Annotated[Path, typer.Argument(help="The images that were predicted, at full size.")]


@takes(Cleaning, "cleaning")
def submission(
    source: Annotated[Path, typer.Argument(help="Predictions; or a submission, to turn back into masks.")],
    *,
    out: Annotated[Path, typer.Option(help="The CSV, gzipped if it ends in .gz; or the folder for masks.")],
    class_name: Annotated[
        str | None, typer.Option("--class", help="The class that is submitted, if there are several.")
    ] = None,
    size: Annotated[
        str | None, typer.Option(metavar="WxH", help="The images' size, for turning a submission back.")
    ] = None,
    listed: ListFile = None,
    cleaning: Cleaning,
    overwrite: Overwrite = False,
    workers: Workers = None,
) -> None:
    """Write masks as Kaggle's Carvana challenge takes them, run-length encoded; or read them back."""
    from analysis.exports.submission import masks_from_submission, write_submission
    from analysis.masks.cleaning import tell_changes
    from analysis.plain.opening import open_predictions
    from formats.disk.whole_files import refuse_existing_file
    from formats.disk.whole_folders import refuse_existing

    (refuse_existing_file if source.is_dir() else refuse_existing)(out, overwrite=overwrite)
    if source.is_dir():
        if size is not None:
            raise SagesegError(f"--size {size}: is for turning a submission back; of {source} the masks tell it")
        opened = open_predictions(source, workers=workers)
        written, changes = write_submission(
            opened, out, class_name=class_name, listed=listed, cleaning=cleaning, overwrite=overwrite, workers=workers
        )
        tell_changes(cleaning, changes)
        say(f"{written} images encoded")
    elif listed:
        raise SagesegError(f"--list {listed}: is for masks; a submission is turned back whole")
    elif cleaning:
        raise SagesegError(f"{source}: a submission is turned back as it is; clean its masks by analysis stitch")
    else:
        written = masks_from_submission(source, out, parse_size(size), class_name=class_name, overwrite=overwrite)
        say(f"{written} masks decoded")
    result(str(out))


@takes(Cleaning, "cleaning")
def overlay(
    predictions: PredictionsFolder,
    images: ImagesFolder,
    *,
    out: Annotated[Path, typer.Option(help="Where the drawn images go.")],
    listed: ListFile = None,
    cleaning: Cleaning,
    overwrite: Overwrite = False,
    workers: Workers = None,
) -> None:
    """Draw predictions on their images: classes tinted and outlined, with a legend. Needs no truth."""
    from analysis.exports.image_folder import draw_folder
    from analysis.exports.tint import Tint
    from analysis.masks.cleaning import tell_changes
    from analysis.plain.opening import open_predictions
    from formats.disk.whole_folders import refuse_existing

    refuse_existing(out, overwrite=overwrite, reads=(predictions, images))
    opened = open_predictions(predictions, images=images, workers=workers)
    tint = Tint(opened.classes, cleaning)
    tell_changes(
        cleaning,
        draw_folder(opened, images, out, tint, label="drawing", listed=listed, overwrite=overwrite, workers=workers),
    )
    result(str(out))


@takes(Cleaning, "cleaning")
def cutout(
    predictions: PredictionsFolder,
    images: ImagesFolder,
    *,
    out: Annotated[Path, typer.Option(help="Where the cut-out images go.")],
    background: Annotated[
        str | None,
        typer.Option(
            metavar="COLOUR|IMAGE",
            help="What stands behind: a colour such as white or #f4f4f4, or an image, scaled to fill. Makes JPEGs."
            "  [default: nothing, as PNGs with transparency]",
            show_default=False,
        ),
    ] = None,
    listed: ListFile = None,
    soft: Annotated[bool, typer.Option("--soft", help="Soft edges, from probabilities.")] = False,
    cleaning: Cleaning,
    overwrite: Overwrite = False,
    workers: Workers = None,
) -> None:
    """Remove the background of images, or replace it, by their predictions, at full size."""
    from analysis.exports.cutout import Cutout
    from analysis.exports.image_folder import draw_folder
    from analysis.masks.cleaning import tell_changes
    from analysis.plain.opening import open_predictions
    from formats.disk.whole_folders import refuse_existing

    refuse_existing(out, overwrite=overwrite, reads=(predictions, images))
    behind = None if background is None else parse_background(background)
    opened = open_predictions(predictions, images=images, workers=workers)
    cut = Cutout(opened.classes, behind, soft, cleaning, cleaned="cleaned" in opened.info)
    tell_changes(
        cleaning,
        draw_folder(opened, images, out, cut, label="cutting out", listed=listed, overwrite=overwrite, workers=workers),
    )
    result(str(out))
