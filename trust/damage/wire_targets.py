"""What comes over a wire as targets of the trial: answers in the place of AWS's, of served models, and requests to the
emulator, which are to be read or refused as AWS does."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from io import BytesIO
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from aws.answers import AnswerParsers
from formats.errors import SagesegError
from jobs.contract.invocation import Expected, decode_mask, decode_scores
from jobs.contract.probabilities import encode_probabilities
from jobs.contract.recordio import frame, read_records
from jobs.contract.service_model import load_service
from jobs.cost.prices import listed_rate
from jobs.cost.spent import billed_usd, usd_so_far
from jobs.emulator.api import wire
from jobs.emulator.api.faults import ServiceError
from jobs.emulator.endpoints.models import check_container, check_endpoint_config, the_container
from jobs.emulator.host.container import Programs
from jobs.emulator.host.rehearsal import Rehearsal
from jobs.emulator.host.storage import Storage
from jobs.emulator.host.workplace import Workplace
from jobs.emulator.packages.record import check_package
from jobs.emulator.pipelines.definition import parse_definition
from jobs.emulator.processing.inputs import parse_manifest
from jobs.emulator.processing.rules import check_processing_request
from jobs.emulator.services import Services
from jobs.emulator.store.state import Resource, State
from jobs.emulator.training.channel_pipes import read_streams
from jobs.emulator.training.rules import check_training_request
from jobs.emulator.transform.record import check_transform_request
from jobs.emulator.tuning.rules import check_tuning_request
from jobs.tracking.course import describe_settings
from jobs.tracking.failures import find_cure
from jobs.tracking.tuning_ranking import ranking_table, tuned_job
from trust.damage.engine import CORPORA, Builder, Target

Use = Callable[[Any], object]


def _answer(service: str, operation: str, protocol: str, kind: str, use: Use) -> Builder:
    """An answer with status 200 to an operation, and what is done with it."""

    def build(_: Path) -> Target:
        shape = load_service(service).operation_model(operation).output_shape
        parser = AnswerParsers().create_parser(protocol)

        def parse(content: bytes) -> None:
            use(parser.parse({"status_code": 200, "headers": {}, "body": content}, shape))

        return Target(f"answer-{operation}", kind, parse)

    return build


def _use_description(description: Any) -> None:
    str(description["TrainingJobStatus"] + description["SecondaryStatus"])
    describe_settings(description)
    find_cure(description, ["out of memory"])
    billed_usd(description, 1.5)
    usd_so_far([(description.get("TrainingStartTime"), description.get("TrainingEndTime"))], 1.5, 1.8e9)
    [f"{each['MetricName']} {each['Value']:.4f}" for each in description.get("FinalMetricDataList", [])]
    description["CreationTime"].isoformat()


def _use_tuned(answer: Any) -> None:
    ranking_table(map(tuned_job, answer["TrainingJobSummaries"]), "mIOU")


def _use_events(answer: Any) -> None:
    [event["message"].splitlines() for event in answer["events"]]
    str(answer["nextForwardToken"])


def _use_quotas(answer: Any) -> None:
    _ = {quota["QuotaName"]: quota["Value"] + 0.0 for quota in answer["Quotas"]}


def _use_prices(answer: Any) -> None:
    listed_rate(answer["PriceList"], "ml.g5.2xlarge", "Train")


# a served model's answers


def _mask() -> bytes:
    packed = BytesIO()
    Image.fromarray(np.eye(4, dtype=np.uint8)).save(packed, "PNG")
    return packed.getvalue()


def _served(name: str, kind: str, decode: Callable[[bytes, Expected], object], *seeds: bytes) -> Builder:
    expected = Expected(4, 4, 2, "a.jpg")
    return lambda _: Target(name, kind, lambda content: decode(content, expected), "a.jpg", seeds)


def _records(_: Path) -> Target:
    return Target(
        "records", "bytes", lambda content: list(read_records(BytesIO(content), "pipe")), "pipe", (frame(b"abc") * 2,)
    )


# the emulator


class _NoS3:
    """A client of S3 where everything is, and nothing in it."""

    def list_objects_v2(self, **_: Any) -> dict[str, Any]:
        return {"KeyCount": 1}

    def head_bucket(self, **_: Any) -> None:
        return

    def head_object(self, **_: Any) -> dict[str, Any]:
        return {"ContentLength": 1}


Handler = Callable[[dict[str, Any]], dict[str, Any] | None]


def _request(service: str, operation: str, kind: str, handle: Callable[[Path], Handler], *others: str) -> Builder:
    """A request's body; `handle` makes what answers the request."""

    def build(folder: Path) -> Target:
        handler = handle(folder)

        def parse(content: bytes) -> None:
            with _refusals_rendered(service):
                answer = handler(wire.parse_request(service, operation, content))
                if answer is not None:
                    wire.render_response(service, operation, answer)

        return Target(f"request-{operation}", kind, parse, refusals=_REFUSALS, others=others)

    return build


_REFUSALS = (ServiceError, SagesegError)
ROLE = "arn:aws:iam::123456789012:role/SageMakerRole"


@contextmanager
def _refusals_rendered(service: str) -> Iterator[None]:
    try:
        yield
    except ServiceError as e:
        wire.render_fault(e, service)
        raise


def _storage() -> Storage:
    return Storage(_NoS3)


def _checks(check: Callable[..., object], *more: Any) -> Callable[[Path], Handler]:
    """A creating operation goes as far as its rules: what they let through would start."""

    def handle(_: Path) -> Handler:
        def checked(request: dict[str, Any]) -> None:
            check(request, *more)

        return checked

    return handle


def _check_model(request: dict[str, Any]) -> None:
    check_container(*the_container(request), _storage())


def _handler(service: str, operation: str) -> Callable[[Path], Handler]:
    """The emulator's own, over a state with one job and its log."""

    def handle(folder: Path) -> Handler:
        state = State(folder / "state.sqlite")
        (folder / "a.jsonl").write_bytes((CORPORA / "event-log" / "seed.jsonl").read_bytes())
        arn = "arn:aws:sagemaker:us-east-1:000000000000:training-job/cars"
        record = {"TrainingJobName": "cars", "TrainingJobArn": arn, "TrainingJobStatus": "Completed"}
        state.insert(Resource("training-job", "cars", arn, "Completed", 1.0, 2.0, record, [{"Key": "a", "Value": "b"}]))
        state.query(
            "INSERT INTO log_streams (log_group, name, path, created) VALUES (?, ?, ?, ?)",
            ("/aws/sagemaker/TrainingJobs", "cars/algo-1", "a.jsonl", 1),
        )
        nothing: Callable[[Path], list[str]] = lambda _: ["false"]  # noqa: E731
        none = Programs(nothing, nothing, nothing)
        place = Workplace(folder, state, _storage(), Rehearsal(folder / "none.yaml"), none, 1.0)
        answers = Services(place).answers().operations[service, operation]
        return lambda request: answers(request, "us-east-1")

    return handle


def _target(content: bytes) -> None:
    wire.parse_target(content.decode("latin-1"))


def _invocation(content: bytes) -> None:
    """As a request that is answered at once, and as one that waits."""
    names = ("content-type", "accept", "x-amzn-sagemaker-target-variant", "x-amzn-sagemaker-custom-attributes")
    lines = content.decode("latin-1").split("\n")
    wire.parse_invocation("InvokeEndpoint", "cars", dict(zip(names, lines, strict=False)), b"x")
    waits = ("x-amzn-sagemaker-inputlocation", "x-amzn-sagemaker-requestttlseconds", "x-amzn-sagemaker-inference-id")
    wire.parse_invocation("InvokeEndpointAsync", "cars", dict(zip(waits, lines, strict=False)), b"")


def _augmented(folder: Path) -> Target:
    path = folder / "train.manifest"
    source = {
        "S3Uri": path.as_uri(),
        "AttributeNames": ["source-ref", "annotation-ref"],
        "S3DataType": "AugmentedManifestFile",
    }
    record = {"InputDataConfig": [{"ChannelName": "train", "DataSource": {"S3DataSource": source}}]}

    def parse(content: bytes) -> None:
        path.write_bytes(content)
        read_streams(_storage(), record)

    return Target("augmented", "json", parse)


TARGETS: dict[str, Builder] = {
    **{
        f"answer-{operation}": _answer(service, operation, protocol, kind, use)
        for service, operation, protocol, kind, use in (
            ("sagemaker", "DescribeTrainingJob", "json", "json", _use_description),
            ("sagemaker", "ListTrainingJobsForHyperParameterTuningJob", "json", "json", _use_tuned),
            ("logs", "GetLogEvents", "json", "json", _use_events),
            ("service-quotas", "ListServiceQuotas", "json", "json", _use_quotas),
            ("pricing", "GetProducts", "json", "json", _use_prices),
            ("sts", "GetCallerIdentity", "query", "xml", lambda answer: str(answer["Account"])),
            (
                "s3",
                "ListObjectsV2",
                "rest-xml",
                "xml",
                lambda answer: [each["Key"] for each in answer.get("Contents", ())],
            ),
        )
    },
    "price": lambda _: Target(
        "price", "json", lambda content: listed_rate([content.decode("utf-8", "replace")], "ml.g5.2xlarge", "Train")
    ),
    "answer-mask": _served("answer-mask", "png", decode_mask, _mask()),
    "answer-scores": _served(
        "answer-scores", "bytes", decode_scores, encode_probabilities(np.full((1, 2, 4, 4), 0.5, np.float32))
    ),
    "records": _records,
    "request-CreateTrainingJob": _request(
        "sagemaker", "CreateTrainingJob", "json", _checks(check_training_request, _storage())
    ),
    "request-CreateHyperParameterTuningJob": _request(
        "sagemaker", "CreateHyperParameterTuningJob", "json", _checks(check_tuning_request, _storage())
    ),
    "request-CreateTransformJob": _request(
        "sagemaker", "CreateTransformJob", "json", _checks(check_transform_request, _storage())
    ),
    "request-CreateProcessingJob": _request(
        "sagemaker", "CreateProcessingJob", "json", _checks(check_processing_request, _storage())
    ),
    "request-CreateModel": _request("sagemaker", "CreateModel", "json", _checks(_check_model)),
    "request-CreateModelPackage": _request("sagemaker", "CreateModelPackage", "json", _checks(check_package)),
    "request-CreateEndpointConfig": _request(
        "sagemaker", "CreateEndpointConfig", "json", _checks(check_endpoint_config)
    ),
    **{
        f"request-{operation}": _request(service, operation, "json", _handler(service, operation))
        for service, operation in (
            ("sagemaker", "DescribeTrainingJob"),
            ("sagemaker", "ListTrainingJobs"),
            ("sagemaker", "StopTrainingJob"),
            ("sagemaker", "AddTags"),
            ("sagemaker", "ListTags"),
            ("logs", "DescribeLogStreams"),
            ("logs", "GetLogEvents"),
            ("service-quotas", "ListServiceQuotas"),
        )
    },
    "request-target": lambda _: Target("request-target", "text", _target, refusals=_REFUSALS),
    "request-invocation": lambda _: Target("request-invocation", "text", _invocation, refusals=_REFUSALS),
    "augmented": _augmented,
    "pipeline-definition": lambda _: Target(
        "pipeline-definition",
        "json",
        lambda content: parse_definition(content.decode("utf-8", "surrogateescape"), ROLE),
        refusals=_REFUSALS,
    ),
    "processing-manifest": lambda _: Target(
        "processing-manifest", "json", lambda content: parse_manifest(content, "s3://bucket/manifest")
    ),
}
