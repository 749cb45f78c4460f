"""Main memory of the serving program on a processor, for each network: ready, and after an image of 512 × 512 and of
1024 × 1024 pixels.

    python benchmarks/serving_memory.py [--threads 2]

What a serverless endpoint's memory is estimated by (jobs/endpoints/serverless_memory.py). Weights are random, in
float32, two classes; the peak is the kernel's VmHWM of the one process.
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
from jobs.algorithm.training.loop import as_strings
from jobs.algorithm.weights.load import to_parameters
from jobs.contract.artefact import BEST, write_hyperparameters, write_parameters
from jobs.contract.hyperparameters import parse_hyperparameters

NETWORKS = (
    ("unet", "resnet-50"),
    *((algorithm, backbone) for algorithm in ("fcn", "psp", "deeplab") for backbone in ("resnet-50", "resnet-101")),
)
SIDES = (512, 1024)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--threads", type=int, default=2)
    threads = parser.parse_args().threads
    result(f"{date.today()}, float32, {threads} threads; MB: weights, ready, {', '.join(map(str, SIDES))}")
    for algorithm, backbone in NETWORKS:
        with tempfile.TemporaryDirectory() as folder:
            root = Path(folder)
            weights = write_model(root / "model", algorithm, backbone)
            with serving(root, threads) as process:
                peaks = [peak_mb(process.pid)]
                for side in SIDES:
                    ask(root, encode_image(np.random.default_rng(0).integers(0, 256, (side, side, 3), np.uint8)))
                    peaks.append(peak_mb(process.pid))
        result(f"{algorithm} {backbone}: {weights}, {', '.join(map(str, peaks))}")


def write_model(folder: Path, algorithm: str, backbone: str) -> int:
    """A model folder with random weights; MB of them."""
    folder.mkdir()
    given = {"num_classes": "2", "num_training_samples": "1", "algorithm": algorithm, "backbone": backbone}
    settings = parse_hyperparameters(given, "open")
    write_hyperparameters(folder, as_strings(settings))
    write_parameters(folder / BEST, to_parameters(build_network(settings)))
    return round((folder / BEST).stat().st_size / 2**20)


@contextmanager
def serving(root: Path, threads: int) -> Iterator[subprocess.Popen[bytes]]:
    """The serving program, once it answers."""
    environment = {
        **os.environ,
        "OMP_NUM_THREADS": str(threads),
        "SAGESEG_PRECISION": "float32",
        "SAGESEG_BIND_TO_SOCKET": str(root / "socket"),
    }
    command = [sys.executable, "-m", "jobs.algorithm", "serve", "--root", str(root)]
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
