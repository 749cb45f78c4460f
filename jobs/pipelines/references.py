"""Values that only an execution settles, in the requests of a pipeline's steps.

A step's request is made by the same functions as a job's, and checked as one: where a value is not known yet, a sample
stands in its text, `place("channels")`. `settle` then puts in its place what a definition has there, `{"Get": …}` or
`{"Std:Join": …}` (SageMaker Pipeline Definition JSON Schema, version 2020-12-01).
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any

Expression = Mapping[str, Any]
EXECUTION_ID = "Execution.PipelineExecutionId"
_BUCKET = "xn--sageseg-pipeline"
"""S3 has no bucket whose name begins so (naming rules of buckets): what people name is never taken for a place."""
_PLACE = re.compile(rf"(?:s3://|file:///){_BUCKET}/([\w.-]+?)(?=/|$)")
STAND_IN = f"/{_BUCKET}"
"""The folder that stands for the places where URIs are of files."""


def get(path: str) -> Expression:
    """`Parameters.X`, `Steps.X.…` or `Execution.X`."""
    return {"Get": path}


def parameter(name: str) -> Expression:
    return get(f"Parameters.{name}")


def output_of(step: str, name: str) -> Expression:
    """Where an output of a processing step goes."""
    return get(f"Steps.{step}.ProcessingOutputConfig.Outputs['{name}'].S3Output.S3Uri")


def json_get(step: str, file: str, path: str) -> Expression:
    """What a property file of a step holds at a path."""
    return {"Std:JsonGet": {"PropertyFile": get(f"Steps.{step}.PropertyFiles.{file}"), "Path": path}}


def join(*values: Any) -> Expression:
    """Texts and expressions, one behind the other."""
    parts: list[Any] = []
    for value in values:
        inner = value.get("Std:Join") if isinstance(value, Mapping) else None
        parts.extend([value] if inner is None else inner["Values"])
    return {"Std:Join": {"On": "", "Values": parts}}


def place(name: str) -> str:
    """The sample of a place, or of any other text, that an execution settles. A part of a text ends there, or a slash
    follows it."""
    return f"s3://{_BUCKET}/{name}"


def settle(value: Any, known: Mapping[str, Expression]) -> Any:
    """A value with the expression of each place in it, by the place's name."""
    if isinstance(value, Mapping):
        return {name: settle(inner, known) for name, inner in value.items()}
    if isinstance(value, list | tuple):
        return [settle(inner, known) for inner in value]
    if not isinstance(value, str) or not _PLACE.search(value):
        return value
    parts = list(_parts(value, known))
    return parts[0] if len(parts) == 1 else join(*parts)


def _parts(text: str, known: Mapping[str, Expression]) -> Iterator[Any]:
    for number, part in enumerate(_PLACE.split(text)):
        if number % 2:
            yield known[part]
        elif part:
            yield part
