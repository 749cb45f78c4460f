"""`sageseg doctor`: what is there, what is missing, and the step that mends it."""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import asdict
from typing import TYPE_CHECKING, Annotated

import typer

from formats.console import result, result_json, say
from formats.errors import SagesegError

if TYPE_CHECKING:
    from jobs.doctor.findings import Finding, State


def doctor(
    backend: Annotated[
        str | None,
        typer.Option(
            help="Where you want to work: what that lacks is a fault. Without it both are looked at, and AWS is asked "
            "where there are credentials.",
            metavar="aws|local",
        ),
    ] = None,
    region: Annotated[str | None, typer.Option(help="AWS region; by default the environment's.")] = None,
    role: Annotated[
        str | None, typer.Option(help="ARN of the role that SageMaker assumes; SAGESEG_ROLE in the environment.")
    ] = None,
    bucket: Annotated[
        str | None, typer.Option(help="Bucket of data and output; SAGESEG_BUCKET in the environment.")
    ] = None,
    instance_type: Annotated[
        str | None,
        typer.Option(
            help="Whose quotas and prices are asked for; by default those that the verbs take.", metavar="TYPE[,TYPE…]"
        ),
    ] = None,
    json_: Annotated[bool, typer.Option("--json", help="As JSON.")] = False,
) -> None:
    """What this machine and the AWS account lack, each with its cure.

    Nothing is changed, and nothing that costs is asked for. It ends with exit code 1 where a fault stands in the way of
    work on this machine, or of the --backend that was named.
    """
    from jobs.training.options import parse_backend

    asked = None if backend is None else parse_backend(backend)
    account_alone = {"--region": region, "--role": role, "--bucket": bucket, "--instance-type": instance_type}
    if asked == "local" and (idle := [name for name, value in account_alone.items() if value is not None]):
        say(f"note: {', '.join(idle)}: of the AWS account, which --backend local does not ask")
    found = _findings(asked, region, role, bucket, instance_type)
    shown = list(found) if json_ else list(_telling(found))
    if json_:
        result_json([asdict(finding) for finding in shown])
    faults = [finding.subject for finding in shown if finding.state == "fault"]
    if faults:
        raise SagesegError(f"{len(faults)} fault(s): {', '.join(faults)}; each has its cure above")


def _telling(findings: Iterator[Finding]) -> Iterator[Finding]:
    """The findings, each told as soon as it is known."""
    from jobs.doctor.findings import lines_of

    for finding in findings:
        for line in lines_of([finding]):
            result(line)
        yield finding


def _findings(
    backend: str | None, region: str | None, role: str | None, bucket: str | None, instance_type: str | None
) -> Iterator[Finding]:
    from jobs.contract.instances import parse_instance_types
    from jobs.doctor.machine import examine_machine, examine_python
    from jobs.doctor.packages import examine_base, examine_extras
    from jobs.doctor.torch_build import examine_torch

    named = () if instance_type is None else parse_instance_types(instance_type)
    wrong_here: State = "fault" if backend == "local" else "note"
    yield examine_python()
    base = examine_base()
    yield base
    if base.state == "fault":
        return  # what looks at the rest needs these packages
    yield from examine_extras(wrong_here)
    yield examine_torch(wrong_here)
    yield from examine_machine()
    if backend == "local":
        return
    from jobs.doctor.account import DEFAULT_TYPES, Wanted, examine_account

    role, bucket = role or os.environ.get("SAGESEG_ROLE"), bucket or os.environ.get("SAGESEG_BUCKET")
    types = {use: named or types for use, types in DEFAULT_TYPES.items()}
    yield from examine_account(Wanted(region, role, bucket, types, "fault" if backend == "aws" else "note"))
