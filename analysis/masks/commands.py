"""`sageseg analysis stitch` and `combine`."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from analysis.options import Cleaning, How, ListFile, Overwrite, PredictionsFolder, Rule, ShardOption, Workers
from formats.console import result, say
from formats.errors import SagesegError
from formats.prepared.georeference import FILE as GEOREFERENCE
from formats.shards.shard import Shard
from formats.verbs.command_options import takes

if TYPE_CHECKING:
    from analysis.masks.stitch import Stitched


@takes(Cleaning, "cleaning")
def stitch(
    predictions: PredictionsFolder,
    *,
    out: Annotated[Path, typer.Option(help="Where the full-size masks go.")],
    dataset: Annotated[
        Path | None, typer.Option(help="The dataset that was predicted; it knows the dropped crops too.")
    ] = None,
    by: Annotated[
        How | None,
        typer.Option(
            help="Blend crops' probabilities, or take each pixel from the inner part of its crop."
            "  [default: blend where there are probabilities]",
            show_default=False,
        ),
    ] = None,
    probabilities: Annotated[
        bool,
        typer.Option("--probabilities", help="Keep the probabilities too, at full size."),
    ] = False,
    geotiff: Annotated[
        bool,
        typer.Option("--geotiff", help="Tiles of rasters: also each raster's mask as GeoTIFF, where it lies on earth."),
    ] = False,
    seams: Annotated[
        bool, typer.Option("--seams", help="Also tell how wrong crops are at their edges, by --dataset's masks.")
    ] = False,
    cleaning: Cleaning,
    shard: ShardOption = None,
    listed: ListFile = None,
    overwrite: Overwrite = False,
    workers: Workers = None,
) -> None:
    """Put predicted crops together to masks of the images' full size."""
    from analysis.masks.chosen import listed_alone
    from analysis.masks.cleaning import tell_changes
    from analysis.masks.seams import audit_seams, write_seams
    from analysis.masks.stitch import plan_stitch
    from analysis.masks.stitch import stitch as stitch_predictions
    from analysis.masks.stitch_shards import stitch_shard
    from analysis.plain.opening import open_predictions
    from formats.dataset import open_dataset
    from formats.disk.whole_folders import refuse_existing
    from formats.shards.telling import check_shard_place, tell_shard

    if shard:
        check_shard_place(out, shard, [GEOREFERENCE])
        _refuse_whole(shard, {"--seams": seams, "--geotiff": geotiff})
    else:
        refuse_existing(out, overwrite=overwrite, reads=(predictions, dataset, listed))
    opened = open_dataset(dataset) if dataset else None
    every = open_predictions(predictions, dataset=opened, workers=workers)
    if seams and opened is None:
        raise SagesegError("--seams compares with true masks; add --dataset")
    source = listed_alone(every, opened, listed)
    if shard:
        planned = plan_stitch(source, opened, by=by, probabilities=probabilities, cleaning=cleaning)
        marker = stitch_shard(planned, out, shard, overwrite=overwrite, workers=workers)
        tell_shard(out, shard, marker, "sageseg analysis merge")
        return
    audit = audit_seams(source, opened, workers=workers) if seams and opened else None
    stitched = stitch_predictions(
        source,
        opened,
        out,
        by=by,
        probabilities=probabilities,
        geotiff=geotiff,
        cleaning=cleaning,
        overwrite=overwrite,
        workers=workers,
    )
    if (out / GEOREFERENCE).is_file() and cleaning:
        say("note: each tile was cleaned by itself, so of an object that tiles divide each part counts alone")
    if (out / GEOREFERENCE).is_file() and not geotiff:
        say("note: these are tiles of rasters; --geotiff also writes the rasters' masks, with their place on earth")
    if audit:
        write_seams(out, audit)
        say(audit.sentence())
    tell_changes(cleaning, stitched.changes)
    tell_stitched(stitched, masks_alone=not probabilities and (predictions / "probabilities").is_dir())
    result(str(out / "masks"))
    if geotiff:
        result(str(out / "rasters"))


def _refuse_whole(shard: Shard, asked: Mapping[str, bool]) -> None:
    """Raise SagesegError for what looks at all images together."""
    for name, is_asked in asked.items():
        if is_asked:
            raise SagesegError(
                f"{name}: looks at all images, and --shard {shard} has a part of them; leave {name} out, or --shard"
            )


def tell_stitched(stitched: Stitched, *, masks_alone: bool) -> None:
    """Say what became of the crops, and that their probabilities stayed behind."""
    if masks_alone:
        how = "--by blend --probabilities" if stitched.by is How.INNER else "--probabilities"
        say(
            "note: the masks alone are stitched, so a report of them has no thresholds, log-loss or suspects; "
            f"{how} keeps these, and report takes the crops as they are, too"
        )
    if stitched.dropped_crops:
        say(f"{stitched.dropped_crops} dropped crops were not predicted and became background")
    if stitched.uncovered_pixels:
        say(f"{stitched.uncovered_pixels} pixels lie in no crop and became background")
    say(f"{stitched.images} masks from {stitched.crops} crops, by {stitched.by}")


def combine(
    predictions: Annotated[list[Path], typer.Argument(help="Two or more predictions of the same crops.")],
    *,
    out: Annotated[Path, typer.Option(help="Where the combined predictions go.")],
    by: Annotated[
        Rule,
        typer.Option(help="Mean of the probabilities; or majority of the masks, where the first named breaks ties."),
    ] = Rule.MEAN,
    overwrite: Overwrite = False,
    workers: Workers = None,
) -> None:
    """Make several models' predictions into one."""
    from analysis.masks.combine import combine as combine_predictions
    from analysis.plain.opening import open_predictions
    from formats.disk.whole_folders import refuse_existing

    refuse_existing(out, overwrite=overwrite, reads=predictions)
    opened = [open_predictions(each) for each in predictions]
    combined = combine_predictions(opened, out, by=by, overwrite=overwrite, workers=workers)
    say(f"{combined} predictions combined by {by}")
    result(str(out))
