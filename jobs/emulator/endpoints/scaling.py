"""Application Auto Scaling's operations, as far as they let asynchronous endpoints sleep and wake."""

from __future__ import annotations

import re
import time
import uuid
from collections.abc import Callable

from jobs.emulator.api.app import Operation
from jobs.emulator.api.faults import ServiceError, invalid
from jobs.emulator.endpoints.capacity import Scaling
from jobs.emulator.endpoints.record import deployment_of
from jobs.emulator.store.collection import Collection
from jobs.emulator.store.paging import cut_page
from jobs.emulator.store.state import Record, Resource, State

SERVICE = "application-autoscaling"
_DIMENSION = "sagemaker:variant:DesiredInstanceCount"
_BACKLOG = "ApproximateBacklogSizePerInstance"
_TARGET, _POLICY = "scalable-target", "scaling-policy"
_RESOURCE = re.compile(r"endpoint/([^/]+)/variant/([^/]+)")
_BAD_TOKEN = ServiceError("InvalidNextTokenException", "The next token is not valid.")
_TRACKED, _STEPS = "TargetTrackingScalingPolicyConfiguration", "StepScalingPolicyConfiguration"
_CONFIGURATIONS = {"TargetTrackingScaling": _TRACKED, "StepScaling": _STEPS}


class ApplicationScaling:
    """The operations on scalable targets and their policies; `changed` is told the name of an endpoint of which they
    speak."""

    def __init__(self, state: State, endpoints: Collection, changed: Callable[[str], None]) -> None:
        self._state, self._endpoints, self._changed = state, endpoints, changed

    def operations(self) -> dict[tuple[str, str], Operation]:
        answered = {
            "RegisterScalableTarget": self.register,
            "DescribeScalableTargets": self.describe_targets,
            "DeregisterScalableTarget": self.deregister,
            "PutScalingPolicy": self.put_policy,
            "DescribeScalingPolicies": self.describe_policies,
            "DeleteScalingPolicy": self.delete_policy,
        }
        return {(SERVICE, name): operation for name, operation in answered.items()}

    def register(self, request: Record, region: str) -> Record:
        """A new target, or other bounds of one that is there."""
        resource, before = request["ResourceId"], self._state.get(_TARGET, request["ResourceId"])
        endpoint = self._checked(request)
        for name in ("RoleARN", "SuspendedState", "Tags"):
            if name in request:
                raise invalid(f"{name} is not emulated")
        bounds: Record = {name: request[name] for name in ("MinCapacity", "MaxCapacity") if name in request}
        known: Record = before.record if before else {"CreationTime": time.time()}
        record: Record = {**known, **_place(request), **bounds}
        if "MinCapacity" not in record or "MaxCapacity" not in record:
            raise invalid("MinCapacity and MaxCapacity are required to register a new scalable target")
        if not 0 <= record["MinCapacity"] <= record["MaxCapacity"]:
            raise invalid("Maximum capacity cannot be less than minimum capacity, and neither below 0")
        record.setdefault("ScalableTargetARN", _arn(endpoint, region, SERVICE, f"scalable-target/{uuid.uuid4().hex}"))
        self._replace(_TARGET, resource, record["ScalableTargetARN"], record)
        self._changed(endpoint.name)
        return {"ScalableTargetARN": record["ScalableTargetARN"]}

    def _checked(self, request: Record) -> Resource:
        """The endpoint that a request means, whose instances may come and go."""
        _check_dimension(request)
        found = _RESOURCE.fullmatch(request["ResourceId"])
        endpoint = self._endpoints.find(found[1]) if found else None
        deployment = deployment_of(endpoint.record) if endpoint else None
        if not found or endpoint is None or deployment is None or deployment.variant != found[2]:
            raise invalid(f"There is no variant {request['ResourceId']} to scale")
        if endpoint.record["EndpointStatus"] != "InService":
            raise invalid(f"Endpoint {endpoint.name} is {endpoint.record['EndpointStatus']}, not InService")
        if deployment.answers is None:
            raise invalid("Scaling of endpoints that are not asynchronous is not emulated")
        return endpoint

    def describe_targets(self, request: Record, _region: str) -> Record:
        wanted = request.get("ResourceIds")
        found = [r for r in self._all(_TARGET, request) if wanted is None or r["ResourceId"] in wanted]
        return _page("ScalableTargets", found, request)

    def deregister(self, request: Record, _region: str) -> Record:
        """The target goes with its policies; the endpoint keeps the instances that it has."""
        _check_dimension(request)
        resource = self._target(request).name
        for policy in self._all(_POLICY, request):
            if policy["ResourceId"] == resource:
                self._state.delete(_POLICY, _policy_name(policy))
        self._state.delete(_TARGET, resource)
        self._changed(resource.split("/")[1])
        return {}

    def put_policy(self, request: Record, region: str) -> Record:
        """A new policy of a target, or another one of its name."""
        _check_dimension(request)
        resource = self._target(request).name
        kind = request.get("PolicyType", "StepScaling")
        if kind not in _CONFIGURATIONS:
            raise invalid(f"PolicyType {kind} is not emulated")
        configuration = request.get(_CONFIGURATIONS[kind])
        if configuration is None:
            raise invalid(f"{_CONFIGURATIONS[kind]} is missing")
        if kind == "TargetTrackingScaling":
            metric = configuration.get("CustomizedMetricSpecification", {}).get("MetricName")
            if metric != _BACKLOG:
                raise invalid(f"Target tracking of another metric than {_BACKLOG} is not emulated")
        name = _policy_name(request)
        before = self._state.get(_POLICY, name)
        endpoint = self._endpoints.get(resource.split("/")[1], region)
        told = f"scalingPolicy:{uuid.uuid4()}:resource/sagemaker/{resource}:policyName/{request['PolicyName']}"
        arn = before.arn if before else _arn(endpoint, region, "autoscaling", told)
        record = {
            **_place(request),
            "PolicyARN": arn,
            "PolicyName": request["PolicyName"],
            "PolicyType": kind,
            _CONFIGURATIONS[kind]: configuration,
            "CreationTime": before.created if before else time.time(),
        }
        self._replace(_POLICY, name, arn, record)
        self._changed(endpoint.name)
        return {"PolicyARN": arn, "Alarms": []}

    def describe_policies(self, request: Record, _region: str) -> Record:
        names, resource = request.get("PolicyNames"), request.get("ResourceId")
        found = [
            record
            for record in self._all(_POLICY, request)
            if (names is None or record["PolicyName"] in names) and resource in (None, record["ResourceId"])
        ]
        return _page("ScalingPolicies", found, request)

    def delete_policy(self, request: Record, _region: str) -> Record:
        _check_dimension(request)
        name = _policy_name(request)
        if self._state.get(_POLICY, name) is None:
            raise _not_found("scaling policy", request)
        self._state.delete(_POLICY, name)
        self._changed(request["ResourceId"].split("/")[1])
        return {}

    def _target(self, request: Record) -> Resource:
        found = self._state.get(_TARGET, request["ResourceId"])
        if found is None:
            raise _not_found("scalable target", request)
        return found

    def _all(self, kind: str, request: Record) -> list[Record]:
        if request["ServiceNamespace"] != "sagemaker":
            return []
        return [found.record for found in self._state.select("kind = ?", (kind,), "ORDER BY created, name")]

    def _replace(self, kind: str, name: str, arn: str, record: Record) -> None:
        with self._state.alone():
            self._state.delete(kind, name)
            created = record["CreationTime"]
            self._state.insert(Resource(kind, name, arn, "", created, time.time(), record, []))


def scaling_of(state: State, endpoint: str, variant: str) -> Scaling | None:
    """What holds for a variant now; None where no target is registered."""
    resource = f"endpoint/{endpoint}/variant/{variant}"
    target = state.get(_TARGET, resource)
    if target is None:
        return None
    policies = state.select("kind = ?", (_POLICY,))
    records = [policy.record for policy in policies if policy.record["ResourceId"] == resource]
    each = [record[_TRACKED]["TargetValue"] for record in records if _TRACKED in record]
    return Scaling(target.record["MinCapacity"], min(each, default=None), any(_STEPS in record for record in records))


def _check_dimension(request: Record) -> None:
    if request["ServiceNamespace"] != "sagemaker" or request["ScalableDimension"] != _DIMENSION:
        raise invalid(f"Scaling of another dimension than {_DIMENSION} is not emulated")


def _place(request: Record) -> Record:
    return {name: request[name] for name in ("ServiceNamespace", "ResourceId", "ScalableDimension")}


def _policy_name(record: Record) -> str:
    return f"{record['ResourceId']}/{record['PolicyName']}"


def _page(listed: str, found: list[Record], request: Record) -> Record:
    page, token = cut_page(found, request, _BAD_TOKEN)
    return {listed: page, **({"NextToken": token} if token else {})}


def _not_found(what: str, request: Record) -> ServiceError:
    return ServiceError(
        "ObjectNotFoundException",
        f"No {what} registered for service namespace: {request['ServiceNamespace']}, resource ID: "
        f"{request['ResourceId']}, scalable dimension: {request['ScalableDimension']}",
    )


def _arn(endpoint: Resource, region: str, service: str, rest: str) -> str:
    _, partition, _, _, account, _ = endpoint.arn.split(":", 5)
    return f"arn:{partition}:{service}:{region}:{account}:{rest}"
