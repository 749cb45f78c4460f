"""What values are called that are known only when the program runs, and where they stand in a wording."""

from __future__ import annotations

import ast
import re

OPEN, CLOSE = "\x02", "\x03"
_PLACE = re.compile(f"{OPEN}[^{CLOSE}]*{CLOSE}")
PLAIN_METHODS = {
    "absolute",
    "as_posix",
    "casefold",
    "decode",
    "lower",
    "lstrip",
    "removeprefix",
    "removesuffix",
    "resolve",
    "rstrip",
    "strip",
}
"""What they give is named like what they are called on."""
_TRUNKS = {
    "name",
    "path",
    "stem",
    "text",
    "suffix",
    "value",
    "word",
    "where",
    "shape",
    "mode",
    "names",
    "width",
    "height",
}
"""Members whose names say too little alone: `image.path` is an IMAGE PATH."""
_SAID = {"e": "REASON", "error": "REASON", "exc": "REASON", "len": "N", "count": "N", "str": "TEXT"}


def place_for(word: str) -> str:
    """The place that a value takes in a wording."""
    return f"{OPEN}{word}{CLOSE}"


def literal(wording: str) -> str:
    """What of a wording is always the same."""
    return _PLACE.sub("", wording)


def called(node: ast.expr) -> str:  # noqa: PLR0911 (a turn for each kind of expression)
    """A word for a value: PATH, IMAGE PATH, N."""
    match node:
        case ast.Name(id=name):
            return called_name(name)
        case ast.Attribute(value=ast.Name(id=owner), attr=attr) if attr in _TRUNKS and owner not in ("self", attr):
            return called_name(f"{owner}_{attr}") if owner.lower() not in _SAID else called_name(owner)
        case ast.Attribute(attr=attr):
            return called_name(attr)
        case ast.Call(func=ast.Name(id="len" | "sum")):
            return "N"
        case ast.Call(func=ast.Attribute(value=value, attr=attr)) if attr in PLAIN_METHODS:
            return called(value)
        case ast.Call(func=ast.Attribute(attr="join"), args=[value]) | ast.Call(args=[value, *_]):
            return called(value)
        case ast.Call(func=ast.Name(id=name) | ast.Attribute(attr=name)):
            return called_name(name)
        case ast.Subscript(value=value) | ast.Starred(value=value) | ast.FormattedValue(value=value):
            return called(value)
        case ast.IfExp(body=value) | ast.NamedExpr(value=value) | ast.ListComp(elt=value) | ast.GeneratorExp(elt=value):
            return called(value)
        case ast.BinOp(op=ast.Div()):
            return "PATH"
        case ast.BinOp() | ast.UnaryOp():
            return "N"
    return "VALUE"


def called_name(name: str) -> str:
    """A variable's name as a word: `_image_path` is IMAGE PATH."""
    return _SAID.get(name, name.strip("_").replace("_", " ").upper() or "VALUE")
