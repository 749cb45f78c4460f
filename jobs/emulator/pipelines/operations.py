"""SageMaker's operations on pipelines and their executions."""

from __future__ import annotations

import json
import secrets
import string
import time
from collections.abc import Callable, Sequence
from typing import Any

from jobs.emulator.api.app import Operation
from jobs.emulator.api.faults import ServiceError, invalid
from jobs.emulator.host.runs import Runs
from jobs.emulator.host.storage import StoredObject
from jobs.emulator.host.workplace import INTERRUPTED, Workplace
from jobs.emulator.pipelines.definition import parse_definition
from jobs.emulator.pipelines.expressions import Values, resolve
from jobs.emulator.pipelines.parameters import settle_parameters
from jobs.emulator.pipelines.record import (
    EXECUTIONS,
    PIPELINES,
    UNFINISHED,
    begin_again,
    begin_stopping,
    describe_execution,
    finish_execution,
    summarize_execution,
)
from jobs.emulator.pipelines.run import PipelineRun, iso
from jobs.emulator.pipelines.work import Doers
from jobs.emulator.store.collection import Collection, bad_token, make_arn, without_tags
from jobs.emulator.store.paging import cut_page
from jobs.emulator.store.state import Record, Resource

MAX_DEFINITION = 2**20
"""Bytes of a definition, in the service's model."""
_NOT_EMULATED = (
    "PipelineVersionAliases",
    "PipelineVersionAlias",
    "PipelineVersionId",
    "SelectiveExecutionConfig",
    "MlflowExperimentName",
)
_TAKEN_OVER = ("PipelineDisplayName", "PipelineDescription", "RoleArn", "ParallelismConfiguration")
"""What UpdatePipeline may change beside the definition."""
_OF_EXECUTION = ("PipelineExecutionDescription", "PipelineExecutionDisplayName", "ParallelismConfiguration", "RoleArn")


class Pipelines:
    """Each operation takes a checked request and the caller's region."""

    def __init__(self, place: Workplace, doers: Doers) -> None:
        self._place, self._doers = place, doers
        self.pipelines = Collection(place.state, PIPELINES)
        self.executions = Collection(place.state, EXECUTIONS)
        self.runs: Runs[PipelineRun] = Runs()

    def operations(self) -> dict[tuple[str, str], Operation]:
        return {
            ("sagemaker", name): _whole(operation)
            for name, operation in {
                "CreatePipeline": self.create,
                "UpdatePipeline": self.update,
                "DescribePipeline": self.describe,
                "ListPipelines": self.list_pipelines,
                "DeletePipeline": self.delete,
                "StartPipelineExecution": self.start,
                "DescribePipelineExecution": self.describe_execution,
                "DescribePipelineDefinitionForExecution": self.describe_definition,
                "ListPipelineExecutions": self.list_executions,
                "ListPipelineExecutionSteps": self.list_steps,
                "ListPipelineParametersForExecution": self.list_parameters,
                "StopPipelineExecution": self.stop,
                "RetryPipelineExecution": self.retry,
            }.items()
        }

    def recover(self) -> None:
        """Settle what an earlier server left running; the jobs of its steps settle by themselves."""
        for resource in self.executions.with_status(*UNFINISHED):
            self.executions.change(
                resource.name, lambda record, now: finish_execution(record, "Failed", INTERRUPTED, now)
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
                _check_same(other.record["_Asked"], without_tags(request))
                return {"PipelineArn": other.arn}
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
        """Change what is given. Executions that have begun go on by the definition that they began with."""
        found = self.pipelines.of_request(request, region)
        changes = {name: request[name] for name in _TAKEN_OVER if name in request}
        if "PipelineDefinition" in request or "PipelineDefinitionS3Location" in request:
            changes["PipelineDefinition"] = self._definition_of(request)
            parse_definition(changes["PipelineDefinition"], request.get("RoleArn") or found.record["RoleArn"])
        self.pipelines.change(found.name, lambda record, _now: record.update(changes))
        return {"PipelineArn": found.arn}

    def describe(self, request: Record, region: str) -> Record:
        return describe_execution(self._pipeline(request, region).record)

    def _pipeline(self, request: Record, region: str) -> Resource:
        """The pipeline that a request names, by its name or its ARN."""
        return self.pipelines.get(request["PipelineName"].rpartition("/")[2], region)

    def list_pipelines(self, request: Record, _region: str) -> Record:
        prefix = request.get("PipelineNamePrefix", "")
        found = [
            {**record, "LastExecutionTime": record.get("LastRunTime")}
            for record in self._records(PIPELINES.word, request)
            if record["PipelineName"].startswith(prefix)
        ]
        _sort(found, request, {"Name": "PipelineName"}, "PipelineName")
        return _page(PIPELINES.listed, found, request)

    def _records(self, kind: str, request: Record) -> list[Record]:
        """The records of a kind, between the times that a request gives."""
        after, before = request.get("CreatedAfter", float("-inf")), request.get("CreatedBefore", float("inf"))
        found = self._place.state.select("kind = ?", (kind,), "ORDER BY created, name")
        return [resource.record for resource in found if after < resource.created < before]

    def delete(self, request: Record, region: str) -> Record:
        """Forget a pipeline and its executions, none of which may be running (API reference)."""
        with self._place.state.alone():
            found = self.pipelines.of_request(request, region)
            executions = self._executions_of(found.arn, {})
            running = [each for each in executions if each["PipelineExecutionStatus"] in UNFINISHED]
            if running:
                raise ServiceError(
                    "ConflictException",
                    f"Pipeline {found.arn} has running executions, such as {running[0]['PipelineExecutionArn']}; stop "
                    "them with StopPipelineExecution",
                )
            for each in executions:
                self.executions.remove(each["PipelineExecutionName"])
            self.pipelines.remove(found.name)
        return {"PipelineArn": found.arn}

    def _executions_of(self, arn: str, request: Record) -> list[Record]:
        return [record for record in self._records(EXECUTIONS.word, request) if record["PipelineArn"] == arn]

    def start(self, request: Record, region: str) -> Record:
        pipeline = self._pipeline(request, region)
        token = request["ClientRequestToken"]
        with self._place.state.alone():
            for other in self._executions_of(pipeline.arn, {}):
                if other["_Token"] == token:
                    _check_same(other["_Asked"], request)
                    return {"PipelineExecutionArn": other["PipelineExecutionArn"]}
            record = self._new_execution(pipeline, request)
            self.executions.add(record, {})
            self._place.state.update(
                PIPELINES.word, pipeline.name, lambda found: _ran(found, record["CreationTime"], pipeline.modified)
            )
        self.runs.start(PipelineRun(self.executions, record, self._doers, region))
        return {"PipelineExecutionArn": record["PipelineExecutionArn"]}

    def _new_execution(self, pipeline: Resource, request: Record) -> Record:
        now, number = time.time(), "".join(secrets.choice(string.ascii_lowercase + string.digits) for _ in range(12))
        arn = f"{pipeline.arn}/execution/{number}"
        definition = parse_definition(pipeline.record["PipelineDefinition"], pipeline.record["RoleArn"])
        fixed: dict[str, Any] = {
            "Parameters": settle_parameters(definition.parameters, request.get("PipelineParameters", [])),
            "Execution": {
                "StartDateTime": iso(now),
                "PipelineName": pipeline.name,
                "PipelineArn": pipeline.arn,
                "PipelineExecutionId": number,
                "PipelineExecutionArn": arn,
            },
        }
        experiment = resolve(dict(definition.experiment), _settled(fixed))
        given = {name: request[name] for name in _OF_EXECUTION if name in request}
        parallel = {n: pipeline.record[n] for n in ("ParallelismConfiguration",) if n in pipeline.record}
        return {
            "PipelineExecutionName": arn,
            "PipelineArn": pipeline.arn,
            "PipelineExecutionArn": arn,
            "PipelineExecutionDisplayName": f"execution-{int(now * 1000)}",
            "PipelineExecutionStatus": "Executing",
            "RoleArn": pipeline.record["RoleArn"],
            "CreationTime": now,
            "LastModifiedTime": now,
            **({"PipelineExperimentConfig": experiment} if experiment else {}),
            **parallel,
            **given,
            "_Token": request["ClientRequestToken"],
            "_Asked": request,
            "_Definition": pipeline.record["PipelineDefinition"],
            "_Fixed": fixed | {"PipelineExperimentConfig": experiment},
            "_Steps": [],
        }

    def _execution(self, request: Record, region: str) -> Resource:
        return self.executions.get(request["PipelineExecutionArn"], region)

    def describe_execution(self, request: Record, region: str) -> Record:
        return describe_execution(self._execution(request, region).record)

    def describe_definition(self, request: Record, region: str) -> Record:
        record = self._execution(request, region).record
        return {"PipelineDefinition": record["_Definition"], "CreationTime": record["CreationTime"]}

    def list_executions(self, request: Record, region: str) -> Record:
        found = self._executions_of(self._pipeline(request, region).arn, request)
        by_arn = {"PipelineExecutionArn": "PipelineExecutionArn"}
        _sort(found, request, by_arn, "PipelineExecutionArn")
        return _page(EXECUTIONS.listed, [summarize_execution(each) for each in found], request)

    def list_steps(self, request: Record, region: str) -> Record:
        """The steps that have begun, the last one first if nothing else is asked for."""
        if "PipelineExecutionArn" not in request:
            raise invalid("PipelineExecutionArn is missing")
        found = list(self._execution(request, region).record["_Steps"])
        if request.get("SortOrder", "Descending") == "Descending":
            found.reverse()
        return _page("PipelineExecutionSteps", found, request)

    def list_parameters(self, request: Record, region: str) -> Record:
        values = self._execution(request, region).record["_Fixed"]["Parameters"]
        found = [
            {"Name": name, "Value": value if isinstance(value, str) else json.dumps(value)}
            for name, value in values.items()
        ]
        return _page("PipelineParameters", found, request)

    def stop(self, request: Record, region: str) -> Record:
        found = self._execution(request, region)
        token = request["ClientRequestToken"]
        self.executions.change(found.name, lambda record, _now: begin_stopping(record, token))
        self.runs.stop(found.name)
        return {"PipelineExecutionArn": found.arn}

    def retry(self, request: Record, region: str) -> Record:
        """Go on with an execution that failed or was stopped: what has succeeded is not done again."""
        found = self._execution(request, region)
        self.runs.wait(found.name)  # its thread may be a moment behind its record
        changed: list[bool] = []
        self.executions.change(found.name, lambda record, _now: changed.append(begin_again(record, request)))
        if changed == [True]:
            record = self.executions.get(found.name, region).record
            self.runs.start(PipelineRun(self.executions, record, self._doers, region))
        return {"PipelineExecutionArn": found.arn}


def _whole(operation: Operation) -> Operation:
    """An operation that refuses by name what of its request is not emulated."""

    def checked(request: Record, region: str) -> Record:
        for name in _NOT_EMULATED:
            if name in request:
                raise invalid(f"{name} is not emulated")
        return operation(request, region)

    return checked


def _settled(fixed: Record) -> Values:
    """Values of what is settled when an execution starts, for what may take no other."""

    def refuse(*_names: str) -> Any:
        raise invalid("PipelineExperimentConfig cannot take values of steps")

    return Values({**fixed, "PipelineExperimentConfig": {}}, refuse, refuse, refuse)


def _check_same(before: Record, request: Record) -> None:
    """Raise ServiceError for a token that was used for another request."""
    if before != request:
        raise ServiceError("ConflictException", "ClientRequestToken was used for another request")


def _ran(record: Record, at: float, modified: float) -> tuple[str, float]:
    record["LastRunTime"] = at
    return record["PipelineStatus"], modified


def _sort(found: list[Record], request: Record, columns: Record, last: str) -> None:
    column = columns.get(request.get("SortBy", ""), "CreationTime")
    key: Callable[[Record], Any] = lambda record: (record[column], record[last])  # noqa: E731
    found.sort(key=key, reverse=request.get("SortOrder", "Descending") == "Descending")


def _page(member: str, found: Sequence[Record], request: Record) -> Record:
    page, token = cut_page(found, request, bad_token())
    return {member: page} | ({"NextToken": token} if token else {})
