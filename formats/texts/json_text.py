"""JSON as the standard has it: other programs refuse the NaN and Infinity that Python writes."""

from __future__ import annotations

import json
import math
import re
from collections.abc import Iterable, Iterator, Mapping
from datetime import datetime
from typing import Any

from formats.texts.redaction import redact_values, same_items, same_members

MAX_DEPTH = 100
"""Lists and objects in one another; what goes through a value by recursion can go so far."""
_TOO_DEEP = f"more than {MAX_DEPTH} lists and objects in one another"
_HALF = re.compile(r"\\u[dD][89a-fA-F]")
"""How half of a letter beyond U+FFFF is escaped; alone it has no place in any text."""
_TOKEN = re.compile(rb'"[^"\\]*(?:\\.[^"\\]*)*"|[\[\]{}"]', re.DOTALL)
_ZERO = re.compile(r"(?<!\\)(?:\\\\)*\\u0000")


def parse_json(text: str | bytes, *, flat: bool = False, any_number: bool = False) -> Any:
    """A JSON text's value. Raises ValueError for whatever is no JSON that could be written again: too deep, numbers
    that are none or too long to be read, halves of letters, bytes that are not UTF-8; and for zero characters, which no
    name may hold. Whoever goes through a `flat` value by the kinds that it expects, without recursion, need not have
    its depth counted, which takes time, and whoever looks at each number may take `any_number`, NaN and Infinity too.
    """
    try:
        text = text.decode("utf-8-sig") if isinstance(text, bytes) else text
        value = json.loads(text, parse_constant=None if any_number else refuse_constant)
        if _HALF.search(text):
            json.dumps(value, ensure_ascii=False).encode("utf-8")
    except RecursionError as e:
        raise ValueError(_TOO_DEEP) from e
    except UnicodeDecodeError as e:
        raise ValueError("not UTF-8 text") from e
    except UnicodeEncodeError as e:
        raise ValueError(f"half of a letter, {e.object[e.start]!a}") from e
    if "\\u0000" in text and _ZERO.search(text):
        raise ValueError("a zero character, \\u0000")
    if not flat and text.count("[") + text.count("{") > MAX_DEPTH and _is_too_deep(value):
        raise ValueError(_TOO_DEEP)
    return value


def _is_too_deep(value: Any) -> bool:
    level = [value] if isinstance(value, dict | list) else []
    for _ in range(MAX_DEPTH):
        level = [
            inner
            for each in level
            for inner in (each.values() if isinstance(each, dict) else each)
            if isinstance(inner, dict | list)
        ]
        if not level:
            return False
    return True


def refuse_constant(name: str) -> None:
    """For `parse_constant` of json, which else takes NaN and Infinity."""
    raise ValueError(f"{name} is no number of JSON")


def without_member(content: bytes, name: str) -> bytes:
    """An object's text with `{}` in place of what one of its members holds, be that nearly all of it: so it is never
    made. Where there is no such member, the text is the same."""
    wanted, key, depth, start = json.dumps(name).encode(), b"", 0, 0
    for token in _TOKEN.finditer(content):
        word = token[0]
        if word in (b"{", b"["):
            depth += 1
            if depth == 2 and key == wanted:
                start = token.start()
        elif word in (b"}", b"]"):
            depth -= 1
            if depth == 1 and start:
                return content[:start] + b"{}" + content[token.end() :]
        elif word == b'"':
            return content  # a text without an end
        elif depth == 1:
            key = word  # the last text before what a member holds is its name
    return content


def format_json(value: Any, *, ascii_only: bool = False) -> str:
    """A value as indented JSON, without secrets. A number that is none (nan), or endless, is `null`; a time is its
    text."""
    return "".join(json_pieces(value, ascii_only=ascii_only))


def json_pieces(value: Any, *, ascii_only: bool = False) -> Iterator[str]:
    """The text of `format_json` in pieces, of which there may be more than memory should hold. A member of an object
    that is a mapping and no dict is asked for its own members one by one, so that they need not be in memory either."""
    encoder = json.JSONEncoder(indent=2, ensure_ascii=ascii_only, allow_nan=False, default=_text)
    long = {key for key, inner in value.items() if _is_long(inner)} if isinstance(value, dict) else set()
    if not long:
        yield from encoder.iterencode(_defined(redact_values(value)))
        return
    known = _defined(redact_values({key: {} if key in long else inner for key, inner in value.items()}))
    members = ((key, value[key] if key in long else inner) for key, inner in known.items())
    yield from _object_pieces(members, encoder, "")


def _is_long(value: Any) -> bool:
    return isinstance(value, Mapping) and not isinstance(value, dict)


def _object_pieces(members: Iterable[tuple[str, Any]], encoder: json.JSONEncoder, indent: str) -> Iterator[str]:
    """An object as the encoder writes it; the text of no member has line ends but those between its own parts."""
    before, inner = "{", f"{indent}  "
    for key, value in members:
        yield f"{before}\n{inner}{encoder.encode(key)}: "
        if _is_long(value):
            yield from _object_pieces(map(_clean, value.items()), encoder, inner)
        else:
            yield encoder.encode(value).replace("\n", f"\n{inner}")
        before = ","
    yield "{}" if before == "{" else f"\n{indent}}}"


def _clean(member: tuple[str, Any]) -> tuple[str, Any]:
    key, value = member
    return key, _defined(redact_values({key: value}))[key]


def _defined(value: Any) -> Any:
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    if isinstance(value, Mapping):
        members = {key: _defined(inner) for key, inner in value.items()}
        return value if same_members(value, members) else members
    if isinstance(value, list | tuple):
        items = [_defined(inner) for inner in value]
        return value if same_items(value, items) else items
    return value


def _text(value: Any) -> str:
    if isinstance(value, datetime):
        return str(value)
    raise TypeError(f"{type(value).__name__} has no place in JSON")
