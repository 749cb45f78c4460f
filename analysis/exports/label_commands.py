"""Predictions as labels for tools: `sageseg analysis labelme`, `coco`, `cvat`, `labelstudio` and `geojson`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from analysis.options import Cleaning, ListFile, MostObjects, Overwrite, PredictionsFolder, Workers
from formats.console import result, say
from formats.errors import SagesegError
from formats.verbs.command_options import takes


@takes(Cleaning, "cleaning")
def labelme(
    predictions: PredictionsFolder,
    *,
    out: Annotated[Path, typer.Option(help="Where the JSON files go.")],
    images: Annotated[
        Path | None, typer.Option(help="The images' folder.  [default: beside the JSON files]", show_default=False)
    ] = None,
    listed: ListFile = None,
    tolerance: Annotated[float, typer.Option(help="How far a polygon may stray from the outline, in pixels.")] = 1.0,
    cleaning: Cleaning,
    most_objects: MostObjects = None,
    overwrite: Overwrite = False,
    workers: Workers = None,
) -> None:
    """Write predictions as labelme's polygons, to correct and to train on."""
    from analysis.exports.labelme import export_labelme
    from analysis.masks.cleaning import tell_changes
    from analysis.plain.opening import open_predictions
    from formats.disk.whole_folders import refuse_existing

    refuse_existing(out, overwrite=overwrite, reads=(predictions, images))
    exported = export_labelme(
        open_predictions(predictions, images=images, workers=workers),
        out,
        images=images,
        listed=listed,
        tolerance=tolerance,
        cleaning=cleaning,
        most_objects=most_objects,
        overwrite=overwrite,
        workers=workers,
    )
    tell_changes(cleaning, exported.changes)
    say(f"{exported.polygons} polygons of {exported.images} images")
    result(str(out))


@takes(Cleaning, "cleaning")
def coco(
    predictions: PredictionsFolder,
    *,
    out: Annotated[Path, typer.Option(help="The JSON file to write.")],
    polygons: Annotated[
        bool, typer.Option("--polygons", help="Write polygons, for tools that take no run lengths.")
    ] = False,
    tolerance: Annotated[
        float | None,
        typer.Option(help="With --polygons: how far they may stray from the edges, in pixels; by default 1."),
    ] = None,
    cleaning: Cleaning,
    most_objects: MostObjects = None,
    listed: ListFile = None,
    overwrite: Overwrite = False,
    workers: Workers = None,
) -> None:
    """Write predictions as a COCO file, an annotation for each connected object, to correct and to train on."""
    from analysis.exports.coco import Shapes, export_coco
    from analysis.masks.cleaning import tell_changes
    from analysis.plain.opening import open_predictions
    from formats.disk.whole_files import refuse_existing_file

    refuse_existing_file(out, overwrite=overwrite)
    if tolerance is not None and not polygons:
        raise SagesegError(f"--tolerance {tolerance:g}: is for --polygons; add that, or leave it out")
    exported = export_coco(
        open_predictions(predictions),
        out,
        Shapes(1.0 if tolerance is None else tolerance) if polygons else Shapes(),
        listed=listed,
        cleaning=cleaning,
        most_objects=most_objects,
        overwrite=overwrite,
        workers=workers,
    )
    tell_changes(cleaning, exported.changes)
    if polygons:
        where = f", in {exported.worst}" if exported.wrong else ""
        say(f"drawn again, the polygons differ from the masks in at most {exported.wrong} pixels of an image{where}")
    say(f"{exported.objects} objects of {exported.images} images")
    result(str(out))


@takes(Cleaning, "cleaning")
def cvat(
    predictions: PredictionsFolder,
    *,
    out: Annotated[Path, typer.Option(help="The XML file to write, annotations.xml.")],
    cleaning: Cleaning,
    most_objects: MostObjects = None,
    listed: ListFile = None,
    overwrite: Overwrite = False,
    workers: Workers = None,
) -> None:
    """Write predictions as CVAT's masks, to correct and to train on."""
    from analysis.exports.cvat import export_cvat
    from analysis.masks.cleaning import tell_changes
    from analysis.plain.opening import open_predictions
    from formats.disk.whole_files import refuse_existing_file

    refuse_existing_file(out, overwrite=overwrite)
    exported = export_cvat(
        open_predictions(predictions),
        out,
        cleaning=cleaning,
        most_objects=most_objects,
        listed=listed,
        overwrite=overwrite,
        workers=workers,
    )
    tell_changes(cleaning, exported.changes)
    say(f"{exported.masks} masks of {exported.images} images")
    result(str(out))


@takes(Cleaning, "cleaning")
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
    cleaning: Cleaning,
    most_objects: MostObjects = None,
    listed: ListFile = None,
    overwrite: Overwrite = False,
    workers: Workers = None,
) -> None:
    """Write predictions as tasks of Label Studio, a brush for each class, to correct and to train on."""
    from analysis.exports.labelstudio import Names, export_labelstudio
    from analysis.masks.cleaning import tell_changes
    from analysis.plain.opening import open_predictions
    from formats.disk.whole_files import refuse_existing_file

    refuse_existing_file(out, overwrite=overwrite)
    exported = export_labelstudio(
        open_predictions(predictions),
        out,
        image_url=image_url,
        names=Names(image_key, to_name, from_name),
        cleaning=cleaning,
        most_objects=most_objects,
        listed=listed,
        overwrite=overwrite,
        workers=workers,
    )
    tell_changes(cleaning, exported.changes)
    say(f"{exported.regions} brushes of {exported.images} images")
    result(str(out))


def geojson(
    predictions: PredictionsFolder,
    *,
    out: Annotated[Path, typer.Option(help="The GeoJSON file to write.")],
    crs: Annotated[
        str, typer.Option(help="Coordinates: longitude and latitude, or the raster's own.", metavar="wgs84|raster")
    ] = "wgs84",
    least_pixels: Annotated[int, typer.Option(min=1, help="Leave out regions of fewer pixels.")] = 1,
    most_objects: MostObjects = None,
    listed: ListFile = None,
    overwrite: Overwrite = False,
) -> None:
    """Write predictions of rasters as polygons on earth, to correct and to train on."""
    from analysis.exports.geojson import Crs, export_geojson
    from analysis.plain.opening import open_predictions
    from formats.disk.whole_files import refuse_existing_file

    refuse_existing_file(out, overwrite=overwrite)
    if crs not in tuple(Crs):
        raise SagesegError(f"--crs {crs}: expected wgs84 or raster")
    opened = open_predictions(predictions)
    exported = export_geojson(
        opened,
        out,
        crs=Crs(crs),
        listed=listed,
        least_pixels=least_pixels,
        most_objects=most_objects,
        overwrite=overwrite,
    )
    if exported.left_out:
        say(f"{exported.left_out} regions of fewer than {least_pixels} pixels were left out")
    say(f"{exported.polygons} polygons of {exported.rasters} raster(s)")
    result(str(out))
