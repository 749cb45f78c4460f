"""SageMaker's operations on executions of pipelines."""

from __future__ import annotations

import json
import secrets
import string
import time
from typing import Any

from jobs.emulator.api.app import Operation
from jobs.emulator.api.faults import invalid
from jobs.emulator.host.runs import Runs
from jobs.emulator.host.workplace import INTERRUPTED, Workplace
from jobs.emulator.pipelines.answers import as_operations, check_same, page_of, records_of, sort_records
from jobs.emulator.pipelines.definition import parse_definition
from jobs.emulator.pipelines.expressions import Values, resolve
from jobs.emulator.pipelines.parameters import settle_parameters
from jobs.emulator.pipelines.record import (
    EXECUTIONS,
    PIPELINES,
    UNFINISHED,
    begin_again,
    begin_stopping,
    described,
    find_pipeline,
    finish_execution,
    summarize_execution,
)
from jobs.emulator.pipelines.run import PipelineRun, iso
from jobs.emulator.pipelines.versions import Versions
from jobs.emulator.pipelines.work import Doers
from jobs.emulator.store.collection import Collection
from jobs.emulator.store.state import Record, Resource

_UPDATED = ("PipelineExecutionDescription", "PipelineExecutionDisplayName", "ParallelismConfiguration")
_GIVEN = (*_UPDATED, "RoleArn")
"""What of StartPipelineExecution an execution's description has."""


class Executions:
    """Each operation takes a checked request and the caller's region."""

    def __init__(self, place: Workplace, doers: Doers) -> None:
        self._place, self._doers = place, doers
        self._pipelines = Collection(place.state, PIPELINES)
        self.executions = Collection(place.state, EXECUTIONS)
        self._versions = Versions(place.state)
        self.runs: Runs[PipelineRun] = Runs()

    def operations(self) -> dict[tuple[str, str], Operation]:
        return as_operations(
            {
                "StartPipelineExecution": self.start,
                "DescribePipelineExecution": self.describe,
                "DescribePipelineDefinitionForExecution": self.describe_definition,
                "ListPipelineExecutions": self.list_executions,
                "ListPipelineExecutionSteps": self.list_steps,
                "ListPipelineParametersForExecution": self.list_parameters,
                "UpdatePipelineExecution": self.update,
                "StopPipelineExecution": self.stop,
                "RetryPipelineExecution": self.retry,
            }
        )

    def recover(self) -> None:
        """Settle what an earlier server left running; the jobs of its steps settle by themselves."""
        for resource in self.executions.with_status(*UNFINISHED):
            self.executions.change(
                resource.name, lambda record, now: finish_execution(record, "Failed", INTERRUPTED, now)
            )

    def of_pipeline(self, arn: str, request: Record) -> list[Record]:
        """The records of a pipeline's executions, between the times that a request gives."""
        return [
            record for record in records_of(self._place.state, EXECUTIONS.word, request) if record["PipelineArn"] == arn
        ]

    def start(self, request: Record, region: str) -> Record:
        pipeline = find_pipeline(self._pipelines, request, region)
        token = request["ClientRequestToken"]
        with self._place.state.alone():
            for other in self.of_pipeline(pipeline.arn, {}):
                if other["_Token"] == token:
                    check_same(other["_Asked"], request)
                    return {"PipelineExecutionArn": other["PipelineExecutionArn"]}
            version = self._versions.asked(pipeline, request)
            record = self._new_execution(pipeline, version, request)
            self.executions.add(record, {})
            self._versions.ran(version, record["PipelineExecutionArn"])
            self._place.state.update(
                PIPELINES.word, pipeline.name, lambda found: _ran(found, record["CreationTime"], pipeline.modified)
            )
        self.runs.start(PipelineRun(self.executions, record, self._doers, region))
        return {"PipelineExecutionArn": record["PipelineExecutionArn"]}

    def _new_execution(self, pipeline: Resource, version: Record, request: Record) -> Record:
        now, number = time.time(), "".join(secrets.choice(string.ascii_lowercase + string.digits) for _ in range(12))
        arn = f"{pipeline.arn}/execution/{number}"
        definition = parse_definition(version["PipelineDefinition"], pipeline.record["RoleArn"])
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
        given = {name: request[name] for name in _GIVEN if name in request}
        parallel = {n: pipeline.record[n] for n in ("ParallelismConfiguration",) if n in pipeline.record}
        return {
            "PipelineExecutionName": arn,
            "PipelineArn": pipeline.arn,
            "PipelineExecutionArn": arn,
            "PipelineExecutionDisplayName": f"execution-{int(now * 1000)}",
            "PipelineExecutionStatus": "Executing",
            "PipelineVersionId": version["PipelineVersionId"],
            "RoleArn": pipeline.record["RoleArn"],
            "CreationTime": now,
            "LastModifiedTime": now,
            **({"PipelineExperimentConfig": experiment} if experiment else {}),
            **parallel,
            **given,
            "_Token": request["ClientRequestToken"],
            "_Asked": request,
            "_Definition": version["PipelineDefinition"],
            "_Fixed": fixed | {"PipelineExperimentConfig": experiment},
            "_Steps": [],
        }

    def _execution(self, request: Record, region: str) -> Resource:
        return self.executions.get(request["PipelineExecutionArn"], region)

    def describe(self, request: Record, region: str) -> Record:
        record = self._execution(request, region).record
        return described(record) | _aliases(self._versions.of(record["PipelineArn"]), record)

    def describe_definition(self, request: Record, region: str) -> Record:
        record = self._execution(request, region).record
        return {"PipelineDefinition": record["_Definition"], "CreationTime": record["CreationTime"]}

    def list_executions(self, request: Record, region: str) -> Record:
        pipeline = find_pipeline(self._pipelines, request, region)
        found, versions = self.of_pipeline(pipeline.arn, request), self._versions.of(pipeline.arn)
        if "PipelineVersionAlias" in request:
            number = self._versions.asked(pipeline, request)["PipelineVersionId"]
            found = [each for each in found if each["PipelineVersionId"] == number]
        by_arn = {"PipelineExecutionArn": "PipelineExecutionArn"}
        sort_records(found, request, by_arn, "PipelineExecutionArn")
        return page_of(
            EXECUTIONS.listed, [summarize_execution(each) | _aliases(versions, each) for each in found], request
        )

    def list_steps(self, request: Record, region: str) -> Record:
        """The steps that have begun, the last one first if nothing else is asked for."""
        if "PipelineExecutionArn" not in request:
            raise invalid("PipelineExecutionArn is missing")
        found = list(self._execution(request, region).record["_Steps"])
        if request.get("SortOrder", "Descending") == "Descending":
            found.reverse()
        return page_of("PipelineExecutionSteps", found, request)

    def list_parameters(self, request: Record, region: str) -> Record:
        values = self._execution(request, region).record["_Fixed"]["Parameters"]
        found = [
            {"Name": name, "Value": value if isinstance(value, str) else json.dumps(value)}
            for name, value in values.items()
        ]
        return page_of("PipelineParameters", found, request)

    def update(self, request: Record, region: str) -> Record:
        """Change what an execution is called, and how many steps it may do at a time from now on."""
        found = self._execution(request, region)
        changes = {name: request[name] for name in _UPDATED if name in request}
        self.executions.change(found.name, lambda record, _now: record.update(changes))
        run = self.runs.get(found.name)
        if run is not None:
            run.settle()
        return {"PipelineExecutionArn": found.arn}

    def stop(self, request: Record, region: str) -> Record:
        found = self._execution(request, region)
        token = request["ClientRequestToken"]
        self.executions.change(found.name, lambda record, _now: begin_stopping(record, token))
        self.runs.stop(found.name)
        return {"PipelineExecutionArn": found.arn}

    def retry(self, request: Record, region: str) -> Record:
        """Go on with an execution that failed or was stopped: what has succeeded is not done again."""
        found = self._execution(request, region)
        changed: list[bool] = []
        self.executions.change(found.name, lambda record, _now: changed.append(begin_again(record, request)))
        if changed == [True]:
            self.runs.wait(found.name)  # its thread may be a moment behind its record
            record = self.executions.get(found.name, region).record
            self.runs.start(PipelineRun(self.executions, record, self._doers, region))
        return {"PipelineExecutionArn": found.arn}


def _aliases(versions: list[Record], execution: Record) -> Record:
    """The aliases that the version of an execution has now."""
    number = execution["PipelineVersionId"]
    found = [each["PipelineVersionAliases"] for each in versions if each["PipelineVersionId"] == number]
    return {"PipelineVersionAliases": found[0]} if any(found) else {}


def _settled(fixed: Record) -> Values:
    """Values of what is settled when an execution starts, for what may take no other."""

    def refuse(*_names: str) -> Any:
        raise invalid("PipelineExperimentConfig takes values of Parameters and Execution alone")

    return Values({**fixed, "PipelineExperimentConfig": {}}, refuse, refuse, refuse)


def _ran(record: Record, at: float, modified: float) -> tuple[str, float]:
    record["LastRunTime"] = at
    return record["PipelineStatus"], modified
