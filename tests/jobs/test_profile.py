"""`--profile`: whose credentials are used, and what is said of one that there is not."""

from pathlib import Path

import pytest
from typer.testing import CliRunner

from aws.clients import make_client
from formats.errors import SagesegError
from jobs.backends import make_client as make_client_of
from sageseg.cli import app
from tests.support.keys import KEYS

CONFIG = "[profile here]\nregion = eu-west-1\n[profile there]\nregion = us-east-2\n"


@pytest.fixture(autouse=True)
def configured(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    config, keys = tmp_path / "config", tmp_path / "credentials"
    config.write_text(CONFIG)
    keys.write_text("[there]\naws_access_key_id = THERE\naws_secret_access_key = x\n")
    monkeypatch.setenv("AWS_CONFIG_FILE", str(config))
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", str(keys))
    monkeypatch.setenv("AWS_PROFILE", "")  # so that what a command sets is undone
    monkeypatch.delenv("AWS_PROFILE")
    return config


@pytest.mark.parametrize(
    "words",
    [
        ("--profile", "elsewhere", "jobs", "list"),
        ("jobs", "list", "--profile", "elsewhere"),
        ("jobs", "leftovers", "--profile", "elsewhere"),
        ("jobs", "show", "cars", "--profile", "elsewhere"),
        ("jobs", "delete", "cars", "--profile", "elsewhere"),
        ("jobs", "policy", "--bucket", "cars", "--profile", "elsewhere"),
    ],
)
def test_a_profile_that_there_is_not_is_answered_with_those_there_are(words: tuple[str, ...]) -> None:
    ran = CliRunner().invoke(app, words)
    assert isinstance(ran.exception, SagesegError), (ran.output, ran.exception)
    assert str(ran.exception).endswith(
        "The config profile (elsewhere) could not be found; the profiles are here, there"
    )


def test_without_any_the_command_that_makes_one_is_named(configured: Path) -> None:
    configured.write_text("")
    Path(configured.parent / "credentials").write_text("")
    ran = CliRunner().invoke(app, ("jobs", "list", "--profile", "elsewhere"))
    assert str(ran.exception).endswith("there is no profile; aws configure --profile NAME makes one")


def test_its_keys_and_its_region_are_used(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "ENVIRONMENT")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "x")
    CliRunner().invoke(app, ("--profile", "there", "jobs", "list", "--help"))
    client = make_client("s3", None)
    assert client.meta.region_name == "us-east-2"
    assert client._request_signer._credentials.access_key == "THERE"


def test_a_missing_profile_is_no_hindrance_on_this_machine(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_PROFILE", "elsewhere")
    monkeypatch.setattr("jobs.backends.ensure_emulator", lambda _: "http://127.0.0.1:1")
    monkeypatch.setattr("jobs.backends.read_keys", lambda _: KEYS)
    assert make_client_of("sagemaker", "local", None).meta.endpoint_url == "http://127.0.0.1:1"
