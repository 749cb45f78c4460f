"""`sageseg jobs predict`, with the masks stitched to full size where that is asked for: jobs and analysis one after the
other."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Annotated

import typer

from analysis.options import ShardOption
from formats.console import result, say
from formats.errors import SagesegError
from formats.shards.shard import Shard
from formats.verbs.command_options import takes
from jobs.prediction.commands import Model
from jobs.prediction.options import PredictOptions, RouteOptions

_ASKED = "asked.json"
"""Of which call the crops beside an unfinished `--out` are; and that they are no folder of the user's."""


@takes(PredictOptions, "options")
@takes(RouteOptions, "route")
def predict(
    model: Model,
    sources: Annotated[
        list[Path], typer.Argument(metavar="SOURCE", help="A dataset; or images, folders of images, videos.")
    ],
    out: Annotated[Path, typer.Option(help="Folder of the predictions to make.", show_default=False)],
    options: PredictOptions,
    route: RouteOptions,
    stitch: Annotated[bool, typer.Option("--stitch", help="Write full-size masks, as analysis stitch does.")] = False,
    shard: ShardOption = None,
) -> None:
    """Predict masks with a trained model: on its endpoint, in a batch transform, or on this machine."""
    from jobs.prediction.predict import predict as make_predictions

    if shard:
        _predict_shard(model, sources, out, shard, options, route, stitch=stitch)
        return
    if stitch:
        _predict_and_stitch(model, sources, out, options, route)
        return
    count = make_predictions(model, sources, out, options, route)
    result(f"{count} predictions in {out}")


def _predict_shard(
    model: str,
    sources: Sequence[Path],
    out: Path,
    shard: Shard,
    options: PredictOptions,
    route: RouteOptions,
    *,
    stitch: bool,
) -> None:
    from formats.shards.telling import check_shard_place, tell_shard
    from jobs.prediction.shards import BESIDE, predict_shard, refuse_batch

    refuse_batch(options, shard)
    if stitch:
        raise SagesegError(
            f"--stitch: puts together what is predicted of all images, and --shard {shard} predicts a part of them; "
            "leave it out, and run sageseg jobs merge, then sageseg analysis stitch"
        )
    check_shard_place(out, shard, BESIDE)
    marker = predict_shard(model, sources, out, shard, options, route)
    tell_shard(out, shard, marker, "sageseg jobs merge")


def _predict_and_stitch(
    model: str, sources: Sequence[Path], out: Path, options: PredictOptions, route: RouteOptions
) -> None:
    """`out` appears when all is done. Until then the crops' predictions lie in `<out>.crops`, and the same call goes on
    with them."""
    from analysis.masks.commands import tell_stitched
    from analysis.masks.stitch import stitch
    from formats.dataset import info_path, labels_path, open_dataset
    from formats.disk.whole_folders import refuse_existing
    from formats.predictions import open_predictions
    from jobs.prediction.predict import frames_folder
    from jobs.prediction.predict import predict as make_predictions

    crops, asked = out.with_name(f"{out.name}.crops"), _asked(model, sources, options, route)
    _settle(out, crops, asked, options)
    refuse_existing(out, overwrite=options.overwrite)
    ours = (crops / _ASKED).is_file()
    if crops.exists() and not ours:
        raise SagesegError(f"{crops}: is there, and the crops are to lie there; move it away or choose another --out")
    refuse_existing(crops, overwrite=ours)  # removes what a call that was killed left of their making
    if _is_text(crops / _ASKED, asked):
        say(f"{crops}: predicted already; goes on with stitching")
    else:
        options = replace(options, overwrite=ours)
        make_predictions(model, sources, crops, options, route, frames_folder(out), beside={_ASKED: asked})
    dataset = open_dataset(sources[0]) if info_path(sources[0]).exists() else None
    blend = options.probabilities and labels_path(crops).exists()
    stitched = stitch(open_predictions(crops), dataset, out, probabilities=blend, overwrite=True)
    tell_stitched(stitched, masks_alone=options.probabilities and not blend)
    result(str(out / "masks"))
    if blend or not options.probabilities:
        _discard(crops)
    else:
        say(
            f"note: nothing tells the names of the classes, so probabilities are not stitched; they stay in {crops}. "
            "--labels FILE names the classes"
        )


def _settle(out: Path, crops: Path, asked: str, options: PredictOptions) -> None:
    """Remove what a call that was killed at its very end left: crops whose masks are stitched already."""
    from formats.dataset import labels_path
    from formats.disk.whole_folders import refuse_existing

    refuse_existing(crops, overwrite=True)  # which removes what is half discarded
    stitched = out.is_dir() and any(out.iterdir()) and not options.overwrite
    if stitched and _is_text(crops / _ASKED, asked) and (not options.probabilities or labels_path(crops).exists()):
        _discard(crops)


def _discard(crops: Path) -> None:
    """Remove the crops; at once for who looks, so that a call that is killed meanwhile leaves none to go on with."""
    from formats.disk.whole_folders import open_stage

    with open_stage(crops, overwrite=True) as stage:
        stage.empty(quietly=True)
        crops.rename(stage.content)
        stage.remove()


def _asked(model: str, sources: Sequence[Path], options: PredictOptions, route: RouteOptions) -> str:
    """A text that changes with what decides the predictions: words of the call, and files it reads."""
    named = [Path(model), *sources, *(place for place in (options.images, options.labels) if place)]
    files = [[str(file.absolute()), file.stat().st_size, file.stat().st_mtime_ns] for file in _files(named)]
    return json.dumps([model, repr(replace(options, overwrite=False)), route.endpoint, files])


def _files(places: Sequence[Path]) -> Iterator[Path]:
    for place in places:
        yield from sorted(path for path in (place.rglob("*") if place.is_dir() else [place]) if path.is_file())


def _is_text(path: Path, text: str) -> bool:
    return path.is_file() and path.read_text(encoding="utf-8") == text
