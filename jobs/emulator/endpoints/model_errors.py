"""What SageMaker Runtime says of a container that failed (error messages in public issues)."""

from __future__ import annotations

from jobs.contract.log_lines import endpoint_logs
from jobs.emulator.api.faults import ServiceError
from jobs.emulator.store.state import Resource

TIMED_OUT = (
    "Your invocation timed out while waiting for a response from container primary. Review the latency metrics for "
    "each container in Amazon CloudWatch, resolve the issue, and try again."
)
CLOSED = "The container primary closed the connection without a response."


def model_error_text(endpoint: Resource, status: int, message: str) -> str:
    """Status 0 stands for no answer."""
    _, _, _, region, account, _ = endpoint.arn.split(":", 5)
    return (
        f'Received {_side(status)} error ({status}) from primary with message "{message}". '
        f"See https://{region}.console.aws.amazon.com/cloudwatch/home?region={region}#logEventViewer:"
        f"group={endpoint_logs(endpoint.name)} in account {account} for more information."
    )


def model_error(endpoint: Resource, status: int, message: str) -> ServiceError:
    """ModelError as SageMaker Runtime words it."""
    _, _, _, region, account, _ = endpoint.arn.split(":", 5)
    extra: dict[str, str | int] = {
        "ErrorCode": f"{_side(status).upper()}_ERROR_FROM_MODEL",
        "LogStreamArn": f"arn:aws:logs:{region}:{account}:log-group:{endpoint_logs(endpoint.name)}",
        "OriginalMessage": message,
        "OriginalStatusCode": status,
    }
    return ServiceError("ModelError", model_error_text(endpoint, status, message), 424, extra)


def _side(status: int) -> str:
    return "client" if 400 <= status < 500 else "server"
