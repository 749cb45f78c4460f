"""What a user of the SageMaker SDK does with pipelines: the classes of `sagemaker.mlops.workflow` make the definition,
and `Pipeline` creates, starts and follows it.

Run by oracles/sdk_clients.py in the SDK's own environment, with the endpoints in the environment.
"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parent))

from botocore.exceptions import WaiterError
from sagemaker.core.processing import ScriptProcessor
from sagemaker.core.workflow.conditions import ConditionGreaterThanOrEqualTo, ConditionIn, ConditionNot
from sagemaker.core.workflow.execution_variables import ExecutionVariables
from sagemaker.core.workflow.functions import Join, JsonGet
from sagemaker.core.workflow.parameters import ParameterFloat, ParameterInteger, ParameterString
from sagemaker.core.workflow.pipeline_context import PipelineSession
from sagemaker.core.workflow.properties import PropertyFile
from sagemaker.mlops.workflow.condition_step import ConditionStep
from sagemaker.mlops.workflow.fail_step import FailStep
from sagemaker.mlops.workflow.model_step import ModelStep
from sagemaker.mlops.workflow.pipeline import Pipeline
from sagemaker.mlops.workflow.retry import SageMakerJobExceptionTypeEnum, SageMakerJobStepRetryPolicy
from sagemaker.mlops.workflow.steps import CacheConfig, ProcessingStep
from sagemaker.serve import ModelBuilder
from sdk_calls import BUCKET, ROLE, boto_session, expect, say
from sdk_calls import IMAGE as SERVED
from sdk_processing_calls import IMAGE, PLACES, source, target

SCRIPT = """
import json, sys
from pathlib import Path
given, made, low = Path(sys.argv[1]), Path(sys.argv[2]), float(sys.argv[3])
names = sorted(path.name for path in given.rglob("*") if path.is_file())
(made / "scores.json").write_text(json.dumps({"iou": {"low": low}, "names": names}))
"""


def script_step(session: Any, name: str, given: Any, low: Any, count: Any, **also: Any) -> Any:
    """A step that runs the script over an input, to `pipeline/<name>`."""
    processor = ScriptProcessor(
        role=ROLE,
        image_uri=IMAGE,
        command=["python3"],
        instance_count=count,
        instance_type="ml.m5.large",
        max_runtime_in_seconds=600,
        base_job_name="script",
        sagemaker_session=session,
    )
    made = target(f"s3://{BUCKET}/pipeline/{name}")
    arguments = [*PLACES, low]
    step_args = processor.run(
        code="work.py", inputs=[source(given, "in", PLACES[0])], outputs=[made], arguments=arguments
    )
    return ProcessingStep(name=name, step_args=step_args, **also)


def build(session: Any) -> Any:
    """Two jobs, the second over what the first made and always run, and a gate on the second's score that registers a
    model and makes it."""
    least = ParameterFloat(name="Least", default_value=0.4)
    count = ParameterInteger(name="Count", default_value=1)
    low = ParameterString(name="Low", default_value="0.5")
    policy = SageMakerJobStepRetryPolicy(
        exception_types=[SageMakerJobExceptionTypeEnum.CAPACITY_ERROR], interval_seconds=1, max_attempts=2
    )
    cached = CacheConfig(enable_caching=True, expire_after="p1d")
    source = f"s3://{BUCKET}/channels/train/"
    first = script_step(session, "First", source, low, count, retry_policies=[policy], cache_config=cached)
    scores = PropertyFile(name="Scores", output_name="out", path="scores.json")
    made = first.properties.ProcessingOutputConfig.Outputs["out"].S3Output.S3Uri
    second = script_step(session, "Second", made, low, count, property_files=[scores])
    found = JsonGet(step_name=second.name, property_file=scores, json_path="iou.low")
    stop = FailStep(name="Stop", error_message=Join(on=" ", values=["low", found, ExecutionVariables.PIPELINE_NAME]))
    gate = ConditionStep(
        name="Gate",
        conditions=[
            ConditionGreaterThanOrEqualTo(left=found, right=least),
            ConditionNot(expression=ConditionIn(value=low, in_values=["1", "2"])),
        ],
        if_steps=registered(session, made),
        else_steps=[stop],
    )
    return Pipeline(
        name="oracle", parameters=[least, count, low], steps=[first, second, gate], sagemaker_session=session
    )


def registered(session: Any, made: Any) -> list[Any]:
    """A version of a group, of what a job made, and a model of it."""
    builder = ModelBuilder(
        image_uri=SERVED,
        s3_model_data_url=Join(on="/", values=[made, "scores.json"]),
        role_arn=ROLE,
        sagemaker_session=session,
    )
    args = builder.register(
        model_package_group_name="oracle-group",
        content_types=["image/jpeg"],
        response_types=["image/png"],
        inference_instances=["ml.c5.xlarge"],
        transform_instances=["ml.c5.xlarge"],
        approval_status="Approved",
    )
    return [ModelStep(name="Register", step_args=args), ModelStep(name="Serve", step_args=builder.build())]


def statuses(execution: Any) -> dict[str, str]:
    return {step["StepName"]: step["StepStatus"] for step in execution.list_steps()}


def main() -> None:
    Path("work.py").write_text(SCRIPT, encoding="utf-8")
    session = PipelineSession(boto_session=boto_session(), default_bucket=BUCKET)
    pipeline = build(session)
    for _ in range(2):  # the second time it updates
        pipeline.upsert(role_arn=ROLE)
    execution = pipeline.start(parameters={"Count": 2})
    execution.wait(delay=1, max_attempts=60)
    done = dict.fromkeys(("First", "Second", "Gate"), "Succeeded")
    expect(statuses(execution), done | dict.fromkeys(("Register", "Serve"), "Succeeded"))
    (register,) = [step for step in execution.list_steps() if step["StepName"] == "Register"]
    expect(register["Metadata"]["RegisterModel"]["Arn"].rpartition(":")[2], "model-package/oracle-group/1")
    expect({each["Name"]: each["Value"] for each in execution.list_parameters()["PipelineParameters"]}["Count"], "2")
    say(
        "Pipeline: made by the SDK's steps, upserted, started, waited for, succeeded; ModelStep: registered and created"
    )
    expect(pipeline.latest_pipeline_version_id, 1)
    before, execution = execution.arn, pipeline.start(parameters={"Least": 0.75}, pipeline_version_id=1)
    try:
        execution.wait(delay=1, max_attempts=60)
    except WaiterError as e:
        say(f"Pipeline: {type(e).__name__} of an execution that the gate stops")
    expect(statuses(execution), done | {"Stop": "Failed"})
    (first,) = [step for step in execution.list_steps() if step["StepName"] == "First"]
    expect(first["CacheHitResult"]["SourcePipelineExecutionArn"], before)
    say("CacheConfig: a step was taken from the execution before")
    (stop,) = [step for step in execution.list_steps() if step["StepName"] == "Stop"]
    expect(stop["FailureReason"], "low 0.5 oracle")
    pipeline.delete()


if __name__ == "__main__":
    main()
