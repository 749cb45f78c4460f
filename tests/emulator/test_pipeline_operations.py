"""Pipelines themselves, seen by an unmodified boto3 client: created, changed, listed, started once, deleted."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from botocore.exceptions import ClientError

from tests.support.emulator_setup import ROLE, SLEEPS, emulator, s3_with, wait_until
from tests.support.pipeline_setup import (
    compare,
    condition,
    create,
    definition,
    describe,
    get,
    processing,
    start,
    statuses,
    wait_for_end,
)
from tests.support.processing_setup import fill

TOKEN = "t" * 32
HOLDS = condition("Check", compare("Equals", get("Parameters.A"), "a"))
A = [{"Name": "A", "Type": "String", "DefaultValue": "a"}]


@pytest.fixture
def sagemaker(tmp_path: Path) -> Iterator[Any]:
    with emulator(tmp_path) as (made, _, _):
        yield made


def test_a_pipeline_is_described_changed_and_deleted(sagemaker: Any) -> None:
    arn = create(sagemaker, HOLDS, Parameters=A)
    assert arn == "arn:aws:sagemaker:eu-central-1:123456789012:pipeline/cars"
    told = sagemaker.describe_pipeline(PipelineName=arn)
    assert (told["PipelineName"], told["PipelineStatus"], told["RoleArn"]) == ("cars", "Active", ROLE)
    assert told["PipelineDefinition"] == definition(HOLDS, Parameters=A)
    assert "LastRunTime" not in told
    changed = definition(HOLDS, Parameters=A, Metadata={"second": "one"})
    execution = start(sagemaker)
    sagemaker.update_pipeline(PipelineName="cars", PipelineDefinition=changed, PipelineDescription="new")
    wait_for_end(sagemaker, execution)
    told = sagemaker.describe_pipeline(PipelineName="cars")
    assert (told["PipelineDefinition"], told["PipelineDescription"]) == (changed, "new")
    assert told["LastRunTime"] >= told["CreationTime"]
    begun_with = sagemaker.describe_pipeline_definition_for_execution(PipelineExecutionArn=execution)
    assert begun_with["PipelineDefinition"] == definition(HOLDS, Parameters=A)
    assert sagemaker.delete_pipeline(PipelineName="cars")["PipelineArn"] == arn
    for call, given in (
        (sagemaker.describe_pipeline, {"PipelineName": "cars"}),
        (sagemaker.start_pipeline_execution, {"PipelineName": "cars"}),
        (sagemaker.describe_pipeline_execution, {"PipelineExecutionArn": execution}),
    ):
        with pytest.raises(ClientError, match="ResourceNotFound.*does not exist"):
            call(**given)


def test_the_same_request_again_is_done_once(sagemaker: Any) -> None:
    given = {"PipelineName": "cars", "PipelineDefinition": definition(HOLDS, Parameters=A), "RoleArn": ROLE}
    arns = {sagemaker.create_pipeline(**given, ClientRequestToken=TOKEN)["PipelineArn"] for _ in range(2)}
    assert len(arns) == 1
    with pytest.raises(ClientError, match="ConflictException.*another request"):
        sagemaker.create_pipeline(**given, PipelineDescription="other", ClientRequestToken=TOKEN)
    with pytest.raises(ClientError, match="ValidationException.*names must be unique.*already exists"):
        sagemaker.create_pipeline(**given)
    started = {start(sagemaker, ClientRequestToken=TOKEN) for _ in range(2)}
    assert len(started) == 1
    with pytest.raises(ClientError, match="ConflictException.*another request"):
        start(sagemaker, ClientRequestToken=TOKEN, parameters={"A": "b"})
    assert len(sagemaker.list_pipeline_executions(PipelineName="cars")["PipelineExecutionSummaries"]) == 1


def test_lists_have_pages_orders_and_filters(sagemaker: Any) -> None:
    for name in ("vans", "cars", "cabs"):
        create(sagemaker, HOLDS, name=name, Parameters=A)

    def names(**given: Any) -> list[str]:
        return [each["PipelineName"] for each in sagemaker.list_pipelines(**given)["PipelineSummaries"]]

    assert names() == ["cabs", "cars", "vans"]
    assert names(SortBy="Name", SortOrder="Ascending", PipelineNamePrefix="ca") == ["cabs", "cars"]
    pages = list(sagemaker.get_paginator("list_pipelines").paginate(PaginationConfig={"PageSize": 2}))
    assert [len(page["PipelineSummaries"]) for page in pages] == [2, 1]
    created = sagemaker.describe_pipeline(PipelineName="cars")["CreationTime"]
    hour = timedelta(hours=1)
    assert names(CreatedAfter=created - hour, CreatedBefore=created + hour) == ["cabs", "cars", "vans"]
    assert names(CreatedAfter=created + hour) == names(CreatedBefore=created - hour) == []
    executions = [start(sagemaker) for _ in range(3)]
    for arn in executions:
        wait_for_end(sagemaker, arn)
    listed = sagemaker.list_pipeline_executions(PipelineName="cars", SortOrder="Ascending", MaxResults=2)
    assert [each["PipelineExecutionArn"] for each in listed["PipelineExecutionSummaries"]] == executions[:2]
    rest = sagemaker.list_pipeline_executions(
        PipelineName="cars", SortOrder="Ascending", MaxResults=2, NextToken=listed["NextToken"]
    )
    (last,) = rest["PipelineExecutionSummaries"]
    assert (last["PipelineExecutionArn"], last["PipelineExecutionStatus"]) == (executions[2], "Succeeded")
    assert sagemaker.list_pipeline_executions(PipelineName="vans")["PipelineExecutionSummaries"] == []
    with pytest.raises(ClientError, match="NextToken is not valid"):
        sagemaker.list_pipelines(NextToken="none")


def test_a_pipeline_that_runs_is_not_deleted(tmp_path: Path) -> None:
    fill(tmp_path, "a.txt")
    with emulator(tmp_path, process=SLEEPS, grace_seconds=0) as (sagemaker, _, _):
        create(sagemaker, processing(tmp_path, "A"))
        arn = start(sagemaker)
        wait_until(lambda: statuses(sagemaker, arn) == {"A": "Executing"})
        with pytest.raises(ClientError, match="ConflictException.*StopPipelineExecution"):
            sagemaker.delete_pipeline(PipelineName="cars")
        sagemaker.stop_pipeline_execution(PipelineExecutionArn=arn)
        wait_for_end(sagemaker, arn)
        sagemaker.delete_pipeline(PipelineName="cars")
        assert sagemaker.list_pipelines()["PipelineSummaries"] == []


@pytest.mark.parametrize(
    ("declared", "given", "problem"),
    [
        ({"Type": "String"}, {}, "'A' has no default value and must be given"),
        ({"Type": "String"}, {"B": "b"}, "'B' is not in the pipeline's definition; it has: A"),
        ({"Type": "String"}, {"A": ""}, "too short"),
        ({"Type": "Integer"}, {"A": "1.5"}, "expected a whole number"),
        ({"Type": "Float"}, {"A": "one"}, "expected a number"),
        ({"Type": "Boolean"}, {"A": "yes"}, "expected true or false"),
        ({"Type": "String", "EnumValues": ["x", "y"]}, {"A": "z"}, "expected one of"),
    ],
)
def test_parameters_that_do_not_fit_start_nothing(
    sagemaker: Any, declared: dict[str, Any], given: dict[str, str], problem: str
) -> None:
    create(sagemaker, HOLDS, Parameters=[{"Name": "A"} | declared])
    with pytest.raises(ClientError) as refusal:
        start(sagemaker, parameters=given)
    assert problem in str(refusal.value)
    assert sagemaker.list_pipeline_executions(PipelineName="cars")["PipelineExecutionSummaries"] == []


def test_a_definition_may_lie_in_s3(tmp_path: Path) -> None:
    with s3_with("pipeline-definitions") as s3:
        s3.put_object(Bucket="pipeline-definitions", Key="a/b.json", Body=definition(HOLDS, Parameters=A).encode())
        where = {"Bucket": "pipeline-definitions", "ObjectKey": "a/b.json"}
        with emulator(tmp_path, make_s3=lambda: s3) as (sagemaker, _, _):
            sagemaker.create_pipeline(PipelineName="cars", PipelineDefinitionS3Location=where, RoleArn=ROLE)
            arn = start(sagemaker)
            assert wait_for_end(sagemaker, arn)["PipelineExecutionStatus"] == "Succeeded"
            with pytest.raises(ClientError, match="other.json"):
                sagemaker.update_pipeline(
                    PipelineName="cars", PipelineDefinitionS3Location=where | {"ObjectKey": "other.json"}
                )


@pytest.mark.parametrize(
    ("operation", "given"),
    [
        ("start_pipeline_execution", {"SelectiveExecutionConfig": {"SelectedSteps": [{"StepName": "Check"}]}}),
        ("start_pipeline_execution", {"MlflowExperimentName": "cars"}),
    ],
)
def test_what_is_not_emulated_is_refused_by_name(sagemaker: Any, operation: str, given: dict[str, Any]) -> None:
    create(sagemaker, HOLDS, Parameters=A)
    with pytest.raises(ClientError, match=f"{next(iter(given))} is not emulated"):
        getattr(sagemaker, operation)(PipelineName="cars", **given)


def test_tags_are_kept_with_a_pipeline(sagemaker: Any) -> None:
    tags = [{"Key": "project", "Value": "cars"}]
    given = {"PipelineName": "cars", "PipelineDefinition": definition(HOLDS, Parameters=A), "RoleArn": ROLE}
    arn = sagemaker.create_pipeline(**given, Tags=tags)["PipelineArn"]
    assert sagemaker.list_tags(ResourceArn=arn)["Tags"] == tags
    assert describe(sagemaker, start(sagemaker))["PipelineArn"] == arn
