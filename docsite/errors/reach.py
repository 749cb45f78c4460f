"""Which verbs may come to which place of the program, as far as names in the code lead there."""

from __future__ import annotations

import ast
from collections.abc import Iterator, Mapping

from docsite.errors.program import Module, Program

Place = tuple[str, str]
"""A module and what stands at its top; a class stands for all of its methods."""


def reached(program: Program, starts: Mapping[str, Place]) -> dict[Place, list[str]]:
    """For every place the starts from which it is reached, sorted. `starts`: by a verb's words the function that does
    it."""
    leads = {
        (module.name, top): {*_leads(program, module, node)}
        for module in program.modules.values()
        for top, node in module.tops.items()
        if "." not in top
    }
    by_place: dict[Place, list[str]] = {}
    for words, start in sorted(starts.items()):
        for place in _closure(leads, start):
            by_place.setdefault(place, []).append(words)
    return by_place


def _leads(program: Program, module: Module, node: ast.AST) -> Iterator[Place]:
    for each in ast.walk(node):
        if isinstance(each, ast.Name):
            found = program.find(module, each.id)
            if found:
                yield found[0].name, found[1]


def _closure(leads: Mapping[Place, set[Place]], start: Place) -> set[Place]:
    seen, ahead = {start}, [start]
    while ahead:
        more = leads.get(ahead.pop(), set()) - seen
        seen |= more
        ahead += more
    return seen
