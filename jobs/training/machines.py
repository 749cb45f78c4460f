"""Which instance types a training is tried on, and its disk: pure but for the sizes of the dataset's files."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace

from formats.dataset import Dataset
from formats.errors import SagesegError
from jobs.contract.hyperparameters import Rules
from jobs.contract.instances import (
    DEFAULT_CPU,
    DEFAULT_GPUS,
    MOST_PREFERENCES,
    check_builtin_instance,
    check_volume,
    has_own_disk,
    local_storage_gb,
)
from jobs.contract.training_request import TrainingJob
from jobs.quotas import quota_name, training_use

_GIB = 2**30


def instance_types(given: Sequence[str] | None, rules: Rules, volume: int) -> Sequence[str]:
    """The types to try. Of our own choice only those whose disk suffices; of the user's, each must."""
    if given is None and rules == "open":
        return (DEFAULT_CPU,)
    if given is None:
        fitting = [name for name in DEFAULT_GPUS if volume <= local_storage_gb(name)]
        if not fitting:
            check_volume(DEFAULT_GPUS[0], volume)
        return fitting
    for name in given:
        if rules == "builtin":
            check_builtin_instance(name)
        check_volume(name, volume)
    return given


def with_quota(types: Sequence[str], quotas: Mapping[str, float]) -> Sequence[str]:
    """The types without those that the account may have none of. Raises SagesegError when that is all."""
    allowed = [kind for kind in types if quotas.get(kind) != 0]
    if not allowed:
        raise SagesegError(
            f"--instance-type {','.join(types)}: this account's quota for training jobs is 0 for all of them; ask for "
            "more under Service Quotas, or name another --instance-type"
        )
    return allowed


def left_out(wanted: Sequence[str], types: Sequence[str], *, spot: bool) -> Iterator[str]:
    for kind in wanted:
        if kind not in types:
            yield f"{kind} is not tried: this account's quota '{quota_name(kind, training_use(spot=spot))}' is 0"


def as_list(jobs: Sequence[TrainingJob]) -> TrainingJob | None:
    """One job on the first of all types that has capacity; None where the service takes no list: with spot, and
    where a key for the volume would be right for some of the types only (developer guide, Instance preference
    lists)."""
    first, types = jobs[0], tuple(job.instance_type for job in jobs)
    volumes = set(map(has_own_disk, types))
    if first.spot or not 2 <= len(types) <= MOST_PREFERENCES or (first.kms_key and len(volumes) > 1):
        return None
    return replace(first, preferences=types)


def volume_gb(dataset: Dataset) -> int:
    """Disk for the dataset twice over and 10 GB beside it, never under SageMaker's usual 30 GB."""
    files = [
        path for row in dataset.rows if row.kept for path in (dataset.image_path(row.id), dataset.mask_path(row.id))
    ]
    gib = sum(path.stat().st_size for path in files) / _GIB
    return max(30, int(2 * gib) + 10)
