"""What reports may be compared on: the images that all of them have, and judge alike."""

from __future__ import annotations

import math
import shlex
from collections.abc import Mapping, Sequence
from dataclasses import replace

import numpy as np

from analysis.comparison.scored import ReportScores, compared_metrics
from formats.arrays import Flags, Floats
from formats.errors import SagesegError
from formats.texts.wording import format_share, name_first
from formats.verbs.mounting import typed_words

_NAMED = 3


def shared_stems(reports: Sequence[ReportScores]) -> list[str]:
    """The images that all reports have, in the order of the first."""
    return [stem for stem in reports[0].images if all(stem in report.images for report in reports)]


def common_stems(reports: Sequence[ReportScores]) -> list[str]:
    """Those of them that all reports judge alike: the same pixels, by the same truth."""
    return [stem for stem in shared_stems(reports) if len({report.images[stem].truth for report in reports}) == 1]


def grouped_otherwise(reports: Sequence[ReportScores]) -> list[str]:
    """The names of the reports in which other images make a group than in the first, by whose groups all is told."""
    stems = common_stems(reports)
    first, *others = ([report.images[stem].group for stem in stems] for report in reports)
    return [
        report.name
        for report, groups in zip(reports[1:], others, strict=True)
        if not len(set(first)) == len(set(groups)) == len(set(zip(first, groups, strict=True)))
    ]


def check_alike(reports: Sequence[ReportScores], *, common: bool) -> None:
    """Raise SagesegError where images differ so that nothing can be compared, and, unless only the `common` ones are
    asked for, where not all reports have the same images and judge them alike."""
    for number in range(2, len(reports) + 1):
        if not shared_stems(reports[:number]):
            others = ", ".join(str(report.folder) for report in reports[: number - 1])
            raise SagesegError(
                f"{reports[number - 1].folder}: no image in common with {others}; compare the same images"
            )
    shared = shared_stems(reports)
    for stem in shared:
        first = reports[0]
        other = next((each for each in reports if each.images[stem].size != first.images[stem].size), None)
        if other:
            told = " and ".join(
                "{}×{} pixels in {}".format(*each.images[stem].size, each.folder) for each in (first, other)
            )
            raise SagesegError(f"{stem}: {told}; compare the same images, at one size")
    alike = common_stems(reports)
    if not (common and alike):
        _check_judged(reports, shared, alike)
        _check_covered(reports, alike)


def _check_covered(reports: Sequence[ReportScores], alike: Sequence[str]) -> None:
    every = dict.fromkeys(stem for report in reports for stem in report.images)
    for report in reports:
        absent = [stem for stem in every if stem not in report.images]
        if absent:
            raise SagesegError(
                f"{report.folder}: {len(absent)} of the {len(every)} images that the reports judge are not in it"
                f" ({name_first(absent, _NAMED)}); predict and report the same images for all"
                f"{_or_common(alike, 'all have')}"
            )


def _check_judged(reports: Sequence[ReportScores], shared: Sequence[str], alike: Sequence[str]) -> None:
    known = set(alike)
    differing = [stem for stem in shared if stem not in known]
    if not differing:
        return
    stem, first = differing[0], reports[0]
    other = next(each for each in reports if each.images[stem].truth != first.images[stem].truth)
    one, two = (report.images[stem].judged for report in (first, other))
    if one.not_predicted == two.not_predicted:
        how = f"judged by another truth in {other.folder} than in {first.folder}"
        maps = [report.scores.get("label_map") for report in (first, other)]
        mend = "report both by one dataset" if maps[0] == maps[1] else "their jobs were trained by other label maps"
    else:
        told = (
            f"{format_share(judged.share)} of it ({judged.pixels:,} pixels) in {report.folder}"
            for judged, report in ((one, first), (two, other))
        )
        how, mend = f"judged {' and '.join(told)}", "predict all crops for both, and report again"
    rest = _or_common(alike, "are judged alike")
    raise SagesegError(f"{stem}: {how} ({len(differing)} of {len(shared)} images differ so); {mend}{rest}")


def _or_common(alike: Sequence[str], why: str) -> str:
    """The other way out, where there is one: the command as it was typed, with --common."""
    words = typed_words()
    command = shlex.join(["sageseg", "analysis", *words, "--common"]) if words[:1] == ("compare",) else "--common"
    return f", or compare the {len(alike)} that {why} with {command}" if alike else ""


def with_absent(reports: Sequence[ReportScores]) -> list[ReportScores]:
    """With what an image counts for a class that it has not, where only another report has the class at
    all: as `analysis.scoring.image_scores.with_absent`, all of them being one."""
    known = {
        metric.key: np.where(_occurring(reports, metric.key), metric.when_absent, math.nan)
        for metric in compared_metrics()
    }
    return [replace(report, by_class=_filled(report, known)) for report in reports]


def _occurring(reports: Sequence[ReportScores], key: str) -> Flags:
    """Which foreground classes any image of any report has."""
    every = np.concatenate([report.by_class[key] for report in reports])
    has: Flags = ~np.isnan(every).all(axis=0)
    return has


def _filled(report: ReportScores, absent: Mapping[str, Floats]) -> dict[str, Floats]:
    counts = np.array([image.judged.pixels > 0 for image in report.images.values()])[:, None]
    return {key: np.where(np.isnan(each) & counts, absent[key], each) for key, each in report.by_class.items()}
