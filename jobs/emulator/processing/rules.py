"""What CreateProcessingJob refuses beyond the service model. Where a real text is not known, the message is ours."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import PurePosixPath

from formats.errors import SagesegError
from jobs.contract.instances import preferences_of
from jobs.contract.service_model import describe_violations, missing_member
from jobs.emulator.api.faults import invalid
from jobs.emulator.host.images import environment_not_emulated
from jobs.emulator.host.preferences import check_preferences
from jobs.emulator.host.storage import Storage
from jobs.emulator.processing.program import OPT_ML, check_program
from jobs.emulator.processing.record import cluster_of, outputs_of
from jobs.emulator.store.state import Record

PLACE = f"{OPT_ML}/processing/"
"""Where every LocalPath must begin (API reference)."""


def check_processing_request(request: Record, storage: Storage) -> None:
    """Raise ServiceError or SagesegError for a processing job that cannot be started."""
    _check_cluster(cluster_of(request))
    for problem in _not_emulated(request):
        raise invalid(f"{problem} is not emulated")
    check_program(request["AppSpecification"])
    _check_local_paths(request)
    for each in request.get("ProcessingInputs", []):
        _check_input(each, storage)
    for output in outputs_of(request):
        storage.check_output(output["S3Uri"])


def _check_cluster(cluster: Record) -> None:
    where = "ProcessingResources.ClusterConfig"
    check_preferences(cluster, where)
    if not cluster.get("InstanceType") and not preferences_of(cluster):
        raise invalid(
            describe_violations([missing_member("processingResources.clusterConfig.instanceType")]),
        )


def _not_emulated(request: Record) -> Iterator[str]:
    """What would be passed over in silence if it were not refused."""
    for each in cluster_of(request).get("InstancePreferences", ()):
        yield from (f"InstancePreferences with {name}" for name in each if name != "InstanceType")
    for each in request.get("ProcessingInputs", []):
        yield from _input_not_emulated(each)
    for each in request.get("ProcessingOutputConfig", {}).get("Outputs", []):
        name = each["OutputName"]
        if each.get("AppManaged"):
            yield f"Output {name} with AppManaged"
        elif "FeatureStoreOutput" in each or "S3Output" not in each:
            yield f"Output {name} without S3Output, or with FeatureStoreOutput,"
    yield from environment_not_emulated(request.get("Environment", {}))


def _input_not_emulated(each: Record) -> Iterator[str]:
    name, source = each["InputName"], each.get("S3Input")
    if each.get("AppManaged"):
        yield f"Input {name} with AppManaged"
    elif source is None or "DatasetDefinition" in each:
        yield f"Input {name} without S3Input, or with DatasetDefinition,"
    else:
        if source.get("S3InputMode", "File") != "File":
            yield f"Input {name} in {source['S3InputMode']} mode"
        if source.get("S3CompressionType", "None") != "None":
            yield f"Input {name} with S3CompressionType {source['S3CompressionType']}"


def _check_local_paths(request: Record) -> None:
    """AWS refuses two inputs of one place too, with a ValidationException that says nothing (sagemaker-python-sdk,
    issue 4939)."""
    named = [(f"Input {each['InputName']}", each["S3Input"]) for each in request.get("ProcessingInputs", [])]
    outputs = request.get("ProcessingOutputConfig", {}).get("Outputs", [])
    named += [(f"Output {each['OutputName']}", each["S3Output"]) for each in outputs]
    taken: dict[PurePosixPath, str] = {}
    for who, source in named:
        path = source.get("LocalPath", "")
        if not path.startswith(PLACE) or ".." in PurePosixPath(path).parts or "\0" in path:
            raise invalid(f"{who}: LocalPath {path!r} is not below {PLACE}")
        other = taken.setdefault(PurePosixPath(path), who)
        if other != who:
            raise invalid(f"{who}: LocalPath {path} is that of {other[0].lower()}{other[1:]} too")
    names = [who for who, _ in named]
    twice = [who for who in names if names.count(who) > 1]
    if twice:
        raise invalid(f"{twice[0]} is given twice")


def _check_input(each: Record, storage: Storage) -> None:
    """Raises SagesegError, which names the input, for what is not there."""
    source = each["S3Input"]
    check = storage.check_object if source["S3DataType"] == "ManifestFile" else storage.check_objects
    try:
        check(source["S3Uri"])
    except SagesegError as e:
        raise SagesegError(f"Input {each['InputName']}: {e}") from e
