"""The rounds of the trial: predictions, descriptions, broken connections and killed containers, a killed emulator.

.venv/bin/python -m trust clients
"""

from __future__ import annotations

import http.client
import os
import random
import signal
import socket
import statistics
import subprocess
import tempfile
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from functools import partial
from pathlib import Path
from urllib.parse import urlsplit

from jobs.contract.statuses import ENDED
from tests.support.emulator_setup import GOOD, client, create_model, killable_emulator, programs, request, wait_until
from tests.support.signed_requests import signed
from trust.clients.injuries import INJURIES
from trust.clients.watch import Errors, Watch, expect
from trust.clients.workers import POLL_SECONDS, workers
from trust.outcome import Outcome

CLIENTS = 32
P99_MS = 50.0
MOST_GROWTH_MB = 16.0
"""What of a server's memory may come and go between two looks."""
_SERVES = """
import threading
alone = threading.Lock()
def answer(path, headers, body):
    if body == b"pid":
        return 200, {}, str(os.getpid()).encode()
    if body.startswith(b"once "):
        with alone, open(root.parent.parent / "asked", "ab") as file:
            file.write(body + b"\\n")
    return 200, {}, body[::-1]
"""


def trial(*, short: bool) -> Iterator[Outcome]:
    with tempfile.TemporaryDirectory() as scratch:
        yield from _undisturbed(Path(scratch) / "calm", predictions=150 if short else 10_000, short=short)
        yield from _disturbed(Path(scratch) / "rough", seconds=2.0 if short else 150.0, restarts=1 if short else 8)


@contextmanager
def _together(works: list[Callable[[], None]]) -> Iterator[None]:
    """Run all in threads of their own while the block runs, and wait for them."""
    threads = [threading.Thread(target=work) for work in works]
    for thread in threads:
        thread.start()
    try:
        yield
    finally:
        for thread in threads:
            thread.join()


def _undisturbed(folder: Path, predictions: int, *, short: bool) -> Iterator[Outcome]:
    """Predictions, each with an id of its own; then how long a description takes."""
    programs(folder, GOOD, _SERVES)
    with killable_emulator(folder) as (url, server):
        _put_in_service(url, folder)
        began = time.monotonic()
        watch, numbers, alone = Watch(), iter(range(predictions)), threading.Lock()

        def predict() -> None:
            with client("sagemaker-runtime", url) as runtime:
                while True:
                    with alone:
                        number = next(numbers, None)
                    if number is None:
                        return
                    body = f"once {number}".encode()
                    with watch.trying("prediction"):
                        answer = runtime.invoke_endpoint(EndpointName="endpoint", Body=body)["Body"].read()
                        expect(answer == body[::-1], f"{number} was answered {answer!r}")

        with _together([predict] * CLIENTS):
            pass
        asked = Counter((folder / "home/emulator/endpoints/endpoint/asked").read_bytes().splitlines())
        lost = tuple(
            f"{number} reached the container {asked[f'once {number}'.encode()]} times"
            for number in range(predictions)
            if asked[f"once {number}".encode()] != 1
        )
        seconds = time.monotonic() - began
        yield Outcome(
            "endpoint predictions, each answered once",
            predictions,
            watch.faults() + lost,
            seconds,
            f"{predictions / seconds:.0f}/s by {CLIENTS} clients",
        )
        yield _described(url, folder, server, seconds=1.5 if short else 30.0)


def _described(url: str, folder: Path, server: subprocess.Popen[str], seconds: float) -> Outcome:
    """How long a description takes while all clients ask every POLL_SECONDS, and what the server's memory does."""
    with client("sagemaker", url) as sagemaker:
        sagemaker.create_training_job(**request(folder))
        wait_until(lambda: sagemaker.describe_training_job(TrainingJobName="job")["TrainingJobStatus"] in ENDED)
    watch, times = Watch(), list[float]()
    deadline = time.monotonic() + seconds

    def describe(number: int) -> None:
        address, body = urlsplit(url), b'{"TrainingJobName": "job"}'
        connection = http.client.HTTPConnection(address.hostname or "", address.port, timeout=60)
        time.sleep(POLL_SECONDS * number / CLIENTS)
        while time.monotonic() < deadline:
            headers = signed(url, "POST", "/", body, {"X-Amz-Target": "SageMaker.DescribeTrainingJob"})
            with watch.trying("describe"):
                began = time.monotonic()
                connection.request("POST", "/", body, headers)
                response = connection.getresponse()
                content = response.read()
                times.append(1000 * (time.monotonic() - began))
                expect(response.status == 200, repr(content))
            time.sleep(POLL_SECONDS)
        connection.close()

    before = _memory_mb(server.pid)
    with _together([partial(describe, number) for number in range(CLIENTS)]):
        pass
    grown = _memory_mb(server.pid) - before
    p99 = statistics.quantiles(times, n=100)[98]
    slow = () if p99 < P99_MS else (f"p99 of describe is {p99:.1f} ms, expected less than {P99_MS:.0f}",)
    large = () if grown < MOST_GROWTH_MB else (f"the server's memory grew by {grown:.1f} MB from {before:.0f}",)
    measured = f"p99 {p99:.1f} ms, median {statistics.median(times):.1f} ms; memory {before:.0f} MB, {grown:+.1f}"
    return Outcome(f"descriptions for {CLIENTS} clients", len(times), watch.faults() + slow + large, seconds, measured)


def _disturbed(folder: Path, seconds: float, restarts: int) -> Iterator[Outcome]:
    """Clients who go on while connections break and containers die, and then while the emulator itself is killed."""
    programs(folder, GOOD, _SERVES)
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    url = f"http://127.0.0.1:{port}"
    with ExitStack() as stack:
        _, server = stack.enter_context(killable_emulator(folder, port))
        _put_in_service(url, folder)
        watch, began = Watch(), time.monotonic()
        early = list[float]()

        def injure() -> None:
            chance = random.Random(0)  # noqa: S311 (it is to be the same each time)
            kills = [began + seconds * share for share in (0.3, 0.6)]
            while time.monotonic() < began + seconds:
                with watch.trying("injured connection"):
                    chance.choice(INJURIES)(url, chance)
                if kills and time.monotonic() > kills[0]:
                    kills.pop(0)
                    _kill_container(url, watch)
                if not early and time.monotonic() > began + seconds / 4:
                    early.append(_memory_mb(server.pid))
            watch.ended.set()

        with _together([injure, *workers(CLIENTS, url, folder, watch)]):
            pass
        grown = _memory_mb(server.pid) - (early or [0.0])[0]
        large = () if grown < MOST_GROWTH_MB else (f"the server's memory grew by {grown:.1f} MB",)
        yield Outcome(
            f"requests of {CLIENTS} clients among broken, slow, idle and garbled ones",
            sum(watch.tried.values()),
            watch.faults() + large,
            time.monotonic() - began,
            f"{watch.injected} failed as made to; memory {grown:+.1f} MB",
        )
        watch, began = Watch(), time.monotonic()

        def restart() -> None:
            nonlocal server
            for number in range(restarts):
                time.sleep(seconds / restarts / 2)
                with watch.making_it_fail():
                    server.send_signal((signal.SIGKILL, signal.SIGTERM)[number % 2])
                    server.wait()
                    _, server = stack.enter_context(killable_emulator(folder, port))
                    _wait_for_answers(url)
                time.sleep(seconds / restarts / 2)
            watch.ended.set()

        with _together([restart, *workers(CLIENTS, url, folder, watch)]):
            pass
        yield Outcome(
            f"requests of {CLIENTS} clients while the emulator is killed {restarts} times",
            sum(watch.tried.values()),
            watch.faults(),
            time.monotonic() - began,
            f"{watch.injected} failed as made to",
        )


def _put_in_service(url: str, folder: Path) -> None:
    with client("sagemaker", url) as sagemaker:
        create_model(sagemaker, folder)
        variant = {"VariantName": "AllTraffic", "ModelName": "model", "InstanceType": "ml.c5.xlarge"}
        sagemaker.create_endpoint_config(EndpointConfigName="config", ProductionVariants=[variant])
        sagemaker.create_endpoint(EndpointName="endpoint", EndpointConfigName="config")
    _wait_for_answers(url)


def _wait_for_answers(url: str) -> None:
    def answers() -> bool:
        with suppress(*Errors):
            if sagemaker.describe_endpoint(EndpointName="endpoint")["EndpointStatus"] == "InService":
                return bool(runtime.invoke_endpoint(EndpointName="endpoint", Body=b"ab")["Body"].read() == b"ba")
        return False

    with client("sagemaker", url) as sagemaker, client("sagemaker-runtime", url) as runtime:
        wait_until(answers)


def _kill_container(url: str, watch: Watch) -> None:
    with client("sagemaker-runtime", url) as runtime, watch.making_it_fail():
        number = int(runtime.invoke_endpoint(EndpointName="endpoint", Body=b"pid")["Body"].read())
        os.kill(number, signal.SIGKILL)
        _wait_for_answers(url)


def _memory_mb(pid: int) -> float:
    """What a process keeps in memory."""
    told = subprocess.run(["ps", "-o", "rss=", "-p", str(pid)], capture_output=True, text=True, check=True)  # noqa: S607
    return int(told.stdout) / 1024
