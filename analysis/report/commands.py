"""`sageseg analysis report`, `merge` and `gate`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

from analysis.drawing.colours import ColourScheme
from analysis.options import Overwrite, PredictionsFolder, ScoringOptions, ShardOption, TrueMasks, Workers
from formats.console import result, result_json, say
from formats.errors import SagesegError
from formats.texts.told_numbers import parse_whole
from formats.verbs.command_options import takes


@takes(ScoringOptions, "scoring")
def report(
    predictions: PredictionsFolder,
    *,
    out: Annotated[Path, typer.Option(help="Where the report goes.")],
    dataset: Annotated[Path | None, typer.Option(help="The dataset with the images and the true masks.")] = None,
    truth: TrueMasks = None,
    images: Annotated[
        Path | None,
        typer.Option(help="The folder of the images, to show them: with --truth, or where prep dropped crops."),
    ] = None,
    labels: Annotated[
        Path | None,
        typer.Option(
            help="With --truth: the classes' names, one a line.  [default: labels.txt beside predictions or masks]",
            show_default=False,
        ),
    ] = None,
    group_by: Annotated[
        str | None,
        typer.Option(
            metavar="REGEX",
            help="With --truth: group = first capture in the image's name.  [default: a video's block, or the folder]",
            show_default=False,
        ),
    ] = None,
    colors: Annotated[
        ColourScheme,
        typer.Option(help="Correct, wrong, missed: green, red, blue; light: yellow, red, green; safe: colour-blind."),
    ] = ColourScheme.DEFAULT,
    strips: Annotated[
        bool, typer.Option("--strips", help="Also write image, truth, prediction and difference side by side.")
    ] = False,
    overlays: Annotated[
        str, typer.Option(metavar="N|all", help="Full-size overlays of so many of the worst images, and of the best.")
    ] = "500",
    scoring: ScoringOptions,
    shard: ShardOption = None,
    overwrite: Overwrite = False,
    workers: Workers = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print scores.json instead of a table.")] = False,
) -> None:
    """Score predictions on full images and write a page that shows where they fail."""
    from analysis.plain.opening import open_predictions
    from analysis.plain.truth import TruthFolder, open_with_truth
    from analysis.report.report import make_report
    from analysis.report.scores_text import format_scores, tell
    from analysis.report.sharded.planned import Planned, ReportOptions, plan_report
    from analysis.report.sharded.shards import report_shard
    from analysis.report_files import PAGE
    from formats.dataset import open_dataset
    from formats.disk.whole_folders import refuse_existing
    from formats.prepared.groups import parse_group_by
    from formats.shards.telling import check_shard_place, tell_shard

    if shard:
        check_shard_place(out, shard)
    else:
        refuse_existing(out, overwrite=overwrite, reads=(predictions, dataset, truth, images))
    options = ReportOptions(colors, strips, parse_overlays(overlays), scoring)
    pattern = parse_group_by(group_by) if group_by else None
    given = (("--labels", labels), ("--group-by", group_by))

    def plan() -> Planned:
        if truth and not dataset:
            known = TruthFolder(truth, labels, images, pattern, scoring.partial)
            opened = open_with_truth(predictions, known, workers=workers)
        elif dataset and not truth:
            for name, value in given:
                if value is not None:
                    raise SagesegError(
                        f"{name} {value}: goes with --truth; a dataset has classes and groups of its own"
                    )
            of = open_dataset(dataset)
            opened = open_predictions(predictions, dataset=of, workers=workers), of
        else:
            raise SagesegError("report needs the truth from one place: --dataset DATASET, or --truth FOLDER of masks")
        return plan_report(*opened, options, images if dataset else None, by_names=shard is not None)

    if shard:
        marker = report_shard(plan(), out, shard, overwrite=overwrite, workers=workers)
        tell_shard(out, shard, marker, "sageseg analysis merge")
        return
    scores = make_report(plan, out, overwrite=overwrite, workers=workers)
    tell(scores, format_scores, out / PAGE, as_json=as_json)


def merge(
    shards: Annotated[
        Path, typer.Argument(metavar="SHARDS", help="The --out of the shards, with their plan.", show_default=False)
    ],
    *,
    out: Annotated[Path, typer.Option(help="Where the report, or the stitched masks, go.")],
    overwrite: Overwrite = False,
    workers: Workers = None,
    as_json: Annotated[bool, typer.Option("--json", help="Of a report print scores.json instead of a table.")] = False,
) -> None:
    """All shards of a report, or of stitched masks, as what a single machine would have made."""
    from analysis.masks.cleaning import tell_changes
    from analysis.masks.commands import tell_stitched
    from analysis.masks.stitch_shards import KIND as STITCH
    from analysis.masks.stitch_shards import merge_stitch
    from analysis.report.scores_text import format_scores, tell
    from analysis.report.sharded.shards import merge_report
    from analysis.report_files import PAGE
    from formats.shards.telling import check_merge_place
    from formats.shards.work_plan import kind_of

    check_merge_place(shards, out, overwrite=overwrite)
    if kind_of(shards) == STITCH:
        stitched, settled = merge_stitch(shards, out, overwrite=overwrite)
        tell_changes(settled.cleaning, stitched.changes)
        tell_stitched(stitched, masks_alone=False)
        result(str(out / "masks"))
        return
    scores = merge_report(shards, out, overwrite=overwrite, workers=workers)
    tell(scores, format_scores, out / PAGE, as_json=as_json)


def _parse_least(text: str) -> Any:
    from analysis.report.gate import parse_least

    return parse_least(text)


def _check_once(wanted: list[Any]) -> Any:
    from analysis.report.gate import check_once

    return check_once(wanted)


def gate(
    report: Annotated[Path, typer.Argument(metavar="REPORT", help="A folder that report wrote.")],
    *,
    least: Annotated[
        list[Any],
        typer.Option(
            parser=_parse_least,
            callback=_check_once,
            metavar="SCORE=VALUE",
            help="A score such as mean_iou or iou.car, and what it must reach; repeatable.",
        ),
    ],
    out: Annotated[
        Path | None, typer.Option(help="Write the verdict here as JSON, whether it passes or not.", show_default=False)
    ] = None,
    overwrite: Overwrite = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print the verdict as JSON.")] = False,
) -> None:
    """Pass when scores are high enough, by the lower bounds of their intervals; else end with exit code 1."""
    from analysis.report.gate import check_passed, describe, judge, notes, verdicts_to_json
    from analysis.report.scores_shape import open_scores
    from formats.disk.whole_files import refuse_existing_file, staged_file
    from formats.texts.json_text import format_json

    if out:
        refuse_existing_file(out, overwrite=overwrite)
    scores = open_scores(report, "shown")
    verdicts = judge(scores, least, report)
    found = verdicts_to_json(verdicts)
    if out:
        with staged_file(out, overwrite=overwrite) as beside:
            beside.write_text(format_json(found) + "\n", encoding="utf-8", newline="")
    for line in notes(scores):
        say(line)
    if as_json:
        result_json(found)
    else:
        for line in describe(verdicts):
            result(line)
    check_passed(verdicts, report)


def parse_overlays(text: str) -> int | None:
    """`500`, or `all`, which is None."""
    if text == "all":
        return None
    number = parse_whole(text)
    if number is None:
        raise SagesegError(f"--overlays {text}: expected how many of the worst images to draw, such as 500, or all")
    return number
