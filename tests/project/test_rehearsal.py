"""`jobs emulator --with-s3`: one process that stands for an account, and the lines that lead a shell to it."""

import os
import shlex
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import boto3
import pytest
from typer.testing import CliRunner

from formats.errors import SagesegError
from jobs.cli import app
from jobs.emulator.rest_of_aws import FORGOTTEN_TOO as FORGOTTEN
from jobs.emulator.shell import shell_lines, shell_variables
from jobs.tracking.job_calls import POLL_SECONDS
from prep.dataset.writer import write_dataset
from prep.options import PrepOptions
from tests.support.aws_setup import Terminal
from tests.support.doc_commands import ROOT, doc_commands
from tests.support.keys import KEYS
from tests.support.prep_samples import make_source
from tests.support.typed_commands import typed

STARTS = """
import sys
from pathlib import Path
from jobs.emulator.server import running_server
from sageseg.cli import main
from tests.support.emulator_setup import programs
from tests.support.serving_setup import SERVES, TRAINS
quick = programs(Path(sys.argv.pop(1)), TRAINS, SERVES)
running_server.__wrapped__.__kwdefaults__["programs"] = quick  # containers train and serve in an instant
main()
"""
FIRST, LAST = "sageseg jobs policy --bucket my-bucket", "sageseg jobs leftovers"


def of_account() -> list[str]:
    """README's lines for an account, in their order."""
    lines = [command.line for command in doc_commands(ROOT / "README.md")]
    (first,) = (number for number, line in enumerate(lines) if line.startswith(FIRST))
    return lines[first : lines.index(LAST) + 1]


@pytest.fixture
def rehearsal(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[subprocess.Popen[str]]:
    """The process, once the shell of this test is what its lines make of it."""
    words = [sys.executable, "-c", STARTS, str(tmp_path / "programs")]
    more = ["jobs", "emulator", "--with-s3", "--bucket", "my-bucket"]
    kept = {name: value for name, value in os.environ.items() if not name.startswith("AWS_ENDPOINT")}
    process = subprocess.Popen(
        [*words, *more], cwd=ROOT, env=kept, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )
    try:
        assert process.stdout
        line = process.stdout.readline()
        assert line == f"unset {' '.join(FORGOTTEN)}\n", process.stderr and process.stderr.read()
        for name in FORGOTTEN:
            monkeypatch.delenv(name, raising=False)
        while not line.startswith("export SAGESEG_HOME="):
            line = process.stdout.readline()
            _, told = shlex.split(line)
            monkeypatch.setenv(*told.split("=", 1))
        monkeypatch.setattr(boto3, "DEFAULT_SESSION", None)  # it remembers credentials
        yield process
    finally:
        process.kill()
        process.wait()
        for pipe in (process.stdout, process.stderr):
            if pipe:
                pipe.close()


def test_readmes_lines_for_an_account_run_in_that_shell(
    rehearsal: subprocess.Popen[str], tmp_path: Path, own_home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(POLL_SECONDS, "aws", 0.2)
    source = make_source(tmp_path / "labels", {"a": 8, "b": 8, "c": 2})
    write_dataset(source, tmp_path / "dataset", PrepOptions(crop=64, val=1, workers=1))
    for line in of_account():
        name, *words = shlex.split(line)
        if name == "export":
            monkeypatch.setenv(*words[0].split("=", 1))
            continue
        monkeypatch.setattr(sys, "stdin", Terminal("y\n"))
        ran = typed(words, tmp_path)
        assert ran.returncode == 0, f"{line}\n{ran.stderr}"
    assert "nothing is left\n" in ran.stderr
    assert len(list((tmp_path / "predictions" / "masks").iterdir())) > 0
    rehearsal.send_signal(signal.SIGINT)
    assert rehearsal.wait(60) == 0
    assert rehearsal.stderr
    assert "Traceback" not in rehearsal.stderr.read()
    assert rehearsal.stdout
    assert rehearsal.stdout.read() == ""  # nothing but the lines: they may be sourced from a file
    assert list(own_home.iterdir()) == []  # all is gone


def test_the_lines_survive_any_name_of_a_folder() -> None:
    variables = shell_variables("http://127.0.0.1:1", KEYS, Path("/my cars/it's $HOME"))
    script = "\n".join([*shell_lines(variables), 'printf %s "$SAGESEG_HOME|$AWS_ENDPOINT_URL_SAGEMAKER|$AWS_PROFILE"'])
    ran = subprocess.run(
        ["/bin/sh", "-c", script], env={"AWS_PROFILE": "paid"}, capture_output=True, text=True, check=True
    )
    assert ran.stdout == "/my cars/it's $HOME|http://127.0.0.1:1|"


def refusal(*words: str) -> str:
    ran = CliRunner().invoke(app, ["emulator", *words])
    assert isinstance(ran.exception, SagesegError), ran.output
    return str(ran.exception)


@pytest.mark.parametrize("words", [["--bucket", "my-bucket"], ["--s3-port", "8322"]])
def test_what_is_for_s3_is_refused_without_it(words: list[str]) -> None:
    assert refusal(*words) == f"{words[0]}: is for --with-s3; add that, or leave it out"


def test_it_does_not_go_by_itself() -> None:
    assert refusal("--with-s3", "--idle-seconds", "60").startswith("--idle-seconds: not with --with-s3")


def test_a_port_that_is_taken_is_told_by_its_option() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        assert refusal("--with-s3", "--s3-port", str(port)).startswith(f"127.0.0.1:{port}: cannot listen there")
        assert "another --s3-port or --host" in refusal("--with-s3", "--s3-port", str(port))


def test_without_moto_a_line_names_the_extra(monkeypatch: pytest.MonkeyPatch, own_home: Path) -> None:
    monkeypatch.setitem(sys.modules, "moto.server", None)
    told = refusal("--with-s3")
    assert told.startswith("--with-s3: ")
    assert told.endswith("; run pip install -e '.[rehearse]' in the checkout")
    assert list(own_home.iterdir()) == []


def test_a_name_that_s3_refuses_is_one_line(monkeypatch: pytest.MonkeyPatch, own_home: Path) -> None:
    for name in ["AWS_ENDPOINT_URL", *shell_variables("", KEYS, own_home)]:
        monkeypatch.setenv(name, str(own_home))  # what it sets for itself ends with the test
    assert refusal("--with-s3", "--bucket", "ab").startswith("making the bucket ab: ")
