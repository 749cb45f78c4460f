"""What an expression of the program says, as far as its text can be known without running it.

A value that is known only when the program runs stands as a word for it between OPEN and CLOSE: of
`f"{path}: {len(files)} files"` remains `PATH: N files`. Where a text depends on a choice, each way is a wording.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cache
from itertools import islice, product

from docsite.errors.program import Function, Module, Program

OPEN, CLOSE = "\x02", "\x03"
_PLACE = re.compile(f"{OPEN}[^{CLOSE}]*{CLOSE}")
_MOST, _DEEPEST = 6, 8
"""So many wordings of one expression are told, each with its own next step; more of them are a value."""
_PLAIN_METHODS = {
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


@dataclass(frozen=True)
class Scope:
    """Where an expression stands: its module, its function with what was given for parameters, and how deep the texts
    of other functions are within each other."""

    program: Program
    module: Module
    function: Function | None = None
    given: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    depth: int = 0

    def deeper(self, module: Module, function: Function | None, given: Mapping[str, tuple[str, ...]]) -> Scope:
        return replace(self, module=module, function=function, given=given, depth=self.depth + 1)


def place_for(word: str) -> str:
    """The place that a value takes in a wording."""
    return f"{OPEN}{word}{CLOSE}"


def literal(wording: str) -> str:
    """What of a wording is always the same."""
    return _PLACE.sub("", wording)


def wordings(node: ast.expr, scope: Scope) -> tuple[str, ...]:
    """The texts that an expression may have, at least one: where none is known, the place of its value."""
    return _texts(node, scope) or (place_for(called(node)),)


def _texts(node: ast.expr, scope: Scope) -> tuple[str, ...]:  # noqa: PLR0911 (a turn for each kind of expression)
    """The texts of an expression, as far as something of them is known."""
    if scope.depth > _DEEPEST:
        return ()
    match node:
        case ast.Constant(value=value):
            return () if value is None else (str(value),)
        case ast.JoinedStr(values=values):
            return _joined([_part(value, scope) for value in values])
        case ast.BinOp(left=left, op=ast.Add(), right=right) if not _is_number(left) and not _is_number(right):
            return _joined([wordings(left, scope), wordings(right, scope)])
        case ast.BinOp(left=left, op=ast.Mult(), right=right):
            return (*_texts(left, scope), "") if _texts(left, scope) and not _texts(right, scope) else ()
        case ast.IfExp(body=body, orelse=orelse):
            return _either([body, orelse], scope)
        case ast.BoolOp(op=ast.Or(), values=values):
            return _either(values, scope)
        case ast.NamedExpr(value=value):
            return _texts(value, scope)
        case ast.Name(id=name):
            return _named(name, scope)
        case ast.Subscript(value=ast.Name(id=name)):
            return _of_table(name, scope)
        case ast.Attribute(value=ast.Name(id="self"), attr=name):
            return _named(name, replace(scope, function=None, given={}))
        case ast.Call():
            return _call(node, scope)
    return ()


def _is_number(node: ast.expr) -> bool:
    return isinstance(node, ast.Constant) and not isinstance(node.value, str)


def _part(node: ast.expr, scope: Scope) -> tuple[str, ...]:
    if not isinstance(node, ast.FormattedValue):
        return _texts(node, scope)
    texts = wordings(node.value, scope)
    if node.conversion == ord("r"):
        return tuple(f"'{text}'" for text in texts)
    match node.format_spec:
        case ast.JoinedStr(values=[ast.Constant(value=str(how))]):
            return tuple(_formatted(text, how) for text in texts)
    return texts


def _formatted(text: str, how: str) -> str:
    """A number as a format specification writes it; what is none stays."""
    try:
        return format(int(text) if text.isdecimal() else float(text), how)
    except ValueError:
        return text


def _joined(parts: Sequence[tuple[str, ...]]) -> tuple[str, ...]:
    """Every way to put one text of each part after the other; at first of so many, the last parts that differ are
    told in full."""
    ways = ["".join(way) for way in islice(product(*parts), _MOST + 1)]
    if len(ways) <= _MOST:
        return tuple(dict.fromkeys(ways))
    widest = max(range(len(parts)), key=lambda number: len(parts[number]))
    return _joined([*parts[:widest], parts[widest][:1], *parts[widest + 1 :]])


def _either(nodes: Sequence[ast.expr], scope: Scope) -> tuple[str, ...]:
    told = [node for node in nodes if not (isinstance(node, ast.Constant) and node.value is None)]
    texts = tuple(dict.fromkeys(text for node in told for text in wordings(node, scope)))
    return texts if any(literal(text) for text in texts) else ()


def _named(name: str, scope: Scope) -> tuple[str, ...]:
    if name in scope.given:
        return scope.given[name]
    if scope.function is not None:
        if name in parameters(scope.function):
            return ()
        values = [value for target, value in assignments(scope.function) if target == name]
        assigned = [value for value in values if not (isinstance(value, ast.Constant) and value.value is None)]
        if assigned:
            found = [_texts(value, replace(scope, depth=scope.depth + 1)) if value else () for value in assigned]
            texts = tuple(dict.fromkeys(text for texts in found for text in texts or (place_for(called_name(name)),)))
            return texts if len(texts) <= _MOST and any(literal(text) for text in texts) else ()
    value = _value_of(name, scope)
    return _texts(value[1], value[0]) if value else ()


def _value_of(name: str, scope: Scope) -> tuple[Scope, ast.expr] | None:
    """What a module-level name was assigned, with where it stands."""
    found = scope.program.find(scope.module, name)
    if found and isinstance(found[2], ast.Assign | ast.AnnAssign) and found[2].value is not None:
        return scope.deeper(found[0], None, {}), found[2].value
    return None


def _of_table(name: str, scope: Scope) -> tuple[str, ...]:
    """One of the texts of a table, where it has few."""
    found = _value_of(name, scope)
    if found is None or not isinstance(found[1], ast.Dict) or len(found[1].values) > _MOST:
        return ()
    return _either(found[1].values, found[0])


def _call(node: ast.Call, scope: Scope) -> tuple[str, ...]:
    match node.func:
        case ast.Attribute(value=value, attr="format"):
            fill = {each.arg: wordings(each.value, scope) for each in node.keywords if each.arg}
            return tuple(_filled(text, fill) for text in _texts(value, scope))
        case ast.Attribute(value=value, attr=attr) if attr in _PLAIN_METHODS:
            return _texts(value, scope)
        case ast.Name(id="str") if node.args:
            return _texts(node.args[0], scope)
        case ast.Name(id=name):
            found = scope.program.find(scope.module, name)
            if found and isinstance(found[2], Function):
                return returned(found[2], scope.deeper(found[0], found[2], bound(node, found[2], scope)))
        case ast.Attribute(value=ast.Name(id="self"), attr=attr):
            for top, method in scope.module.tops.items():
                if top.endswith(f".{attr}") and isinstance(method, Function):
                    return returned(method, scope.deeper(scope.module, method, bound(node, method, scope)))
    return ()


def _filled(text: str, fill: Mapping[str, tuple[str, ...]]) -> str:
    return re.sub(r"\{(\w+)[^}]*\}", lambda found: fill.get(found[1], (place_for(called_name(found[1])),))[0], text)


def returned(function: Function, scope: Scope) -> tuple[str, ...]:
    """The texts that a function may return; nothing where it returns what is none."""
    if function.returns is None or ast.unparse(function.returns) not in ("str", "str | None"):
        return ()
    values = [node.value for node in ast.walk(function) if isinstance(node, ast.Return) and node.value is not None]
    texts = tuple(dict.fromkeys(text for value in values for text in _texts(value, scope)))
    return texts if 0 < len(texts) <= _MOST else ()


def bound(call: ast.Call, function: Function, scope: Scope) -> dict[str, tuple[str, ...]]:
    """What a call gives for a function's parameters, as texts."""
    names = [name for name in parameters(function) if name not in ("self", "cls")]
    given = dict(zip(names, call.args, strict=False)) | {each.arg: each.value for each in call.keywords if each.arg}
    texts = {name: wordings(value, scope) for name, value in given.items() if not isinstance(value, ast.Starred)}
    return {**_defaults(function), **texts}


def _defaults(function: Function) -> dict[str, tuple[str, ...]]:
    arguments = function.args
    last = [*arguments.posonlyargs, *arguments.args][-len(arguments.defaults) or None :] if arguments.defaults else []
    pairs = [
        *zip(last, arguments.defaults, strict=True),
        *zip(arguments.kwonlyargs, arguments.kw_defaults, strict=True),
    ]
    return {
        argument.arg: (default.value,)
        for argument, default in pairs
        if isinstance(default, ast.Constant) and isinstance(default.value, str)
    }


def parameters(function: Function) -> dict[str, str]:
    """A function's parameters with their annotations."""
    arguments = function.args
    every = [*arguments.posonlyargs, *arguments.args, *arguments.kwonlyargs]
    return {each.arg: ast.unparse(each.annotation) if each.annotation else "" for each in every}


@cache
def assignments(function: Function) -> tuple[tuple[str, ast.expr | None], ...]:
    """Each name that a function assigns, with the value; without one where it is a part of something, or counted up."""
    return tuple(_assigned(function))


def _assigned(function: Function) -> Iterator[tuple[str, ast.expr | None]]:
    for node in ast.walk(function):
        if isinstance(node, ast.NamedExpr):
            yield node.target.id, node.value
        elif isinstance(node, ast.Assign):
            for target in node.targets:
                if isinstance(target, ast.Name):
                    yield target.id, node.value
                elif isinstance(target, ast.Tuple):
                    yield from _unpacked(target, node.value)
        elif isinstance(node, ast.AnnAssign) and isinstance(node.target, ast.Name):
            yield node.target.id, node.value
        elif isinstance(node, ast.AugAssign) and isinstance(node.target, ast.Name):
            yield node.target.id, None
        elif isinstance(node, ast.For | ast.comprehension):
            yield from ((each.id, None) for each in ast.walk(node.target) if isinstance(each, ast.Name))


def _unpacked(target: ast.Tuple, value: ast.expr) -> Iterator[tuple[str, ast.expr | None]]:
    values = (
        value.elts
        if isinstance(value, ast.Tuple) and len(value.elts) == len(target.elts)
        else [None] * len(target.elts)
    )
    for each, given in zip(target.elts, values, strict=True):
        if isinstance(each, ast.Name):
            yield each.id, given


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
        case ast.Call(func=ast.Attribute(value=value, attr=attr)) if attr in _PLAIN_METHODS:
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
