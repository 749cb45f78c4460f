"""Which operations of AWS the verbs call, read from their source."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from functools import cache
from pathlib import Path

from botocore import xform_name

from jobs.contract.service_model import load_service

ROOT = Path(__file__).parents[2]
_CALLERS = ("aws", "prep", "jobs")
NOT_THE_CALLERS = {"lambda_handler.py", "mlflow_server.py"}
"""One runs with a role of its own, the other speaks to MLflow."""
_SERVERS = ("jobs/emulator/", "jobs/algorithm/")
"""Rooms that stand on AWS's side."""
SERVICES = (
    "sagemaker",
    "sagemaker-runtime",
    "s3",
    "logs",
    "cloudwatch",
    "pricing",
    "scheduler",
    "service-quotas",
    "application-autoscaling",
    "sts",
    "iam",
    "health",
)


@cache
def called_operations() -> frozenset[str]:
    """`service:Operation` of every operation that a module of aws/, prep/ or jobs/ calls on a client."""
    trees = [tree for name, tree in _trees() if name not in NOT_THE_CALLERS]
    texts = {text for tree in trees for text in _texts(tree)}
    tables = {name for tree in trees for name in _tables(tree)}
    words = {table: {word for tree in trees for word in _words_of(tree, table)} for table in tables}
    names = {name for tree in trees for name in (*_methods(tree), *_completed(tree, words))} | texts
    return frozenset(operation for name in names for operation in _operations().get(name, ()))


def clients_made() -> set[str]:
    """The services of which a module of aws/, prep/ or jobs/ makes a client by name."""
    trees = [tree for _, tree in _trees()]
    calls = [node for tree in trees for node in ast.walk(tree) if isinstance(node, ast.Call)]
    makers = [call for call in calls if getattr(call.func, "id", getattr(call.func, "attr", "")) in _MAKERS]
    names = [call.args[0].value for call in makers if call.args and isinstance(call.args[0], ast.Constant)]
    return {str(name) for name in names}


_MAKERS = ("make_client", "client")


@cache
def _trees() -> list[tuple[str, ast.Module]]:
    paths = [path for house in _CALLERS for path in sorted((ROOT / house).rglob("*.py"))]
    callers = [path for path in paths if not path.relative_to(ROOT).as_posix().startswith(_SERVERS)]
    return [(path.name, ast.parse(path.read_text(encoding="utf-8"))) for path in callers]


def _texts(tree: ast.AST) -> Iterator[str]:
    for node in ast.walk(tree):
        if isinstance(node, ast.Constant) and isinstance(node.value, str):
            yield node.value


def _methods(tree: ast.AST) -> Iterator[str]:
    """Attributes that may be operations: `client.stop_training_job`, called or handed on; those of one
    word, such as `search`, where they are called with keywords alone, as boto3 asks for."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Attribute) and "_" in node.attr:
            yield node.attr
        elif isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.keywords and not node.args:
            yield node.func.attr


def _tables(tree: ast.AST) -> Iterator[str]:
    """The classes that hold a part of operations' names: those with a field `call`."""
    for node in ast.walk(tree):
        if isinstance(node, ast.ClassDef):
            fields = [field.target for field in node.body if isinstance(field, ast.AnnAssign)]
            if any(isinstance(field, ast.Name) and field.id == "call" for field in fields):
                yield node.name


def _words_of(tree: ast.AST, table: str) -> Iterator[str]:
    """The words of each row: `Kind("configuration", "endpoint_config", …)`."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == table:
            yield from (str(argument.value) for argument in node.args if isinstance(argument, ast.Constant))


def _completed(tree: ast.AST, words: dict[str, set[str]]) -> Iterator[str]:
    """`f"describe_{kind.call}"`, with the words of each table that the module speaks of filled in."""
    spoken_of = {node.id for node in ast.walk(tree) if isinstance(node, ast.Name)} & set(words)
    for node in ast.walk(tree):
        if isinstance(node, ast.JoinedStr):
            for word in (word for table in spoken_of for word in words[table]):
                yield "".join(str(part.value) if isinstance(part, ast.Constant) else word for part in node.values)


@cache
def _operations() -> dict[str, list[str]]:
    """boto3's method name → `service:Operation` of each service that has it."""
    found: dict[str, list[str]] = {}
    for service in SERVICES:
        for operation in load_service(service).operation_names:
            found.setdefault(xform_name(operation), []).append(f"{service}:{operation}")
    return found


OTHER_NAMES = {
    "s3:HeadBucket": "s3:ListBucket",
    "s3:ListObjectsV2": "s3:ListBucket",
    "s3:HeadObject": "s3:GetObject",
    "s3:DeleteObjects": "s3:DeleteObject",
    "sagemaker-runtime:InvokeEndpoint": "sagemaker:InvokeEndpoint",
    "sagemaker-runtime:InvokeEndpointAsync": "sagemaker:InvokeEndpointAsync",
    "service-quotas:ListServiceQuotas": "servicequotas:ListServiceQuotas",
}
"""Operations whose permission is called otherwise (S3 user guide, Required permissions)."""
