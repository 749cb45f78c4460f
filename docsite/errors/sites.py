"""Every place of the program that makes an error line, with the line's wordings."""

from __future__ import annotations

import ast
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial

from docsite.errors.bindings import parameters
from docsite.errors.names import literal, place_for
from docsite.errors.program import Function, Module, Program
from docsite.errors.wording import Scope, bound, wordings

ROOTS = ("SagesegError", "ServiceError", "RequestError", "RefusedError", "StepFailedError")
"""What people meet as a line, and what clients of the emulator, of a served model or of the Lambda function do."""
INNER = ("ValueError", "DepthError")
"""What stands inside another line as its reason."""
Given = Mapping[str, tuple[str, ...]]
"""What a call gives for a function's parameters, as texts."""
FEWEST_LETTERS = 12
"""A line with fewer letters of its own is found by what stands in it, which is another line."""
_DEEPEST = 2
"""So many functions may hand a text on to each other."""
_MARK = "\x04"


@dataclass(frozen=True)
class Site:
    """A place that makes an error. `top`: the function or class of its module in which it stands; `kind`: the error's
    class; `texts`: what it may say."""

    module: Module
    top: str
    line: int
    kind: str
    texts: tuple[str, ...]


@dataclass(frozen=True)
class _Place:
    module: Module
    top: str
    function: Function | None
    call: ast.Call
    raised: bool


def find_sites(program: Program) -> list[Site]:
    """All of them. A text that a function is given by its callers is told at each of the calls."""
    return list(_Finder(program).sites())


class _Finder:
    def __init__(self, program: Program) -> None:
        self.program = program
        self.parents = error_classes(program)
        self.calls: dict[tuple[str, str], list[_Place]] = {}
        self.made: list[_Place] = []
        for module in program.modules.values():
            for place in _places(module):
                self._keep(place)

    def _keep(self, place: _Place) -> None:
        name = _callee(place.call)
        if self._kind(place):
            self.made.append(place)
        elif found := self.program.find(place.module, name):
            self.calls.setdefault((found[0].name, found[1]), []).append(place)
        else:
            for top in place.module.tops:
                if top.endswith(f".{name}"):
                    self.calls.setdefault((place.module.name, top), []).append(place)

    def _kind(self, place: _Place) -> str:
        name = _callee(place.call)
        return name if name in self.parents or (name in INNER and place.raised) else ""

    def sites(self) -> Iterator[Site]:
        for place in self.made:
            scope = Scope(self.program, place.module, place.function)
            texts = self.message(place.call, scope)
            asked = self._open(place.function, scope, partial(self.message, place.call))
            marked = self.message(place.call, replace(scope, given=dict.fromkeys(asked, (place_for(_MARK),))))
            asked = () if all(map(_is_known, marked)) else asked
            callers = [*self._callers(place, asked, 0)] if asked else []
            for caller, given in callers:
                inner = Scope(self.program, place.module, place.function, given)
                yield self._site(caller, _callee(place.call), self.message(place.call, inner))
            if not callers:
                yield self._site(place, _callee(place.call), texts)

    def _site(self, place: _Place, kind: str, texts: tuple[str, ...]) -> Site:
        return Site(place.module, place.top, place.call.lineno, kind, texts)

    def _callers(self, place: _Place, asked: Sequence[str], depth: int) -> Iterator[tuple[_Place, Given]]:
        """The calls of a place's function that give a text of their own for a parameter that is asked for, with what
        they give; where that is a parameter of theirs, the calls of that function."""
        function = place.function
        if function is None:
            return
        for caller in self.calls.get((place.module.name, place.top), []):
            scope = Scope(self.program, caller.module, caller.function)
            give = partial(bound, caller.call, function)
            further = self._open(caller.function, scope, partial(_given, give, asked))
            outer = [*self._callers(caller, further, depth + 1)] if further and depth < _DEEPEST else []
            for each, given in outer:
                yield each, give(Scope(self.program, caller.module, caller.function, given))
            if not outer and literal("".join(_asked(give(scope), asked))).strip():
                yield caller, give(scope)

    def _open(
        self, function: Function | None, scope: Scope, told: Callable[[Scope], tuple[str, ...]]
    ) -> tuple[str, ...]:
        """The parameters, texts by their annotations, on which depends what is told."""
        names = [name for name, kind in parameters(function).items() if kind == "str"] if function else []
        plain = told(scope)
        return tuple(name for name in names if told(replace(scope, given={name: (place_for(_MARK),)})) != plain)

    def message(self, call: ast.Call, scope: Scope) -> tuple[str, ...]:
        """What an error says that is made by a call of its class."""
        kind = _callee(call)
        for name in self._lineage(kind):
            if name == "AlikeError":
                place, _, said = call.args
                return tuple(f"{wordings(place, scope)[0]}: {text}" for text in wordings(said, scope))
            if name in ("ServiceError", "RequestError"):
                return wordings(call.args[1], scope)
            found = self.program.find(scope.module, kind)
            init = found and found[0].tops.get(f"{name}.__init__")
            if found and isinstance(init, Function):
                inner = scope.deeper(found[0], init, bound(call, init, scope))
                return next((wordings(said, inner) for said in _super_said(init)), ())
        return wordings(call.args[-1], scope) if call.args else ()

    def _lineage(self, kind: str) -> Iterator[str]:
        while kind in self.parents:
            yield kind
            kind = self.parents[kind]


def error_classes(program: Program) -> dict[str, str]:
    """Each class of errors with its parent."""
    known = set(ROOTS)
    classes = [
        (node.name, ast.unparse(node.bases[0]))
        for module in program.modules.values()
        for node in module.tops.values()
        if isinstance(node, ast.ClassDef) and node.bases
    ]
    while more := {name for name, parent in classes if parent in known} - known:
        known |= more
    return {name: parent for name, parent in classes if name in known}


def _places(module: Module) -> Iterator[_Place]:
    for top, node in module.tops.items():
        if isinstance(node, ast.ClassDef):  # its methods are tops of their own
            continue
        yield from (_Place(module, top, *call) for call in _calls(node))


def _calls(top: ast.AST) -> Iterator[tuple[Function | None, ast.Call, bool]]:
    """Every call in what stands at a module's top, in the order of the text: the function around it, and whether it is
    raised. One walk without recursion: this sees the whole program."""
    ahead: list[tuple[ast.AST, Function | None, bool]] = [(top, None, False)]
    while ahead:
        node, function, raised = ahead.pop()
        if isinstance(node, ast.Call):
            yield function, node, raised
        inside = node if isinstance(node, Function) and function is None else function
        error = node.exc if isinstance(node, ast.Raise) else None
        ahead += [(child, inside, child is error) for child in reversed([*ast.iter_child_nodes(node)])]


def _callee(call: ast.Call) -> str:
    match call.func:
        case ast.Name(id=name) | ast.Attribute(attr=name):
            return name
    return ""


def _given(give: Callable[[Scope], Given], asked: Sequence[str], scope: Scope) -> tuple[str, ...]:
    return _asked(give(scope), asked)


def _is_known(marked: str) -> bool:
    """Whether a text says by itself what happened and what helps, and has of its callers no more than its beginning,
    such as what was being done. Then it is told once, and not again for each of the calls."""
    first, _, rest = marked.partition(place_for(_MARK))
    return not first and _MARK not in rest and _letters(rest.partition("; ")[0]) >= FEWEST_LETTERS


def _letters(text: str) -> int:
    return sum(letter.isalpha() for letter in literal(text))


def _asked(given: Given, asked: Sequence[str]) -> tuple[str, ...]:
    return tuple(text for name in asked for text in given.get(name, ()))


def _super_said(init: Function) -> Iterator[ast.expr]:
    for node in ast.walk(init):
        if isinstance(node, ast.Call) and ast.unparse(node.func) == "super().__init__" and node.args:
            yield node.args[0]
