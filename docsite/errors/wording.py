"""What an expression of the program says, as far as its text can be known without running it.

A value that is known only when the program runs stands as a word for it between OPEN and CLOSE: of
`f"{path}: {len(files)} files"` remains `PATH: N files`. Where a text depends on a choice, each way is a wording.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from itertools import islice, product

from docsite.errors.bindings import assignments, parameters
from docsite.errors.names import PLAIN_METHODS, called, called_name, literal, place_for
from docsite.errors.program import Function, Module, Program

_MOST, _MOST_WAYS, _DEEPEST = 24, 6, 8
"""So many wordings of one expression are told, each with its own next step, and so many ways to put several choices
together; more of them are a value."""


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


def wordings(node: ast.expr, scope: Scope) -> tuple[str, ...]:
    """The texts that an expression may have, at least one: where none is known, the place of its value."""
    return _texts(node, scope) or (place_for(called(node)),)


def _texts(node: ast.expr, scope: Scope) -> tuple[str, ...]:  # noqa: PLR0911, PLR0912 (a turn for each kind of expression)
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
        case ast.Subscript(value=ast.Name(id=name), slice=key):
            return _of_table(name, key, scope)
        case ast.GeneratorExp(elt=each):
            return _texts(each, scope)
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
    most = _MOST_WAYS if sum(len(part) > 1 for part in parts) > 1 else _MOST
    ways = ["".join(way) for way in islice(product(*parts), most + 1)]
    if len(ways) <= most:
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
            # what it was before is a value: in a loop it would grow with each turn
            inner = replace(scope, given={**scope.given, name: (place_for(called_name(name)),)}, depth=scope.depth + 1)
            found = [_texts(value, inner) if value else () for value in assigned]
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


def _of_table(name: str, key: ast.expr, scope: Scope) -> tuple[str, ...]:
    """One of the texts of a table, where it has few: of a dictionary's values, or of a column of rows."""
    found = _value_of(name, scope)
    match found and found[1]:
        case ast.Dict(values=values):
            texts = values
        case ast.Tuple(elts=rows) if isinstance(key, ast.Constant) and isinstance(key.value, int):
            texts = [row.elts[key.value] for row in rows if isinstance(row, ast.Tuple)]
        case _:
            return ()
    return _either(texts, found[0]) if found and len(texts) <= _MOST else ()


def _of_functions(name: str, node: ast.Call, scope: Scope) -> tuple[str, ...]:
    """What functions of a table return that are called in turn, by a name of the loop."""
    looped = dict(assignments(scope.function)).get(name) if scope.function else None
    found = (
        _value_of(looped.value.id, scope)
        if isinstance(looped, ast.Subscript) and isinstance(looped.value, ast.Name)
        else None
    )
    if found is None or not isinstance(found[1], ast.Tuple):
        return ()
    calls = [ast.Call(func=each, args=node.args, keywords=node.keywords) for each in found[1].elts]
    return tuple(dict.fromkeys(text for call in calls for text in _call(call, found[0])))


def _call(node: ast.Call, scope: Scope) -> tuple[str, ...]:  # noqa: PLR0911 (a turn for each kind of call)
    match node.func:
        case ast.Attribute(value=value, attr="format"):
            fill = {each.arg: wordings(each.value, scope) for each in node.keywords if each.arg}
            fill |= {"": wordings(node.args[0], scope)} if node.args else {}
            return tuple(_filled(text, fill) for text in _texts(value, scope))
        case ast.Attribute(value=value, attr=attr) if attr in PLAIN_METHODS:
            return _texts(value, scope)
        case ast.Attribute(value=ast.Name(id=name), attr="get"):
            return _of_table(name, node, scope)
        case ast.Name(id="next" | "filter"):
            return _either([each for each in node.args if not isinstance(each, ast.Constant) or each.value], scope)
        case ast.Name(id="str") if node.args:
            return _texts(node.args[0], scope)
        case ast.Name(id=name):
            found = scope.program.find(scope.module, name)
            if found and isinstance(found[2], Function):
                return returned(found[2], scope.deeper(found[0], found[2], bound(node, found[2], scope)))
            return _of_functions(name, node, scope)
        case ast.Attribute(value=ast.Name(id=owner), attr=attr) if owner in scope.module.imports:
            other = scope.program.modules.get(scope.module.imports[owner])
            function = other and other.tops.get(attr)
            if other and isinstance(function, Function):
                return returned(function, scope.deeper(other, function, bound(node, function, scope)))
        case ast.Attribute(value=ast.Name(id="self"), attr=attr):
            for top, method in scope.module.tops.items():
                if top.endswith(f".{attr}") and isinstance(method, Function):
                    return returned(method, scope.deeper(scope.module, method, bound(node, method, scope)))
    return ()


def _filled(text: str, fill: Mapping[str, tuple[str, ...]]) -> str:
    return re.sub(r"\{(\w*)[^}]*\}", lambda found: fill.get(found[1], (place_for(called_name(found[1])),))[0], text)


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
