"""Lines that name an option as the next step name one that there is, and of the verb that they name."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator

import pytest

from tests.project.test_architecture import MODULES, ROOT, parsed
from tests.project.test_docs import VERBS

FLAG = re.compile(r"(?<![\w-])--[a-z][a-z0-9-]*[a-z0-9](?!-)\b")
COMMAND = re.compile(r"(?<![\w/-])sageseg((?: [a-z]+)+)([^;:(),]*)")
OF_OTHER_PROGRAMS = {
    "jobs/account/": "--template-file --stack-name --capabilities --policy-name --policy-document --user-name "
    "--policy-arn --assume-role-policy-document --query --version-id --set-as-default",
    "jobs/algorithm/": "--root --build-arg",
    "jobs/contract/model_archive.py": "--sparse",
    "jobs/creating.py": "--pipeline-name --model-package-group-name",
    "jobs/doctor/": "--query-gpu --format --service-code --quota-code --desired-value",
    "jobs/emulator/": "--root --home --idle-seconds",
    "jobs/packages/found.py": "--model-package-arn --model-approval-status",
    "jobs/prediction/sources.py": "--recursive",
    "jobs/processing/start_wheel.py": "--no-input --disable-pip-version-check --no-cache-dir --quiet --constraint "
    "--no-warn-conflicts --no-compile --force-reinstall --no-deps",
    "jobs/processing/wheel.py": "--no-deps",
    "jobs/tracking/records.py": "--always --dirty --abbrev --exclude",
}
"""Options of AWS's command, docker, tar, git and pip, and of programs that ours start."""
EVERYWHERE = {"--help", "--version", "--quiet", "--verbose"}
FLAGS = {
    words: {name for parameter in verb.params for name in (*parameter.opts, *parameter.secondary_opts)} | EVERYWHERE
    for words, verb in VERBS.items()
}
OF_ANY = set[str]().union(*FLAGS.values())


def texts(tree: ast.AST) -> Iterator[tuple[int, str]]:
    """The strings of a module but for docstrings, with X for what is filled in."""
    docs = {id(node.value) for node in ast.walk(tree) if isinstance(node, ast.Expr)}
    within = {id(part) for node in ast.walk(tree) if isinstance(node, ast.JoinedStr) for part in ast.walk(node)}
    for node in ast.walk(tree):
        if isinstance(node, ast.JoinedStr):
            yield (
                node.lineno,
                "".join(str(part.value) if isinstance(part, ast.Constant) else "X" for part in node.values),
            )
        elif isinstance(node, ast.Constant) and isinstance(node.value, str) and id(node) not in within | docs:
            yield node.lineno, node.value


def wrong_flags(text: str, others: str = "") -> list[str]:
    """The options in a text that no verb has, and those behind a verb that has them not."""
    if "--" not in text:  # most have none
        return []
    wrong = [flag for flag in FLAG.findall(text) if flag not in OF_ANY | set(others.split())]
    for command in COMMAND.finditer(text):
        verb = next((words for words in FLAGS if f"sageseg{command[1]} ".startswith(f"{words} ")), None)
        wrong += [f"{verb} {flag}" for flag in FLAG.findall(command[2]) if verb and flag not in FLAGS[verb]]
    return wrong


def test_every_option_that_a_line_names_is_one() -> None:
    found = []
    for path in MODULES.values():
        place = path.relative_to(ROOT).as_posix()
        others = " ".join(names for prefix, names in OF_OTHER_PROGRAMS.items() if place.startswith(prefix))
        found += [f"{place}:{line}: {flag}" for line, text in texts(parsed(path)) for flag in wrong_flags(text, others)]
    assert found == [], found


@pytest.mark.parametrize(
    ("text", "wrong"),
    [
        ("choose another --out or add --overwrite", []),
        ("predict with --proba", ["--proba"]),
        ("sageseg analysis stitch X --dataset DATASET; sageseg jobs predict X Y --probabilities", []),
        ("sageseg analysis stitch X --truth MASKS", ["sageseg analysis stitch --truth"]),
        ("sageseg jobs predict X --truth; --dataset", ["sageseg jobs predict --truth"]),
    ],
)
def test_a_wrong_option_is_found(text: str, wrong: list[str]) -> None:
    assert wrong_flags(text) == wrong
