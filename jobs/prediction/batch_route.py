"""Predictions from a batch transform: the crops go to a prefix of their own, the masks come back.

A transform reads all that lies under its prefix, so it never gets a dataset's: what is to be
predicted lies alone under `<output>/<job>/batch/<transform>/`, and goes when it has been read.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, closing, contextmanager
from dataclasses import dataclass, replace
from secrets import token_hex
from typing import Any

from aws.names import JOB_TAG, default_name, tag_value, utc_now
from formats.console import say
from formats.errors import SagesegError
from jobs.backends import Place, open_place
from jobs.contract.invocation import PNG, PROTOBUF_TYPES, Expected
from jobs.contract.registry import is_builtin
from jobs.contract.service_model import check_request
from jobs.contract.serving_requests import (
    BUILTIN_CONCURRENT,
    ServedModel,
    Transform,
    check_serving_instance,
    model_request,
    transform_request,
)
from jobs.cost.prices import Rate
from jobs.cost.spent import usd_of
from jobs.creating import TRANSFORM, described
from jobs.endpoints.parts import MODEL, delete_part
from jobs.prediction.batch_answers import predictions_of
from jobs.prediction.batch_folder import BatchFolder, Sent, batch_folder_at, open_batch_folder
from jobs.prediction.batch_record import (
    BatchRecord,
    batches,
    forget_batch,
    locked,
    read_batch,
    sweep_batches,
    write_batch,
)
from jobs.prediction.batch_terms import agreed_rate, transform_usd_per_hour
from jobs.prediction.crops_to_predict import SourceWork, read_ahead
from jobs.prediction.options import RouteOptions
from jobs.prediction.output import Begun
from jobs.prediction.transform_job import (
    SpendingLimit,
    await_transform,
    is_completed,
    may_run,
    start_transform,
    transform_seconds,
)
from jobs.tracking.trained_model import TrainedModel, check_served_onnx, served_image, served_role


@dataclass(frozen=True)
class BatchRoute:
    """A transform job with a model of its own, both gone when it is done."""

    trained: TrainedModel
    options: RouteOptions
    probabilities: bool

    @contextmanager
    def begin(self, work: Sequence[SourceWork]) -> Iterator[Begun]:
        """The cost is agreed to, the images are sent, and the transform runs to its end. One that an earlier call of
        the same command left, or lost sight of, is gone on with."""
        trained, options = self.trained, self.options
        check_serving_instance(options.instance_type, "batch transform")
        num_classes = trained.num_classes  # before anything is paid: not every artefact tells it
        crops = sum(len(source.rows) for source in work)
        rate = agreed_rate(trained, options, min(options.instances, crops))
        place = open_place(trained.backend, trained.region)
        with ExitStack() as stack:
            record, sent = self._take_over(place, work, stack) or (self._new(crops, stack), None)
            folder = open_batch_folder(trained, record.name)
            stack.enter_context(_cleaned(place, record.name, folder, keep=options.keep))
            if sent is None:
                sent = folder.send(_encoded(work, stack), record.transform["MaxPayloadInMB"] * 2**20)
                say(f"{folder.input_uri}: {len(sent.sizes)} images sent")
            if not record.arn:
                record = start_transform(place, replace(record, images=sent.digests))
            limit = SpendingLimit(record.name, options.max_cost, transform_usd_per_hour(record.transform, rate))
            description = await_transform(place, record.name, limit)
            rows = [row for source in work for row in source.rows]
            awaited = [(row, Expected(*sent.sizes[row.id], num_classes, row.id)) for row in rows]
            with closing(predictions_of(folder, awaited, probabilities=self.probabilities)) as predicted:
                yield Begun(predicted, lambda: _facts(record.transform, description, rate))

    def _new(self, crops: int, stack: ExitStack) -> BatchRecord:
        if crops < self.options.instances:
            say(f"note: crops left to predict: {crops}; --instances {self.options.instances} is lowered to that")
        record = self._settled(crops)
        stack.enter_context(locked(record.name))
        write_batch(record)
        return record

    def _settled(self, crops: int) -> BatchRecord:
        """A batch of its own name over so many crops, both requests checked."""
        trained = self.trained
        name = f"{default_name(trained.name, 'batch', now=utc_now())}-{token_hex(2)}"  # two may begin at once
        folder = open_batch_folder(trained, name)
        options = replace(self.options, instances=min(self.options.instances, crops))
        model, transform = _settle(trained, options, folder, name, probabilities=self.probabilities)
        created = utc_now().isoformat(timespec="seconds")
        return BatchRecord(name, trained.backend, trained.region, created, model, transform)

    def _take_over(self, place: Place, work: Sequence[SourceWork], stack: ExitStack) -> tuple[BatchRecord, Sent] | None:
        """A batch of the same model and these images, or more, whose caller is gone, with its ARN where it is
        there."""
        for record in batches():
            if not record.images or not record.is_like(self._settled(len(record.images))):
                continue
            if not stack.enter_context(locked(record.name)):
                continue
            folder = open_batch_folder(self.trained, record.name)
            sent = folder.would_send(_encoded(work, stack), record.transform["MaxPayloadInMB"] * 2**20)
            if not sent.digests.items() <= record.images.items():  # fewer, where some answers were written
                say(f"note: transform job {record.name} was left by a call with other images; {_WAYS_ON}")
                continue
            found = described(place.sagemaker, TRANSFORM, record.name)
            if found is None:
                delete_part(place.sagemaker, MODEL, record.name)
                return replace(record, arn=""), sent
            if found["TransformJobStatus"] not in ("InProgress", "Completed"):
                _clean(place, record.name, folder)
                continue
            say(f"note: transform job {record.name} was begun at {record.created} and is there; it goes on with that")
            there = replace(record, arn=found["TransformJobArn"])
            write_batch(there)
            return there, sent
        return None


def clean_up_batches(backend: str, region: str) -> None:
    """What callers left there that were killed before they asked for a transform, or while they cleaned up."""
    sweep_batches()
    for record in batches():
        if record.images or (record.backend, record.region) != (backend, region):
            continue
        with locked(record.name) as free:
            again = read_batch(record.name) if free else None
            if again and not again.images:
                folder = batch_folder_at(again.folder_uri, region)
                _clean(open_place(backend, region), record.name, folder)


def clean_up_fetched(made: Mapping[str, Any], *, keep: bool) -> None:
    """After a caller that was killed between the last answer and cleaning up: its predictions hold all answers, and
    they tell of which transform they were `made`."""
    name = made.get("transform_request", {}).get("TransformJobName")
    record = read_batch(name) if name else None
    if record is None:
        return
    with locked(record.name) as free:
        if free and keep:
            forget_batch(record.name)
        elif free:
            write_batch(replace(record, images={}))
    clean_up_batches(record.backend, record.region)


def _settle(
    trained: TrainedModel, options: RouteOptions, folder: BatchFolder, name: str, *, probabilities: bool
) -> tuple[dict[str, Any], dict[str, Any]]:
    """The requests for a model and a transform, checked."""
    local = trained.backend == "local"
    tags = {**trained.tags, JOB_TAG: tag_value(trained.name)}
    role = served_role(trained, options.role)
    image = served_image(trained)
    check_served_onnx(trained, image, options.instance_type)
    model = model_request(ServedModel(name, image, trained.artefact_uri, role, trained.network, tags))
    transform = Transform(
        name,
        name,
        folder.input_uri,
        folder.output_uri,
        options.instance_type,
        options.instances,
        accept=PROTOBUF_TYPES[0] if probabilities else PNG,
        concurrent=BUILTIN_CONCURRENT if is_builtin(image) and not local else None,
        kms_key=trained.kms_key,
        tags=tags,
    )
    request = transform_request(transform)
    check_request("sagemaker", "CreateModel", model, file_uris=local)
    check_request("sagemaker", "CreateTransformJob", request, file_uris=local)
    return model, request


def _facts(transform: Mapping[str, Any], description: Mapping[str, Any], rate: Rate | None) -> dict[str, Any]:
    seconds = transform_seconds(description)
    usd = usd_of(seconds, transform_usd_per_hour(transform, rate))
    return {
        "transform_request": transform,
        "transform_seconds": seconds,
        "transform_usd": None if usd is None else round(usd, 4),
    }


@contextmanager
def _cleaned(place: Place, name: str, folder: BatchFolder, *, keep: bool) -> Iterator[None]:
    """Whatever happens, the model and what was sent go, unless they are to be kept, may still be at work, or have
    answers that Ctrl-C left unfetched: those are paid for."""
    unfetched = False
    try:
        yield
    except KeyboardInterrupt:
        unfetched = is_completed(place, name)
        raise
    finally:
        if may_run(place, name):
            say(f"transform job {name} may go on and cost; {_WAYS_ON}")
        elif unfetched:
            say(f"transform job {name} is over, and its answers are kept; the command that began it fetches the rest")
        elif keep:
            say(f"kept: model {name}, {folder.input_uri}, {folder.output_uri}")
            forget_batch(name)
        else:
            _clean(place, name, folder)


_WAYS_ON = "the command that began it goes on with it, sageseg jobs leftovers --delete --stop-jobs ends it"


def _clean(place: Place, name: str, folder: BatchFolder) -> None:
    try:
        if record := read_batch(name):
            write_batch(replace(record, images={}))  # who is killed from here on is cleaned up after
        delete_part(place.sagemaker, MODEL, name)
        folder.remove()
        forget_batch(name)
    except SagesegError as e:
        say(
            f"model {name} and {folder.uri} may remain ({e}); sageseg jobs leftovers --delete removes the model, the "
            "rest is yours to delete"
        )


def _encoded(work: Sequence[SourceWork], stack: ExitStack) -> Iterator[tuple[str, bytes]]:
    for source, crops in stack.enter_context(closing(read_ahead(work, lambda source: source.encode()))):
        yield from ((row.id, jpeg) for row, jpeg in zip(source.rows, crops, strict=True))
