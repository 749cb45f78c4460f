"""What the emulator's tests share: unmodified boto3 clients, small container programs, waiting."""

from __future__ import annotations

import io
import json
import os
import subprocess
import sys
import tarfile
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import boto3
from botocore.config import Config

from jobs.contract.channels import CONTENT_TYPES
from jobs.contract.registry import OPEN_IMAGE
from jobs.contract.statuses import ENDED
from jobs.contract.training_request import TrainingJob, training_request
from jobs.emulator.host.container import Command, Programs
from jobs.emulator.keys import Keys
from jobs.emulator.server import Server, running_server
from tests.support.keys import KEYS

ROOT = Path(__file__).parents[2]
ROLE = "arn:aws:iam::123456789012:role/SageMakerRole"
LOG_GROUP = "/aws/sagemaker/TrainingJobs"
HYPERPARAMETERS = {"num_classes": "2", "num_training_samples": "4"}

GOOD = """
(root / "model" / "weights").write_text("trained")
for epoch, loss in enumerate([0.5, 0.25]):
    print(f"#quality_metric. host: algo-1, epoch: {epoch}, train loss: {loss} .")
"""
SLEEPS = """
import time
print("waiting")
time.sleep(60)
"""
ECHOES = """
def answer(path, headers, body):
    return 200, {"Content-Type": headers.get("Accept", "text/plain")}, body[::-1]
"""
_SERVES = """
import json, os, time
from http.server import BaseHTTPRequestHandler
from socketserver import ThreadingMixIn, UnixStreamServer
parameters = {}
def healthy():
    return True

class Handler(BaseHTTPRequestHandler):
    def do_GET(self):
        known = {"/ping": b"", "/execution-parameters": json.dumps(parameters).encode()}
        good = self.path in known and healthy()
        self.reply(200 if good else 404, {}, known.get(self.path, b""))

    def do_POST(self):
        self.reply(*answer(self.path, self.headers, self.rfile.read(int(self.headers["Content-Length"]))))

    def reply(self, status, headers, body):
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_):
        pass

class Server(ThreadingMixIn, UnixStreamServer):
    request_queue_size = 64
    daemon_threads = True

    def handle_error(self, *_):  # who asked gave up, as a ping on a busy machine does: nothing for the log
        pass

{source}
print("serving", sorted(path.name for path in (root / "model").iterdir()))
Server(os.environ["SAGESEG_BIND_TO_SOCKET"], Handler).serve_forever()
"""


@contextmanager
def client(service: str, url: str, keys: Keys = KEYS) -> Iterator[Any]:
    """A boto3 client of the emulator that never tries twice."""
    made = boto3.client(
        service,
        region_name="eu-central-1",
        endpoint_url=url,
        aws_access_key_id=keys.access_key,
        aws_secret_access_key=keys.secret_key,
        config=Config(retries={"max_attempts": 0}, proxies={}),
    )
    try:
        yield made
    finally:
        made.close()


@contextmanager
def s3_with(bucket: str, *keys: str) -> Iterator[Any]:
    """A boto3 client of moto's S3, with a bucket that holds these keys, each its own content.

    All of moto's servers in a process share their state: every test needs a bucket of its own name.
    """
    from moto.server import ThreadedMotoServer

    moto = ThreadedMotoServer(port=0, verbose=False)
    moto.start()
    try:
        host, port = moto.get_host_and_port()
        with client("s3", f"http://{host}:{port}") as s3:
            s3.create_bucket(Bucket=bucket, CreateBucketConfiguration={"LocationConstraint": "eu-central-1"})
            for key in keys:
                s3.put_object(Bucket=bucket, Key=key, Body=key.encode())
            yield s3
    finally:
        moto.stop()


def program(folder: Path, source: str, name: str = "train") -> Command:
    """A container program: Python source in which `root` stands for /opt/ml."""
    folder.mkdir(parents=True, exist_ok=True)
    script = folder / f"{name}.py"
    script.write_text(f"import sys\nfrom pathlib import Path\nroot = Path(sys.argv[1])\n{source}")
    return lambda root: [sys.executable, "-I", "-u", str(script), str(root)]


def programs(folder: Path, train: str = GOOD, serve: str = ECHOES, process: str = "") -> Programs:
    """All programs. `serve` defines `answer(path, headers, body)`, and may replace `healthy()` and
    `parameters` of a small stand-in for a serving container."""
    serves = program(folder, _SERVES.replace("{source}", serve), "serve")
    return Programs(program(folder, train), serves, program(folder, process, "process"))


@contextmanager
def emulator(
    folder: Path, source: str = GOOD, grace_seconds: float = 30, serve: str = ECHOES, process: str = "", **also: Any
) -> Iterator[tuple[Any, Any, Server]]:
    """A server of `folder/home` whose jobs run this source; its SageMaker and logs clients."""
    with (
        running_server(
            folder / "home", programs=programs(folder, source, serve, process), grace_seconds=grace_seconds, **also
        ) as server,
        client("sagemaker", server.url) as sagemaker,
        client("logs", server.url) as logs,
    ):
        yield sagemaker, logs, server


_SERVER = """
import sys, threading
from pathlib import Path
from jobs.emulator import keys
from jobs.emulator.host.container import Programs
from jobs.emulator.server import running_server
from tests.support.keys import KEYS
keys.new_keys = lambda: KEYS
def command(name):
    return lambda root: [sys.executable, "-I", "-u", str(Path(sys.argv[1], name)), str(root)]
programs = Programs(command("train.py"), command("serve.py"), command("process.py"))
with running_server(Path(sys.argv[1], "home"), programs=programs, port=int(sys.argv[2])) as server:
    print(server.url, flush=True)
    threading.Event().wait()
"""


@contextmanager
def killable_emulator(folder: Path, port: int = 0) -> Iterator[tuple[str, subprocess.Popen[str]]]:
    """A server of `folder/home` as a process of its own, which runs what `programs(folder, …)` wrote; its URL. It is
    killed at the block's end."""
    arguments = [sys.executable, "-c", _SERVER, str(folder), str(port)]
    with subprocess.Popen(arguments, cwd=ROOT, stdout=subprocess.PIPE, text=True) as server:
        try:
            assert server.stdout is not None
            yield server.stdout.readline().strip(), server
        finally:
            server.kill()


def is_alive(number: int) -> bool:
    """Whether a process runs; one that ended and that nobody has waited for does not."""
    try:
        os.kill(number, 0)
    except ProcessLookupError:
        return False
    status = Path(f"/proc/{number}/stat")
    return not (status.exists() and status.read_text().rpartition(") ")[2].startswith("Z"))


def rehearse(folder: Path, plan: dict[str, Any]) -> None:
    """Write the rehearsal file of `folder/home`."""
    path = folder / "home" / "rehearsal.yaml"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(plan))  # JSON is YAML


def artefact(folder: Path) -> str:
    """The URI of a small model.tar.gz in `folder`."""
    path = folder / "model.tar.gz"
    with tarfile.open(path, "w:gz") as archive:
        member = tarfile.TarInfo("weights")
        member.size = 7
        archive.addfile(member, io.BytesIO(b"trained"))
    return path.as_uri()


def create_model(sagemaker: Any, folder: Path, name: str = "model", **changes: Any) -> str:
    container = {"Image": OPEN_IMAGE, "ModelDataUrl": artefact(folder)} | changes
    arn: str = sagemaker.create_model(ModelName=name, ExecutionRoleArn=ROLE, PrimaryContainer=container)["ModelArn"]
    return arn


def request(folder: Path, name: str = "job", **changes: Any) -> dict[str, Any]:
    """A request that the emulator accepts, over empty channels in `folder/data`."""
    for channel in CONTENT_TYPES:
        (folder / "data" / channel).mkdir(parents=True, exist_ok=True)
    job = TrainingJob(
        name=name,
        image=OPEN_IMAGE,
        role=ROLE,
        data_uri=(folder / "data").as_uri(),
        output_uri=(folder / "out").as_uri(),
        instance_type="ml.m5.large",
        volume_gb=10,
        max_runtime_seconds=600,
        hyperparameters=HYPERPARAMETERS,
        tags={"project": "sageseg", "größe": "klein"},
    )
    return training_request(job) | changes


def wait_until(condition: Callable[[], bool], seconds: float = 60) -> None:
    """Return when the condition holds; fail the test when it does not come to that."""
    pause, deadline = threading.Event(), time.monotonic() + seconds
    while not condition():
        if time.monotonic() > deadline:
            raise AssertionError("what was waited for did not happen")
        pause.wait(0.01)


def wait_for_end(sagemaker: Any, name: str = "job") -> dict[str, Any]:
    """The description of a job once it has ended."""
    wait_until(lambda: sagemaker.describe_training_job(TrainingJobName=name)["TrainingJobStatus"] in ENDED)
    description: dict[str, Any] = sagemaker.describe_training_job(TrainingJobName=name)
    return description


def messages(logs: Any, name: str = "job") -> list[str]:
    """All log lines of a job, from the head."""
    streams = logs.describe_log_streams(logGroupName=LOG_GROUP, logStreamNamePrefix=f"{name}/")["logStreams"]
    events = logs.get_log_events(logGroupName=LOG_GROUP, logStreamName=streams[0]["logStreamName"], startFromHead=True)[
        "events"
    ]
    return [event["message"] for event in events]


def wait_for_line(logs: Any, line: str, name: str = "job") -> None:
    """Return when a job has logged this line."""

    def is_logged() -> bool:
        try:
            return line in messages(logs, name)
        except (logs.exceptions.ResourceNotFoundException, IndexError):
            return False

    wait_until(is_logged)
