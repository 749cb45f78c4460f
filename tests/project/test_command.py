"""The command itself: its version, its words to somebody who mistypes, its help."""

import re
import shlex
import subprocess
import sys
from importlib.metadata import version
from pathlib import Path

import pytest
from typer.testing import CliRunner

from jobs.contract.hyperparameter_options import GROUPS, service_word
from jobs.contract.hyperparameters import FROM_DATASET, TABLE
from sageseg.cli import app
from sageseg.examples import EXAMPLES
from sageseg.experiment.command_lines import check_words
from tests.project.test_docs import VERBS
from tests.support.typed_commands import typed


def test_it_says_its_version(tmp_path: Path) -> None:
    ran = typed(["--version"], tmp_path)
    assert (ran.returncode, ran.stdout, ran.stderr) == (0, f"sageseg {version('sageseg')}\n", "")


@pytest.mark.parametrize(
    ("word", "meant"),
    [("--lr", "--learning-rate"), ("--bs", "--mini-batch-size"), ("--instance", "--instance-type"), ("-lr", "--lear")],
)
def test_what_others_call_otherwise_is_answered_with_our_name(word: str, meant: str, tmp_path: Path) -> None:
    ran = typed(["jobs", "train", "dataset", word, "1"], tmp_path)
    assert ran.returncode == 2
    assert ran.stderr.splitlines()[-1].startswith(f"Error: No such option: {word}; did you mean {meant}")


def test_each_hyperparameter_stands_under_one_heading() -> None:
    named = [name for group in GROUPS.values() for name in group]
    assert sorted(named) == sorted(set(TABLE) - set(FROM_DATASET))


@pytest.mark.parametrize("words", VERBS)
def test_help_can_be_read_at_80_columns(words: str) -> None:
    shown = CliRunner().invoke(app, [*words.split()[1:], "--help"], terminal_width=80).stdout
    assert max(map(len, shown.splitlines())) <= 80
    headings = re.findall(r"^(\S.*):$", shown, re.MULTILINE)
    assert headings[-2:] == ["Options", "Examples"]
    assert len(set(headings)) == len(headings)


def test_training_has_a_heading_for_each_group_of_options() -> None:
    shown = CliRunner().invoke(app, ["jobs", "train", "--help"], terminal_width=80).stdout
    headings = re.findall(r"^(\S.*):$", shown, re.MULTILINE)
    assert headings[1 : 1 + len(GROUPS)] == list(GROUPS)
    assert len(headings) == len(GROUPS) + 7  # arguments, four dataclasses, help, examples


@pytest.mark.parametrize("words", VERBS)
def test_help_ends_with_lines_that_can_be_typed(words: str) -> None:
    """Each is parsed by its verb, as the shell would have it."""
    shown = CliRunner().invoke(app, [*words.split()[1:], "--help"], terminal_width=80).stdout
    lines = shown.partition("\nExamples:\n")[2].replace("\\\n", "").strip().splitlines()
    assert 1 <= len(lines) <= 3
    for line in lines:
        assert line.split()[: len(words.split())] == words.split()
        check_words(app, shlex.split(line)[1:])


def test_no_example_is_of_a_verb_that_there_is_not() -> None:
    assert {f"sageseg {verb}" for verb in EXAMPLES} == VERBS.keys()


@pytest.mark.parametrize(
    ("name", "text", "word"),
    [
        ("early_stopping", "true", "True"),
        ("early_stopping", "FALSE", "False"),
        ("syncbn", "tRUE", "True"),
        ("syncbn", "True", "True"),
        ("syncbn", "yes", "yes"),
        ("optimizer", "true", "true"),
    ],
)
def test_true_is_taken_as_the_service_writes_it_and_said(
    name: str, text: str, word: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert service_word(name, text) == word
    assert (f"{name} {text} is taken as {word}" in capsys.readouterr().err) == (text != word)


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (
            ["prep", "carvana", "i", "m", "--out", "o", "--crop", "none", "--overlap", "8"],
            "note: --overlap has no effect",
        ),
        (["prep", "carvana", "i", "m", "--out", "o", "--focus-share", "0.1"], "note: --focus-share has no effect"),
        (
            ["prep", "voc", "v", "--out", "o", "--focus", "objects", "--keep-empty", "0.1"],
            "note: --keep-empty and --keep-empty-val have no effect",
        ),
        (["jobs", "train", "d", "--backend", "local", "--max-cost", "3"], "note: --max-cost has no effect"),
        (["jobs", "train", "d", "--backend", "local", "--rate", "3"], "note: --rate has no effect"),
        (["jobs", "predict", "j", "d", "--out", "o", "--rate", "3"], "error: --rate: only with --via batch"),
        (["prep", "preview", "d", "--seed", "0"], "error: --seed: is for --augmented"),
        (["analysis", "coco", "p", "--out", "o", "--tolerance", "1"], "error: --tolerance 1: is for --polygons"),
        (["analysis", "submission", ".", "--out", "o", "--size", "2x2"], "error: --size 2x2: is for turning a sub"),
        (["jobs", "deploy", "j.gz", "--scheduler-role", "arn"], "note: --scheduler-role has no effect without --ttl"),
        (["jobs", "predict", "j", "d", "--out", "o", "--endpoint", "e"], "error: --endpoint: only with --via endpoint"),
        (
            ["jobs", "predict", "j", "d", "--out", "o", "--via", "endpoint", "--keep"],
            "error: --keep: only with --via batch",
        ),
        (
            ["jobs", "predict", "j", "d", "--out", "o", "--via", "batch", "--parallel", "2"],
            "error: --parallel: only with",
        ),
        (["jobs", "leftovers", "--yes"], "error: --all, --stop-jobs and --yes: say what --delete deletes"),
    ],
)
def test_no_option_is_passed_over_without_a_word(words: list[str], said: str, tmp_path: Path) -> None:
    lines = typed(words, tmp_path).stderr.splitlines()
    assert [line for line in lines if line.startswith(said)], lines


ASKED_FOR_HELP = [
    ["--help"],
    ["jobs", "--help"],
    ["jobs", "train", "--help"],
    ["jobs", "tune", "--help"],
    ["prep", "carvana", "--help"],
]


def test_help_loads_nothing_heavy() -> None:
    program = (
        "import sys; from sageseg.cli import app\n"
        "heavy = {'torch', 'boto3', 'botocore', 'numpy', 'PIL', 'cv2', 'matplotlib', 'jinja2', 'rich', 'optuna',"
        "'multiprocessing', 'logging'}\n"
        f"for words in {ASKED_FOR_HELP!r}:\n"
        "    try: app(words)\n"
        "    except SystemExit: print('LOADED', words, sorted(heavy & set(sys.modules)))"
    )
    ran = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    loaded = [line for line in ran.stdout.splitlines() if line.startswith("LOADED")]
    assert loaded == [f"LOADED {words} []" for words in ASKED_FOR_HELP]
