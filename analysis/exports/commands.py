"""`sageseg analysis submission`, `labelme`, `cvat`, `labelstudio`, `geojson`, `overlay` and `cutout`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from analysis.exports.options import parse_background, parse_size
from analysis.options import ListFile, Overwrite, PredictionsFolder, Workers
from formats.console import result, say

ImagesFolder = Annotated[Path, typer.Argument(help="The images that were predicted, at full size.")]


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
    overwrite: Overwrite = False,
    workers: Workers = None,
) -> None:
    """Write masks as Kaggle's Carvana challenge takes them, run-length encoded; or read them back."""
    from analysis.exports.submission import masks_from_submission, write_submission
    from formats.predictions import open_predictions

    if source.is_dir():
        opened = open_predictions(source)
        written = write_submission(opened, out, class_name=class_name, overwrite=overwrite, workers=workers)
        say(f"{written} images encoded")
    else:
        written = masks_from_submission(source, out, parse_size(size), class_name=class_name, overwrite=overwrite)
        say(f"{written} masks decoded")
    result(str(out))


def labelme(
    predictions: PredictionsFolder,
    *,
    out: Annotated[Path, typer.Option(help="Where the JSON files go.")],
    images: Annotated[
        Path | None, typer.Option(help="The images' folder.  [default: beside the JSON files]", show_default=False)
    ] = None,
    listed: ListFile = None,
    tolerance: Annotated[float, typer.Option(help="How far a polygon may stray from the outline, in pixels.")] = 1.0,
    least_pixels: Annotated[int, typer.Option(min=1, help="Leave out regions and holes of fewer pixels.")] = 1,
    overwrite: Overwrite = False,
    workers: Workers = None,
) -> None:
    """Write predictions as labelme's polygons, to correct and to train on."""
    from analysis.exports.labelme import export_labelme
    from formats.predictions import open_predictions

    exported = export_labelme(
        open_predictions(predictions),
        out,
        images=images,
        listed=listed,
        tolerance=tolerance,
        least_pixels=least_pixels,
        overwrite=overwrite,
        workers=workers,
    )
    if exported.left_out:
        say(f"{exported.left_out} regions of fewer than {least_pixels} pixels were left out")
    say(f"{exported.polygons} polygons of {exported.images} images")
    result(str(out))


def cvat(
    predictions: PredictionsFolder,
    *,
    out: Annotated[Path, typer.Option(help="The XML file to write, annotations.xml.")],
    least_pixels: Annotated[int, typer.Option(min=1, help="Leave out objects of fewer pixels.")] = 1,
    overwrite: Overwrite = False,
    workers: Workers = None,
) -> None:
    """Write predictions as CVAT's masks, to correct and to train on."""
    from analysis.exports.cvat import export_cvat
    from formats.predictions import open_predictions

    exported = export_cvat(
        open_predictions(predictions), out, least_pixels=least_pixels, overwrite=overwrite, workers=workers
    )
    if exported.left_out:
        say(f"{exported.left_out} objects of fewer than {least_pixels} pixels were left out")
    say(f"{exported.masks} masks of {exported.images} images")
    result(str(out))


def geojson(
    predictions: PredictionsFolder,
    *,
    out: Annotated[Path, typer.Option(help="The GeoJSON file to write.")],
    crs: Annotated[
        str, typer.Option(help="Coordinates: longitude and latitude, or the raster's own.", metavar="wgs84|raster")
    ] = "wgs84",
    least_pixels: Annotated[int, typer.Option(min=1, help="Leave out regions of fewer pixels.")] = 1,
    overwrite: Overwrite = False,
) -> None:
    """Write predictions of rasters as polygons on earth, to correct and to train on."""
    from analysis.exports.geojson import Crs, export_geojson
    from formats.errors import SagesegError
    from formats.predictions import open_predictions

    if crs not in tuple(Crs):
        raise SagesegError(f"--crs {crs}: expected wgs84 or raster")
    opened = open_predictions(predictions)
    exported = export_geojson(opened, out, crs=Crs(crs), least_pixels=least_pixels, overwrite=overwrite)
    if exported.left_out:
        say(f"{exported.left_out} regions of fewer than {least_pixels} pixels were left out")
    say(f"{exported.polygons} polygons of {exported.rasters} raster(s)")
    result(str(out))


def overlay(
    predictions: PredictionsFolder,
    images: ImagesFolder,
    *,
    out: Annotated[Path, typer.Option(help="Where the drawn images go.")],
    listed: ListFile = None,
    overwrite: Overwrite = False,
    workers: Workers = None,
) -> None:
    """Draw predictions on their images: classes tinted and outlined, with a legend. Needs no truth."""
    from analysis.exports.image_folder import draw_folder
    from analysis.exports.tint import Tint
    from formats.predictions import open_predictions

    opened = open_predictions(predictions)
    tint = Tint(opened.classes)
    draw_folder(opened, images, out, tint, label="drawing", listed=listed, overwrite=overwrite, workers=workers)
    result(str(out))


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
    overwrite: Overwrite = False,
    workers: Workers = None,
) -> None:
    """Remove the background of images, or replace it, by their predictions, at full size."""
    from analysis.exports.cutout import Cutout
    from analysis.exports.image_folder import draw_folder
    from formats.predictions import open_predictions

    behind = None if background is None else parse_background(background)
    opened = open_predictions(predictions)
    cut = Cutout(opened.classes, behind, soft)
    draw_folder(opened, images, out, cut, label="cutting out", listed=listed, overwrite=overwrite, workers=workers)
    result(str(out))


def labelstudio(
    predictions: PredictionsFolder,
    *,
    out: Annotated[Path, typer.Option(help="The tasks to import, a JSON file; config.xml goes beside it.")],
    image_url: Annotated[
        str, typer.Option(help="What stands before an image's path in its address.", metavar="URL")
    ] = "/data/local-files/?d=",
    image_key: Annotated[str, typer.Option(help="The key of the tasks' data that holds the image.")] = "image",
    to_name: Annotated[str, typer.Option(help="The name of the configuration's <Image>.")] = "image",
    from_name: Annotated[str, typer.Option(help="The name of the configuration's <BrushLabels>.")] = "brush",
    overwrite: Overwrite = False,
    workers: Workers = None,
) -> None:
    """Write predictions as tasks of Label Studio, a brush for each class, to correct and to train on."""
    from analysis.exports.labelstudio import Names, export_labelstudio
    from formats.predictions import open_predictions

    exported = export_labelstudio(
        open_predictions(predictions),
        out,
        image_url=image_url,
        names=Names(image_key, to_name, from_name),
        overwrite=overwrite,
        workers=workers,
    )
    say(f"{exported.regions} brushes of {exported.images} images")
    result(str(out))
