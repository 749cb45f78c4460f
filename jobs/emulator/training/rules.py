"""What CreateTrainingJob refuses beyond the service model, by the image that is to run.

Under the built-in's URI the built-in's rules hold, under our own image those of the open
implementation. The texts about instances and metric definitions are AWS's; where a real text is
not known, the message is ours.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

from formats.channels import masks_channel
from formats.errors import SagesegError
from jobs.contract.channels import CONTENT_TYPES, PRETRAINED
from jobs.contract.hyperparameters import parse_hyperparameters, without_the_services
from jobs.contract.instances import GPU_INSTANCES, has_gpus, preferences_of, wanted_types
from jobs.contract.registry import ALGORITHM, OPEN_IMAGE
from jobs.contract.service_model import describe_violations, join_path, missing_member
from jobs.emulator.api.faults import invalid
from jobs.emulator.host.images import environment_not_emulated, image_rules
from jobs.emulator.host.preferences import check_preferences
from jobs.emulator.host.storage import Storage
from jobs.emulator.training.channel_pipes import REFERENCE, is_piped
from jobs.emulator.training.record import DEFAULT_MAX_RUNTIME_SECONDS

CHECKPOINTS = "/opt/ml/checkpoints"
_NEEDED = {
    "AlgorithmSpecification": ("TrainingImage",),
    "ResourceConfig": ("InstanceCount", "VolumeSizeInGB"),
}

Request = dict[str, Any]


def check_training_request(request: Request, storage: Storage) -> None:
    """Raise ServiceError or SagesegError for a training job that cannot be started."""
    _check_present(request)
    check_preferences(request["ResourceConfig"], "ResourceConfig")
    if request.get("EnableManagedSpotTraining") and preferences_of(request["ResourceConfig"]):
        raise invalid("ResourceConfig.InstancePreferences and EnableManagedSpotTraining are mutually exclusive")
    for problem in _not_emulated(request):
        raise invalid(f"{problem} is not emulated")
    rules = image_rules(request["AlgorithmSpecification"]["TrainingImage"])
    if rules == "builtin":
        _check_builtin(request)
    _check_metrics(request["AlgorithmSpecification"].get("MetricDefinitions", []))
    _check_spot(request)
    parse_hyperparameters(without_the_services(request.get("HyperParameters", {})), rules)
    _check_places(request, storage)


def _check_present(request: Request) -> None:
    """What a job that trains with an image needs; the model leaves it open for serverless jobs."""
    missing = []
    for outer, members in _NEEDED.items():
        path, given = join_path("", outer), request.get(outer)
        if given is None:
            missing.append(path)
        else:
            missing += [join_path(path, inner) for inner in members if given.get(inner) is None]
    resources = request.get("ResourceConfig") or {}
    if not resources.get("InstanceType") and "InstancePreferences" not in resources:
        missing.append("resourceConfig.instanceType")
    if missing:
        raise invalid(describe_violations(map(missing_member, missing)))


def _not_emulated(request: Request) -> Iterator[str]:
    """What would be passed over in silence if it were not refused."""
    algorithm = request["AlgorithmSpecification"]
    yield from (name for name in ("ContainerEntrypoint", "ContainerArguments") if name in algorithm)
    resources = request["ResourceConfig"]
    if resources["InstanceCount"] != 1:
        yield "InstanceCount other than 1"
    for each in resources.get("InstancePreferences", ()):
        yield from (f"InstancePreferences with {name}" for name in each if name != "InstanceType")
    if request["OutputDataConfig"].get("CompressionType", "GZIP") != "GZIP":
        yield "OutputDataConfig.CompressionType NONE"
    for channel in request.get("InputDataConfig", []):
        yield from _channel_not_emulated(channel, algorithm["TrainingInputMode"])
    yield from environment_not_emulated(request.get("Environment", {}))
    local_path = request.get("CheckpointConfig", {}).get("LocalPath", CHECKPOINTS)
    if local_path.rstrip("/") != CHECKPOINTS:
        yield f"CheckpointConfig.LocalPath other than {CHECKPOINTS}"


def _channel_not_emulated(channel: Request, job_mode: str) -> Iterator[str]:
    name, source = channel["ChannelName"], channel["DataSource"].get("S3DataSource")
    if name in (".", ".."):
        yield f"Channel name {name!r}"
    piped = channel.get("InputMode", job_mode) == "Pipe"
    if source is None:
        yield f"Channel {name} without S3DataSource"
    elif source["S3DataType"] == "AugmentedManifestFile":
        yield from _manifest_not_emulated(channel, source, piped)
    elif source["S3DataType"] != "S3Prefix":
        yield f"Channel {name} with S3DataType {source['S3DataType']}"
    elif piped:
        yield f"Channel {name} in Pipe mode"
    if channel.get("CompressionType", "None") != "None":
        yield f"Channel {name} with CompressionType {channel['CompressionType']}"


def _manifest_not_emulated(channel: Request, source: Request, piped: bool) -> Iterator[str]:
    """What an augmented manifest may be here: images and masks, as records in a pipe."""
    name, attributes = channel["ChannelName"], source.get("AttributeNames", [])
    if not piped:
        yield f"Channel {name} with an augmented manifest in another mode than Pipe"
    if channel.get("RecordWrapperType", "None") != "RecordIO":
        yield f"Channel {name} with an augmented manifest and another RecordWrapperType than RecordIO"
    if not attributes or not all(attribute.endswith(REFERENCE) for attribute in attributes):
        yield f"Channel {name} with AttributeNames {attributes}, which do not all end in {REFERENCE},"
    if "ShuffleConfig" in channel:
        yield f"Channel {name} with ShuffleConfig"


def _check_builtin(request: Request) -> None:
    for kind in wanted_types(request["ResourceConfig"]):
        refused = f"Instance type {kind} is not supported by algorithm {ALGORITHM}"
        if not has_gpus(kind):
            raise invalid(f"{refused}; only GPU instances are supported.")
        if kind not in GPU_INSTANCES:
            raise invalid(f"{refused}; documented are P2, P3, G4dn and G5.")
    if request["AlgorithmSpecification"].get("MetricDefinitions"):
        raise invalid(
            "You can't override the metric definitions for Amazon SageMaker algorithms. "
            "Please retry the request without specifying metric definitions."
        )
    given = {channel["ChannelName"]: is_piped(channel) for channel in request.get("InputDataConfig", [])}
    if PRETRAINED in given:
        raise invalid(f"Channel {PRETRAINED} is not known to {ALGORITHM}; {OPEN_IMAGE} reads it")
    with_images = [masks_channel(name) for name, piped in given.items() if piped]
    missing = [name for name in CONTENT_TYPES if name not in given and name not in with_images]
    if missing:
        raise invalid(f"Channel {missing[0]} is missing; {ALGORITHM} requires {', '.join(CONTENT_TYPES)}")


def _check_metrics(definitions: list[dict[str, str]]) -> None:
    for definition in definitions:
        try:
            groups = re.compile(definition["Regex"]).groups
        except re.error as e:
            raise invalid(f"MetricDefinitions {definition['Name']}: {definition['Regex']!r} is no regex ({e})") from e
        if groups < 1:
            raise invalid(f"MetricDefinitions {definition['Name']}: {definition['Regex']!r} has no group for the value")


def _check_spot(request: Request) -> None:
    """The texts are AWS's, from public issues."""
    limits = request.get("StoppingCondition", {})
    wait = limits.get("MaxWaitTimeInSeconds")
    if not request.get("EnableManagedSpotTraining"):
        if wait is not None:
            raise invalid(
                "Invalid MaxWaitTimeInSeconds. It is only supported when EnableManagedSpotTraining is set to true"
            )
    elif wait is None or wait < limits.get("MaxRuntimeInSeconds", DEFAULT_MAX_RUNTIME_SECONDS):
        raise invalid(
            "Invalid MaxWaitTimeInSeconds. It must be present and be greater than or equal to MaxRuntimeInSeconds"
        )


def _check_places(request: Request, storage: Storage) -> None:
    """Raises SagesegError for data that is not there and for outputs that cannot be written."""
    names = [channel["ChannelName"] for channel in request.get("InputDataConfig", [])]
    twice = [name for name in names if names.count(name) > 1]
    if twice:
        raise SagesegError(f"Channel {twice[0]} is given twice")
    for channel in request.get("InputDataConfig", []):
        uri = channel["DataSource"]["S3DataSource"]["S3Uri"]
        check = storage.check_object if is_piped(channel) else storage.check_input
        try:
            check(uri)
        except SagesegError as e:
            raise SagesegError(f"Channel {channel['ChannelName']}: {e}") from e
    storage.check_output(request["OutputDataConfig"]["S3OutputPath"])
    checkpoints = request.get("CheckpointConfig", {}).get("S3Uri")
    if checkpoints is not None:
        storage.check_output(checkpoints)
