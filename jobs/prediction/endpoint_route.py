"""Predictions from an endpoint: many images at a time, in order."""

from __future__ import annotations

from collections.abc import Generator, Iterable, Iterator, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass, field

from aws.names import JOB_TAG, tag_value, utc_now
from formats.console import say
from formats.errors import SagesegError
from formats.manifest import ManifestRow
from jobs.backends import Place, open_place
from jobs.contract.invocation import (
    PNG,
    Expected,
    Payload,
    decode_mask,
    decode_scores,
    make_payload,
)
from jobs.endpoints.invocations import Caller, find_accept, gone, open_caller
from jobs.endpoints.parts import CONFIG, ENDPOINT, Capacity, capacity_of, describe_part, tags_of
from jobs.endpoints.records import endpoint_records, read_endpoint
from jobs.prediction.crops_to_predict import SourceWork, read_ahead
from jobs.prediction.options import RouteOptions
from jobs.prediction.output import Begun, Predicted
from jobs.prediction.stages import in_order
from jobs.tracking.trained_model import TrainedModel, endpoint_name


@dataclass(frozen=True)
class EndpointRoute:
    """An endpoint in service."""

    trained: TrainedModel
    options: RouteOptions
    probabilities: bool

    @contextmanager
    def begin(self, work: Sequence[SourceWork]) -> Iterator[Begun]:
        """Raises SagesegError when the endpoint is not in service, or serves another job."""
        trained, options = self.trained, self.options
        if options.parallel < 1:
            raise SagesegError(f"--parallel {options.parallel}: expected 1 or more")
        name = options.endpoint or served_by(trained)
        known = read_endpoint(name)
        backend, region = (known.backend, known.region) if known else (trained.backend, trained.region)
        place = open_place(backend, options.region or region)
        capacity = check_in_service(place, name, trained)
        caller = open_caller(place, name, capacity)
        parallel = _at_a_time(name, capacity, options.parallel)
        asking = _Asking(caller, trained.num_classes, parallel, self.probabilities)
        facts = {
            "endpoint": name,
            "endpoint_instance_type": _kind(capacity),
            "endpoint_instances": capacity.instances,
        }
        with closing(asking.predictions(work)) as predicted:
            yield Begun(predicted, lambda: facts)
        asking.tell_lowered()


@dataclass
class _Asking:
    """One endpoint asked for many images. `lowered` are the JPEG qualities and ids of those that were too
    large for it."""

    caller: Caller
    num_classes: int
    parallel: int
    probabilities: bool
    accept: str = PNG
    lowered: list[tuple[int, str]] = field(default_factory=list)

    def predictions(self, work: Sequence[SourceWork]) -> Generator[Predicted]:
        """In order; so many are under way that the endpoint never waits for this side."""
        with closing(read_ahead(work, lambda source: source.encode())) as encoded:
            crops = _crops(encoded)
            if self.probabilities:
                yield self._first_scores(next(crops))
            predicting = in_order(self._predict, crops, threads=self.parallel, give_up=self.caller.give_up)
            with closing(predicting) as predicted:
                yield from predicted

    def _first_scores(self, crop: tuple[ManifestRow, bytes]) -> Predicted:
        """The first answer decides under which name the endpoint gives probabilities."""
        row, jpeg = crop
        payload = self._payload(row, jpeg)
        self.accept, body = find_accept(self.caller, payload.body, row.id)
        return self._decode(row, payload, body)

    def _predict(self, crop: tuple[ManifestRow, bytes]) -> Predicted:
        row, jpeg = crop
        payload = self._payload(row, jpeg)
        return self._decode(row, payload, self.caller.ask(payload.body, self.accept, row.id))

    def _payload(self, row: ManifestRow, jpeg: bytes) -> Payload:
        payload = make_payload(jpeg, self.caller.takes, row.id)
        if payload.quality is not None:
            self.lowered.append((payload.quality, row.id))
        answer = 4 * self.num_classes * payload.width * payload.height
        if self.probabilities and answer > self.caller.answers:
            raise SagesegError(
                f"{row.id}: probabilities of {self.num_classes} classes at {payload.width} × {payload.height} are "
                f"{answer} bytes, over the {self.caller.answers} that this endpoint may answer; predict with "
                "--via artefact or batch, in smaller crops, or without --probabilities"
            )
        return payload

    def _decode(self, row: ManifestRow, payload: Payload, body: bytes) -> Predicted:
        expected = Expected(payload.width, payload.height, self.num_classes, row.id)
        return Predicted(row, decode_mask(body, expected) if self.accept == PNG else decode_scores(body, expected))

    def tell_lowered(self) -> None:
        if self.lowered:
            lowest, which = min(self.lowered)
            say(
                f"note: {len(self.lowered)} images were over {self.caller.takes} bytes and went at a lower JPEG "
                f"quality (down to {lowest}, {which})"
            )


def _crops(read: Iterable[tuple[SourceWork, list[bytes]]]) -> Iterator[tuple[ManifestRow, bytes]]:
    for source, crops in read:
        yield from zip(source.rows, crops, strict=True)


def served_by(trained: TrainedModel) -> str:
    """The endpoint that serves a model: the latest that was deployed from this folder, else the one
    that a deployment would be named."""
    for record in endpoint_records():
        if record.job == trained.name:
            return record.name
    if not trained.is_job:
        raise SagesegError(f"{trained.name}: no endpoint was deployed of it from this folder; name one with --endpoint")
    return endpoint_name(trained, utc_now())


def _at_a_time(name: str, capacity: Capacity, parallel: int) -> int:
    """How many images are asked for at a time; what is to be known of the wait is said."""
    if capacity.answers_uri and capacity.alive == 0:
        say(
            f"note: endpoint {name} sleeps; the first answer comes when an instance has started, at AWS in some minutes"
        )
    most = capacity.serverless.max_concurrency if capacity.serverless else parallel
    if most < parallel:
        say(f"note: endpoint {name} answers at most {most} at a time, so --parallel {parallel} is lowered to that")
    return min(parallel, most)


def _kind(capacity: Capacity) -> str:
    """What predictions.json says of it."""
    return f"serverless, {capacity.serverless.memory_mb} MB" if capacity.serverless else capacity.instance_type


def check_in_service(place: Place, name: str, trained: TrainedModel) -> Capacity:
    """What an endpoint runs on that serves this model. Raises SagesegError in one
    line, with the next step, when it does not."""
    found = describe_part(place.sagemaker, ENDPOINT, name)
    if found is None or found["EndpointStatus"] == "Deleting":
        raise SagesegError(gone(name, trained.name))
    status = found["EndpointStatus"]
    if status not in ("InService", "Updating", "SystemUpdating"):
        reason = found.get("FailureReason", "").rstrip(".")
        step = (
            "run it again when it is in service" if status == "Creating" else f"sageseg jobs delete {name} removes it"
        )
        raise SagesegError(f"endpoint {name}: {status}{f' ({reason})' if reason else ''}; {step}")
    serves = tags_of(place.sagemaker, found["EndpointArn"]).get(JOB_TAG)
    if serves is None:
        say(f"note: endpoint {name} does not say what it serves; it is taken to be {trained.name}")
    elif serves != tag_value(trained.name):
        raise SagesegError(
            f"endpoint {name}: serves {serves}, not {trained.name}; name another --endpoint, or sageseg jobs predict "
            f"{serves}"
        )
    config = describe_part(place.sagemaker, CONFIG, found["EndpointConfigName"])
    return capacity_of(config, found) if config else Capacity()
