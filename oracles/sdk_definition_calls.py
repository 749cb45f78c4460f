"""The definition that `sageseg jobs pipeline` prints, beside what the SDK's own classes of steps, values and conditions
write for the same: `definition.json` of the folder that this runs in.

Run by oracles/sdk_clients.py in the SDK's own environment.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parent))

from sagemaker.core.workflow.conditions import ConditionGreaterThanOrEqualTo
from sagemaker.core.workflow.execution_variables import ExecutionVariables
from sagemaker.core.workflow.functions import Join, JsonGet
from sagemaker.core.workflow.parameters import ParameterFloat, ParameterInteger, ParameterString
from sagemaker.core.workflow.properties import Properties, PropertyFile
from sagemaker.mlops.workflow.condition_step import ConditionStep
from sagemaker.mlops.workflow.fail_step import FailStep
from sagemaker.mlops.workflow.retry import SageMakerJobExceptionTypeEnum, SageMakerJobStepRetryPolicy
from sagemaker.mlops.workflow.steps import CacheConfig
from sdk_calls import expect, say

SCORE = "mean_iou"
RETRIED = (SageMakerJobExceptionTypeEnum.CAPACITY_ERROR, SageMakerJobExceptionTypeEnum.INTERNAL_ERROR)
TUNED = "Steps.Tune.TrainingJobDefinition.OutputDataConfig.S3OutputPath"
"""By which a tuning's artefacts are found."""


def output_of(step: str, name: str) -> Any:
    found = Properties(step_name=step, shape_name="DescribeProcessingJobResponse")
    return found.ProcessingOutputConfig.Outputs[name].S3Output.S3Uri


def expressed(value: Any) -> Any:
    """A step's request as the SDK writes it into a definition: each value as its expression."""
    if isinstance(value, dict):
        return {name: expressed(inner) for name, inner in value.items()}
    if isinstance(value, list):
        return [expressed(inner) for inner in value]
    return value.expr if hasattr(value, "expr") else value


def main() -> None:
    ours = json.loads(Path("definition.json").read_text(encoding="utf-8"))
    steps = {step["Name"]: step for step in ours["Steps"]}
    out = ParameterString(name="Out", default_value="s3://cars/out")
    count = ParameterInteger(name="ProcessInstances", default_value=2)
    least = ParameterFloat(name=f"Least-{SCORE}", default_value=0.8)
    for each in (out, count, least):
        expect([found for found in ours["Parameters"] if found["Name"] == each.name], [each.to_request()])
    shards = Join(on="", values=[out, "/", ExecutionVariables.PIPELINE_EXECUTION_ID, "/shards"])
    prepare = steps["Prepare"]["Arguments"]
    expect(prepare["ProcessingOutputConfig"]["Outputs"][0]["S3Output"]["S3Uri"], shards.expr)
    expect(prepare["ProcessingResources"]["ClusterConfig"]["InstanceCount"], count.expr)

    facts = PropertyFile(name="Facts", output_name="facts", path="facts.json")
    expect(steps["Dataset"]["PropertyFiles"], [facts.expr])
    merged = Join(on="", values=[output_of("Prepare", "shards"), "/"])
    expect(steps["Dataset"]["Arguments"]["ProcessingInputs"][0]["S3Input"]["S3Uri"], merged.expr)

    train = steps["Train"]["Arguments"]
    classes = JsonGet(step_name="Dataset", property_file=facts, json_path="num_classes")
    expect(train["HyperParameters"]["num_classes"], classes.expr)
    channel = Join(on="", values=[output_of("Dataset", "channels"), "/train/"])
    expect(train["InputDataConfig"][0]["DataSource"]["S3DataSource"]["S3Uri"], channel.expr)
    trained = Properties(step_name="Train", shape_name="DescribeTrainingJobResponse")
    artefact = trained.ModelArtifacts.S3ModelArtifacts
    expect(steps["Predict"]["Arguments"]["ProcessingInputs"][0]["S3Input"]["S3Uri"], artefact.expr)

    tuning = Properties(step_name="Tune", shape_name="DescribeHyperParameterTuningJobResponse")
    expect(tuning.TrainingJobDefinition.OutputDataConfig.S3OutputPath.expr, {"Get": TUNED})

    for kind, times, given in zip(RETRIED, (5, 1), steps["Dataset"]["RetryPolicies"], strict=True):
        policy = SageMakerJobStepRetryPolicy([kind], backoff_rate=2, interval_seconds=60, max_attempts=times)
        expect(given, policy.to_request())
    cache = CacheConfig(enable_caching=True, expire_after="P30D").config
    expect({"CacheConfig": steps["Dataset"]["CacheConfig"]}, cache)

    gate = PropertyFile(name="Gate", output_name="gate", path="gate.json")
    expect(steps["Report"]["PropertyFiles"], [gate.expr])
    low = JsonGet(step_name="Report", property_file=gate, json_path=f"scores['{SCORE}'].low")
    said = ["the scores are too low, or too unsure", f"; {SCORE} may be as low as ", low, ", and is to be at least "]
    fail = FailStep(name="TooLow", error_message=Join(on="", values=[*said, least]))
    condition = ConditionStep(
        name="Gate",
        conditions=[ConditionGreaterThanOrEqualTo(left=low, right=least)],
        if_steps=[],
        else_steps=[fail],
    ).to_request()
    arguments = steps["Gate"]["Arguments"]
    (registered,) = arguments["IfSteps"]
    expect({**steps["Gate"], "Arguments": {**arguments, "IfSteps": []}}, expressed(condition))
    expect((registered["Name"], registered["Type"]), ("Register", "RegisterModel"))
    say("sageseg jobs pipeline: parameters, values, property files, condition, failure, cache, retries are the SDK's")


if __name__ == "__main__":
    main()
