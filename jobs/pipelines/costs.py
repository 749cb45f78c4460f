"""What an execution may cost: the most that each of its steps can, and all of them together."""

from __future__ import annotations

from dataclasses import replace

from jobs.cost.agreement import StepQuote, agree_on_steps
from jobs.cost.prices import STORAGE, find_rate
from jobs.cost.quotes import ProcessingQuote, TransformQuote
from jobs.pipelines.definition import Experiment
from jobs.processing.request import Hosts
from jobs.training.quoting import quote_of


def agree_on_execution(experiment: Experiment, region: str, *, max_cost: float | None, yes: bool) -> None:
    """Say what the steps may cost, and have it agreed to. Raises SagesegError where it is more than `max_cost`."""
    hosts, batch = experiment.hosts, experiment.batch
    one = _processing(replace(hosts, count=1), region)
    predict = replace(hosts, count=1, instance_type=experiment.predict_type)
    predicted: StepQuote
    if batch:
        predicted = TransformQuote(
            batch.instance_type, find_rate(region, batch.instance_type, "Tsform"), batch.instances
        )
    else:
        predicted = _processing(predict, region)
    quotes: dict[str, StepQuote] = {
        **({} if experiment.given else {"Prepare": _processing(hosts, region)}),
        "Dataset": one,
        "Tune" if experiment.trained.is_tuning else "Train": quote_of(experiment.trained.attempt, region, None, None),
        "Transform" if batch else "Predict": predicted,
        "Report": one,
    }
    again = [name for name, quote in quotes.items() if name != "Tune" and not isinstance(quote, TransformQuote)]
    times = 1 + experiment.policies.again.internal  # for the other errors nothing has run yet
    agree_on_steps(quotes, dict.fromkeys(again, times), max_cost=max_cost, yes=yes)


def _processing(hosts: Hosts, region: str) -> ProcessingQuote:
    rate = find_rate(region, hosts.instance_type, "Processing")
    return ProcessingQuote(
        hosts.instance_type, rate, hosts.count, hosts.max_runtime_seconds, hosts.volume_gb, STORAGE.get(region)
    )
