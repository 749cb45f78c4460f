"""What the rules of the check look at, and how they tell what they find."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

from formats.dataset import Dataset
from formats.prepared.label_map import LabelMaps
from jobs.check.files import Finding, PairFacts
from jobs.contract.hyperparameters import Hyperparameters, Rules


@dataclass(frozen=True)
class Machine:
    """What a training runs on: the instance types that are tried, the GB of its volume (None is not
    looked at), and whether the program is the built-in's or our own."""

    instance_types: tuple[str, ...] = ()
    volume_gb: int | None = None
    rules: Rules = "builtin"


@dataclass(frozen=True)
class Evidence:
    """All that the rules look at: the dataset's table, what was found in each kept pair, the training."""

    dataset: Dataset
    facts: Sequence[PairFacts]
    settings: Hyperparameters
    machine: Machine
    label_maps: LabelMaps | None = None

    @property
    def manifest(self) -> str:
        return str(self.dataset.root / "manifest.csv")

    def sizes(self, *splits: str) -> Counter[tuple[int, int]]:
        return Counter(fact.size for fact in self.facts if fact.size and fact.split in splits)


def error(rule: str, file: str, message: str, cure: str) -> Finding:
    return Finding("error", rule, file, message, cure)


def warning(rule: str, file: str, message: str, cure: str) -> Finding:
    return Finding("warning", rule, file, message, cure)
