"""Where a record is kept: the URI of an MLflow server, or the ARN of one that SageMaker manages."""

from __future__ import annotations

import os
import re
from importlib.util import find_spec
from urllib.parse import SplitResult, unquote, urlsplit

from formats.errors import SagesegError
from formats.texts.redaction import HIDDEN, know

EXPERIMENT = "sageseg"
"""The experiment of all runs, unless MLFLOW_EXPERIMENT_NAME names another one."""
_ARN = re.compile(r"arn:aws[a-z-]*:sagemaker:[a-z0-9-]+:[0-9]{12}:mlflow-[a-zA-Z-]+/.+")
"""As the service's model has `MlflowResourceArn`."""
_OF_SERVERS, _OF_DATABASES = ("http", "https", "databricks"), ("sqlite", "postgresql", "mysql", "mssql")
_UNFIT = re.compile(r"[\s\"'\\<>]")
_EXPECTED = "an MLflow server's http:// or https:// URI, or the ARN of one that SageMaker manages"


def parse_mlflow(text: str, said: str = "--mlflow") -> str:
    """A server's URI, a database's, or an ARN, as it was `said`; a password in it is hidden from now on. Raises
    SagesegError for what is none of them, and shows nothing of who may write there."""
    if is_arn(text):
        return text
    if text.startswith("arn:"):
        raise SagesegError(
            f"{said} {text}: no ARN of an MLflow; expected such as "
            "arn:aws:sagemaker:us-east-1:123456789012:mlflow-tracking-server/team"
        )
    shown = f"{HIDDEN}@{text.rpartition('@')[2]}" if "@" in text else text
    try:
        parts = urlsplit(text)
        scheme = parts.scheme.partition("+")[0]
        if scheme in _OF_SERVERS and parts.netloc:
            _check_signs(text, parts)
    except ValueError as e:
        raise SagesegError(f"{said} {shown}: no URI ({e}); expected {_EXPECTED}") from e
    if scheme in _OF_DATABASES or (scheme in _OF_SERVERS and parts.netloc) or text == "databricks":
        secret = parts.password or parts.username
        know(secret, unquote(secret or ""))
        return text
    raise SagesegError(f"{said} {shown}: expected {_EXPECTED}")


def _check_signs(text: str, parts: SplitResult) -> None:
    """Raise ValueError for a URI that would be taken apart elsewhere than where its author did, and a part of its
    password for the server's name."""
    try:
        _ = parts.port
        is_whole = ("@" in parts.netloc) == ("@" in text) and not _UNFIT.search(text)
    except ValueError:
        is_whole = False
    if not is_whole:
        raise ValueError("a port is a number, and a sign that no name or password of a URI may have is written as %2F")


def is_arn(text: str) -> bool:
    """Whether this is the ARN of an MLflow that SageMaker manages, a tracking server or an app."""
    return _ARN.fullmatch(text) is not None


def experiment_name() -> str:
    """MLflow's own variable, or this project's."""
    return os.environ.get("MLFLOW_EXPERIMENT_NAME") or EXPERIMENT


def check_installed(uri: str) -> None:
    """Raise SagesegError, with the line that installs it, where what speaks to the server is missing."""
    if find_spec("mlflow") is None:
        raise SagesegError(
            "--mlflow: needs mlflow, which is not installed; run pip install -e '.[mlflow]' in the checkout"
        )
    if is_arn(uri) and find_spec("sagemaker_mlflow") is None:
        raise SagesegError(
            f"--mlflow {uri}: an ARN needs sagemaker-mlflow, which is not installed; run pip install sagemaker-mlflow"
        )
