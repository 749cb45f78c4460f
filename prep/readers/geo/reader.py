"""Rasters on earth as labelled images: each is cut into tiles, which are read when their turn comes, so that memory
holds a tile whatever the raster's size."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from itertools import pairwise
from pathlib import Path, PurePosixPath

from formats import limits
from formats.console import say
from formats.crops import Box
from formats.errors import SagesegError, for_all, raise_all
from formats.limits import check_pixels
from formats.parallel import map_all
from formats.prepared.georeference import Georeference, Raster, Tile
from formats.prepared.groups import group_of_path
from formats.prepared.rasters import RASTER_SUFFIXES, load_rasterio
from formats.prepared.source_names import composed
from formats.prepared.value_range import NONE, ValueRange
from prep.readers.geo.labels import LabelChoice, TiledRaster, label_files, settle_labels
from prep.readers.geo.raster import RasterFacts, check_range, choose_bands, look_at_raster
from prep.readers.geo.tiles import RasterTile, tile_grid
from prep.readers.labelled_image import LabelledImage, LeftOut, Source, leave_out
from prep.readers.source_files import list_files

Place = tuple[tuple[int, int], Box]
"""A tile's row and column in the grid, and its pixels."""
SIDE = 2048
"""Pixels of a tile's side unless told."""


@dataclass(frozen=True)
class TileOptions:
    """How rasters are cut. `side` is that of a tile, and what is left over at an edge and narrower than `least` is no
    tile of its own; `group_tiles` is the side, in tiles, of the squares of them that are a group, None for each raster
    where there are several, and each tile of one alone."""

    bands: tuple[int, ...] | None = None
    values: ValueRange | None = None
    side: int = SIDE
    least: int = 1
    group_tiles: int | None = None


@dataclass(frozen=True)
class CutRaster:
    """A raster and its tiles with data; `places` are their row and column in the grid."""

    facts: RasterFacts
    tiles: tuple[RasterTile, ...]
    places: tuple[tuple[int, int], ...]

    @property
    def sources(self) -> list[str]:
        """The tiles' paths, as if they lay as PNG where the raster lies."""
        path = PurePosixPath(self.facts.name)
        return [path.with_name(f"{path.stem}_r{row:03}_c{column:03}.png").as_posix() for row, column in self.places]


def read_geotiff(
    path: Path,
    choice: LabelChoice,
    tiles: TileOptions,
    *,
    group_by: re.Pattern[str] | None = None,
    workers: int | None = None,
) -> Source:
    """Read a raster, or the rasters of a folder, with what labels them.

    Raises SagesegError for bands and values that nobody said, labels that do not lie on a raster, and where no pixel
    has data.
    """
    facts = find_rasters(path, labels=choice.path)
    files, without_labels = label_files(choice.path, facts)
    rasters, without_data = cut_rasters([raster for raster in facts if raster.path in files], tiles, workers)
    labelled = settle_labels([TiledRaster(raster.facts, raster.tiles) for raster in rasters], files, choice, workers)
    alone = len(rasters) == 1
    _tell_groups(rasters, tiles, told=group_by is not None)
    images = []
    for raster in rasters:
        masks = labelled.masks[raster.facts.path]
        for source, tile, place, mask in zip(raster.sources, raster.tiles, raster.places, masks, strict=True):
            own = _group(raster.facts, place, tiles.group_tiles, alone=alone)
            images.append(
                LabelledImage(
                    source,
                    raster.facts.path,
                    mask,
                    group_of_path(PurePosixPath(source).with_suffix(""), group_by) if group_by else own,
                    {} if alone else {"raster": raster.facts.name},
                    embedded=tile,
                    oriented=True,
                    own_group=own,
                    in_8_bits=True,
                )
            )
    images.sort(key=lambda image: image.source)
    return Source(
        "geotiff",
        labelled.classes,
        tuple(images),
        no_foreground=labelled.no_foreground,
        unit="raster or square of its tiles",
        left_out=(*without_labels, *without_data, *labelled.left_out),
        georeference=georeference_of(rasters, tiles.values),
    )


def find_rasters(path: Path, *, labels: Path | None = None) -> list[RasterFacts]:
    """The headers of a raster, or of those in a folder but for what `labels` is, or a folder of them in it holds.

    Raises SagesegError for two whose tiles would have one name.
    """
    load_rasterio("rasters")
    if not path.is_dir():
        if not path.exists():
            raise SagesegError(f"{path}: not found; expected a raster, or a folder of them")
        return [look_at_raster(path, path.name)]
    found = list_files(path, RASTER_SUFFIXES, "<raster>.tif or its like", deep=True)
    if labels and path.resolve() in labels.resolve().parents:
        found = [each for each in found if not each.resolve().is_relative_to(labels.resolve())]
    raise_all(
        SagesegError(f"{one} and {other.name}: tiles are called by the raster's stem; rename or remove one")
        for one, other in pairwise(sorted(found, key=lambda each: composed(str(each.with_suffix("")))))
        if composed(str(one.with_suffix(""))) == composed(str(other.with_suffix("")))
    )
    return for_all(lambda each: look_at_raster(each, each.relative_to(path).as_posix()), found)


def _check_tiles(raster: RasterFacts, tiles: TileOptions) -> None:
    """Raise SagesegError where a tile would be no image, or a small file states a raster of more tiles than anybody
    has images."""
    longest = tiles.side + tiles.least
    width, height = min(raster.width, longest), min(raster.height, longest)
    check_pixels(width, height, f"{raster.path}: a tile of --tile {tiles.side}", "choose a smaller --tile")
    count = -(-raster.width // tiles.side) * -(-raster.height // tiles.side)
    if count > limits.MOST_FILES:
        raise SagesegError(
            f"{raster.path}: {raster.width}×{raster.height} pixels are {count:,} tiles, over {limits.MOST_FILES:,}; "
            "choose a larger --tile"
        )


def cut_rasters(
    rasters: Sequence[RasterFacts], tiles: TileOptions, workers: int | None
) -> tuple[list[CutRaster], tuple[LeftOut, ...]]:
    """The tiles of each raster that hold data, and how many do not. Rasters without any are an error where there is no
    other."""
    chosen = for_all(lambda raster: choose_bands(raster, tiles.bands), rasters)
    for_all(lambda one: check_range(*one, tiles.values), zip(rasters, chosen, strict=True))
    found, empty = list[CutRaster](), list[str]()
    for raster, bands in zip(rasters, chosen, strict=True):
        _check_tiles(raster, tiles)
        grid = tile_grid(raster.width, raster.height, tiles.side, tiles.least)
        places = [((row, column), box) for row, boxes in enumerate(grid) for column, box in enumerate(boxes)]
        if raster.has_gaps:
            look = partial(_has_data, raster.path, bands)
            there = list(map_all(look, [box for _, box in places], workers=workers, label="looking for data"))
            empty += [f"{raster.path}, row {row}, column {column}" for (row, column), _ in _where(places, there, False)]
            places = _where(places, there, True)
        made = tuple(RasterTile(raster.path, box, bands, tiles.values) for _, box in places)
        if made:
            found.append(CutRaster(raster, made, tuple(place for place, _ in places)))
    if not found:
        raise SagesegError(
            f"{rasters[0].path}: no pixel with data in bands {_told(chosen[0])}; choose others with --bands"
        )
    if any(raster.has_gaps for raster in rasters):
        say("note: pixels without data (by mask, alpha, no-data value or NaN) are black in images and ignore in masks")
    return found, leave_out("tiles without data", empty)


def _where(places: Sequence[Place], there: Sequence[bool], wanted: bool) -> list[Place]:
    return [place for place, full in zip(places, there, strict=True) if full == wanted]


def _told(bands: Sequence[int]) -> str:
    return ",".join(map(str, bands))


def _has_data(path: Path, bands: tuple[int, ...], box: Box) -> bool:
    return bool(RasterTile(path, box, bands, None).read_valid().any())


def _group(raster: RasterFacts, place: tuple[int, int], side: int | None, *, alone: bool) -> str:
    """What a split must not divide: a raster, or a square of its tiles."""
    name = PurePosixPath(raster.name).with_suffix("").as_posix()
    if side is None and not alone:
        return name
    row, column = (number // (side or 1) for number in place)
    return f"{name}_r{row:03}_c{column:03}"


def _tell_groups(rasters: Sequence[CutRaster], tiles: TileOptions, *, told: bool) -> None:
    if len(rasters) == 1 and tiles.group_tiles is None and not told:
        say(
            f"note: one raster alone: each of its {len(rasters[0].tiles)} tiles is a group of its own, and neighbours "
            "look alike where they touch; --group-tiles N makes groups of N × N, --tile other tiles"
        )


def georeference_of(rasters: Sequence[CutRaster], values: ValueRange | None) -> Georeference:
    """Where the tiles lie, for the dataset."""
    return Georeference(
        tuple(
            Raster(
                raster.facts.name,
                raster.facts.width,
                raster.facts.height,
                raster.facts.crs,
                raster.facts.transform,
                raster.tiles[0].bands,
                tuple(Tile(source, tile.box) for source, tile in zip(raster.sources, raster.tiles, strict=True)),
            )
            for raster in rasters
        ),
        str(values) if values else NONE,
    )
