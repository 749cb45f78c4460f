"""A page for each module that programs of others may import, from its docstrings. Nothing is imported for it."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

FOLDER = "reference/api"
MODULES = {
    "formats.classes": "the class table of a dataset, and VOC's colours",
    "formats.masks": "masks as class ids: read, written, counted",
    "formats.images": "images upright in RGB, whatever their kind",
    "formats.crops": "the crops of an image, and the part of each that is its own",
    "formats.manifest": "manifest.csv, a row for each crop",
    "formats.predictions": "folders of predictions: masks, probabilities, what made them",
    "analysis.masks.blend": "overlapping crops blended into one image",
    "analysis.scoring.counts": "truth and prediction counted",
    "analysis.scoring.scores": "scores of the counts",
    "jobs.contract.hyperparameters": "the built-in's hyperparameters and their limits",
    "jobs.contract.training_request": "CreateTrainingJob as a dictionary",
    "jobs.contract.artefact": "model.tar.gz: settings and weights, without mxnet",
    "jobs.contract.probabilities": "an endpoint's answer of probabilities, decoded",
    "jobs.contract.log_lines": "what a training's log says of each epoch",
    "jobs.training.model_trainer": "the same settings as a `ModelTrainer` of the SageMaker SDK",
}
"""What changes here is told in the changelog; all other modules may change with any version."""
_LONGEST = 100
"""Letters of a signature in one line."""
_Function = ast.FunctionDef | ast.AsyncFunctionDef


def api_pages(root: Path) -> Iterator[tuple[str, str]]:
    """The pages, with one that lists the modules first."""
    rows = "".join(f"| [`{name}`]({name}.md) | {what} |\n" for name, what in MODULES.items())
    yield (
        f"{FOLDER}/index.md",
        "# Python API\n\nThese modules may be imported; their changes are told in the [changelog](../../changelog.md). "
        "Everything else is the command's own and may change with any version. They read and raise "
        "`formats.errors.SagesegError`, whose text is one line that holds the next step.\n\n| module | |\n|---|---|\n"
        + rows,
    )
    for name in MODULES:
        tree = ast.parse((root / f"{name.replace('.', '/')}.py").read_text(encoding="utf-8"))
        yield f"{FOLDER}/{name}.md", "\n".join([f"# {name}\n", f"{_said(tree)}\n", *_members(tree)])


def _members(tree: ast.Module) -> Iterator[str]:
    for node, after in zip(tree.body, [*tree.body[1:], None], strict=True):
        if isinstance(node, _Function | ast.ClassDef) and not node.name.startswith("_"):
            yield from _described(node)
        elif isinstance(node, ast.Assign | ast.AnnAssign) and _is_said(after):
            target = node.targets[0] if isinstance(node, ast.Assign) else node.target
            if isinstance(target, ast.Name) and not target.id.startswith("_"):
                yield f"## {target.id}\n\n```python\n{_short(ast.unparse(node))}\n```\n\n{_text(after)}\n"


def _described(node: _Function | ast.ClassDef) -> Iterator[str]:
    yield f"## {node.name}\n\n```python\n{signature(node)}\n```\n\n{_said(node)}\n"
    if isinstance(node, ast.ClassDef):
        for each in node.body:
            if isinstance(each, _Function) and not each.name.startswith("_"):
                yield f"### {node.name}.{each.name}\n\n```python\n{signature(each)}\n```\n\n{_said(each)}\n"


def signature(node: _Function | ast.ClassDef) -> str:
    """A function's first line, one parameter a line where it is long; a class with its fields."""
    if isinstance(node, ast.ClassDef):
        fields = [ast.unparse(each) for each in node.body if isinstance(each, ast.AnnAssign)]
        fields = [field for field in fields if not field.startswith("_")]
        bases = ", ".join(ast.unparse(base) for base in node.bases)
        return "\n    ".join([f"class {node.name}{f'({bases})' if bases else ''}:", *(fields or ["..."])])
    decorators = [
        f"@{each.id}\n" for each in node.decorator_list if isinstance(each, ast.Name) and each.id == "property"
    ]
    returns = f" -> {ast.unparse(node.returns)}" if node.returns else ""
    line = f"def {node.name}({ast.unparse(node.args)}){returns}"
    if len(line) > _LONGEST:
        rows = "".join(f"    {each},\n" for each in _parameters(node.args))
        line = f"def {node.name}(\n{rows}){returns}"
    return "".join(decorators) + line


def _parameters(arguments: ast.arguments) -> Iterator[str]:
    places = [*arguments.posonlyargs, *arguments.args]
    defaults = [None] * (len(places) - len(arguments.defaults)) + arguments.defaults
    yield from map(_parameter, places, defaults)
    if arguments.vararg:
        yield f"*{ast.unparse(arguments.vararg)}"
    elif arguments.kwonlyargs:
        yield "*"
    yield from map(_parameter, arguments.kwonlyargs, arguments.kw_defaults)
    if arguments.kwarg:
        yield f"**{ast.unparse(arguments.kwarg)}"


def _parameter(argument: ast.arg, default: ast.expr | None) -> str:
    return ast.unparse(argument) + (f" = {ast.unparse(default)}" if default else "")


def _is_said(node: ast.stmt | None) -> bool:
    return isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant) and isinstance(node.value.value, str)


def _text(node: ast.stmt | None) -> str:
    said = node.value.value if isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant) else ""
    return " ".join(str(said).split())


def _short(text: str) -> str:
    return text if len(text) < 200 else f"{text[:200]} …"


def _said(node: _Function | ast.ClassDef | ast.Module) -> str:
    """A docstring in Markdown. That of a module may begin with lines of a shell or of Python."""
    paragraphs = (ast.get_docstring(node) or "").split("\n\n")
    return "\n\n".join(f"```\n{each}\n```" if _is_code(each) else each for each in paragraphs)


def _is_code(paragraph: str) -> bool:
    return not paragraph.rstrip().endswith((".", ":", "?", ")")) or " = " in paragraph.partition("\n")[0]
