"""What lies in a job.json where it is read: of which kind each member is. Other members may be anything, and those that
are missing are missed where they are needed. A record may come from S3, where others can write."""

from __future__ import annotations

from datetime import datetime
from typing import Any, Literal, TypedDict


class _Tag(TypedDict):
    Key: str
    Value: str


class _Image(TypedDict, total=False):
    TrainingImage: str


class _Output(TypedDict, total=False):
    S3OutputPath: str
    KmsKeyId: str


class _Preference(TypedDict):
    InstanceType: str


class _Resources(TypedDict, total=False):
    InstanceType: str
    SelectedInstanceType: str
    InstancePreferences: list[_Preference]
    VolumeSizeInGB: int


class _S3Place(TypedDict, total=False):
    S3Uri: str


class _Source(TypedDict, total=False):
    S3DataSource: _S3Place


class _Channel(TypedDict, total=False):
    ChannelName: str
    DataSource: _Source


class _Vpc(TypedDict):
    Subnets: list[str]
    SecurityGroupIds: list[str]


class _Training(TypedDict, total=False):
    """A training's request, or the part of a tuning's that says how and where it trains."""

    AlgorithmSpecification: _Image
    OutputDataConfig: _Output
    ResourceConfig: _Resources
    HyperParameters: dict[str, str]
    RoleArn: str
    InputDataConfig: list[_Channel]
    VpcConfig: _Vpc
    EnableNetworkIsolation: bool
    Tags: list[_Tag]


class _Limits(TypedDict, total=False):
    MaxNumberOfTrainingJobs: int


class _Objective(TypedDict, total=False):
    MetricName: str


class _TuningConfig(TypedDict, total=False):
    ResourceLimits: _Limits
    HyperParameterTuningJobObjective: _Objective


class _Request(_Training, total=False):
    HyperParameterTuningJobConfig: _TuningConfig
    TrainingJobDefinition: _Training


class _Description(TypedDict, total=False):
    """Its times are texts here."""

    TrainingJobName: str
    TrainingJobStatus: str
    HyperParameterTuningJobStatus: str
    SecondaryStatus: str
    FailureReason: str
    CreationTime: datetime
    TrainingStartTime: datetime
    TrainingEndTime: datetime
    BillableTimeInSeconds: int
    ResourceConfig: _Resources
    HyperParameters: dict[str, str]


class _Rate(TypedDict, total=False):
    usd_per_hour: float | None
    source: str | None


class _Cost(_Rate, total=False):
    worst_usd: float | None
    actual_usd: float | None
    rates: dict[str, _Rate]


class _Needed(TypedDict):
    name: str
    backend: Literal["aws", "local"]
    region: str
    dataset: str
    dataset_sha256: str
    classes: list[str]
    request: _Request


class RecordShape(_Needed, total=False):
    """The whole of it, as `JobRecord` has it."""

    arn: str
    created: Literal[""] | datetime
    git_commit: str
    preparation: dict[str, str]
    label_map: dict[str, Any]
    cost: _Cost
    description: _Description
    epochs: list[dict[str, float | None]]
    kind: Literal["training", "tuning"]
    command: list[str]
    tool_version: str
