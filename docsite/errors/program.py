"""The project's own modules as they are parsed: what each name in them stands for. Nothing is imported or run."""

from __future__ import annotations

import ast
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

HOUSES = ("formats", "aws", "prep", "jobs", "analysis", "sageseg")
Function = ast.FunctionDef | ast.AsyncFunctionDef
"""What holds statements of its own."""


@dataclass(frozen=True)
class Module:
    """One file. `imports`: the full name of whatever a name of it was imported as, inside functions too. `tops`: what
    stands at its top, by name; of a class also `Class.method`."""

    name: str
    docstring: str
    imports: Mapping[str, str]
    tops: Mapping[str, ast.AST]
    is_package: bool

    @property
    def room(self) -> str:
        """The folder in which it stands, or itself where it stands in a folder's place: `prep/readers/coco`."""
        parts = self.name.split(".")
        return "/".join(parts if self.is_package or len(parts) == 2 else parts[:-1])


@dataclass(frozen=True, eq=False)
class Program:
    """All modules, by their full names."""

    modules: Mapping[str, Module]

    def find(self, module: Module, name: str) -> tuple[Module, str, ast.AST] | None:
        """Where a name of a module was defined at the top of one of ours: that module, its name there, its node."""
        if name in module.tops:
            return module, name, module.tops[name]
        origin, _, there = module.imports.get(name, "").rpartition(".")
        other = self.modules.get(origin)
        return self.find(other, there) if other and there else None


def read_program(root: Path) -> Program:
    """Parse every module of the house below a checkout."""
    paths = sorted(path for house in HOUSES for path in (root / house).rglob("*.py"))
    modules = (_read(root, path) for path in paths)
    return Program({module.name: module for module in modules})


def _read(root: Path, path: Path) -> Module:
    tree = ast.parse(path.read_text(encoding="utf-8"))
    name = ".".join(path.relative_to(root).with_suffix("").parts).removesuffix(".__init__")
    docstring = ast.get_docstring(tree) or ""
    return Module(name, docstring, dict(_imports(tree)), dict(_tops(tree)), path.name == "__init__.py")


def _imports(tree: ast.Module) -> Iterator[tuple[str, str]]:
    for node in ast.walk(tree):
        if isinstance(node, ast.ImportFrom) and node.module:
            yield from ((alias.asname or alias.name, f"{node.module}.{alias.name}") for alias in node.names)
        elif isinstance(node, ast.Import):
            yield from ((alias.asname or alias.name, alias.name) for alias in node.names)


def _tops(tree: ast.Module) -> Iterator[tuple[str, ast.AST]]:
    for node in tree.body:
        if isinstance(node, Function | ast.ClassDef):
            yield node.name, node
            if isinstance(node, ast.ClassDef):
                yield from ((f"{node.name}.{each.name}", each) for each in node.body if isinstance(each, Function))
        else:
            for target in _targets(node):
                yield target, node


def _targets(node: ast.stmt) -> Iterator[str]:
    targets = node.targets if isinstance(node, ast.Assign) else [node.target] if isinstance(node, ast.AnnAssign) else []
    for target in targets:
        yield from (each.id for each in ast.walk(target) if isinstance(each, ast.Name))
