"""The file of scores that a version of the model registry names, and scores as its properties."""

from __future__ import annotations

from collections.abc import Iterable
from hashlib import sha256

from formats.texts.json_text import format_json
from formats.texts.told_scores import ToldScore


def scores_file(scores: Iterable[ToldScore], *, level: float | None, groups: int, images: int) -> tuple[bytes, str]:
    """The object that a version's `ModelQuality` names, and its SHA-256.

    The registry shows `multiclass_classification_metrics`, each a name with a `value` (AWS's examples of
    evaluation.json; that it shows names of one's own is inferred). The ends of intervals stand beside the values, as
    `low` and `high`.
    """
    told = {
        score.name: {"value": score.value, **({} if score.low is None else {"low": score.low, "high": score.high})}
        for score in scores
    }
    intervals = {} if level is None else {"intervals": {"level": level, "groups": groups}}
    content = {"version": 1, "multiclass_classification_metrics": told, "images": images, **intervals}
    text = (format_json(content, ascii_only=True) + "\n").encode()
    return text, sha256(text).hexdigest()


def property_of(score: ToldScore) -> str:
    """A score as a property's value, which takes letters, digits and few signs: `0.9512 from 0.9301 to 0.9702`."""
    ends = "" if score.low is None or score.high is None else f" from {score.low:.4f} to {score.high:.4f}"
    return f"{score.value:.4f}{ends}"
