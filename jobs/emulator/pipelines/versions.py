"""Versions of pipelines: a number for each definition that a pipeline has had, and aliases for some of them.

https://docs.aws.amazon.com/sagemaker/latest/dg/pipelines-version-aliases.html
"""

from __future__ import annotations

from collections.abc import Sequence

from jobs.emulator.api.faults import ServiceError, invalid
from jobs.emulator.store.collection import Collection, ResourceKind
from jobs.emulator.store.state import Record, Resource, State

VERSIONS = ResourceKind(
    word="pipeline-version",
    prefix="PipelineVersion",
    listed="PipelineVersionSummaries",
    missing=("ResourceNotFound", "Pipeline version '{name}' does not exist."),
    taken=("ConflictException", "Pipeline version {arn} already exists"),
)
MAX_ALIASES = 10
"""Of a version."""
_CHANGED = ("PipelineVersionDisplayName", "PipelineVersionDescription")
TOLD = (*_CHANGED, "PipelineVersionAliases")
"""What a pipeline's description has of its version."""


class Versions:
    """The versions of all pipelines. Whoever adds or changes one keeps other threads out meanwhile."""

    def __init__(self, state: State) -> None:
        self._state = state
        self._versions = Collection(state, VERSIONS)

    def of(self, pipeline: str) -> list[Record]:
        """The versions of the pipeline of an ARN, the oldest first."""
        condition = "kind = ? AND json_extract(record, '$.PipelineArn') = ?"
        found = [version.record for version in self._state.select(condition, (VERSIONS.word, pipeline))]
        return sorted(found, key=lambda version: int(version["PipelineVersionId"]))

    def add(self, pipeline: str, number: int, definition: str, aliases: Sequence[str], now: float) -> None:
        """Keep a new version of the pipeline of an ARN; its aliases were checked."""
        arn = f"{pipeline}/version/{number}"
        record = {
            "PipelineVersionName": arn,
            "PipelineVersionArn": arn,
            "PipelineArn": pipeline,
            "PipelineVersionId": number,
            "PipelineVersionAliases": list(aliases),
            "PipelineDefinition": definition,
            "CreationTime": now,
        }
        self._versions.add(record, {})

    def asked(self, pipeline: Resource, request: Record) -> Record:
        """The version that a request names, by its number or an alias, and the latest where it names none."""
        versions = self.of(pipeline.arn)
        number, alias = request.get("PipelineVersionId"), request.get("PipelineVersionAlias")
        if number is not None and alias is not None:
            raise invalid("PipelineVersionId and PipelineVersionAlias in one request; expected one")
        for version in versions:
            if version["PipelineVersionId"] == number or alias in version["PipelineVersionAliases"]:
                return version
        if number is None and alias is None:
            return versions[-1]
        told = f"alias '{alias}'" if number is None else f"version {number}"
        raise ServiceError("ResourceNotFound", f"Pipeline '{pipeline.arn}' has no {told}.")

    def change(self, pipeline: Resource, request: Record) -> None:
        """What UpdatePipelineVersion asks for. Raises ServiceError."""
        version = self.asked(pipeline, {"PipelineVersionId": request["PipelineVersionId"]})
        operations = request.get("PipelineVersionAliasOperations", {})
        added, removed = operations.get("Add", []), operations.get("Remove", [])
        if set(added) & set(removed):
            raise invalid("PipelineVersionAliasOperations has an alias in Add and in Remove")
        kept = [alias for alias in version["PipelineVersionAliases"] if alias not in removed]
        missing = sorted(set(removed) - set(version["PipelineVersionAliases"]))
        if missing:
            raise invalid(f"Pipeline version {version['PipelineVersionId']} has no alias {missing[0]!r}")
        others = [
            other for other in self.of(pipeline.arn) if other["PipelineVersionId"] != version["PipelineVersionId"]
        ]
        check_aliases(added, others, kept)
        changes = {name: request[name] for name in _CHANGED if name in request}
        changes["PipelineVersionAliases"] = list(dict.fromkeys([*kept, *added]))
        self._versions.change(version["PipelineVersionName"], lambda record, _now: record.update(changes))

    def ran(self, version: Record, execution: str) -> None:
        """Keep the ARN of the last execution of a version."""
        changes = {"LastExecutionPipelineExecutionArn": execution}
        self._versions.change(version["PipelineVersionName"], lambda record, _now: record.update(changes))

    def forget(self, pipeline: str) -> None:
        for version in self.of(pipeline):
            self._versions.remove(version["PipelineVersionName"])


def check_aliases(added: Sequence[str], others: Sequence[Record], kept: Sequence[str] = ()) -> None:
    """Raise ServiceError for aliases that a version with those it keeps cannot have beside the other versions."""
    taken = {alias: version["PipelineVersionId"] for version in others for alias in version["PipelineVersionAliases"]}
    for alias in added:
        if alias.isdecimal():
            raise invalid(f"Pipeline version alias {alias!r} consists of numbers only")
        if alias in taken:
            raise invalid(f"Pipeline version alias {alias!r} is version {taken[alias]}'s; remove it from there first")
    if len(set(added)) < len(added) or len({*kept, *added}) > MAX_ALIASES:
        raise invalid(f"Pipeline version aliases {', '.join(added)}; expected up to {MAX_ALIASES} for a version")
