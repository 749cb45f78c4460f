"""docs/hyperparameters.md, made from the table:

python -m jobs.contract.hyperparameter_page > docs/hyperparameters.md
"""

from __future__ import annotations

from formats.console import result
from jobs.contract.hyperparameter_limits import TUNING_GUIDE
from jobs.contract.hyperparameter_options import describe_condition, describe_default, describe_values
from jobs.contract.hyperparameters import FROM_DATASET, KINDS, TABLE, limits_of

_INTRODUCTION = f"""\
# Hyperparameters

Made from `jobs/contract/hyperparameters.py` by `python -m jobs.contract.hyperparameter_page > docs/hyperparameters.md`.
On the command line `_` is `-`: `--learning-rate 0.01`. Values are the service's own strings, such as `True`.
{" and ".join(f"`{name}`" for name in FROM_DATASET)} come from the dataset. Ranges of tuning: {TUNING_GUIDE}.

| name | meaning | type | accepts | default | only with | tuned over | source |
|---|---|---|---|---|---|---|---|
"""
_TYPES = {bool: "True or False", int: "whole number", float: "number", str: "choice"}


def hyperparameter_page() -> str:
    """The page's whole text."""
    return _INTRODUCTION + "".join(f"{_row(name)}\n" for name in TABLE)


def _row(name: str) -> str:
    limits = limits_of(name)
    cells = (
        f"`{name}`",
        limits.help,
        _TYPES.get(KINDS[name], "whole numbers, comma between"),
        describe_values(name),
        describe_default(name),
        describe_condition(name),
        limits.tunable.describe() if limits.tunable else f"never: {limits.untunable}" if limits.untunable else "",
        limits.source,
    )
    return f"| {' | '.join(cells)} |"


if __name__ == "__main__":
    result(hyperparameter_page().rstrip("\n"))
