"""`sageseg jobs policy` and `lambda`: what an AWS account needs, beside jobs."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from formats.console import result, say
from formats.verbs.completion import ENDPOINTS


def policy(
    bucket: Annotated[
        list[str] | None, typer.Option(help="A bucket of data or output; give it again for more.", show_default=False)
    ] = None,
    region: Annotated[str | None, typer.Option(help="AWS region; by default the environment's.")] = None,
    account: Annotated[str | None, typer.Option(help="AWS account; by default that of your credentials.")] = None,
    role_name: Annotated[str, typer.Option(help="Name of the role that SageMaker assumes.")] = "sageseg",
    prefix: Annotated[str, typer.Option(help="Allow only keys under this prefix in the buckets.")] = "",
    kms_key: Annotated[str | None, typer.Option(help="ARN or id of the KMS key that jobs use.")] = None,
    vpc: Annotated[bool, typer.Option("--vpc", help="Let jobs run in your VPC.")] = False,
    scheduler: Annotated[
        bool, typer.Option("--scheduler", help="Let deploy --ttl make schedules that end leases.")
    ] = False,
    pipelines: Annotated[
        bool, typer.Option("--pipelines", help="Let jobs pipeline make pipelines, whose role starts their jobs.")
    ] = False,
    scaling: Annotated[
        bool, typer.Option("--scaling", help="Let deploy --async make endpoints that go to sleep.")
    ] = False,
    image: Annotated[
        list[str] | None,
        typer.Option(
            help="URI of an image of your own that jobs run; give it again for more.", show_default=False, metavar="URI"
        ),
    ] = None,
    out: Annotated[Path | None, typer.Option(help="Folder to write the policies and create.sh to.")] = None,
    overwrite: Annotated[bool, typer.Option("--overwrite", help="Replace what is at --out.")] = False,
) -> None:
    """The least IAM policies for these verbs, and the commands that create them.

    Without --out it prints one script, to be read and then run.
    """
    from aws.clients import configured_region
    from jobs.account.policy import Account
    from jobs.account.policy_script import checked_account, inline_script, wildcards, write_folder

    where = configured_region(region)
    caller = account or _own_account(where)
    settled = checked_account(
        Account(
            where,
            caller,
            tuple(bucket or ()),
            role_name,
            prefix,
            kms_key,
            vpc,
            scheduler,
            pipelines,
            scaling,
            repositories=tuple(image or ()),
        )
    )
    if out is None:
        result(inline_script(settled).rstrip())
    else:
        for path in write_folder(settled, out, overwrite=overwrite):
            result(str(path))
    for grant in wildcards(settled):
        say(f"note: {', '.join(grant.actions)} on everything: {grant.why}")


def _own_account(region: str) -> str:
    from aws.identity import caller_account
    from formats.errors import SagesegError

    try:
        return caller_account(region)
    except SagesegError as e:
        raise SagesegError(f"--account: missing, and {e}; or pass --account 123456789012") from e


def lambda_(
    endpoint: Annotated[
        str, typer.Argument(help="Name of an endpoint; it need not be there yet.", autocompletion=ENDPOINTS)
    ],
    out: Annotated[Path, typer.Option(help="CloudFormation template to write.", show_default=False)],
    url: Annotated[
        str,
        typer.Option(
            help="Who may call it over HTTP: iam for signed requests, public for all.", metavar="iam|public|none"
        ),
    ] = "iam",
    bucket: Annotated[
        list[str] | None, typer.Option(help="A bucket that images may be named in; again for more.", show_default=False)
    ] = None,
    overwrite: Annotated[bool, typer.Option("--overwrite", help="Replace what is at --out.")] = False,
) -> None:
    """Write a CloudFormation template: a function that takes an image and returns the endpoint's mask."""
    from formats.disk.whole_files import refuse_existing_file, write_text
    from jobs.account.lambda_template import MaskFunction, parse_url, template_text

    refuse_existing_file(out, overwrite=overwrite)
    text = template_text(MaskFunction(endpoint, parse_url(url), tuple(bucket or ())))
    write_text(out, text)
    if url == "public":
        say("warning: --url public: whoever knows the URL may call the endpoint at your cost")
    result(str(out))
    stack = f"sageseg-{endpoint}"
    say(f"aws cloudformation deploy --template-file {out} --stack-name {stack} --capabilities CAPABILITY_IAM")
