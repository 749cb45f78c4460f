"""What a shell is told, so that all that runs there takes an emulator for AWS.

eval "$(sageseg jobs emulator --env)"
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from shlex import quote

from jobs.emulator.keys import Keys

REGION = "us-east-1"
EMULATED = (
    "SAGEMAKER",
    "SAGEMAKER_RUNTIME",
    "CLOUDWATCH_LOGS",
    "SERVICE_QUOTAS",
    "APPLICATION_AUTO_SCALING",
    "PRICING",
)
"""Services that the emulator answers for, as `AWS_ENDPOINT_URL_…` names them. It knows no prices, and says so; moto
would fail of the question."""
FORGOTTEN = ("AWS_PROFILE", "AWS_SESSION_TOKEN", "AWS_IGNORE_CONFIGURED_ENDPOINT_URLS")
"""What a shell may have that leads to a real account, or past the endpoints."""


def shell_variables(url: str, keys: Keys, home: Path) -> dict[str, str]:
    """The emulator's address for all that it answers for, and its keys, which AWS itself refuses."""
    return {
        **{f"AWS_ENDPOINT_URL_{name}": url for name in EMULATED},
        "AWS_ACCESS_KEY_ID": keys.access_key,
        "AWS_SECRET_ACCESS_KEY": keys.secret_key,
        **dict.fromkeys(("AWS_REGION", "AWS_DEFAULT_REGION"), REGION),
        **dict.fromkeys(("NO_PROXY", "no_proxy"), "127.0.0.1,localhost,::1"),
        "SAGESEG_HOME": str(home),
    }


def shell_lines(variables: Mapping[str, str], forgotten: tuple[str, ...] = FORGOTTEN) -> Iterator[str]:
    """What is copied into another shell, or read by it."""
    yield f"unset {' '.join(forgotten)}"
    yield from (f"export {name}={quote(value)}" for name, value in variables.items())
