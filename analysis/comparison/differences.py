"""How reports differ, image by image, and how sure that is."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import combinations
from typing import Any

import numpy as np

from analysis.comparison.scored import ReportScores, compared_metrics
from analysis.scoring.intervals import Interval, group_draws, interval
from analysis.scoring.scores import defined, ratio
from formats.arrays import Floats

DRAWS, SEED = 2000, 0


def pairs_to_json(reports: Sequence[ReportScores], stems: Sequence[str]) -> list[dict[str, Any]]:
    """For each two reports the differences of each score, the first report's less the second's: of the mean over the
    foreground classes, and below `classes` of each class."""
    keys = [metric.key for metric in compared_metrics()]
    names = reports[0].scores["classes"][1:]
    groups = [reports[0].images[stem].group for stem in stems]
    values = [np.hstack([report.values(stems, key) for key in keys]) for report in reports]
    pairs = list(combinations(range(len(reports)), 2))
    differences = np.hstack([values[a] - values[b] for a, b in pairs])
    one_sided = np.hstack([np.isnan(values[a]) != np.isnan(values[b]) for a, b in pairs]).sum(axis=0)
    told = map(_difference, differences.T, paired_intervals(differences, groups), one_sided.tolist())
    by_pair = []
    for a, b in pairs:
        by_score = {key: (next(told), [next(told) for _ in names]) for key in keys}
        by_pair.append(
            {
                "a": reports[a].name,
                "b": reports[b].name,
                **{key: mean for key, (mean, _) in by_score.items()},
                "classes": {
                    name: {key: classes[place] for key, (_, classes) in by_score.items()}
                    for place, name in enumerate(names)
                },
            }
        )
    return by_pair


def _difference(values: Floats, sure: Interval, one_sided: int) -> dict[str, Any]:
    """`one_sided` images have the score by one report alone: where nothing is true, and one predicted nothing."""
    known = values[~np.isnan(values)]
    return {
        "mean": defined(float(known.mean())) if known.size else None,
        "interval": sure,
        "better": int((known > 0).sum()),
        "worse": int((known < 0).sum()),
        "same": int((known == 0).sum()),
        "one_sided": one_sided,
    }


def paired_intervals(differences: Floats, groups: Sequence[str]) -> list[Interval]:
    """The interval of the mean of each column of differences, shape (images, columns), when groups are drawn anew, as
    `analysis.scoring.intervals` says; nan differences are left out, and with fewer than two groups there is None."""
    names, of_group = np.unique(np.asarray(groups), return_inverse=True)
    known = ~np.isnan(differences)
    sums, sizes = (np.zeros((len(names), differences.shape[1])) for _ in range(2))
    np.add.at(sums, of_group, np.where(known, differences, 0))
    np.add.at(sizes, of_group, known)
    drawn = (counts.astype(np.float64) for counts in group_draws(len(names), DRAWS, SEED))
    means = np.concatenate([_ratio(counts @ sums, counts @ sizes) for counts in drawn])
    enough = (sizes > 0).sum(axis=0) > 1
    return [interval(column) if sure else None for column, sure in zip(means.T, enough, strict=True)]


def _ratio(sums: Floats, sizes: Floats) -> Floats:
    return ratio(np.where(sizes > 0, sums, np.nan), sizes)
