"""Forgetting jobs of this machine, with all that they left on it."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner, Result

from formats.errors import SagesegError
from formats.state_home import home
from jobs.backends import LOCAL_REGION
from jobs.cli import app
from jobs.emulator.shell import shell_variables
from jobs.tracking.records import JobRecord, record_names, record_path, write_record
from jobs.training.attempts_begun import check_name_free
from tests.support.aws_setup import error_of
from tests.support.emulator_setup import emulator, request, wait_for_end
from tests.support.keys import KEYS


def run(*words: str) -> Result:
    return CliRunner().invoke(app, list(words))


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    """A job of the emulator of this home, done and recorded."""
    with emulator(tmp_path) as (sagemaker, _, server):
        monkeypatch.setenv("SAGESEG_HOME", str(tmp_path / "home"))
        monkeypatch.setattr("jobs.backends.ensure_emulator", lambda _: server.url)
        asked = request(tmp_path)
        arn = sagemaker.create_training_job(**asked)["TrainingJobArn"]
        wait_for_end(sagemaker)
        when = "2026-11-28T12:00:00+00:00"
        write_record(JobRecord("job", "local", LOCAL_REGION, "", "", [], asked, arn=arn, created=when))
        yield sagemaker


def test_record_log_and_artefact_go_when_it_is_agreed_to(here: Any, tmp_path: Path) -> None:
    artefact, beside = tmp_path / "out" / "job", tmp_path / "out" / "other"
    beside.mkdir()
    assert (artefact / "output" / "model.tar.gz").is_file()
    assert error_of(run("forget", "job")).endswith("would be removed, and nobody is there to ask; add --yes")
    assert record_names() == ["job"]
    ran = run("forget", "job", "--yes")
    assert ran.stdout == f"job job: removed, with its log\n{artefact}: removed\njob: forgotten\n"
    assert record_names() == []
    assert not artefact.exists()
    assert beside.is_dir()
    assert here.list_training_jobs()["TrainingJobSummaries"] == []


def test_a_name_that_is_taken_here_is_refused_with_what_frees_it(here: Any) -> None:
    with pytest.raises(SagesegError, match="^job: .* sageseg jobs forget job frees the name, or choose another --name"):
        check_name_free("job")
    run("forget", "job", "--yes")
    check_name_free("job")


def test_a_shell_in_which_the_emulator_stands_for_aws_lists_a_job_once(
    here: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in shell_variables(here.meta.endpoint_url, KEYS, home()).items():
        monkeypatch.setenv(name, value)
    listed = json.loads(run("list", "--json").stdout)
    assert [(job["name"], job["backend"]) for job in listed] == [("job", "local")]


def test_of_a_damaged_record_the_emulator_tells_what_goes(here: Any, tmp_path: Path) -> None:
    record_path("job").write_text("{")
    assert error_of(run("forget", "job")).endswith("would be removed, and nobody is there to ask; add --yes")
    assert run("forget", "job", "--yes").stdout.splitlines()[0] == "job job: removed, with its log"
    assert here.list_training_jobs()["TrainingJobSummaries"] == []
    assert not (tmp_path / "out" / "job").exists()
    assert record_names() == []


def test_what_the_emulator_has_lost_is_forgotten_too(here: Any, tmp_path: Path) -> None:
    here.delete_training_job(TrainingJobName="job")
    assert run("forget", "job", "--yes").stdout.endswith("job: forgotten\n")
    assert isinstance(run("forget", "job").exception, SagesegError)
