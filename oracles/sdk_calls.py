"""What a user of the SageMaker SDK does, with `sagemaker.core.resources` and `ModelTrainer` as they are.

Run by oracles/sdk_clients.py in the SDK's own environment, with the endpoints in the environment.
Prints one line per client; fails with the SDK's own exception.
"""

from __future__ import annotations

import io
import os
import sys
from collections.abc import Iterator
from typing import Any

import boto3
from botocore.awsrequest import AWSResponse
from sagemaker.core import shapes
from sagemaker.core.helper.session_helper import Session
from sagemaker.core.resources import (
    Endpoint,
    EndpointConfig,
    HyperParameterTuningJob,
    Model,
    TrainingJob,
    TransformJob,
)
from sagemaker.train import ModelTrainer
from sagemaker.train.configs import Compute, InputData, OutputDataConfig, StoppingCondition

BUCKET = os.environ["ORACLE_BUCKET"]
IMAGE = os.environ["ORACLE_IMAGE"]
ROLE = os.environ["ORACLE_ROLE"]
DENIED = (
    b"<ErrorResponse><Error><Type>Sender</Type><Code>AccessDenied</Code><Message>not allowed</Message></Error>"
    b"</ErrorResponse>"
)
CHANNELS = ("train", "validation", "train_annotation", "validation_annotation")
HYPERPARAMETERS = {"num_classes": "2", "num_training_samples": "4"}
GPU = {"instance_type": "ml.p3.2xlarge", "instance_count": 1, "volume_size_in_gb": 10}


class Denied(io.BytesIO):
    """A body as urllib3 gives it."""

    def stream(self, **_: object) -> Iterator[bytes]:
        yield self.read()


def expect(found: object, wanted: object) -> None:
    if found != wanted:
        sys.exit(f"found {found!r}, expected {wanted!r}")


def say(line: str) -> None:
    sys.stdout.write(line + "\n")
    sys.stdout.flush()


def channels() -> list[Any]:
    return [
        shapes.Channel(
            channel_name=name,
            data_source=shapes.DataSource(
                s3_data_source=shapes.S3DataSource(s3_data_type="S3Prefix", s3_uri=f"s3://{BUCKET}/channels/{name}/")
            ),
        )
        for name in CHANNELS
    ]


def train() -> str:
    """TrainingJob: create, wait with its log, list, describe; answers the artefact's URI."""
    job = TrainingJob.create(
        training_job_name="core-training",
        hyper_parameters=HYPERPARAMETERS,
        algorithm_specification=shapes.AlgorithmSpecification(training_image=IMAGE, training_input_mode="File"),
        role_arn=ROLE,
        input_data_config=channels(),
        output_data_config=shapes.OutputDataConfig(s3_output_path=f"s3://{BUCKET}/output"),
        resource_config=shapes.ResourceConfig(**GPU),
        stopping_condition=shapes.StoppingCondition(max_runtime_in_seconds=600),
        tags=[{"key": "project", "value": "sageseg"}],  # its own shapes.Tag is refused by its check
    )
    job.wait(poll=1, logs=True)
    job.refresh()
    expect(job.training_job_status, "Completed")
    expect([metric.metric_name for metric in job.final_metric_data_list], ["train:loss"])
    expect([found.training_job_name for found in TrainingJob.get_all()], ["core-training"])
    return str(job.model_artifacts.s3_model_artifacts)


def host(artefact: str) -> None:
    """Model, EndpointConfig, Endpoint: create, wait, invoke, delete."""
    container = shapes.ContainerDefinition(image=IMAGE, model_data_url=artefact)
    Model.create(model_name="core-model", primary_container=container, execution_role_arn=ROLE)
    variant = shapes.ProductionVariant(
        variant_name="AllTraffic", model_name="core-model", instance_type="ml.c5.xlarge", initial_instance_count=1
    )
    EndpointConfig.create(endpoint_config_name="core-config", production_variants=[variant])
    endpoint = Endpoint.create(endpoint_name="core-endpoint", endpoint_config_name="core-config")
    endpoint.wait_for_status("InService", poll=1)
    answer = endpoint.invoke(body=b"\xff\xd8image", content_type="image/jpeg", accept="image/png")
    expect((answer.body.read(), answer.content_type), (b"egami\xd8\xff", "image/png"))
    endpoint.delete()
    endpoint.wait_for_delete(poll=1)


def transform() -> None:
    """TransformJob over the images of a channel."""
    source = shapes.TransformS3DataSource(s3_data_type="S3Prefix", s3_uri=f"s3://{BUCKET}/channels/train/")
    job = TransformJob.create(
        transform_job_name="core-transform",
        model_name="core-model",
        transform_input=shapes.TransformInput(
            data_source=shapes.TransformDataSource(s3_data_source=source), content_type="image/jpeg"
        ),
        transform_output=shapes.TransformOutput(s3_output_path=f"s3://{BUCKET}/predicted", accept="image/png"),
        transform_resources=shapes.TransformResources(instance_type="ml.m5.large", instance_count=1),
        max_concurrent_transforms=2,
    )
    job.wait(poll=1, logs=True)
    found = boto3.client("s3").list_objects_v2(Bucket=BUCKET, Prefix="predicted/")["Contents"]
    expect([item["Key"] for item in found], ["predicted/0.jpg.out", "predicted/1.jpg.out"])


def tune() -> None:
    """HyperParameterTuningJob: create, wait, best job, its training jobs."""
    rate = shapes.ContinuousParameterRange(name="learning_rate", min_value="0.0001", max_value="0.1")
    job = HyperParameterTuningJob.create(
        hyper_parameter_tuning_job_name="core-tuning",
        hyper_parameter_tuning_job_config=shapes.HyperParameterTuningJobConfig(
            strategy="Bayesian",
            hyper_parameter_tuning_job_objective=shapes.HyperParameterTuningJobObjective(
                type="Maximize", metric_name="validation:mIOU"
            ),
            resource_limits=shapes.ResourceLimits(max_number_of_training_jobs=3, max_parallel_training_jobs=2),
            parameter_ranges=shapes.ParameterRanges(continuous_parameter_ranges=[rate]),
        ),
        training_job_definition=shapes.HyperParameterTrainingJobDefinition(
            static_hyper_parameters=HYPERPARAMETERS,
            algorithm_specification=shapes.HyperParameterAlgorithmSpecification(
                training_image=IMAGE, training_input_mode="File"
            ),
            role_arn=ROLE,
            input_data_config=channels(),
            output_data_config=shapes.OutputDataConfig(s3_output_path=f"s3://{BUCKET}/output"),
            resource_config=shapes.ResourceConfig(**GPU),
            stopping_condition=shapes.StoppingCondition(max_runtime_in_seconds=600),
        ),
    )
    job.wait(poll=1)
    job.refresh()
    expect(job.hyper_parameter_tuning_job_status, "Completed")
    expect(job.training_job_status_counters.completed, 3)
    found = list(job.get_all_training_jobs())
    expect(job.best_training_job.training_job_name in {child.training_job_name for child in found}, True)


def train_with_model_trainer() -> None:
    """ModelTrainer with a role of its own choice: it validates it with STS and IAM first."""
    session = Session(boto_session=boto_session())
    trainer = ModelTrainer(
        sagemaker_session=session,
        training_image=IMAGE,
        role=ROLE,
        base_job_name="trainer",
        compute=Compute(**GPU),
        hyperparameters=HYPERPARAMETERS,
        stopping_condition=StoppingCondition(max_runtime_in_seconds=600),
        output_data_config=OutputDataConfig(s3_output_path=f"s3://{BUCKET}/output"),
    )
    data = [InputData(channel_name=name, data_source=f"s3://{BUCKET}/channels/{name}/") for name in CHANNELS]
    trainer.train(input_data_config=data, wait=True, logs=True)
    expect(trainer._latest_training_job.training_job_status, "Completed")


def boto_session() -> boto3.Session:
    """A session for what moto lacks. The SDK asks STS at AWS's own address, whatever is configured:
    that is sent to where the environment says. And it simulates the role's policy, which moto
    cannot: its caller is denied that right, which the SDK takes as "unknown"."""
    session = boto3.Session()

    def redirect(request: Any, **_: object) -> None:
        request.url = os.environ["AWS_ENDPOINT_URL_STS"] + "/"

    def deny(request: Any, **_: object) -> AWSResponse:
        return AWSResponse(request.url, 403, {}, Denied(DENIED))

    session.events.register("before-send.sts", redirect)
    session.events.register("before-send.iam.SimulatePrincipalPolicy", deny)
    return session


def main() -> None:
    artefact = train()
    say("TrainingJob: created, followed with its log, completed, listed")
    host(artefact)
    say("Model, EndpointConfig, Endpoint: created, in service, invoked, deleted")
    transform()
    say("TransformJob: completed")
    tune()
    say("HyperParameterTuningJob: completed, best job found")
    train_with_model_trainer()
    say("ModelTrainer: completed")


if __name__ == "__main__":
    main()
