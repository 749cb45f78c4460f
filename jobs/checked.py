"""The dataset looked over before money is spent on it: what `sageseg prep check` finds stops a job."""

from __future__ import annotations

from pathlib import Path

from formats.console import say
from formats.errors import SagesegError
from jobs.check.dataset_check import check_dataset, describe, errors_among
from jobs.check.files import Finding
from jobs.check.settings import CheckSettings
from jobs.contract.hyperparameters import parse_hyperparameters
from jobs.contract.training_request import TrainingJob

_SHOWN = 20


def check_before(root: Path, job: TrainingJob) -> None:
    """Read the whole dataset; say its warnings. Raises SagesegError with the first error, after
    saying the others."""
    settled = parse_hyperparameters(job.hyperparameters, "open")
    settings = CheckSettings(
        algorithm=settled.algorithm,
        backbone=settled.backbone,
        crop_size=settled.crop_size,
        mini_batch_size=settled.mini_batch_size,
        validation_mini_batch_size=settled.validation_mini_batch_size,
        instance_type=job.instance_type,
        volume_size=job.volume_gb,
    )
    findings = [finding for finding in check_dataset(root, settings) if not _is_meant(finding, job)]
    errors = errors_among(findings)
    for finding in [*errors[1:], *(finding for finding in findings if finding not in errors)][:_SHOWN]:
        say(describe(finding))
    if errors:
        more = f" (and {len(errors) - 1} more; sageseg prep check shows all)" if len(errors) > 1 else ""
        raise SagesegError(f"{errors[0].file}: {errors[0].message}; {errors[0].cure}{more}")


def _is_meant(finding: Finding, job: TrainingJob) -> bool:
    """With --validate-on train there are no validation images on purpose."""
    return job.validate_on == "train" and finding.rule == "split" and finding.message.startswith("no val ")
