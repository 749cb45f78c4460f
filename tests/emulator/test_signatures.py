"""Who is let in: requests that are signed with the emulator's keys, from programs, to this machine's own name."""

from __future__ import annotations

import http.client
import json
import os
import stat
import subprocess
import sys
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import boto3
import pytest
from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials
from botocore.exceptions import ClientError
from hypothesis import given
from hypothesis import strategies as st
from typer.testing import CliRunner

from formats.errors import SagesegError
from jobs.backends import make_client
from jobs.cli import app
from jobs.emulator.api.faults import ServiceError
from jobs.emulator.api.signature import check_signature
from jobs.emulator.keys import Keys, keys_path, read_keys, settle_keys
from jobs.emulator.presence import emulator_folder, living_emulator, presence_path, write_presence
from jobs.emulator.server import Server, running_server
from jobs.prediction.batch_folder import open_batch_folder
from jobs.prediction.batch_record import BatchRecord, locked, write_batch
from jobs.tracking.trained_model import TrainedModel
from prep.remote.cache import open_cache
from tests.support.emulator_setup import client, programs
from tests.support.keys import KEYS
from tests.support.signed_requests import signed

DESCRIBE = {"X-Amz-Target": "SageMaker.ListTrainingJobs", "Content-Type": "application/x-amz-json-1.1"}
INVOCATION = "/endpoints/endpoint/invocations"


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    folder = tmp_path_factory.mktemp("emulator")
    with running_server(folder / "home", programs=programs(folder)) as running:
        yield running


def ask(server: Server, headers: dict[str, str], path: str = "/", body: bytes = b"{}", method: str = "POST") -> Any:
    """The (status, AWS's code) of a raw request."""
    address = urlsplit(server.url)
    connection = http.client.HTTPConnection(address.hostname or "", address.port, timeout=10)
    try:
        connection.request(method, path, body, headers)
        response = connection.getresponse()
        content = json.loads(response.read())
        return response.status, content.get("__type") or response.headers.get("x-amzn-ErrorType")
    finally:
        connection.close()


@pytest.mark.parametrize("path", ["/", INVOCATION, "/elsewhere"])
def test_without_a_signature_nothing_is_answered(server: Server, path: str) -> None:
    assert ask(server, DESCRIBE, path) == (403, "MissingAuthenticationToken")
    assert ask(server, DESCRIBE | {"Authorization": "Bearer x"}, path) == (403, "IncompleteSignatureException")


@pytest.mark.parametrize("path", ["/", INVOCATION])
@pytest.mark.parametrize(
    ("keys", "code"),
    [
        (Keys("AKIAOTHER", KEYS.secret_key), "UnrecognizedClientException"),
        (Keys(KEYS.access_key, "guessed"), "InvalidSignatureException"),
    ],
    ids=["another key", "another secret"],
)
def test_other_keys_are_refused(server: Server, path: str, keys: Keys, code: str) -> None:
    assert ask(server, signed(server.url, "POST", path, b"{}", DESCRIBE, keys), path) == (403, code)


def test_a_signature_is_of_one_request_alone(server: Server) -> None:
    headers = signed(server.url, "POST", "/", b"{}", DESCRIBE)
    assert ask(server, headers) == (200, None)
    stamp = headers["X-Amz-Date"]
    later = f"{stamp[:-2]}{(int(stamp[-2]) + 1) % 10}Z"
    for other in ({"X-Amz-Target": "SageMaker.ListModels"}, {"X-Amz-Date": later}, {"X-Amz-Security-Token": "x"}):
        assert ask(server, headers | other) == (403, "InvalidSignatureException"), other
    assert ask(server, headers, body=b'{"MaxResults": 1}') == (403, "InvalidSignatureException")
    assert ask(server, headers, path="/?x=1") == (403, "InvalidSignatureException")
    assert ask(server, headers, method="PUT") == (403, "InvalidSignatureException")


@pytest.mark.parametrize("word", ["Origin", "Sec-Fetch-Site"])
@pytest.mark.parametrize(("method", "path"), [("POST", "/"), ("POST", INVOCATION), ("GET", "/health")])
def test_a_page_in_a_browser_is_refused_whatever_it_knows(server: Server, method: str, path: str, word: str) -> None:
    headers = signed(server.url, method, path, b"{}", DESCRIBE | {word: server.url})
    assert ask(server, headers, path, method=method) == (403, "AccessDeniedException")


@pytest.mark.parametrize("host", ["attacker.example", "127.0.0.1.nip.io:80", "[::1", ""])
@pytest.mark.parametrize(("method", "path"), [("POST", "/"), ("POST", INVOCATION), ("GET", "/health")])
def test_another_host_is_refused_on_every_route(server: Server, method: str, path: str, host: str) -> None:
    headers = signed(server.url, method, path, b"{}", DESCRIBE | {"Host": host})
    assert ask(server, headers, path, method=method) == (403, "AccessDeniedException")


def test_health_tells_strangers_no_more_than_that_it_lives(server: Server) -> None:
    address = urlsplit(server.url)
    connection = http.client.HTTPConnection(address.hostname or "", address.port, timeout=10)
    connection.request("GET", "/health")
    told = connection.getresponse().read().decode()
    connection.close()
    assert [*json.loads(told)] == ["proof"]
    assert server.presence.home not in told


def test_a_stranger_at_the_emulators_port_is_not_believed(tmp_path: Path, server: Server) -> None:
    """It cannot prove what only the holder of the secret can: nothing is sent to it."""
    emulator_folder(tmp_path)
    settle_keys(tmp_path)
    keys_path(tmp_path).write_text(json.dumps({"access_key": "LOCALOTHER", "secret_key": "another"}))
    write_presence(server.presence.__class__(server.url, os.getpid(), str(tmp_path), server.presence.version))
    assert living_emulator(tmp_path) is None
    assert living_emulator(Path(server.presence.home)) == server.presence


def test_unmodified_clients_and_our_own_are_let_in(server: Server, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SAGESEG_HOME", server.presence.home)
    assert make_client("sagemaker", "local", None).list_training_jobs()["TrainingJobSummaries"] == []
    for service, call in (("sagemaker", "list_models"), ("service-quotas", "list_service_quotas")):
        with client(service, server.url) as made:
            getattr(made, call)(**{"ServiceCode": "sagemaker"} if service == "service-quotas" else {})
    with client("sagemaker-runtime", server.url) as runtime, pytest.raises(ClientError, match="not found"):
        runtime.invoke_endpoint(EndpointName="absent", Body=b"\x00\xff", CustomAttributes="a  b")
    with (
        client("sagemaker", server.url, Keys("x", "y")) as stranger,
        pytest.raises(ClientError, match=r"UnrecognizedClientException.*jobs emulator --env"),
    ):
        stranger.list_models()


def test_the_lines_for_a_shell_let_a_plain_client_in(server: Server, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SAGESEG_HOME", server.presence.home)
    words = [sys.executable, "-m", "sageseg", "jobs", "emulator", "--env"]  # whose output hides all other secrets
    first, *lines = subprocess.run(words, capture_output=True, text=True, check=True).stdout.splitlines()
    assert first.startswith("unset AWS_PROFILE")
    for line in lines:
        name, value = line.removeprefix("export ").split("=", 1)
        monkeypatch.setenv(name, value)
    assert boto3.Session().client("sagemaker").list_models()["Models"] == []
    assert os.environ["AWS_ENDPOINT_URL_SAGEMAKER_RUNTIME"] == server.url
    refused = CliRunner().invoke(app, ["emulator", "--env", "--port", "8000"])
    assert str(refused.exception).startswith("--port: not with --env")


names = st.text("abcdefghijklmnopqrstuvwxyz-", min_size=1, max_size=8).map(lambda name: f"x-{name}x")
values = st.text(st.characters(min_codepoint=32, max_codepoint=126), max_size=20)


@given(
    method=st.sampled_from(["GET", "POST", "PUT"]),
    path=st.lists(st.text("abc-_.~%20", max_size=6), max_size=3).map(lambda parts: "/" + "/".join(parts)),
    query=st.dictionaries(st.sampled_from("abc"), st.text("xyz09-_.~", max_size=4), max_size=3),
    headers=st.dictionaries(names, values, max_size=4),
    body=st.binary(max_size=40),
    service=st.sampled_from(["sagemaker", "logs", "servicequotas"]),
)
def test_what_botocore_signs_is_accepted_and_any_other_body_is_not(
    method: str, path: str, query: dict[str, str], headers: dict[str, str], body: bytes, service: str
) -> None:
    uri = path + ("?" + "&".join(f"{name}={value}" for name, value in query.items()) if query else "")
    sent = signed("http://127.0.0.1:80", method, uri, body, headers | {"Host": "127.0.0.1:80"}, service=service)
    environ = {"REQUEST_METHOD": method, "REQUEST_URI": uri}
    environ |= {f"HTTP_{name.upper().replace('-', '_')}": value for name, value in sent.items()}
    check_signature(environ, body, KEYS, time.time())
    with pytest.raises(ServiceError, match="does not match"):
        check_signature(environ, body + b"x", KEYS, time.time())


@pytest.mark.parametrize(
    ("minutes", "words"), [(-5.2, "Signature expired"), (5.2, "Signature not yet current"), (-4.8, ""), (4.8, "")]
)
def test_a_clock_may_be_five_minutes_off(minutes: float, words: str) -> None:
    asked = AWSRequest("POST", "http://127.0.0.1/", headers={"Host": "127.0.0.1"}, data=b"")
    SigV4Auth(Credentials(KEYS.access_key, KEYS.secret_key), "sagemaker", "us-east-1").add_auth(asked)
    environ = {f"HTTP_{name.upper().replace('-', '_')}": value for name, value in asked.headers.items()}
    environ |= {"REQUEST_METHOD": "POST", "REQUEST_URI": "/"}
    stamp = datetime.strptime(asked.headers["X-Amz-Date"], "%Y%m%dT%H%M%SZ").replace(tzinfo=UTC)
    now = (stamp - timedelta(minutes=minutes)).timestamp()
    if not words:
        check_signature(environ, b"", KEYS, now)
        return
    with pytest.raises(ServiceError, match=words):
        check_signature(environ, b"", KEYS, now)


def test_secrets_records_and_state_are_their_owners_alone(tmp_path: Path) -> None:
    before = os.umask(0)  # which hides nothing
    try:
        with running_server(tmp_path / "home", programs=programs(tmp_path)):
            folder = tmp_path / "home" / "emulator"
            modes = {path.name: stat.S_IMODE(path.stat().st_mode) for path in (folder, *folder.iterdir())}
    finally:
        os.umask(before)
    assert modes.pop("emulator") == 0o700
    assert {keys_path(Path()).name, presence_path(Path()).name, "state.sqlite"} <= modes.keys()
    assert {name for name, mode in modes.items() if mode & 0o077} == set()


def test_all_rooms_of_a_home_are_their_owners_alone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    home = tmp_path / "home"
    home.mkdir(mode=0o755)
    monkeypatch.setenv("SAGESEG_HOME", str(home))
    before = os.umask(0)
    try:
        batch = BatchRecord("cars", "local", "us-east-1", "", {}, {})
        with open_cache("bucket"), locked(batch.name):
            write_batch(batch)
            open_batch_folder(TrainedModel("cars", "local", "us-east-1", "file:///m.tar.gz"), batch.name)
    finally:
        os.umask(before)
    assert {path.name: stat.S_IMODE(path.stat().st_mode) for path in home.iterdir()} == {
        "batch": 0o700,
        "batches": 0o700,
        "s3": 0o700,
    }
    assert stat.S_IMODE((home / "batches" / "cars" / "batch.json").stat().st_mode) == 0o600


@pytest.mark.parametrize(
    ("spoil", "words"),
    [
        (lambda path: path.chmod(0o644), "others may read the emulator's keys"),
        (lambda path: path.write_text("{}"), "not the emulator's keys"),
        (lambda path: path.write_text('{"access_key": 1, "secret_key": "x"}'), "not the emulator's keys"),
        (lambda path: path.write_bytes(b"\xff\xfe"), "cannot be read"),
        (lambda path: os.chown(path, 12345, -1), "belongs to another user"),
    ],
    ids=["open to others", "empty", "a number", "no text", "another's"],
)
def test_keys_that_cannot_be_trusted(tmp_path: Path, spoil: Any, words: str) -> None:
    emulator_folder(tmp_path)
    assert settle_keys(tmp_path) == settle_keys(tmp_path)
    try:
        spoil(keys_path(tmp_path))
    except PermissionError:
        pytest.skip("only root gives files away")
    with pytest.raises(SagesegError, match=words):
        read_keys(tmp_path)
