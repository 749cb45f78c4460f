"""What a user of the SageMaker SDK does with processing jobs, by `sagemaker.core` as it is.

Run by oracles/sdk_clients.py in the SDK's own environment, with the endpoints in the environment.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

import boto3

sys.path.insert(0, str(Path(__file__).resolve().parent))

from sagemaker.core import shapes
from sagemaker.core.helper.session_helper import Session
from sagemaker.core.processing import ScriptProcessor
from sagemaker.core.resources import ProcessingJob
from sdk_calls import BUCKET, ROLE, boto_session, expect, say

IMAGE = "683313688378.dkr.ecr.us-east-1.amazonaws.com/sagemaker-scikit-learn:1.2-1-cpu-py3"
SCRIPT = """
import json, sys
from pathlib import Path
given, made = map(Path, sys.argv[1:3])
names = sorted(path.name for path in given.iterdir())
config = json.loads((made.parents[1] / "config/resourceconfig.json").read_text())
(made / (config["current_host"] + ".json")).write_text(json.dumps(names))
(made.parents[1] / "output/message").write_text(config["current_host"] + " ")
print("found", len(names))
"""
PLACES = ["/opt/ml/processing/in", "/opt/ml/processing/out"]


def source(uri: str, name: str, local_path: str, distribution: str = "FullyReplicated") -> Any:
    given = shapes.ProcessingS3Input(
        s3_uri=uri,
        local_path=local_path,
        s3_data_type="S3Prefix",
        s3_input_mode="File",
        s3_data_distribution_type=distribution,
    )
    return shapes.ProcessingInput(input_name=name, s3_input=given)


def target(uri: str) -> Any:
    made = shapes.ProcessingS3Output(s3_uri=uri, local_path=PLACES[1], s3_upload_mode="EndOfJob")
    return shapes.ProcessingOutput(output_name="out", s3_output=made)


def names_below(prefix: str) -> dict[str, Any]:
    """The objects that a job left, each read as JSON."""
    s3 = boto3.client("s3")
    keys = [found["Key"] for found in s3.list_objects_v2(Bucket=BUCKET, Prefix=prefix)["Contents"]]
    return {key: json.loads(s3.get_object(Bucket=BUCKET, Key=key)["Body"].read()) for key in keys}


def create_resource() -> None:
    """ProcessingJob: create, wait with its log, refresh, list, delete."""
    boto3.client("s3").put_object(Bucket=BUCKET, Key="code/work.py", Body=SCRIPT.encode())
    job = ProcessingJob.create(
        processing_job_name="core-processing",
        role_arn=ROLE,
        app_specification=shapes.AppSpecification(
            image_uri=IMAGE,
            container_entrypoint=["python3", "/opt/ml/processing/code/work.py"],
            container_arguments=PLACES,
        ),
        processing_inputs=[
            source(f"s3://{BUCKET}/channels/train/", "in", PLACES[0], "ShardedByS3Key"),
            source(f"s3://{BUCKET}/code/work.py", "code", "/opt/ml/processing/code"),
        ],
        processing_output_config=shapes.ProcessingOutputConfig(outputs=[target(f"s3://{BUCKET}/processed")]),
        processing_resources=shapes.ProcessingResources(
            cluster_config=shapes.ProcessingClusterConfig(
                instance_count=2, instance_type="ml.m5.large", volume_size_in_gb=10
            )
        ),
        stopping_condition=shapes.ProcessingStoppingCondition(max_runtime_in_seconds=600),
    )
    job.wait(poll=1, logs=True)
    expect((job.processing_job_status, job.exit_message), ("Completed", "algo-1 algo-2 "))
    expect([found.processing_job_name for found in ProcessingJob.get_all()], ["core-processing"])
    made = names_below("processed/")
    expect(sorted(made), ["processed/algo-1.json", "processed/algo-2.json"])
    expect(sorted(name for names in made.values() for name in names), ["0.jpg", "1.jpg"])
    job.delete()
    expect(list(ProcessingJob.get_all()), [])


def run_script() -> None:
    """ScriptProcessor: a script of this machine, which it uploads; arguments, environment, tags, its log."""
    Path("work.py").write_text(SCRIPT, encoding="utf-8")
    processor = ScriptProcessor(
        role=ROLE,
        image_uri=IMAGE,
        command=["python3"],
        instance_count=1,
        instance_type="ml.m5.large",
        max_runtime_in_seconds=600,
        base_job_name="script",
        env={"SHADE": "dark"},
        sagemaker_session=Session(boto_session=boto_session(), default_bucket=BUCKET),
    )
    processor.run(
        code="work.py",
        inputs=[source(f"s3://{BUCKET}/channels/train/", "in", PLACES[0])],
        outputs=[target(f"s3://{BUCKET}/scripted")],
        arguments=PLACES,
        wait=True,
        logs=True,
    )
    processor.latest_job.refresh()
    expect(processor.latest_job.processing_job_status, "Completed")
    expect(names_below("scripted/"), {"scripted/algo-1.json": ["0.jpg", "1.jpg"]})


def main() -> None:
    create_resource()
    say("ProcessingJob: created, followed with its logs, completed, listed, deleted")
    run_script()
    say("ScriptProcessor: completed")


if __name__ == "__main__":
    main()
