"""A pipeline's definition, as a pure function of what an experiment settles (SageMaker Pipeline Definition JSON Schema,
version 2020-12-01).

Prepare (N hosts) → Dataset → Train or Tune → Predict, or Model and Transform → Report → Gate → Register, or TooLow;
without Prepare where a dataset is given.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from itertools import count
from typing import Any

from aws.names import PROCESS_TAG, tag_value
from formats.errors import SagesegError
from jobs.contract.invocation import PNG, PROTOBUF_TYPES
from jobs.contract.registry import is_builtin
from jobs.contract.serving_requests import BUILTIN_CONCURRENT, ServedModel, Transform
from jobs.contract.training_request import tag_list
from jobs.pipelines.policies import NO_POLICIES, Policies, with_policies
from jobs.pipelines.references import (
    EXECUTION_ID,
    Expression,
    get,
    join,
    json_get,
    output_of,
    parameter,
    place,
    settle,
)
from jobs.pipelines.steps import (
    Step,
    gate_steps,
    given_away,
    model_step,
    processing_step,
    register_step,
    taken,
    training_step,
    transform_step,
)
from jobs.pipelines.training import CHANNELS, MODELS, Trained, with_facts
from jobs.processing.request import HOST_VERB as SHARD_VERB
from jobs.processing.request import OUTPUT, Given, Hosts

VERSION = "2020-12-01"
ARTEFACT = taken("model/model.tar.gz")
_MOST_NAME = 250
"""Of the 256 letters of a parameter's name, so that a number has room."""


@dataclass(frozen=True)
class Batch:
    """A batch transform of the images to predict: on what, and whether probabilities are asked for."""

    instance_type: str
    instances: int
    probabilities: bool


@dataclass(frozen=True)
class Experiment:
    """What a pipeline does, as words of command lines with the paths of its containers.

    `prepare` is the verb whose shards are made, empty where a dataset is `given` by its URI; `dataset` merges, checks
    and tells of it; `predict` is empty with a `batch`; `report` ends with the gate, if there is one.
    `reads` are the inputs by their steps; `commands` what their instances begin with, where that is not this project's
    own command. `least` are the scores that the gate looks at. `out` is the URI below which each execution has a
    folder.
    """

    name: str
    out: str
    hosts: Hosts
    predict_type: str
    trained: Trained
    prepare: Sequence[str]
    dataset: Sequence[str]
    predict: Sequence[str]
    report: Sequence[str]
    given: str = ""
    batch: Batch | None = None
    reads: Mapping[str, Sequence[Given]] = field(default_factory=dict)
    least: Mapping[str, float] = field(default_factory=dict)
    commands: Mapping[str, Sequence[str]] = field(default_factory=dict)
    group: str = ""
    tags: Mapping[str, str] = field(default_factory=dict)
    policies: Policies = NO_POLICIES


def definition(experiment: Experiment) -> dict[str, Any]:
    """The definition that `create_pipeline` takes as JSON. Raises SagesegError for what the service would refuse in a
    step."""
    return {
        "Version": VERSION,
        "Parameters": list(_parameters(experiment)),
        "Steps": settle(
            [_tagged(step, experiment) for step in with_policies(list(_steps(experiment)), experiment.policies)],
            _known(experiment),
        ),
    }


def _tagged(step: Step, experiment: Experiment) -> Step:
    """A processing step with what finds its job in a list of this project's."""
    if step["Type"] != "Processing":
        return step
    tags = tag_list({PROCESS_TAG: tag_value(experiment.name), **experiment.tags})
    return {**step, "Arguments": {**step["Arguments"], "Tags": tags}}


def least_parameters(scores: Iterable[str]) -> dict[str, str]:
    """By score the parameter of what it is to be at least; the place of its value is called so too. Where classes
    have no letters that a name may have, a number tells them apart."""
    names: dict[str, str] = {}
    for score in scores:
        name = re.sub(r"[^\w-]", "-", f"Least-{score}", flags=re.ASCII)[:_MOST_NAME]
        numbers = (f"{name}-{number}" for number in count(2))
        names[score] = name if name not in names.values() else next(n for n in numbers if n not in names.values())
    return names


def _low_of(score: str) -> str:
    """Where gate.json tells a score's lower bound. Raises SagesegError for a name that no path can hold."""
    quote = '"' if "'" in score else "'"
    if quote in score or "\\" in score:
        raise SagesegError(
            f"section gate: {score}: a pipeline finds no score whose class has a backslash, or both kinds of quotes, "
            "in its name; call the class something else, or take the line away"
        )
    return f"scores[{quote}{score}{quote}].low"


def _parameters(experiment: Experiment) -> Iterator[dict[str, Any]]:
    """What people change when they start an execution."""
    hosts, batch = experiment.hosts, experiment.batch
    yield _declared("Out", "String", experiment.out)
    yield _declared("Image", "String", hosts.image)
    yield _declared("ProcessInstanceType", "String", hosts.instance_type)
    if experiment.given:
        yield _declared("Dataset", "String", experiment.given)
    else:
        yield _declared("ProcessInstances", "Integer", hosts.count)
    yield _declared("TrainInstanceType", "String", experiment.trained.attempt.job.instance_type)
    yield _declared("PredictInstanceType", "String", experiment.predict_type)
    if batch:
        yield _declared("PredictInstances", "Integer", batch.instances)
    for score, name in least_parameters(experiment.least).items():
        yield _declared(name, "Float", experiment.least[score])


def _declared(name: str, kind: str, value: Any) -> dict[str, Any]:
    return {"Name": name, "Type": kind, "DefaultValue": value}


def _steps(experiment: Experiment) -> Iterator[Step]:
    hosts = replace(experiment.hosts, count=1)
    dataset, shards = (Given(f"{place(name)}/", taken(name)) for name in ("dataset", "shards"))
    if not experiment.given:
        yield _prepare(experiment)
    made = () if experiment.given else ("dataset", CHANNELS)
    outputs = given_away(*made, "facts", *(("images",) if experiment.batch else ()))
    reads = [dataset if experiment.given else shards]
    yield _processing(experiment, "Dataset", experiment.dataset, reads, outputs, hosts, files={"Facts": "facts.json"})
    request = with_facts(experiment.trained.attempt.request, "Dataset", "Facts")
    yield training_step({**request, "Tags": tag_list(experiment.tags)})
    if experiment.batch:
        yield from _batch(experiment, experiment.batch)
        predicted = Given(f"{place('answers')}/", taken("answers"))
    else:
        model = Given(place("artefact"), taken("model"))
        outputs = given_away("predictions")
        words, kind = experiment.predict, "PredictInstanceType"
        yield _processing(experiment, "Predict", words, [model, dataset], outputs, hosts, kind=kind)
        predicted = Given(f"{place('predictions')}/", taken("predictions"))
    files = {"Gate": "gate.json"} if experiment.least else {}
    outputs = given_away("report", *(("predictions",) if experiment.batch else ()), *map(str.lower, files))
    yield _processing(experiment, "Report", experiment.report, [dataset, predicted], outputs, hosts, files=files)
    yield _registering(experiment)


def _processing(
    experiment: Experiment, name: str, words: Sequence[str], reads: Sequence[Given], *given: Any, **also: Any
) -> Step:
    """A step that reads what its words name too, and begins with the experiment's command."""
    if name in experiment.commands:
        also["command"] = experiment.commands[name]
    return processing_step(name, words, [*reads, *experiment.reads.get(name.lower(), ())], *given, **also)


def _prepare(experiment: Experiment) -> Step:
    """A host makes its own shard; how many there are, it is told by the job."""
    words = ["--shard", "auto", *experiment.prepare]
    step = _processing(experiment, "Prepare", words, [], {"shards": OUTPUT}, experiment.hosts, verb=SHARD_VERB)
    step["Arguments"]["ProcessingResources"]["ClusterConfig"]["InstanceCount"] = parameter("ProcessInstances")
    return step


def _batch(experiment: Experiment, batch: Batch) -> Iterator[Step]:
    job = experiment.trained.attempt.job
    yield model_step(
        ServedModel("sample", job.image, place("artefact"), job.role, job.network, experiment.tags),
    )
    yield transform_step(
        Transform(
            "sample",
            "sample",
            place("images"),
            place("to-answers"),
            batch.instance_type,
            batch.instances,
            accept=PROTOBUF_TYPES[0] if batch.probabilities else PNG,
            concurrent=BUILTIN_CONCURRENT if is_builtin(job.image) and experiment.out.startswith("s3://") else None,
            kms_key=job.kms_key,
            tags=experiment.tags,
        )
    )


def _registering(experiment: Experiment) -> Step:
    job = experiment.trained.attempt.job
    register = register_step(
        experiment.group, job.image, place("artefact"), f"{place('report')}/scores.json", tag_list(experiment.tags)
    )
    if not experiment.least:
        return {**register, "DependsOn": ["Report"]}
    low = {
        score: (json_get("Report", "Gate", _low_of(score)), parameter(name))
        for score, name in least_parameters(experiment.least).items()
    }
    return gate_steps(low, [register])


def _known(experiment: Experiment) -> dict[str, Expression]:
    """What each place comes to."""
    below = {name: join(parameter("Out"), "/", get(EXECUTION_ID), f"/{name}") for name in _MADE}
    if experiment.trained.is_tuning:  # as its training jobs name their artefacts, in whatever execution they ran
        best = get("Steps.Tune.TrainingJobSummaries[0].TrainingJobName")
        models = get("Steps.Tune.TrainingJobDefinition.OutputDataConfig.S3OutputPath")
        artefact = join(models, "/", best, "/output/model.tar.gz")
    else:
        artefact = get("Steps.Train.ModelArtifacts.S3ModelArtifacts")
    return {
        **{f"to-{name}": uri for name, uri in below.items()},
        MODELS: below[MODELS],
        **_known_of_dataset(experiment),
        "artefact": artefact,
        "images": output_of("Dataset", "images"),
        "answers": get("Steps.Transform.TransformOutput.S3OutputPath"),
        "predictions": output_of("Predict", "predictions"),
        "report": output_of("Report", "report"),
        **{name: parameter(name) for name in least_parameters(experiment.least).values()},
    }


def _known_of_dataset(experiment: Experiment) -> dict[str, Expression]:
    if experiment.given:
        return {CHANNELS: join(parameter("Dataset"), f"/{CHANNELS}"), "dataset": parameter("Dataset")}
    made = {name: output_of("Dataset", name) for name in (CHANNELS, "dataset")}
    return {**made, "shards": output_of("Prepare", "shards")}


_MADE = (
    "shards",
    "dataset",
    CHANNELS,
    "facts",
    "images",
    MODELS,
    "answers",
    "predictions",
    "report",
    "gate",
)
"""What an execution leaves, each in a folder of its own."""
