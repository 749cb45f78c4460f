"""Every request that a piece of code sends to AWS, as botocore is asked for it."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import botocore.client
import pytest


@contextmanager
def asked_of_aws() -> Iterator[list[str]]:
    """The requests made while the block runs: service, operation and parameters, one line each."""
    asked: list[str] = []
    real = botocore.client.BaseClient._make_api_call

    def note(client: Any, operation: str, given: dict[str, Any]) -> Any:
        asked.append(f"{client.meta.service_model.service_name}.{operation} {sorted(given.items())}")
        return real(client, operation, given)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(botocore.client.BaseClient, "_make_api_call", note)
        yield asked


def repeated(asked: list[str]) -> list[str]:
    """What was asked more than once."""
    return sorted({request for request in asked if asked.count(request) > 1})
