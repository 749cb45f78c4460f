"""The least IAM policies for the verbs of jobs, as pure functions of an account's settings.

What the person who types needs; what the roles do that SageMaker assumes and that ends leases, and who may assume them.
Actions and their resources: AWS's Service Authorization Reference; of an execution role, SageMaker's developer guide.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from aws.names import SCHEDULE_PREFIX, UNTIL_TAG
from formats.errors import SagesegError
from jobs.contract.log_lines import SERVICE
from jobs.contract.registry import ACCOUNTS, ALGORITHM, partition

VERSION = "2012-10-17"
_SAGEMAKER, _SCHEDULER = "sagemaker.amazonaws.com", "scheduler.amazonaws.com"
_RESOURCES = (
    "training-job",
    "hyper-parameter-tuning-job",
    "model",
    "endpoint-config",
    "endpoint",
    "transform-job",
    "processing-job",
)
_PACKAGES = ("model-package", "model-package-group")
ANY = "*"
_ON_JOBS = (
    "AddTags",
    "CreateTrainingJob",
    "DescribeTrainingJob",
    "StopTrainingJob",
    "CreateHyperParameterTuningJob",
    "DescribeHyperParameterTuningJob",
    "StopHyperParameterTuningJob",
    "ListTrainingJobsForHyperParameterTuningJob",
    "CreateModel",
    "DescribeModel",
    "CreateTransformJob",
    "DescribeTransformJob",
    "StopTransformJob",
    "CreateProcessingJob",
    "DescribeProcessingJob",
    "StopProcessingJob",
)
_ON_NAMED = (
    *_ON_JOBS,
    "ListTags",
    "DeleteModel",
    "CreateEndpointConfig",
    "DescribeEndpointConfig",
    "DeleteEndpointConfig",
    "CreateEndpoint",
    "DescribeEndpoint",
    "DeleteEndpoint",
)
"""SageMaker's operations on resources that they name."""
_ON_PIPELINES = (
    "AddTags",
    "ListTags",
    "CreatePipeline",
    "UpdatePipeline",
    "DescribePipeline",
    "StartPipelineExecution",
    "RetryPipelineExecution",
    "DescribePipelineExecution",
    "ListPipelineExecutions",
    "ListPipelineExecutionSteps",
    "StopPipelineExecution",
)
_MAKING_PACKAGES = (
    "CreateModelPackageGroup",
    "DescribeModelPackageGroup",
    "CreateModelPackage",
    "DescribeModelPackage",
)
_ON_PACKAGES = (*_MAKING_PACKAGES, "AddTags", "ListTags", "UpdateModelPackage", "ListModelPackages")
_BY_STEPS = (*_ON_JOBS, *_MAKING_PACKAGES)
"""What the steps of a pipeline call, with the pipeline's role."""
_LISTS = (
    "ListTrainingJobs",
    "ListHyperParameterTuningJobs",
    "ListTransformJobs",
    "ListProcessingJobs",
    "ListEndpoints",
    "ListEndpointConfigs",
    "ListModels",
)
"""Those that know no resources."""
_NETWORK = (
    "ec2:CreateNetworkInterface",
    "ec2:CreateNetworkInterfacePermission",
    "ec2:DeleteNetworkInterface",
    "ec2:DeleteNetworkInterfacePermission",
    "ec2:DescribeDhcpOptions",
    "ec2:DescribeNetworkInterfaces",
    "ec2:DescribeSecurityGroups",
    "ec2:DescribeSubnets",
    "ec2:DescribeVpcs",
)
"""What SageMaker does in a VPC for a job that is to run there."""


@dataclass(frozen=True)
class Account:
    """Where the policies hold. `prefix` is empty or ends in a slash: the keys in the buckets that may
    be touched. `kms_key` is the ARN of the one key that may be used, `repositories` those of one's own images."""

    region: str
    account: str
    buckets: tuple[str, ...]
    role_name: str = "sageseg"
    prefix: str = ""
    kms_key: str | None = None
    vpc: bool = False
    scheduler: bool = False
    pipelines: bool = False
    scaling: bool = False
    repositories: tuple[str, ...] = ()

    @property
    def lease_role_name(self) -> str:
        return f"{self.role_name}-lease"

    @property
    def partition(self) -> str:
        return partition(self.region)[0]

    def arn(self, service: str, resource: str) -> str:
        return f"arn:{self.partition}:{service}:{self.region}:{self.account}:{resource}"

    def role_arn(self, name: str) -> str:
        return f"arn:{self.partition}:iam::{self.account}:role/{name}"


@dataclass(frozen=True)
class Grant:
    """One statement. `why` says why its resource is everything, where it is."""

    sid: str
    actions: tuple[str, ...]
    resources: tuple[str, ...]
    condition: Mapping[str, Any] | None = None
    why: str = ""


def check_bucket_name(name: str) -> None:
    """Raise SagesegError unless this is a bucket's name (S3 user guide, Bucket naming rules)."""
    if not re.fullmatch(r"[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]", name):
        raise SagesegError(f"--bucket {name}: expected a bucket's name alone, without s3:// and keys")


def caller_grants(account: Account) -> Iterable[Grant]:
    """What the person needs for every verb."""
    yield from _storage(account, ("GetObject", "PutObject", "DeleteObject"))
    yield Grant("Jobs", _sagemaker(_ON_NAMED), tuple(_all_of(account, _RESOURCES)))
    yield Grant("Registry", _sagemaker(_ON_PACKAGES), tuple(_all_of(account, _PACKAGES)))
    yield Grant("FindJobs", _sagemaker(_LISTS), (ANY,), why="SageMaker's List calls know no resources")
    asking = ("sagemaker:InvokeEndpoint", "sagemaker:InvokeEndpointAsync")
    yield Grant("Predict", asking, (account.arn("sagemaker", "endpoint/*"),))
    yield Grant("Logs", ("logs:DescribeLogStreams", "logs:GetLogEvents"), _log_groups(account))
    yield Grant("GpuUse", ("cloudwatch:GetMetricStatistics",), (ANY,), why="metrics are no resources")
    finding = ("application-autoscaling:DescribeScalingPolicies",)
    yield Grant("FindScaling", finding, (ANY,), why="DescribeScalingPolicies knows no resources")
    yield Grant("Prices", ("pricing:GetProducts",), (ANY,), why="the price list is the same for all")
    yield Grant("Quotas", ("servicequotas:ListServiceQuotas",), (ANY,), why="ListServiceQuotas knows no resources")
    yield Grant("LookAtRole", ("iam:GetRole",), (account.role_arn(account.role_name),))
    yield _pass_role(account, "PassRole", account.role_name, _SAGEMAKER)
    if account.kms_key:
        encrypting = ("kms:GenerateDataKey", "kms:Decrypt", "kms:CreateGrant", "kms:DescribeKey")
        yield Grant("Key", encrypting, (account.kms_key,))
    if account.scheduler:
        yield from _caller_leases(account)
    if account.pipelines:
        yield Grant("Pipelines", _sagemaker(_ON_PIPELINES), tuple(_all_of(account, ["pipeline"])))


def _caller_leases(account: Account) -> Iterable[Grant]:
    schedules = account.arn("scheduler", f"schedule/default/{SCHEDULE_PREFIX}*")
    actions = ("scheduler:CreateSchedule", "scheduler:GetSchedule", "scheduler:DeleteSchedule")
    yield Grant("Leases", actions, (schedules,))
    yield Grant("FindLeases", ("scheduler:ListSchedules",), (ANY,), why="ListSchedules knows no resources")
    yield _pass_role(account, "PassLeaseRole", account.lease_role_name, _SCHEDULER)


def scaling_grants(account: Account) -> Iterable[Grant]:
    """What the person needs besides for asynchronous endpoints that sleep, in a policy of its own: one has 6,144
    characters at most. Application Auto Scaling changes instances with a role of its own, and makes alarms with the
    caller's permissions, beside ours (developer guide, Auto scaling prerequisites)."""
    scaling = ("RegisterScalableTarget", "DeregisterScalableTarget", "PutScalingPolicy")
    targets = (account.arn("application-autoscaling", "scalable-target/*"),)
    yield Grant("Scaling", tuple(f"application-autoscaling:{action}" for action in scaling), targets)
    change = ("sagemaker:UpdateEndpointWeightsAndCapacities",)
    yield Grant("Capacity", change, (account.arn("sagemaker", "endpoint/*"),))
    alarms = tuple(account.arn("cloudwatch", f"alarm:{name}*") for name in (SCHEDULE_PREFIX, "TargetTracking-"))
    yield Grant("Alarms", ("cloudwatch:PutMetricAlarm", "cloudwatch:DeleteAlarms"), alarms)
    yield Grant("FindAlarms", ("cloudwatch:DescribeAlarms",), (account.arn("cloudwatch", "alarm:*"),))
    service = "sagemaker.application-autoscaling.amazonaws.com"
    role = f"aws-service-role/{service}/AWSServiceRoleForApplicationAutoScaling_SageMakerEndpoint"
    named = {"StringLike": {"iam:AWSServiceName": service}}
    yield Grant("ScalingRole", ("iam:CreateServiceLinkedRole",), (account.role_arn(role),), named)


def role_grants(account: Account) -> Iterable[Grant]:
    """What the role needs that SageMaker assumes for training, tuning, endpoints, batches and processing."""
    yield from _storage(account, ("GetObject", "PutObject"))
    actions = ("logs:CreateLogGroup", "logs:CreateLogStream", "logs:DescribeLogStreams", "logs:PutLogEvents")
    yield Grant("Logs", actions, _log_groups(account))
    yield Grant(
        "Metrics",
        ("cloudwatch:PutMetricData",),
        (ANY,),
        {"StringLike": {"cloudwatch:namespace": f"{SERVICE}/*"}},
        why="metrics are no resources; the condition allows SageMaker's own namespaces alone",
    )
    yield Grant("RegistryToken", ("ecr:GetAuthorizationToken",), (ANY,), why="a registry's token is for no one image")
    pulling = ("ecr:BatchCheckLayerAvailability", "ecr:BatchGetImage", "ecr:GetDownloadUrlForLayer")
    yield Grant("Image", pulling, (_repository(account), *account.repositories))
    if account.kms_key:
        yield Grant("Key", ("kms:Decrypt", "kms:Encrypt", "kms:GenerateDataKey", "kms:CreateGrant"), (account.kms_key,))
    if account.pipelines:
        kinds = (*_RESOURCES, *_PACKAGES)
        yield Grant("Steps", _sagemaker(_BY_STEPS), tuple(_all_of(account, kinds)))
        yield _pass_role(account, "PassRole", account.role_name, _SAGEMAKER)
    if account.vpc:
        yield Grant("Network", _NETWORK, (ANY,), why="network interfaces are made and named by SageMaker")


def lease_grants(account: Account) -> Iterable[Grant]:
    """What the role needs that ends leases: deleting endpoints that carry one."""
    has_lease = {"Null": {f"aws:ResourceTag/{UNTIL_TAG}": "false"}}
    yield Grant("EndLease", ("sagemaker:DeleteEndpoint",), (account.arn("sagemaker", "endpoint/*"),), has_lease)


def policy(grants: Iterable[Grant]) -> dict[str, Any]:
    """The policy document of these grants."""
    return {"Version": VERSION, "Statement": [_statement(grant) for grant in grants]}


def role_trust() -> dict[str, Any]:
    """Who may assume the execution role."""
    return _trust(_SAGEMAKER, {})


def lease_trust(account: Account) -> dict[str, Any]:
    """Who may assume the lease's role: the scheduler, and for this account alone (Scheduler user
    guide, Confused deputy prevention)."""
    return _trust(_SCHEDULER, {"Condition": {"StringEquals": {"aws:SourceAccount": account.account}}})


def _trust(service: str, condition: Mapping[str, Any]) -> dict[str, Any]:
    statement = {"Effect": "Allow", "Principal": {"Service": service}, "Action": "sts:AssumeRole", **condition}
    return {"Version": VERSION, "Statement": [statement]}


def _statement(grant: Grant) -> dict[str, Any]:
    condition = {"Condition": dict(grant.condition)} if grant.condition else {}
    return {
        "Sid": grant.sid,
        "Effect": "Allow",
        "Action": list(grant.actions),
        "Resource": list(grant.resources),
        **condition,
    }


def _storage(account: Account, actions: Iterable[str]) -> Iterable[Grant]:
    """Listing is of whole buckets: HeadBucket asks for it without naming a prefix."""
    buckets = tuple(f"arn:{account.partition}:s3:::{bucket}" for bucket in account.buckets)
    yield Grant("Buckets", ("s3:ListBucket",), buckets)
    objects = tuple(f"{bucket}/{account.prefix}*" for bucket in buckets)
    yield Grant("Objects", tuple(f"s3:{action}" for action in actions), objects)


def _all_of(account: Account, kinds: Iterable[str]) -> Iterator[str]:
    """The resources of SageMaker of these kinds in the account and region."""
    yield from (account.arn("sagemaker", f"{kind}/*") for kind in kinds)


def _sagemaker(actions: Iterable[str]) -> tuple[str, ...]:
    return tuple(f"sagemaker:{action}" for action in actions)


def _log_groups(account: Account) -> tuple[str, ...]:
    return (account.arn("logs", f"log-group:{SERVICE}/*"),)


def _pass_role(account: Account, sid: str, name: str, service: str) -> Grant:
    condition = {"StringEquals": {"iam:PassedToService": service}}
    return Grant(sid, ("iam:PassRole",), (account.role_arn(name),), condition)


def _repository(account: Account) -> str:
    """The built-in algorithm's image, in the registry of Amazon's that serves the region."""
    registry = ACCOUNTS[account.region]
    return f"arn:{account.partition}:ecr:{account.region}:{registry}:repository/{ALGORITHM}"
