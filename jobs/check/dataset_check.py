"""The check before money is spent: every rule that can be known beforehand, all findings at once.

sageseg prep check dataset --crop-size 512
"""

from __future__ import annotations

from collections.abc import Sequence

from formats.console import say
from formats.dataset import SPLITS, Dataset
from formats.errors import SagesegError
from formats.parallel import map_all
from formats.prepared.label_map import LabelMaps
from jobs.check.evidence import Evidence, Machine
from jobs.check.files import Finding, Pair, inspect_pair
from jobs.check.rules import RULES
from jobs.contract.hyperparameters import Hyperparameters, Rules
from jobs.contract.registry import is_builtin
from jobs.contract.training_request import TrainingJob

_SHOWN = 20


def check_dataset(
    dataset: Dataset,
    settings: Hyperparameters,
    machine: Machine,
    label_maps: LabelMaps | None = None,
    *,
    workers: int | None = None,
) -> list[Finding]:
    """All findings, errors first. Every file of the dataset is read, by all cores; `label_maps` are those
    of the training, which then sees what they make of the masks."""
    facts = list(map_all(inspect_pair, _pairs(dataset, label_maps), workers=workers, label="check"))
    found = Evidence(dataset, facts, settings, machine, label_maps)
    findings = [finding for fact in facts for finding in fact.findings]
    findings += [finding for rule in RULES for finding in rule(found)]
    return sorted(findings, key=lambda finding: finding.severity != "error")


def _pairs(dataset: Dataset, label_maps: LabelMaps | None) -> list[Pair]:
    number = len(dataset.classes)
    maps = {split: label_maps.of_split(split, number) for split in SPLITS} if label_maps else {}
    return [
        Pair(row, dataset.image_path(row.id), dataset.mask_path(row.id), number, maps.get(row.split))
        for row in dataset.rows
        if row.kept
    ]


def errors_among(findings: Sequence[Finding]) -> list[Finding]:
    return [finding for finding in findings if finding.severity == "error"]


def describe(finding: Finding) -> str:
    """A finding as one line: what is wrong where, and the cure."""
    return f"{finding.severity}: {finding.file}: {finding.message}; {finding.cure}"


def check_before(
    dataset: Dataset, settings: Hyperparameters, jobs: Sequence[TrainingJob], label_maps: LabelMaps | None
) -> None:
    """Read the whole dataset; say its warnings. `jobs` are one training on each instance type that is
    tried. Raises SagesegError with the first error, after saying the others."""
    job = jobs[0]
    rules: Rules = "builtin" if is_builtin(job.image) else "open"
    machine = Machine(tuple(each.instance_type for each in jobs), job.volume_gb, rules)
    findings = [
        finding for finding in check_dataset(dataset, settings, machine, label_maps) if not _is_meant(finding, job)
    ]
    errors = errors_among(findings)
    for finding in [*errors[1:], *(finding for finding in findings if finding not in errors)][:_SHOWN]:
        say(describe(finding))
    if errors:
        more = f" (and {len(errors) - 1} more; sageseg prep check shows all)" if len(errors) > 1 else ""
        raise SagesegError(f"{errors[0].file}: {errors[0].message}; {errors[0].cure}{more}")


def _is_meant(finding: Finding, job: TrainingJob) -> bool:
    """With --validate-on train there are no validation images on purpose."""
    return job.validate_on == "train" and finding.rule == "split" and finding.message.startswith("no val ")
