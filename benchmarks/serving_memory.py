"""Main memory of the serving program on a processor, for each network: ready, and after an image of 512 × 512 and of
1024 × 1024 pixels.

    python benchmarks/serving_memory.py [--threads 2] [--form torch|float32|int8]

What a serverless endpoint's memory is estimated by (jobs/endpoints/serverless_memory.py). Weights are random, in
float32, two classes; with --form float32 and int8 they are in an ONNX model as `jobs export` writes it. The peak is the
kernel's VmHWM of the one process, whose cores are --threads many.
"""

from __future__ import annotations

import argparse
import http.client
import os
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import date
from pathlib import Path

import numpy as np

from formats.console import result
from formats.images import encode_image
from jobs.algorithm.network.build import build_network
from jobs.algorithm.serving.export import make_onnx
from jobs.algorithm.serving.quantise import quantise
from jobs.algorithm.training.loop import as_strings
from jobs.algorithm.weights.load import to_parameters
from jobs.contract.artefact import BEST, ONNX, Artefact, write_hyperparameters, write_parameters
from jobs.contract.hyperparameters import parse_hyperparameters
from jobs.onnx_models import metadata_of

NETWORKS = (
    ("unet", "resnet-50"),
    *((algorithm, backbone) for algorithm in ("fcn", "psp", "deeplab") for backbone in ("resnet-50", "resnet-101")),
)
SIDES = (512, 1024)
FORMS = ("torch", "float32", "int8")
"""By which a network is served: torch, or onnxruntime with a model in float32 or INT8."""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--form", choices=FORMS, default=FORMS[0])
    options = parser.parse_args()
    threads, form = options.threads, options.form
    result(f"{date.today()}, {form}, {threads} threads; MB: weights, ready, {', '.join(map(str, SIDES))}")
    for algorithm, backbone in NETWORKS:
        with tempfile.TemporaryDirectory() as folder:
            root = Path(folder)
            weights = write_model(root / "model", algorithm, backbone, form)
            with serving(root, threads) as process:
                peaks = [peak_mb(process.pid)]
                for side in SIDES:
                    ask(root, encode_image(np.random.default_rng(0).integers(0, 256, (side, side, 3), np.uint8)))
                    peaks.append(peak_mb(process.pid))
        result(f"{algorithm} {backbone}: {weights}, {', '.join(map(str, peaks))}")


def write_model(folder: Path, algorithm: str, backbone: str, form: str) -> int:
    """A model folder with random weights, in torch's or another form; MB of them."""
    folder.mkdir()
    given = {"num_classes": "2", "num_training_samples": "1", "algorithm": algorithm, "backbone": backbone}
    settings = parse_hyperparameters(given, "open")
    write_hyperparameters(folder, as_strings(settings))
    parameters = to_parameters(build_network(settings))
    if form == FORMS[0]:
        write_parameters(folder / BEST, parameters)
        return round((folder / BEST).stat().st_size / 2**20)
    artefact = Artefact(as_strings(settings), parameters, "benchmark")
    content = make_onnx(artefact, folder / ONNX).content
    if form == "int8":
        image = np.random.default_rng(0).integers(0, 256, (128, 128, 3), np.uint8)
        content = quantise(content, [image], metadata_of(artefact, (), form))
    (folder / ONNX).write_bytes(content)
    return round(len(content) / 2**20)


@contextmanager
def serving(root: Path, threads: int) -> Iterator[subprocess.Popen[bytes]]:
    """The serving program, once it answers."""
    environment = {
        **os.environ,
        "OMP_NUM_THREADS": str(threads),
        "SAGESEG_PRECISION": "float32",
        "SAGESEG_BIND_TO_SOCKET": str(root / "socket"),
    }
    cores = ",".join(map(str, sorted(os.sched_getaffinity(0))[:threads]))
    command = ["taskset", "-c", cores, sys.executable, "-m", "jobs.algorithm", "serve", "--root", str(root)]
    with subprocess.Popen(command, env=environment, stdout=subprocess.DEVNULL) as process:
        try:
            while not (root / "socket").exists():
                time.sleep(0.1)
            yield process
        finally:
            process.kill()


def ask(root: Path, jpeg: bytes) -> None:
    connection = http.client.HTTPConnection("localhost")
    connection.sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    connection.sock.connect(str(root / "socket"))
    connection.request("POST", "/invocations", jpeg, {"Content-Type": "image/jpeg", "Accept": "image/png"})
    answer = connection.getresponse()
    body = answer.read()
    connection.close()
    if answer.status != 200:
        raise RuntimeError(f"answered {answer.status}: {body[:200]!r}")


def peak_mb(process: int) -> int:
    (line,) = [line for line in Path(f"/proc/{process}/status").read_text().splitlines() if line.startswith("VmHWM")]
    return round(int(line.split()[1]) / 1024)


if __name__ == "__main__":
    main()
