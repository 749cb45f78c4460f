"""Tags of any resource: AddTags and ListTags."""

from __future__ import annotations

from jobs.emulator.api.app import Operation
from jobs.emulator.api.faults import invalid
from jobs.emulator.store.state import Record, Resource, State

MAX_TAGS = 50


class Tags:
    """The operations on tags."""

    def __init__(self, state: State) -> None:
        self._state = state

    def operations(self) -> dict[tuple[str, str], Operation]:
        return {("sagemaker", "ListTags"): self.list_tags, ("sagemaker", "AddTags"): self.add_tags}

    def list_tags(self, request: Record, _region: str) -> Record:
        return {"Tags": self._resource(request["ResourceArn"]).tags}

    def add_tags(self, request: Record, _region: str) -> Record:
        """Add tags; a key that is there gets the new value."""
        with self._state.alone():
            resource = self._resource(request["ResourceArn"])
            tags = {tag["Key"]: tag["Value"] for tag in [*resource.tags, *request["Tags"]]}
            if len(tags) > MAX_TAGS:
                raise invalid(f"The number of tags exceeds the limit of {MAX_TAGS} for {resource.arn}")
            merged = [{"Key": key, "Value": value} for key, value in tags.items()]
            self._state.set_tags(resource.kind, resource.name, merged)
        return {"Tags": merged}

    def _resource(self, arn: str) -> Resource:
        resource = self._state.by_arn(arn)
        if resource is None:
            raise invalid("Requested resource not found.")
        return resource
