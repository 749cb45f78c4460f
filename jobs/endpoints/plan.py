"""An endpoint settled before it is made: pure but for the artefact's own settings where no job tells them."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from aws.names import JOB_TAG, MAX_ENDPOINT_NAME, UNTIL_TAG, check_name, format_until, tag_value
from formats.errors import SagesegError
from jobs.contract.service_model import check_request
from jobs.contract.serving_requests import (
    ServedModel,
    Serving,
    endpoint_config_request,
    endpoint_request,
    model_request,
)
from jobs.endpoints.capacity import most_instances, with_capacity
from jobs.endpoints.lease import schedule_request
from jobs.endpoints.options import DeployOptions
from jobs.endpoints.scaling import scaling_requests
from jobs.tracking.trained_model import TrainedModel, check_served_onnx, endpoint_name, served_image, served_role


@dataclass(frozen=True)
class Deployment:
    """An endpoint to be made, settled in every part; model, configuration and endpoint share its name. `most_instances`
    is of an asynchronous one."""

    trained: TrainedModel
    model: ServedModel
    serving: Serving
    until: datetime | None = None
    scheduler_role: str | None = None
    most_instances: int = 1

    @property
    def name(self) -> str:
        return self.serving.name


def plan_deployment(
    trained: TrainedModel,
    options: DeployOptions,
    *,
    role: str | None,
    scheduler_role: str | None,
    now: datetime,
    package: str = "",
) -> Deployment:
    """Settle an endpoint, or refuse it before anything is sent. `package` is the ARN of the version that is served."""
    name = options.name or endpoint_name(trained, now)
    check_name(name)
    if len(name) > MAX_ENDPOINT_NAME:
        raise SagesegError(f"--name {name}: {len(name)} characters; expected at most {MAX_ENDPOINT_NAME}")
    until = now.replace(microsecond=0) + options.ttl if options.ttl else None
    if until and trained.backend == "aws" and not scheduler_role:
        raise SagesegError(
            "--ttl: nothing would end this lease: --scheduler-role (or SAGESEG_SCHEDULER_ROLE) is missing, the ARN of "
            "a role with which EventBridge Scheduler deletes the endpoint; sageseg jobs policy --scheduler makes it, "
            "or leave --ttl out"
        )
    tags = {**trained.tags, JOB_TAG: tag_value(trained.name)} | ({UNTIL_TAG: format_until(until)} if until else {})
    image = options.image or served_image(trained)
    model = ServedModel(name, image, trained.artefact_uri, served_role(trained, role), trained.network, tags, package)
    serving = with_capacity(Serving(name, name, kms_key=trained.kms_key, tags=tags), options, trained, image)
    check_served_onnx(trained, image, serving.instance_type)
    role_of_lease = scheduler_role if until and trained.backend == "aws" else None
    return Deployment(trained, model, serving, until, role_of_lease, most_instances(options))


def requests_of(deployment: Deployment) -> dict[str, dict[str, Any]]:
    """The checked requests by operation, in the order in which they are sent."""
    local = deployment.trained.backend == "local"
    requests = {
        "CreateModel": model_request(deployment.model),
        "CreateEndpointConfig": endpoint_config_request(deployment.serving),
        "CreateEndpoint": endpoint_request(deployment.serving),
    }
    for operation, request in requests.items():
        check_request("sagemaker", operation, request, file_uris=local)
    if deployment.serving.answers:
        requests |= scaling_requests(deployment.name, deployment.most_instances, alarm=not local)
    if not (deployment.until and deployment.scheduler_role):
        return requests
    region = deployment.trained.region
    schedule = schedule_request(deployment.name, deployment.until, deployment.scheduler_role, region)
    check_request("scheduler", "CreateSchedule", schedule)
    return {"CreateSchedule": schedule, **requests}
