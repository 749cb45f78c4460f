"""How fast the emulator is: its start, a description among many jobs, invocations.

    .venv/bin/python benchmarks/emulator_speed.py [--artefact model.tar.gz]

Prints each figure beside its peer, measured in the same run: the emulator's start beside Python's
own, a description among 1,000 jobs beside one among 10, invocations through the emulator beside
the same requests to the container itself. Without an artefact the container is a stand-in that
decodes the JPEG and runs a small convolutional network over it.
"""

from __future__ import annotations

import argparse
import http.client
import io
import resource
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import numpy as np
from PIL import Image

ROOT = Path(__file__).resolve().parent.parent
sys.path[:0] = [str(ROOT)]

from formats.console import result  # noqa: E402
from jobs.emulator.host.container import OWN_PROGRAMS, Programs  # noqa: E402
from jobs.emulator.host.serving_container import NoAnswerError, ServingContainer  # noqa: E402
from jobs.emulator.keys import Keys, read_keys  # noqa: E402
from jobs.emulator.presence import living_emulator  # noqa: E402
from jobs.emulator.server import Server, running_server  # noqa: E402
from jobs.emulator.store.collection import Collection  # noqa: E402
from jobs.emulator.store.state import State  # noqa: E402
from jobs.emulator.training.record import TRAINING_JOBS, finish, new_record  # noqa: E402
from tests.support.emulator_setup import artefact, client, create_model, programs, request, wait_until  # noqa: E402
from tests.support.signed_requests import signed  # noqa: E402

SMALL_NETWORK = """
import io
import numpy as np
import torch
from PIL import Image
torch.set_num_threads(1)
torch.manual_seed(0)
network = torch.nn.Sequential(
    torch.nn.Conv2d(3, 8, 3, 2, 1), torch.nn.ReLU(), torch.nn.Conv2d(8, 16, 3, 2, 1), torch.nn.ReLU(),
    torch.nn.Conv2d(16, 2, 1), torch.nn.Upsample(scale_factor=4, mode="bilinear"),
)
def answer(path, headers, body):
    image = np.asarray(Image.open(io.BytesIO(body)))
    with torch.inference_mode():
        scores = network(torch.from_numpy(image.copy()).permute(2, 0, 1)[None].float() / 255)
    packed = io.BytesIO()
    Image.fromarray(scores.argmax(1)[0].to(torch.uint8).numpy()).save(packed, "PNG", compress_level=1)
    return 200, {"Content-Type": "image/png"}, packed.getvalue()
"""
CLIENTS = 8
STARTS = [sys.executable, "-m", "jobs.emulator", "--idle-seconds", "60"]


def median_ms(call: Callable[[], object], times: int) -> float:
    durations = []
    for _ in range(times):
        began = time.perf_counter()
        call()
        durations.append(time.perf_counter() - began)
    return 1000 * sorted(durations)[times // 2]


def start_seconds(folder: Path) -> tuple[float, float, float]:
    """Seconds to the first answer of SageMaker's API, CPU seconds of that, and seconds of
    `python -c pass`."""
    began, spent = time.perf_counter(), cpu_of_children()
    server = subprocess.Popen([*STARTS, "--home", str(folder)], stderr=subprocess.DEVNULL)
    try:
        while (presence := living_emulator(folder)) is None:
            time.sleep(0.005)
        call(presence.url, read_keys(folder), "ListTrainingJobs", b"{}")
        seconds = time.perf_counter() - began
    finally:
        server.terminate()
        server.wait()
    spent = cpu_of_children() - spent
    began = time.perf_counter()
    subprocess.run([sys.executable, "-c", "pass"], check=True)
    return seconds, spent, time.perf_counter() - began


def cpu_of_children() -> float:
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def call(url: str, keys: Keys, operation: str, body: bytes) -> bytes:
    address = urlsplit(url)
    connection = http.client.HTTPConnection(address.hostname or "", address.port, timeout=60)
    headers = signed(url, "POST", "/", body, {"X-Amz-Target": f"SageMaker.{operation}"}, keys)
    connection.request("POST", "/", body, headers)
    content = connection.getresponse().read()
    connection.close()
    return content


def fill(folder: Path, count: int) -> None:
    """Store so many completed jobs, each with five metrics."""
    (folder / "home" / "emulator").mkdir(parents=True)
    state = State(folder / "home" / "emulator" / "state.sqlite")
    jobs, asked = Collection(state, TRAINING_JOBS), request(folder)
    for number in range(count):
        record = new_record(asked | {"TrainingJobName": f"job-{number}"}, f"arn:{number}", 1000.0 + number)
        finish(record, "Completed", 2000.0 + number)
        metrics = [{"MetricName": f"metric-{n}", "Value": 0.5, "Timestamp": 1.0} for n in range(5)]
        jobs.add(record | {"FinalMetricDataList": metrics}, asked)
    state.close()


def describe_ms(folder: Path, count: int) -> dict[str, float]:
    fill(folder, count)
    body = f'{{"TrainingJobName": "job-{count // 2}"}}'.encode()
    with running_server(folder / "home") as server:
        ask = partial(call, server.url, read_keys(folder / "home"))
        ask("DescribeTrainingJob", body)
        return {
            "describe": median_ms(lambda: ask("DescribeTrainingJob", body), 200),
            "list of 100": median_ms(lambda: ask("ListTrainingJobs", b'{"MaxResults": 100}'), 50),
        }


def rate(send: Callable[[], bytes], seconds: float) -> tuple[float, int]:
    """Answers per second of several clients at once, and how many requests got none."""
    done, lost, end = [0] * CLIENTS, [0] * CLIENTS, time.monotonic() + seconds

    def work(number: int) -> None:
        while time.monotonic() < end:
            if send():
                done[number] += 1
            else:
                lost[number] += 1

    threads = [threading.Thread(target=work, args=(number,)) for number in range(CLIENTS)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return sum(done) / seconds, sum(lost)


TYPES = {"Content-Type": "image/jpeg", "Accept": "image/png"}


def invoke(url: str, keys: Keys, body: bytes) -> bytes:
    """The answer's body through the emulator; empty when there was none, or a refusal."""
    address, path = urlsplit(url), "/endpoints/endpoint/invocations"
    connection = http.client.HTTPConnection(address.hostname or "", address.port, timeout=60)
    try:
        connection.request("POST", path, body, signed(url, "POST", path, body, TYPES, keys))
        response = connection.getresponse()
        content = response.read()
    except OSError:
        return b""
    else:
        return content if response.status == 200 else b""
    finally:
        connection.close()


def ask_container(serving: ServingContainer, body: bytes) -> bytes:
    """The same of the container itself."""
    try:
        answer = serving.ask("POST", "/invocations", seconds=60, limit=2**23, body=body, headers=TYPES)
    except NoAnswerError:
        return b""
    return answer.body if answer.good else b""


def image_bytes() -> bytes:
    """A 512 × 512 JPEG of about 100 kB."""
    noise = np.random.default_rng(0).integers(0, 256, (64, 64, 3), np.uint8)
    packed = io.BytesIO()
    Image.fromarray(noise).resize((512, 512), Image.Resampling.BICUBIC).save(packed, "JPEG", quality=95)
    return packed.getvalue()


def serve(sagemaker: Any, folder: Path, model: str) -> None:
    create_model(sagemaker, folder, ModelDataUrl=model)
    variant = {"VariantName": "AllTraffic", "ModelName": "model", "InstanceType": "ml.c5.xlarge"}
    sagemaker.create_endpoint_config(EndpointConfigName="config", ProductionVariants=[variant])
    sagemaker.create_endpoint(EndpointName="endpoint", EndpointConfigName="config")
    wait_until(lambda: sagemaker.describe_endpoint(EndpointName="endpoint")["EndpointStatus"] == "InService", 120)


def invocation_rates(folder: Path, stand_ins: Programs, model: str, seconds: float) -> None:
    body = image_bytes()
    with running_server(folder / "home", programs=stand_ins) as server:
        keys = read_keys(folder / "home")
        with client("sagemaker", server.url, keys) as sagemaker:
            serve(sagemaker, folder, model)
        inside = container(server)
        for _ in range(2):
            direct, _ = rate(lambda: ask_container(inside, body), seconds)
            routed, lost = rate(lambda: invoke(server.url, keys, body), seconds)
            result(
                f"invocations of {len(body) // 1000} kB, {CLIENTS} clients: {routed:.1f}/s, {lost} lost; "
                f"container alone {direct:.1f}/s (ratio {routed / direct:.2f})"
            )


def container(server: Server) -> ServingContainer:
    run = server.services.endpoints.runs.get("endpoint")
    serving = run.wait_serving(1) if run else None
    if serving is None:
        sys.exit("the endpoint has no container")
    return serving


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--artefact", type=Path, help="serve this model with the project's own program")
    parser.add_argument("--seconds", type=float, default=5.0)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as scratch:
        folder = Path(scratch)
        seconds, spent, python = min(start_seconds(folder / f"start-{number}") for number in range(3))
        result(f"start to first answer: {seconds:.2f} s ({spent:.2f} s of CPU); python alone {python:.2f} s")
        few, many = describe_ms(folder / "few", 10), describe_ms(folder / "many", 1000)
        for name in few:
            result(
                f"{name}: {many[name]:.2f} ms among 1000 jobs, {few[name]:.2f} ms among 10 "
                f"(ratio {many[name] / few[name]:.2f})"
            )
        if options.artefact:
            invocation_rates(folder, OWN_PROGRAMS, options.artefact.absolute().as_uri(), options.seconds)
        else:
            invocation_rates(folder, programs(folder, serve=SMALL_NETWORK), artefact(folder), options.seconds)


if __name__ == "__main__":
    main()
