"""Predictions from a batch transform: the crops go to a prefix of their own, the masks come back.

A transform reads all that lies under its prefix, so it never gets a dataset's: what is to be
predicted lies alone under `<output>/<job>/batch/<transform>/`, and goes when it has been read.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from secrets import token_hex
from time import monotonic, sleep
from typing import Any

import numpy as np

from formats.console import open_screen, say
from formats.errors import SagesegError
from formats.manifest import ManifestRow
from formats.wording import format_roughly
from jobs.aws.clients import aws_errors
from jobs.aws.errors import is_about_capacity
from jobs.aws.names import JOB_TAG, default_name, tag_value, utc_now
from jobs.backends import Place, open_place
from jobs.contract.invocation import PNG, PROTOBUF_TYPES, Expected, decode_mask, decode_scores
from jobs.contract.log_lines import TRANSFORM_LOGS
from jobs.contract.service_model import check_request
from jobs.contract.serving_requests import (
    ServedModel,
    Transform,
    check_serving_instance,
    model_request,
    transform_request,
)
from jobs.contract.statuses import ENDED
from jobs.cost.prices import Rate, find_rate
from jobs.cost.quotes import agree_to_spend
from jobs.endpoints.container_log import show_log
from jobs.endpoints.parts import MODEL, delete_part
from jobs.prediction.batch_folder import open_batch_folder
from jobs.prediction.crops_to_predict import SourceWork, read_ahead
from jobs.prediction.options import RouteOptions
from jobs.prediction.output import Predicted
from jobs.tracking.job_calls import POLL_SECONDS
from jobs.tracking.trained_model import TrainedModel, served_image, served_role


class BatchRoute:
    """A transform job with a model of its own, both gone when it is done."""

    def __init__(self, trained: TrainedModel, options: RouteOptions, *, probabilities: bool) -> None:
        check_serving_instance(options.instance_type, "batch transform")
        self._trained, self._options, self._probabilities = trained, options, probabilities
        self._num_classes = trained.num_classes
        self._rate = _agreed_rate(trained, options)
        self._name = f"{default_name(trained.name, 'batch', now=utc_now())}-{token_hex(2)}"  # two may begin at once
        self._folder = open_batch_folder(trained, self._name)
        self._model, self._transform = self._settle()
        self._description: Mapping[str, Any] = {}

    def _settle(self) -> tuple[dict[str, Any], dict[str, Any]]:
        """The two requests, checked."""
        trained, local = self._trained, self._trained.backend == "local"
        tags = {**trained.tags, JOB_TAG: tag_value(trained.name)}
        role = served_role(trained, self._options.role)
        model = model_request(
            ServedModel(self._name, served_image(trained), trained.artefact_uri, role, trained.network, tags)
        )
        transform = Transform(
            self._name,
            self._name,
            self._folder.input_uri,
            self._folder.output_uri,
            self._options.instance_type,
            accept=PROTOBUF_TYPES[0] if self._probabilities else PNG,
            kms_key=trained.kms_key,
            tags=tags,
        )
        request = transform_request(transform)
        check_request("sagemaker", "CreateModel", model, file_uris=local)
        check_request("sagemaker", "CreateTransformJob", request, file_uris=local)
        return model, request

    @contextmanager
    def begin(self, work: Sequence[SourceWork]) -> Iterator[Iterator[Predicted]]:
        place = open_place(self._trained.backend, self._trained.region)
        with self._cleaned(place):
            sizes = self._folder.send(_encoded(work), self._transform["MaxPayloadInMB"] * 2**20)
            say(f"{self._folder.input_uri}: {len(sizes)} images sent")
            self._run(place)
            yield self._answers([row for source in work for row in source.rows], sizes)

    def _answers(self, rows: Sequence[ManifestRow], sizes: Mapping[str, tuple[int, int]]) -> Iterator[Predicted]:
        for row, body in zip(rows, self._folder.answers([row.id for row in rows]), strict=True):
            yield self._decode(row, body, *sizes[row.id])

    def facts(self) -> dict[str, Any]:
        seconds = _seconds(self._description)
        rate = self._rate.usd_per_hour if self._rate else None
        return {
            "transform_request": self._transform,
            "transform_seconds": seconds,
            "transform_usd": None if seconds is None or rate is None else round(seconds / 3600 * rate, 4),
        }

    @contextmanager
    def _cleaned(self, place: Place) -> Iterator[None]:
        """Whatever happens, the model and what was sent go, unless they are to be kept."""
        try:
            yield
        finally:
            if self._options.keep:
                say(f"kept: model {self._name}, {self._folder.input_uri}, {self._folder.output_uri}")
            else:
                self._clean(place)

    def _clean(self, place: Place) -> None:
        try:
            delete_part(place.sagemaker, MODEL, self._name)
            self._folder.remove()
        except SagesegError as e:
            say(
                f"model {self._name} and {self._folder.uri} may remain ({e}); sageseg jobs leftovers --delete removes "
                "the model, the rest is yours to delete"
            )

    def _run(self, place: Place) -> None:
        """The transform from its start to its end. Raises SagesegError unless it completed."""
        with aws_errors(f"creating model {self._name}"):
            place.sagemaker.create_model(**self._model)
        with aws_errors(f"creating transform job {self._name}"):
            place.sagemaker.create_transform_job(**self._transform)
        say(f"started transform job {self._name} on {self._options.instance_type}")
        try:
            self._description = self._follow(place)
        except BaseException:
            _stop(place, self._name)
            raise
        status = self._description["TransformJobStatus"]
        if status != "Completed":
            show_log(TRANSFORM_LOGS, place.backend, place.region, prefix=f"{self._name}/")
            raise SagesegError(f"transform job {self._name}: {status}: {_explain(self._description)}")

    def _follow(self, place: Place) -> dict[str, Any]:
        since, shown = monotonic(), False
        with open_screen() as screen:
            while True:
                with aws_errors(f"describing transform job {self._name}"):
                    described: dict[str, Any] = place.sagemaker.describe_transform_job(TransformJobName=self._name)
                if described["TransformJobStatus"] in ENDED:
                    return described
                if not shown:
                    screen.line("InProgress")
                    shown = True
                self._check_spent(monotonic() - since)
                screen.live(f"{self._name}  InProgress  {format_roughly(monotonic() - since)}")
                sleep(POLL_SECONDS[place.backend])

    def _check_spent(self, seconds: float) -> None:
        """A transform has no time limit of its own: the caller's is kept from here."""
        limit, rate = self._options.max_cost, self._rate.usd_per_hour if self._rate else None
        if limit is not None and rate is not None and seconds / 3600 * rate >= limit:
            raise SagesegError(
                f"transform job {self._name}: has cost --max-cost {limit:g} after {format_roughly(seconds)} and is "
                "stopped; predict fewer images, raise --max-cost, or use --via artefact"
            )

    def _decode(self, row: ManifestRow, body: bytes, width: int, height: int) -> Predicted:
        expected = Expected(width, height, self._num_classes, row.id)
        if not self._probabilities:
            return Predicted(row, decode_mask(body, expected))
        scores = decode_scores(body, expected)
        return Predicted(row, scores.argmax(axis=0).astype(np.uint8), scores)


def _agreed_rate(trained: TrainedModel, options: RouteOptions) -> Rate | None:
    """The price, said and agreed to; None on this machine."""
    if trained.backend == "local":
        return None
    rate = find_rate(trained.region, options.instance_type, "Tsform")
    if rate.note:
        say(f"note: {rate.note}")
    kind = options.instance_type
    if rate.usd_per_hour is None:
        say(f"{kind}: price unknown ({rate.source}); a transform is billed for as long as it runs")
        if options.max_cost is not None:
            raise SagesegError(
                f"{kind}: its price is unknown, so --max-cost {options.max_cost:g} cannot be kept; leave it out, or "
                "choose another --instance-type"
            )
    else:
        limit = f"; stopped from here at ${options.max_cost:g}" if options.max_cost is not None else ""
        say(
            f"{kind}: ${rate.usd_per_hour:.4g} per hour ({rate.source}) for as long as the transform runs, minutes of "
            f"its start included{limit}"
        )
    agree_to_spend(max_cost=options.max_cost, yes=options.yes)
    return rate


def _encoded(work: Sequence[SourceWork]) -> Iterator[tuple[str, bytes]]:
    for source, crops in read_ahead(work, lambda source: source.encode()):
        yield from ((row.id, jpeg) for row, jpeg in zip(source.rows, crops, strict=True))


def _stop(place: Place, name: str) -> None:
    try:
        with aws_errors(f"stopping transform job {name}"):
            place.sagemaker.stop_transform_job(TransformJobName=name)
        say(f"transform job {name}: stopping")
    except SagesegError as e:
        say(f"transform job {name} may go on and cost ({e}); sageseg jobs leftovers --delete --stop-jobs ends it")


def _explain(description: Mapping[str, Any]) -> str:
    reason: str = description.get("FailureReason", "somebody stopped it").rstrip(".")
    if is_about_capacity(reason):
        return f"{reason}; name another --instance-type, or try again later"
    return f"{reason}; --via artefact needs no transform"


def _seconds(description: Mapping[str, Any]) -> float | None:
    started, ended = description.get("TransformStartTime"), description.get("TransformEndTime")
    return (ended - started).total_seconds() if started and ended else None
