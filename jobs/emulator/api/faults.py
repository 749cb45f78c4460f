"""What a service answers when it refuses: a code, a text and an HTTP status."""

from __future__ import annotations

from collections.abc import Mapping


class ServiceError(Exception):
    """A refusal that the client receives. `code` is the service's name for it; `extra` holds its
    further members, where it has any."""

    def __init__(
        self, code: str, message: str, status: int = 400, extra: Mapping[str, str | int] | None = None
    ) -> None:
        super().__init__(message)
        self.code, self.message, self.status, self.extra = code, message, status, dict(extra or {})


def invalid(message: str) -> ServiceError:
    """SageMaker's refusal of a value, and of a name it does not know."""
    return ServiceError("ValidationException", message)
