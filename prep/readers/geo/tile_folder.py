"""Rasters without labels as a folder of images, to predict: PNG tiles, and where they lie on earth."""

from __future__ import annotations

from functools import partial
from pathlib import Path

from PIL import Image

from formats.console import say
from formats.disk.whole_files import write_errors
from formats.disk.whole_folders import refuse_existing, staged_folder
from formats.parallel import map_parallel
from formats.prepared.georeference import write_georeference
from prep.readers.geo.reader import TileOptions, cut_rasters, find_rasters, georeference_of
from prep.readers.geo.tiles import RasterTile


def write_tiles(path: Path, out: Path, tiles: TileOptions, *, overwrite: bool, workers: int | None) -> int:
    """Write the folder `out`: the tiles with data of a raster, or of the rasters in a folder, at 8 bits, by the names
    that they have in a dataset; and georeference.json. Returns how many there are."""
    refuse_existing(out, overwrite=overwrite, reads=[path])
    rasters, left_out = cut_rasters(find_rasters(path), tiles, workers)
    for each in left_out:
        say(each.note())
    work = [(tile, source) for raster in rasters for tile, source in zip(raster.tiles, raster.sources, strict=True)]
    with staged_folder(out, overwrite=overwrite) as stage:
        for _, source in work:
            (stage / source).parent.mkdir(parents=True, exist_ok=True)
        for _ in map_parallel(partial(_write, stage), work, workers=workers, label="tiles"):
            pass
        write_georeference(stage, georeference_of(rasters, tiles.values))
    return len(work)


def _write(stage: Path, work: tuple[RasterTile, str]) -> None:
    tile, source = work
    with write_errors(stage / source):
        Image.fromarray(tile.read_rgb()).save(stage / source, compress_level=1)
