"""A reader's folders and files on this machine: those in S3 are fetched first.

folder = local_folder("s3://my-bucket/cars/train", all_images)
folder = local_folder("s3://my-bucket/cars/train", all_images, awaited)    # the images when their turn comes
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from prep.remote.places import parse_place

if TYPE_CHECKING:
    from prep.remote.awaited import Awaited
    from prep.remote.needs import Needs


def local_folder(
    text: str, needs: Needs, awaited: Awaited | None = None, later: Needs = list, *, heads: bool = False
) -> Path:
    """The folder of a path, or of an `s3://` URI of which what is needed has been fetched; where something is awaited,
    all but what `later` says of that, by default all of it, with `heads` what tells the headers of those images too."""
    place = parse_place(text)
    if isinstance(place, Path):
        return place
    from prep.remote.fetching import S3Folder  # boto3 takes a third of a second to load

    folder = S3Folder(place)
    if awaited is None:
        return folder.fetch(needs)
    awaited.add(folder)
    return folder.fetch(needs, later, heads=heads)


def have_lists_above(text: str) -> None:
    """Fetch the class lists that lie beside a folder in S3."""
    place = parse_place(text)
    if isinstance(place, Path) or not place.key:
        return
    from prep.remote.fetching import S3Folder
    from prep.remote.needs import lists

    S3Folder(place.parent, deep=False).fetch(lists)


def local_rasters(text: str) -> Path:
    """A raster, polygons, or a folder of either, with what GDAL reads beside a raster and the class lists there; in S3
    a file is what its name ends as one of these."""
    from prep.remote.needs import beside_raster, is_raster_or_polygons, raster_folder

    place = parse_place(text)
    if isinstance(place, Path):
        return place
    if not is_raster_or_polygons(place.key):
        return local_folder(text, raster_folder)
    from prep.remote.fetching import S3Folder

    path = local_file(text)
    S3Folder(place.parent, deep=False).fetch(beside_raster(path.name))
    return path


def local_file(text: str) -> Path:
    """The file of a path, or of an `s3://` URI that has been fetched."""
    place = parse_place(text)
    if isinstance(place, Path):
        return place
    from prep.remote.fetching import fetch_object

    return fetch_object(place)
