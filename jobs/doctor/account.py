"""The AWS account as a job needs it: who asks, the region, the role, the bucket, quotas, prices. Every question is read
only and given up within seconds; where nothing answers, the rest is not asked."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from aws.clients import NetworkError, aws_errors, configured_region, credential_source, make_client
from aws.errors import AwsError
from aws.identity import caller_arn, check_bucket
from formats.errors import SagesegError
from jobs.contract.instances import DEFAULT_GPUS
from jobs.contract.registry import builtin_image
from jobs.cost.prices import Component, find_rate, table_rate
from jobs.doctor.findings import Finding, State, refused
from jobs.doctor.lifecycle import examine_lifecycle
from jobs.endpoints.options import SERVING_INSTANCE
from jobs.processing.options import DEFAULT_TYPE
from jobs.quotas import Quota, Use, listed_quotas, quota_name

DEFAULT_TYPES: dict[Use, tuple[str, ...]] = {
    "training job": DEFAULT_GPUS,
    "endpoint": (SERVING_INSTANCE,),
    "transform job": (SERVING_INSTANCE,),
    "processing job": (DEFAULT_TYPE,),
}
"""What the verbs take where no instance type is named."""
_COMPONENTS: dict[Use, Component] = {
    "training job": "Train",
    "endpoint": "Host",
    "transform job": "Tsform",
    "processing job": "Processing",
}
_ROLE = re.compile(r"arn:aws[a-z-]*:iam::(?P<account>\d{12}):role/(?:[\w+=,.@/-]+/)?(?P<name>[\w+=,.@-]+)")
_SAGEMAKER = "sagemaker.amazonaws.com"
_POLICY = "sageseg jobs policy --bucket BUCKET"
_ENDPOINT = "AWS_ENDPOINT_URL"
"""Behind it `_` and a service's name, or nothing for all of them."""
_NOT_ASKED = Finding("note", "the rest of AWS", "not asked")
_NO_ROLE = ("NoSuchEntity", "NoSuchEntityException")


@dataclass(frozen=True)
class Wanted:
    """What is asked about. `wrong` is what it is called where something is not as it must be: a fault where work at AWS
    was asked for."""

    region: str | None
    role: str | None
    bucket: str | None
    types: Mapping[Use, tuple[str, ...]]
    wrong: State


def examine_account(wanted: Wanted) -> Iterator[Finding]:
    try:
        source = credential_source()
    except SagesegError as e:
        yield refused(wanted.wrong, "credentials", e)
        return
    if source is None:
        cure = "aws configure, or aws sso login --profile NAME and export AWS_PROFILE=NAME"
        yield Finding(
            wanted.wrong, "credentials", "none, so AWS is not asked; work on this machine needs no account", cure
        )
        return
    try:
        region = configured_region(wanted.region)
        builtin_image(region)
    except SagesegError as e:
        yield refused(wanted.wrong, "region", e)
        yield _NOT_ASKED
        return
    yield Finding("ok", "region", f"{region}; the built-in algorithm is there")
    yield from examine_endpoints(os.environ)
    try:
        arn = caller_arn(region)
    except SagesegError as e:
        yield refused(wanted.wrong, "credentials", e)
        yield _NOT_ASKED
        return
    yield Finding("ok", "credentials", f"{arn}, by {source[0]}, profile {source[1]}")
    yield from _examine_region(wanted, region, arn.split(":")[4])


def examine_endpoints(environment: Mapping[str, str]) -> Iterator[Finding]:
    """What stands for AWS, or for some of its services, as in a shell that uses the emulator."""
    places: dict[str, list[str]] = {}
    for name, place in sorted(environment.items()):
        if name.startswith(_ENDPOINT) and place:
            places.setdefault(place, []).append(name)
    for place, names in places.items():
        services = ", ".join(name.removeprefix(_ENDPOINT).strip("_") or "AWS" for name in names)
        cure = f"unset {' '.join(names)} leads to AWS itself"
        yield Finding("note", _ENDPOINT, f"{place} stands for {services}", cure)


def _examine_region(wanted: Wanted, region: str, account: str) -> Iterator[Finding]:
    yield examine_role(wanted.role, region, account, wanted.wrong)
    yield _bucket(wanted.bucket, region, account, wanted.wrong)
    yield from _quotas(wanted, region)
    yield _prices(wanted, region)
    yield examine_lifecycle(region)


def examine_role(arn: str | None, region: str, account: str, wrong: State) -> Finding:
    """Whether jobs can be given the role. That the caller may pass it on is known only once a job is created."""
    if not arn:
        return Finding(wrong, "role", "none named", f"{_POLICY} makes one; export SAGESEG_ROLE=ARN names it")
    parts = _ROLE.fullmatch(arn)
    if not parts:
        cure = f"export SAGESEG_ROLE=arn:aws:iam::{account}:role/NAME"
        return Finding(wrong, "role", f"{arn}: expected the ARN of a role", cure)
    if parts["account"] != account:
        told = f"{arn}: of another account than your credentials ({account}), so jobs cannot be given it"
        return Finding(wrong, "role", told, f"{_POLICY} makes one here")
    try:
        trust = _trust_of(parts["name"], region)
    except SagesegError as e:
        if isinstance(e, AwsError) and e.code in _NO_ROLE:
            return Finding(wrong, "role", f"{arn}: there is none", f"{_POLICY} makes one")
        return refused("note", "role", e)
    return judge_trust(arn, trust, wrong)


def _trust_of(role: str, region: str) -> Mapping[str, Any]:
    with aws_errors(f"looking at role {role}"):
        answer = make_client("iam", region, hurried=True).get_role(RoleName=role)
    return answer["Role"].get("AssumeRolePolicyDocument") or {}


def judge_trust(arn: str, trust: Mapping[str, Any], wrong: State) -> Finding:
    """`trust` is the role's policy of who may assume it."""
    if trusts_sagemaker(trust):
        return Finding("ok", "role", f"{arn}: SageMaker may assume it")
    name = arn.rpartition("/")[2]
    return Finding(wrong, "role", f"{arn}: {_SAGEMAKER} may not assume it", f"{_POLICY} --role-name {name} lets it")


def trusts_sagemaker(trust: Mapping[str, Any]) -> bool:
    """Whether a trust policy lets SageMaker assume its role; conditions, and what another statement denies, are not
    weighed."""
    return any(
        statement.get("Effect") == "Allow"
        and _SAGEMAKER in _several((statement.get("Principal") or {}).get("Service", ()))
        and {"sts:AssumeRole", "sts:*", "*"} & set(_several(statement.get("Action", ())))
        for statement in _several(trust.get("Statement", ()))
        if isinstance(statement.get("Principal", {}), Mapping)
    )


def _several(value: Any) -> list[Any]:
    """A policy's lists of one may stand without brackets."""
    return [value] if isinstance(value, str | Mapping) else list(value)


def _bucket(bucket: str | None, region: str, account: str, wrong: State) -> Finding:
    if not bucket:
        return Finding("note", "bucket", "none named", "pass --bucket NAME, or export SAGESEG_BUCKET=NAME")
    place = bucket if bucket.startswith("s3://") else f"s3://{bucket}"
    try:
        check_bucket(place, region, account, hurried=True)
    except NetworkError as e:
        return refused("note", "bucket", e)
    except SagesegError as e:
        return refused(wrong, "bucket", e)
    return Finding("ok", "bucket", f"{place}: of account {account}, in {region}")


def _quotas(wanted: Wanted, region: str) -> Iterator[Finding]:
    names = [quota_name(kind, use) for use, types in wanted.types.items() for kind in types]
    try:
        found = dict(listed_quotas(region, names))
    except SagesegError as e:
        yield refused("note", "quotas", e)
        return
    for use, types in wanted.types.items():
        yield judge_quotas(use, {kind: found.get(quota_name(kind, use)) for kind in types}, region, wanted.wrong)


def judge_quotas(use: Use, quotas: Mapping[str, Quota | None], region: str, wrong: State) -> Finding:
    """`quotas` are by instance type, in the order in which they are tried, None where it is not told."""
    told = ", ".join(f"{kind} {f'{quota.value:g}' if quota else 'not told'}" for kind, quota in quotas.items())
    none = [(kind, quota) for kind, quota in quotas.items() if quota and quota.value < 1]
    if not none:
        return Finding("ok" if all(quotas.values()) else "note", f"quota of {use}s", told)
    kind, quota = none[0]
    code = quota.code or f"CODE (that of '{quota_name(kind, use)}')"
    cure = (
        f"aws service-quotas request-service-quota-increase --region {region} --service-code sagemaker --quota-code "
        f"{code} --desired-value 1, or name another --instance-type"
    )
    return Finding(wrong if len(none) == len(quotas) else "note", f"quota of {use}s", told, cure)


def _prices(wanted: Wanted, region: str) -> Finding:
    """Once the price list is not to be had, it is not asked again."""
    rates, note = {}, ""
    for use, types in wanted.types.items():
        for kind in types:
            rate = table_rate(region, kind) if note else find_rate(region, kind, _COMPONENTS[use])
            note = note or rate.note
            rates[f"{kind} as {use}"] = rate
    known = {name: rate for name, rate in rates.items() if rate.usd_per_hour is not None}
    told = ", ".join(f"{name} ${rate.usd_per_hour:.4g}" for name, rate in known.items())
    told = f"per hour: {told} ({next(iter(known.values())).source})" if known else "none known"
    if unknown := [name for name in rates if name not in known]:
        told += f"; unknown: {', '.join(unknown)}"
    if not note and not unknown:
        return Finding("ok", "prices", told)
    cure = "name your own with --rate USD" if unknown else "allow pricing:GetProducts, as sageseg jobs policy does"
    return Finding("note", "prices", f"{told}; {note.rpartition('; ')[0] or note}" if note else told, cure)
