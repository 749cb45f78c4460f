"""SageMaker's operations on pipelines."""

from __future__ import annotations

import time

from jobs.emulator.api.app import Operation
from jobs.emulator.api.faults import ServiceError, invalid
from jobs.emulator.host.storage import StoredObject
from jobs.emulator.host.workplace import Workplace
from jobs.emulator.pipelines.answers import as_operations, check_same, page_of, records_of, sort_records
from jobs.emulator.pipelines.definition import parse_definition
from jobs.emulator.pipelines.executions import Executions
from jobs.emulator.pipelines.record import PIPELINES, UNFINISHED, described, find_pipeline
from jobs.emulator.pipelines.versions import TOLD, VERSIONS, Versions, check_aliases
from jobs.emulator.store.collection import Collection, make_arn, without_tags
from jobs.emulator.store.state import Record, Resource

MAX_DEFINITION = 2**20
"""Bytes of a definition, in the service's model."""
_TAKEN_OVER = ("PipelineDisplayName", "PipelineDescription", "RoleArn", "ParallelismConfiguration")
"""What UpdatePipeline may change beside the definition."""


class Pipelines:
    """Each operation takes a checked request and the caller's region."""

    def __init__(self, place: Workplace, executions: Executions) -> None:
        self._place, self._executions = place, executions
        self.pipelines = Collection(place.state, PIPELINES)
        self._versions = Versions(place.state)

    def operations(self) -> dict[tuple[str, str], Operation]:
        return as_operations(
            {
                "CreatePipeline": self.create,
                "UpdatePipeline": self.update,
                "DescribePipeline": self.describe,
                "ListPipelines": self.list_pipelines,
                "DeletePipeline": self.delete,
                "ListPipelineVersions": self.list_versions,
                "UpdatePipelineVersion": self.update_version,
            }
        )

    def create(self, request: Record, region: str) -> Record:
        definition = self._definition_of(request)
        parse_definition(definition, request["RoleArn"])
        name, token = request["PipelineName"], request["ClientRequestToken"]
        members = {name: request[name] for name in _TAKEN_OVER if name in request}
        arn, now = make_arn(PIPELINES, name, region, request["RoleArn"]), time.time()
        record = {
            "PipelineName": name,
            "PipelineArn": arn,
            "PipelineDisplayName": name,
            "PipelineStatus": "Active",
            "PipelineDefinition": definition,
            "CreationTime": now,
            "LastModifiedTime": now,
            "_Token": token,
            "_Asked": without_tags(request),
            **members,
        }
        with self._place.state.alone():
            other = self.pipelines.find(name)
            if other is not None and other.record["_Token"] == token:
                check_same(other.record["_Asked"], without_tags(request))
                return {"PipelineArn": other.arn}
            aliases = request.get("PipelineVersionAliases", [])
            check_aliases(aliases, ())
            if other is None:
                self._versions.forget(arn)  # of a pipeline of this name whose deletion was cut short
                self._versions.add(arn, 1, definition, aliases, now)
            self.pipelines.add(record, request)
        return {"PipelineArn": arn}

    def _definition_of(self, request: Record) -> str:
        """The text of a request's definition, that lies in S3 if it is not given."""
        where = request.get("PipelineDefinitionS3Location")
        if (where is None) == ("PipelineDefinition" not in request):
            raise invalid("Expected one of PipelineDefinition and PipelineDefinitionS3Location")
        if where is None:
            return str(request["PipelineDefinition"])
        if "VersionId" in where:
            raise invalid("PipelineDefinitionS3Location with VersionId is not emulated")
        uri = f"s3://{where['Bucket']}/{where['ObjectKey']}"
        content = self._place.storage.read(StoredObject("", uri), MAX_DEFINITION)
        if len(content) > MAX_DEFINITION:
            raise invalid(f"{uri}: over {MAX_DEFINITION} bytes")
        try:
            return content.decode("utf-8")
        except UnicodeDecodeError as e:
            raise invalid(f"{uri}: not UTF-8 ({e.reason} at byte {e.start})") from e

    def update(self, request: Record, region: str) -> Record:
        """Change what is given. Another definition is a new version; executions that have begun go on by the one that
        they began with."""
        found = self.pipelines.of_request(request, region)
        changes = {name: request[name] for name in _TAKEN_OVER if name in request}
        if "PipelineDefinition" in request or "PipelineDefinitionS3Location" in request:
            changes["PipelineDefinition"] = self._definition_of(request)
            parse_definition(changes["PipelineDefinition"], request.get("RoleArn") or found.record["RoleArn"])
        with self._place.state.alone():
            number = self._add_version(found, changes.get("PipelineDefinition"), request)
            self.pipelines.change(found.name, lambda record, _now: record.update(changes))
        return {"PipelineArn": found.arn, "PipelineVersionId": number}

    def _add_version(self, pipeline: Resource, definition: str | None, request: Record) -> int:
        """A new version of a definition that is new; the number of the latest."""
        versions, aliases = self._versions.of(pipeline.arn), request.get("PipelineVersionAliases", [])
        latest = versions[-1]
        if definition in (None, latest["PipelineDefinition"]):
            if aliases:
                raise invalid("PipelineVersionAliases are for a new version, and the definition is that of the latest")
            return int(latest["PipelineVersionId"])
        check_aliases(aliases, versions)
        number = int(latest["PipelineVersionId"]) + 1
        self._versions.add(pipeline.arn, number, str(definition), aliases, time.time())
        return number

    def describe(self, request: Record, region: str) -> Record:
        found = find_pipeline(self.pipelines, request, region)
        version = self._versions.asked(found, request)
        told = {name: version[name] for name in TOLD if version.get(name)}
        return described(found.record) | told | {"PipelineDefinition": version["PipelineDefinition"]}

    def list_versions(self, request: Record, region: str) -> Record:
        after, before = request.get("CreatedAfter", float("-inf")), request.get("CreatedBefore", float("inf"))
        versions = self._versions.of(find_pipeline(self.pipelines, request, region).arn)
        found = [version for version in versions if after < version["CreationTime"] < before]
        if request.get("SortOrder", "Descending") == "Descending":
            found.reverse()
        return page_of(VERSIONS.listed, found, request)

    def update_version(self, request: Record, region: str) -> Record:
        with self._place.state.alone():
            found = self.pipelines.named(request["PipelineArn"], region)
            self._versions.change(found, request)
        return {"PipelineArn": found.arn, "PipelineVersionId": request["PipelineVersionId"]}

    def list_pipelines(self, request: Record, _region: str) -> Record:
        prefix = request.get("PipelineNamePrefix", "")
        found = [
            {**record, "LastExecutionTime": record.get("LastRunTime")}
            for record in records_of(self._place.state, PIPELINES.word, request)
            if record["PipelineName"].startswith(prefix)
        ]
        sort_records(found, request, {"Name": "PipelineName"}, "PipelineName")
        return page_of(PIPELINES.listed, found, request)

    def delete(self, request: Record, region: str) -> Record:
        """Forget a pipeline and its executions, none of which may be running (API reference)."""
        with self._place.state.alone():
            found = self.pipelines.of_request(request, region)
            executions = self._executions.of_pipeline(found.arn, {})
            running = [each for each in executions if each["PipelineExecutionStatus"] in UNFINISHED]
            if running:
                raise ServiceError(
                    "ConflictException",
                    f"Pipeline {found.arn} has running executions, such as {running[0]['PipelineExecutionArn']}; stop "
                    "them with StopPipelineExecution",
                )
            for each in executions:
                self._executions.executions.remove(each["PipelineExecutionName"])
            self.pipelines.remove(found.name)
            self._versions.forget(found.arn)
        return {"PipelineArn": found.arn}
