"""What `sageseg jobs tune` accepts beyond what `train` does."""

from __future__ import annotations

from dataclasses import dataclass

from formats.errors import SagesegError
from formats.verbs.command_options import option

OBJECTIVES = ("validation:mIOU", "validation:pixel_accuracy")
"""What the built-in algorithm may be tuned for; both are maximised (developer guide, Tuning a
Semantic Segmentation Model)."""
STRATEGIES = ("Bayesian", "Random")
_REFUSED = {
    "Hyperband": "it ends jobs by what they score on the way, which is not documented for this algorithm",
    "Grid": "it takes lists of values only, and of what may be tuned only optimizer has one",
}


def parse_objective(text: str) -> str:
    """A metric of the algorithm, by the service's name."""
    if text not in OBJECTIVES:
        raise SagesegError(f"--objective {text}: expected {' or '.join(OBJECTIVES)}")
    return text


def parse_strategy(text: str) -> str:
    """The service's word for a strategy, in small letters too."""
    word = text.capitalize()
    if word in STRATEGIES:
        return word
    reason = f"{_REFUSED[word]}; " if word in _REFUSED else ""
    raise SagesegError(f"--strategy {text}: {reason}expected bayesian or random")


@dataclass(frozen=True)
class TuningOptions:
    """What is searched, for what, and how long."""

    range: list[str] | None = option(
        None,
        "What varies; repeatable. A name alone takes the documented range; without any, "
        "all that are documented and act under the optimizer.",
        metavar="NAME=LOW:HIGH|NAME=A,B|NAME",
    )
    objective: str = option(
        OBJECTIVES[0], "The metric to maximise.", parser=parse_objective, metavar="|".join(OBJECTIVES)
    )
    max_jobs: int = option(10, "Training jobs in all.")
    parallel: int = option(1, "Training jobs at a time; a Bayesian search learns from those that have ended.")
    strategy: str = option("Bayesian", "How values are chosen.", parser=parse_strategy, metavar="bayesian|random")
    seed: int | None = option(None, "Makes the same search choose alike again.")
