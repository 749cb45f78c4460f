"""What a function's names stand for: its parameters, and what it assigns."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from functools import cache

from docsite.errors.program import Function


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
            yield from _looped(node.target, node.iter)


def _looped(target: ast.expr, over: ast.expr) -> Iterator[tuple[str, ast.expr | None]]:
    """What a loop assigns: of a table the column, by its number; of a dictionary's items the value."""
    columns = target.elts if isinstance(target, ast.Tuple) else [target]
    names = [each.id for each in columns if isinstance(each, ast.Name)]
    values: list[ast.expr | None] = []
    match over:
        case ast.Name() as table:
            values += [ast.Subscript(value=table, slice=ast.Constant(number)) for number in range(len(columns))]
        case ast.Call(func=ast.Attribute(value=ast.Name() as table, attr="items")) if len(columns) > 1:
            values += [None, ast.Subscript(value=table, slice=columns[0])]
    if len(values) == len(names) == len(columns):
        yield from zip(names, values, strict=True)
    else:
        yield from ((each.id, None) for each in ast.walk(target) if isinstance(each, ast.Name))


def _unpacked(target: ast.Tuple, value: ast.expr) -> Iterator[tuple[str, ast.expr | None]]:
    values = (
        value.elts
        if isinstance(value, ast.Tuple) and len(value.elts) == len(target.elts)
        else [None] * len(target.elts)
    )
    for each, given in zip(target.elts, values, strict=True):
        if isinstance(each, ast.Name):
            yield each.id, given
