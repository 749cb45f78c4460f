"""Versions of pipelines and their aliases, and what may be changed of an execution, by an unmodified boto3 client."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from botocore.exceptions import ClientError

from tests.support.emulator_setup import ROLE, SLEEPS, emulator, wait_until
from tests.support.pipeline_setup import (
    compare,
    condition,
    create,
    definition,
    describe,
    processing,
    start,
    statuses,
    wait_for_end,
)
from tests.support.processing_setup import fill

FIRST, SECOND = (definition(condition(name, compare("Equals", 1, 1))) for name in ("One", "Two"))


@pytest.fixture
def sagemaker(tmp_path: Path) -> Iterator[Any]:
    with emulator(tmp_path) as (made, _, _):
        made.create_pipeline(
            PipelineName="cars", PipelineDefinition=FIRST, RoleArn=ROLE, PipelineVersionAliases=["prod"]
        )
        yield made


def update(sagemaker: Any, text: str = SECOND, **also: Any) -> int:
    """The version that a pipeline has after an update."""
    return int(sagemaker.update_pipeline(PipelineName="cars", PipelineDefinition=text, **also)["PipelineVersionId"])


def aliases(sagemaker: Any) -> dict[int, list[str]]:
    listed = sagemaker.list_pipeline_versions(PipelineName="cars", SortOrder="Ascending")["PipelineVersionSummaries"]
    return {each["PipelineVersionId"]: each["PipelineVersionAliases"] for each in listed}


def move(sagemaker: Any, version: int, **operations: list[str]) -> None:
    arn = sagemaker.describe_pipeline(PipelineName="cars")["PipelineArn"]
    sagemaker.update_pipeline_version(
        PipelineArn=arn, PipelineVersionId=version, PipelineVersionAliasOperations=operations
    )


def test_another_definition_is_another_version(sagemaker: Any) -> None:
    assert update(sagemaker, FIRST) == 1
    assert sagemaker.update_pipeline(PipelineName="cars", PipelineDescription="new")["PipelineVersionId"] == 1
    assert update(sagemaker, PipelineVersionAliases=["staging"]) == 2
    assert aliases(sagemaker) == {1: ["prod"], 2: ["staging"]}
    latest, before = (
        sagemaker.describe_pipeline(PipelineName="cars", **given) for given in ({}, {"PipelineVersionId": 1})
    )
    assert (latest["PipelineDefinition"], latest["PipelineVersionAliases"]) == (SECOND, ["staging"])
    assert (before["PipelineDefinition"], before["PipelineDescription"]) == (FIRST, "new")
    sagemaker.update_pipeline_version(
        PipelineArn=latest["PipelineArn"],
        PipelineVersionId=1,
        PipelineVersionDisplayName="the-first",
        PipelineVersionDescription="one gate",
    )
    before = sagemaker.describe_pipeline(PipelineName="cars", PipelineVersionAlias="prod")
    assert (before["PipelineVersionDisplayName"], before["PipelineVersionDescription"]) == ("the-first", "one gate")
    pages = sagemaker.get_paginator("list_pipeline_versions").paginate(
        PipelineName="cars", PaginationConfig={"PageSize": 1}
    )
    assert [page["PipelineVersionSummaries"][0]["PipelineVersionId"] for page in pages] == [2, 1]
    later = latest["CreationTime"] + timedelta(hours=1)
    assert sagemaker.list_pipeline_versions(PipelineName="cars", CreatedAfter=later)["PipelineVersionSummaries"] == []
    sagemaker.delete_pipeline(PipelineName="cars")
    sagemaker.create_pipeline(PipelineName="cars", PipelineDefinition=SECOND, RoleArn=ROLE)
    assert aliases(sagemaker) == {1: []}


def test_an_execution_is_of_the_version_that_is_asked_for(sagemaker: Any) -> None:
    update(sagemaker)
    arns = {
        1: start(sagemaker, PipelineVersionAlias="prod"),
        2: start(sagemaker),
    }
    for version, arn in arns.items():
        assert wait_for_end(sagemaker, arn)["PipelineVersionId"] == version
        assert list(statuses(sagemaker, arn)) == [["One"], ["Two"]][version - 1]
    assert describe(sagemaker, arns[1])["PipelineVersionAliases"] == ["prod"]
    move(sagemaker, 1, Remove=["prod"])
    move(sagemaker, 2, Add=["prod"])
    assert describe(sagemaker, arns[2])["PipelineVersionAliases"] == ["prod"]
    listed = sagemaker.list_pipeline_executions(PipelineName="cars", PipelineVersionAlias="prod")
    assert [each["PipelineExecutionArn"] for each in listed["PipelineExecutionSummaries"]] == [arns[2]]
    versions = sagemaker.list_pipeline_versions(PipelineName="cars")["PipelineVersionSummaries"]
    assert [each["LastExecutionPipelineExecutionArn"] for each in versions] == [arns[2], arns[1]]


def test_what_names_no_version_is_refused(sagemaker: Any) -> None:
    for call in (sagemaker.describe_pipeline, sagemaker.start_pipeline_execution, sagemaker.list_pipeline_executions):
        with pytest.raises(ClientError, match=r"ResourceNotFound.*has no alias 'staging'"):
            call(PipelineName="cars", PipelineVersionAlias="staging")
    with pytest.raises(ClientError, match=r"ResourceNotFound.*has no version 2"):
        start(sagemaker, PipelineVersionId=2)
    with pytest.raises(ClientError, match="expected one"):
        start(sagemaker, PipelineVersionId=1, PipelineVersionAlias="prod")


def test_aliases_that_a_version_cannot_have(sagemaker: Any) -> None:
    with pytest.raises(ClientError, match="are for a new version"):
        update(sagemaker, FIRST, PipelineVersionAliases=["new"])
    with pytest.raises(ClientError, match="'prod' is version 1's; remove it from there first"):
        update(sagemaker, PipelineVersionAliases=["prod"])
    assert aliases(sagemaker) == {1: ["prod"]}
    update(sagemaker)
    for operations, problem in (
        ({"Add": ["12"]}, "consists of numbers only"),
        ({"Add": ["prod"]}, "'prod' is version 1's"),
        ({"Add": ["a"], "Remove": ["a"]}, "in Add and in Remove"),
        ({"Remove": ["a"]}, "has no alias 'a'"),
        ({"Add": ["a", "a"]}, "expected up to 10"),
    ):
        with pytest.raises(ClientError, match=problem):
            move(sagemaker, 2, **operations)
    move(sagemaker, 2, Add=[f"a{number}" for number in range(10)])
    with pytest.raises(ClientError, match="expected up to 10"):
        move(sagemaker, 2, Add=["b"])


def test_an_execution_is_renamed_and_allowed_more_steps_at_a_time(tmp_path: Path) -> None:
    fill(tmp_path, "a.txt")
    with emulator(tmp_path, process=SLEEPS, grace_seconds=0) as (sagemaker, _, _):
        create(sagemaker, *(processing(tmp_path, name) for name in "AB"))
        arn = start(sagemaker, ParallelismConfiguration={"MaxParallelExecutionSteps": 1})
        wait_until(lambda: statuses(sagemaker, arn) == {"A": "Executing"})
        sagemaker.update_pipeline_execution(
            PipelineExecutionArn=arn,
            PipelineExecutionDisplayName="nightly",
            PipelineExecutionDescription="both",
            ParallelismConfiguration={"MaxParallelExecutionSteps": 2},
        )
        wait_until(lambda: statuses(sagemaker, arn) == {"A": "Executing", "B": "Executing"})
        told = describe(sagemaker, arn)
        assert (told["PipelineExecutionDisplayName"], told["PipelineExecutionDescription"]) == ("nightly", "both")
        sagemaker.stop_pipeline_execution(PipelineExecutionArn=arn)
        wait_for_end(sagemaker, arn)
        with pytest.raises(ClientError, match="ResourceNotFound"):
            sagemaker.update_pipeline_execution(PipelineExecutionArn=arn + "0")
