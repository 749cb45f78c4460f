"""Answers that are not AWS's: a hotel's portal, a proxy or a broken server may send anything with status 200.

botocore takes what it can from an answer, and fails in its own ways of the rest. Here every answer is looked at by
AWS's own model: what is of another kind, or cannot be read, is one line, and so is a member that is missing where it
is asked for.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from datetime import datetime
from typing import Any

from botocore.parsers import ResponseParserError, ResponseParserFactory

from aws.errors import AwsError
from formats.texts.typed_json import as_told, short

_FAILS, _ENDLESS, _QUOTE = 300, 2**63, "'"
MEND = "what answered may not be AWS: look at the network, HTTPS_PROXY and AWS_ENDPOINT_URL"
_UNREADABLE = (ResponseParserError, ValueError, TypeError, LookupError, AttributeError, ArithmeticError, RuntimeError)
"""What botocore's parsers raise of an answer that is not of its model."""
_KINDS: dict[str, tuple[type, ...]] = {
    "structure": (dict,),
    "map": (dict,),
    "list": (list,),
    "string": (str,),
    "boolean": (bool,),
    "integer": (int, float),
    "long": (int, float),
    "float": (int, float),
    "double": (int, float),
    "timestamp": (datetime, str),
}
"""By the kind of a shape, what botocore makes of it; a listing's times stay texts."""


class AnswerParsers(ResponseParserFactory):  # type: ignore[misc]  # botocore has no types
    """botocore's parsers, each with these looks; a session takes it as its `response_parser_factory`."""

    def create_parser(self, protocol_name: str) -> AnswerParser:
        return AnswerParser(super().create_parser(protocol_name))


class AnswerParser:
    """A parser of botocore's."""

    def __init__(self, parser: Any) -> None:
        self._parser = parser

    def parse(self, response: Mapping[str, Any], shape: Any) -> Any:
        """The answer as botocore has it. Raises AwsError for one that is not of its shape."""
        status, name = int(response["status_code"]), shape.name if shape else "the answer"
        try:
            parsed = self._parser.parse(response, shape)
        except _UNREADABLE as e:
            if status >= _FAILS:  # botocore tries again, as after any failure of that status
                metadata = {"HTTPStatusCode": status, "HTTPHeaders": {}}
                return {"Error": {"Code": str(status), "Message": f"{e}"}, "ResponseMetadata": metadata}
            raise AwsError(name, str(status), f"cannot be read ({e}); {MEND}", failed=True) from e
        if status >= _FAILS or shape is None:
            return parsed
        problem = _problem(parsed, shape, "")
        if problem:
            raise AwsError(name, str(status), f"{problem}; {MEND}", failed=True)
        return as_told(parsed, f"AWS's {name}", MEND)


def _problem(value: Any, shape: Any, place: str) -> str:
    """What is of another kind than the model's, empty where nothing is."""
    kind = shape.type_name
    expected = _KINDS.get(kind)
    if expected is None or getattr(shape, "is_document_type", False):
        return ""
    if not isinstance(value, expected) or (isinstance(value, bool) and kind != "boolean") or _is_endless(value):
        return f"{place or 'it'} is {short(value)}; expected a {kind}"
    look = _INSIDES.get(kind)
    return look(value, shape, place) if look else ""


def _is_endless(value: Any) -> bool:
    """Whether it is a number that nothing can be computed with."""
    return isinstance(value, int | float) and not abs(value) < _ENDLESS


def _inside_structure(value: dict[str, Any], shape: Any, place: str) -> str:
    known = shape.members
    inside = ((name, each) for name, each in value.items() if name in known and each is not None)
    return _first_problem(inside, lambda name: known[name], place)


def _inside_list(value: list[Any], shape: Any, place: str) -> str:
    return _first_problem(enumerate(value), lambda _: shape.member, place)


def _inside_map(value: dict[str, Any], shape: Any, place: str) -> str:
    return _first_problem(value.items(), lambda _: shape.value, place)


def _first_problem(inside: Iterable[tuple[Any, Any]], shape_of: Callable[[Any], Any], place: str) -> str:
    problems = (
        _problem(each, shape_of(key), f"{place}.{short(key).strip(_QUOTE)}".lstrip(".")) for key, each in inside
    )
    return next(filter(None, problems), "")


_INSIDES: dict[str, Callable[[Any, Any, str], str]] = {
    "structure": _inside_structure,
    "list": _inside_list,
    "map": _inside_map,
}
