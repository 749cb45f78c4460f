"""The one place where MLflow is spoken to: runs found, made and filled, each request asked once and waited for briefly.

A server that is away, slow or fails is a `RecordError`, whatever its client raises of it.
"""

from __future__ import annotations

import logging
import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from aws.clients import aws_errors
from formats.errors import SagesegError
from jobs.creating import alone
from jobs.recording.facts import KEY, Measured, RunFacts
from jobs.recording.place import check_installed, experiment_name, is_arn

SETTINGS = {
    "MLFLOW_HTTP_REQUEST_TIMEOUT": "10",
    # a request whose answer was lost may have made a run: the next call looks for it
    "MLFLOW_HTTP_REQUEST_MAX_RETRIES": "0",
    "MLFLOW_DISABLE_TELEMETRY": "true",
    "MLFLOW_ENABLE_ARTIFACTS_PROGRESS_BAR": "false",
    "MLFLOW_SUPPRESS_PRINTING_URL_TO_STDOUT": "true",
}
"""MLflow's own variables; one that the user has set stays."""
_MOST_METRICS, _MOST_OTHERS = 1000, 100
"""What a server takes in one request (MLflow, `MAX_METRICS_PER_BATCH`, `MAX_PARAMS_TAGS_PER_BATCH`)."""
_PARENT, _DELETED = "mlflow.parentRunId", "deleted"


class RecordError(SagesegError):
    """What was to be recorded is not, or not all of it; the job is not touched by that."""


@dataclass(frozen=True)
class MlflowServer:
    """An experiment at a server."""

    uri: str
    client: Any
    experiment: str

    def keep(self, facts: RunFacts, parent: str = "") -> str:
        """Make the job's run hold these facts, and no value twice; its id. `parent` is the run that it stands below.
        Raises RecordError."""
        with alone("mlflow", self.uri), _record_errors(self.uri):  # two commands would make two runs
            run = self._found(facts) or self._made(facts, parent)
            run_id = str(run.info.run_id)
            self._log(run_id, run.data, facts, parent)
            if facts.ended is not None:
                self.client.set_terminated(run_id, facts.status, facts.ended)
            for kept in facts.files:  # last: they may lie in a store of their own, which may refuse them
                self.client.log_artifact(run_id, str(kept.path), kept.folder or None)
            return run_id

    def _found(self, facts: RunFacts) -> Any:
        if facts.run_id:
            return self.client.get_run(facts.run_id)
        found = self.client.search_runs([self.experiment], f"tags.`{KEY}` = '{facts.key}'", max_results=1)
        return found[0] if found else None

    def _made(self, facts: RunFacts, parent: str) -> Any:
        above = {_PARENT: parent} if parent else {}
        tags = {KEY: facts.key, **above}
        return self.client.create_run(self.experiment, start_time=facts.started, tags=tags, run_name=facts.name)

    def _log(self, run_id: str, there: Any, facts: RunFacts, parent: str) -> None:
        from mlflow.entities import Metric, Param, RunTag

        tags = {**facts.tags, **({_PARENT: parent} if parent else {})}
        # a parameter never changes: where a server has another value it stays, and none is sent again
        params = [Param(name, text) for name, text in facts.params.items() if name not in there.params]
        changed = [RunTag(name, text) for name, text in tags.items() if there.tags.get(name) != text]
        new = [Metric(each.name, each.value, each.at, each.step or 0) for each in self._new(run_id, there, facts)]
        kinds: tuple[tuple[str, list[Any], int], ...] = (
            ("params", params, _MOST_OTHERS),
            ("tags", changed, _MOST_OTHERS),
            ("metrics", new, _MOST_METRICS),
        )
        for kind, items, most in kinds:
            for start in range(0, len(items), most):
                self.client.log_batch(run_id, **{kind: items[start : start + most]})

    def _new(self, run_id: str, there: Any, facts: RunFacts) -> Iterator[Measured]:
        """The metrics that the run has not yet."""
        names = {each.name for each in facts.metrics if each.step is not None and each.name in there.metrics}
        steps = {name: {each.step for each in self.client.get_metric_history(run_id, name)} for name in names}
        for each in facts.metrics:
            known = each.step in steps.get(each.name, ()) if each.step is not None else self._is(there, each)
            if not known:
                yield each

    @staticmethod
    def _is(there: Any, each: Measured) -> bool:
        return bool(there.metrics.get(each.name) == each.value)


def open_mlflow(uri: str) -> MlflowServer:
    """The experiment at a server, made where it is missing. Raises RecordError where it cannot be had, SagesegError
    where what speaks to it is not installed."""
    check_installed(uri)
    for name, value in SETTINGS.items():
        os.environ.setdefault(name, value)
    with alone("mlflow", uri), _record_errors(uri):
        from mlflow import MlflowClient, set_tracking_uri

        # sagemaker-mlflow 0.5.0 signs for the place that is set for all, and takes every other one for its own, too
        if is_arn(uri):
            set_tracking_uri(uri)
        else:
            logging.getLogger("mlflow.tracking.request_header.registry").setLevel(logging.ERROR)
        client = MlflowClient(tracking_uri=uri)
        name = experiment_name()
        found = client.get_experiment_by_name(name)
        if found is None:
            return MlflowServer(uri, client, str(client.create_experiment(name)))
        if found.lifecycle_stage == _DELETED:
            raise RecordError(
                f"{uri}: its experiment {name} was deleted; restore it there, or set MLFLOW_EXPERIMENT_NAME to another"
            )
        return MlflowServer(uri, client, str(found.experiment_id))


@contextmanager
def _record_errors(uri: str) -> Iterator[None]:
    try:
        with aws_errors(f"asking {uri}"):
            yield
    except RecordError:
        raise
    except Exception as e:  # servers, proxies and plugins let the client raise anything; none costs a job
        look = "look whether it is there and lets you write"
        raise RecordError(f"{uri}: cannot be written to ({_reason(e)}); {look}") from e


def _reason(error: BaseException) -> str:
    """The innermost cause: MLflow's own text repeats a request's whole history."""
    while (inner := error.__cause__ or error.__context__) is not None:
        error = inner
    return f"{type(error).__name__}: {error}".rstrip(".")
