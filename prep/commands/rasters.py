"""Verbs for rasters on earth: `sageseg prep geotiff`, `tiles`."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from formats.console import result
from formats.errors import SagesegError
from formats.prepared.value_range import parse_range
from formats.texts.told_numbers import parse_whole
from prep.commands.given import reads_labels
from prep.commands.reading import Background, Binary, Labels, Out, reading, write
from prep.options import PrepOptions
from prep.remote.local import local_rasters

if TYPE_CHECKING:
    from prep.readers.geo.reader import TileOptions

Rasters = Annotated[str, typer.Argument(metavar="RASTERS", help="A raster (GeoTIFF, VRT …), or a folder of them.")]
Bands = Annotated[
    str | None,
    typer.Option(help="The bands that are red, green and blue, or the one that is grey.", metavar="1,2,3"),
]
Side = Annotated[int, typer.Option("--tile", min=1, help="Side of a tile, which is one image, in pixels.")]


@reads_labels
def geotiff(
    rasters: Rasters,
    labels_from: Annotated[
        str,
        typer.Option(
            help="Polygons (.geojson), a raster of labels on the same grid, or a folder with one per raster.",
            show_default=False,
        ),
    ],
    out: Out,
    options: PrepOptions,
    class_field: Annotated[str | None, typer.Option(help="The property of polygons that is their class.")] = None,
    class_name: Annotated[
        str | None, typer.Option("--class", help="The class of all polygons, where they are of one.", metavar="NAME")
    ] = None,
    labels: Labels = None,
    background: Background = None,
    binary: Binary = False,
    bands: Bands = None,
    tile: Side = 2048,
    group_tiles: Annotated[
        int | None,
        typer.Option(
            min=1,
            help="Squares of so many tiles a side are groups; by default each raster, or each tile of one alone.",
            metavar="N",
        ),
    ] = None,
) -> None:
    """Large rasters on earth, read by windows, with polygons or a raster of labels."""
    from prep.readers.geo.labels import LabelChoice
    from prep.readers.geo.reader import read_geotiff

    folder = local_rasters(rasters)
    choice = LabelChoice(local_rasters(labels_from), labels, background, binary, class_field, class_name)
    how = _tile_options(bands, options.range, tile, options.crop, group_tiles)
    with reading("geotiff", folder):
        source = read_geotiff(folder, choice, how, group_by=options.group_by, workers=options.workers)
    write(source, out, options)


def tiles(
    rasters: Rasters,
    *,
    out: Annotated[Path, typer.Option(help="Folder of the tiles to make.", show_default=False)],
    bands: Bands = None,
    values: Annotated[
        str | None,
        typer.Option(
            "--range",
            help="Of rasters over 8 bits, the values that become black and white; or a pair for each band.",
            metavar="LOW:HIGH",
        ),
    ] = None,
    tile: Side = 2048,
    overwrite: Annotated[bool, typer.Option("--overwrite", help="Replace what is at --out.")] = False,
    workers: Annotated[int | None, typer.Option(help="Processes; by default one per core.")] = None,
) -> None:
    """Rasters without labels as images to predict, which know their place on earth."""
    from prep.readers.geo.tile_folder import write_tiles

    how = _tile_options(bands, parse_range(values) if values else None, tile, None, None)
    count = write_tiles(local_rasters(rasters), out, how, overwrite=overwrite, workers=workers)
    result(f"{count} tiles in {out}")


def _tile_options(bands: str | None, values: Any, tile: int, crop: int | None, group: int | None) -> TileOptions:
    from prep.readers.geo.reader import TileOptions

    if crop is not None and tile < crop:
        raise SagesegError(f"--tile {tile}: smaller than a crop of {crop}; expected tiles that hold crops")
    # half of a tile at least where nobody says what the crops are
    return TileOptions(_parse_bands(bands), values, tile, crop or (tile + 1) // 2, group)


def _parse_bands(text: str | None) -> tuple[int, ...] | None:
    if text is None:
        return None
    parts = [parse_whole(part.strip()) or 0 for part in text.split(",")]
    if len(parts) not in (1, 3) or not all(parts):
        raise SagesegError(
            f"--bands {text}: expected three bands, red, green and blue, such as 4,3,2, or one that is grey"
        )
    return tuple(parts)
