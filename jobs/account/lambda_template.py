"""A CloudFormation template: a Lambda function that takes an image and returns the endpoint's mask.

The function is jobs/account/lambda_handler.py, inline. Region, account and partition are CloudFormation's own
pseudo parameters, so that one template serves wherever it is deployed.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import yaml

from formats.errors import SagesegError
from jobs.account.policy import VERSION, check_bucket_name

Url = Literal["iam", "public", "none"]
URLS: tuple[Url, ...] = ("iam", "public", "none")
RUNTIME = "python3.13"
_SECONDS = 130
"""Two attempts of the 60 s that an endpoint may take, and some."""
_MEGABYTES = 256
_LOG_DAYS = 30
HANDLER = Path(__file__).with_name("lambda_handler.py")


@dataclass(frozen=True)
class MaskFunction:
    """What decides a template. With `public`, whoever knows the URL may call it; with `iam`, signed
    requests of those whom the account allows. `buckets` are those that images may be named in."""

    endpoint: str
    url: Url = "iam"
    buckets: tuple[str, ...] = ()


def parse_url(text: str) -> Url:
    """`iam`, `public` or `none`."""
    for url in URLS:
        if url == text:
            return url
    raise SagesegError(f"--url {text}: expected {', '.join(URLS)}")


def template_text(function: MaskFunction) -> str:
    """The template as YAML, the code in it as it stands in its file."""
    return yaml.dump(template(function), Dumper=_Dumper, sort_keys=False, width=1000, allow_unicode=True)


def template(function: MaskFunction) -> dict[str, Any]:
    """The template as CloudFormation reads it. Raises SagesegError for what cannot be an endpoint or a bucket."""
    _check_names(function)
    resources = {"Role": _role(function), "Logs": _logs(), "Function": _function(function)}
    outputs = {"Function": {"Description": "The function's name", "Value": {"Ref": "Function"}}}
    if function.url != "none":
        kind = "AWS_IAM" if function.url == "iam" else "NONE"
        resources["Url"] = _resource("AWS::Lambda::Url", AuthType=kind, TargetFunctionArn=_arn_of("Function"))
        outputs["Url"] = {"Description": "Where images are sent to", "Value": {"Fn::GetAtt": ["Url", "FunctionUrl"]}}
    if function.url == "public":
        resources |= _open_to_all()
    return {
        "AWSTemplateFormatVersion": "2010-09-09",
        "Description": f"An image in, the mask from SageMaker endpoint {function.endpoint} out (sageseg)",
        "Resources": resources,
        "Outputs": outputs,
    }


def _check_names(function: MaskFunction) -> None:
    if not re.fullmatch(r"[a-zA-Z0-9](-*[a-zA-Z0-9]){0,62}", function.endpoint):
        raise SagesegError(f"endpoint {function.endpoint}: expected its name, at most 63 letters, digits and hyphens")
    for bucket in function.buckets:
        check_bucket_name(bucket)


def _function(function: MaskFunction) -> dict[str, Any]:
    return _resource(
        "AWS::Lambda::Function",
        Runtime=RUNTIME,
        Handler="index.handler",
        Code={"ZipFile": HANDLER.read_text(encoding="utf-8")},
        Role=_arn_of("Role"),
        Timeout=_SECONDS,
        MemorySize=_MEGABYTES,
        Environment={"Variables": {"ENDPOINT": function.endpoint}},
        LoggingConfig={"LogGroup": {"Ref": "Logs"}},
    )


def _logs() -> dict[str, Any]:
    group = _resource("AWS::Logs::LogGroup", RetentionInDays=_LOG_DAYS)
    return {**group, "DeletionPolicy": "Delete", "UpdateReplacePolicy": "Delete"}


def _role(function: MaskFunction) -> dict[str, Any]:
    # SageMaker writes names in lower case in some of its ARNs
    names = dict.fromkeys((function.endpoint, function.endpoint.lower()))
    places = [
        f"arn:${{AWS::Partition}}:sagemaker:${{AWS::Region}}:${{AWS::AccountId}}:endpoint/{name}" for name in names
    ]
    statements = [
        _allow("sagemaker:InvokeEndpoint", [{"Fn::Sub": place} for place in places]),
        _allow(["logs:CreateLogStream", "logs:PutLogEvents"], [_arn_of("Logs")]),
    ]
    if function.buckets:
        objects = [{"Fn::Sub": f"arn:${{AWS::Partition}}:s3:::{bucket}/*"} for bucket in function.buckets]
        statements.append(_allow("s3:GetObject", objects))
    trust = {"Effect": "Allow", "Principal": {"Service": "lambda.amazonaws.com"}, "Action": "sts:AssumeRole"}
    return _resource(
        "AWS::IAM::Role",
        AssumeRolePolicyDocument={"Version": VERSION, "Statement": [trust]},
        Policies=[{"PolicyName": "mask", "PolicyDocument": {"Version": VERSION, "Statement": statements}}],
    )


def _open_to_all() -> dict[str, Any]:
    """Both permissions that a URL without signatures needs since October 2025 (Lambda developer guide)."""
    common = {"FunctionName": {"Ref": "Function"}, "Principal": "*"}
    return {
        "UrlIsPublic": _resource(
            "AWS::Lambda::Permission", Action="lambda:InvokeFunctionUrl", FunctionUrlAuthType="NONE", **common
        ),
        "FunctionIsPublic": _resource(
            "AWS::Lambda::Permission", Action="lambda:InvokeFunction", InvokedViaFunctionUrl=True, **common
        ),
    }


def _allow(actions: str | list[str], resources: list[dict[str, Any]]) -> dict[str, Any]:
    return {"Effect": "Allow", "Action": actions, "Resource": resources}


def _resource(kind: str, **properties: Any) -> dict[str, Any]:
    return {"Type": kind, "Properties": properties}


def _arn_of(name: str) -> dict[str, Any]:
    return {"Fn::GetAtt": [name, "Arn"]}


class _Dumper(yaml.SafeDumper):
    """Text of several lines as a block that people can read, and nothing by reference."""

    def ignore_aliases(self, _data: Any) -> bool:
        return True


def _represent_text(dumper: yaml.SafeDumper, text: str) -> yaml.ScalarNode:
    return dumper.represent_scalar("tag:yaml.org,2002:str", text, style="|" if "\n" in text else None)


_Dumper.add_representer(str, _represent_text)
