"""`sageseg analysis select`."""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from analysis.options import ListFile, Overwrite, PredictionsFolder, Workers
from formats.console import result, say
from formats.prepared.groups import parse_group_by

if TYPE_CHECKING:
    from analysis.selection.next_images import Selected


def _pattern(text: Any) -> re.Pattern[str]:
    return parse_group_by(str(text))


def select(
    predictions: PredictionsFolder,
    *,
    count: Annotated[int, typer.Option(min=1, help="How many images to choose, at most.")],
    out: Annotated[Path, typer.Option(help="Where selected.txt and selected.csv go.")],
    labelled: Annotated[
        Path | None, typer.Option(help="The dataset that was trained on: its images are left out.")
    ] = None,
    images: Annotated[
        Path | None, typer.Option(help="The images that were predicted, to choose only one of near-twins.")
    ] = None,
    listed: ListFile = None,
    group_by: Annotated[
        Any,
        typer.Option(
            parser=_pattern,
            metavar="REGEX",
            help="Group = first capture in the image's stem."
            "  [default: the manifest's; else the time block of a video, or the folder]",
            show_default=False,
        ),
    ] = None,
    seed: Annotated[int, typer.Option(min=0, help="Another seed draws another choice.")] = 0,
    overwrite: Overwrite = False,
    workers: Workers = None,
) -> None:
    """Choose the images to label next: those that the model is unsure of, spread over groups."""
    from analysis.plain.opening import open_predictions
    from analysis.selection.next_images import LIST
    from analysis.selection.next_images import select as select_images
    from formats.dataset import open_dataset
    from formats.disk.whole_folders import refuse_existing

    refuse_existing(out, overwrite=overwrite, reads=(predictions, labelled, images))
    opened = open_dataset(labelled) if labelled else None
    selected = select_images(
        open_predictions(predictions, images=images, workers=workers),
        count,
        out,
        labelled=opened,
        images=images,
        listed=listed,
        group_by=group_by,
        seed=seed,
        overwrite=overwrite,
        workers=workers,
    )
    if opened:
        say(f"{selected.labelled} images are labelled in {opened.root} and are left out")
    _tell(selected, count, compared=images is not None)
    result(str(out / LIST))


def _tell(selected: Selected, count: int, *, compared: bool) -> None:
    """Say what was left out and why, and what spread the choice."""
    chosen, twins = selected.choice.chosen, selected.choice.twins
    if selected.held_out:
        say(f"{selected.held_out} images of groups that validate or test are left out: labelled, they would not train")
    if twins:
        such = f"{twins[0].candidate.source} of {twins[0].of}"
        say(f"{len(twins)} near-twins of images chosen or labelled are left out, such as {such}")
    if not compared:
        say("note: near-twins are not looked for; --images, the folder that was predicted, chooses one of them only")
    if selected.groups == selected.candidates > 1:
        say("note: each image is a group of its own, so nothing is spread; --group-by tells what belongs together")
    if len(chosen) < count:
        without = "; without --images near-twins are chosen too" if twins else ""
        say(f"note: {len(chosen)} images instead of {count}: there are no more{without}")
    groups = len({each.candidate.group for each in chosen})
    say(f"{len(chosen)} of {selected.candidates} images chosen, of {groups} groups")
