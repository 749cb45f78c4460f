"""Upload of small files, side by side: `python benchmarks/jobs_upload.py [FILES] [ROUNDS]`

Peers: the SageMaker SDK's `Session.upload_data` (one `Object.upload_file` after the other), and
`aws s3 sync` where the AWS CLI is installed. All send the same files to a fresh trivial S3 on
loopback (benchmarks/loopback_s3.py); commands are measured whole, with their start. Over 20,000
files only our own command runs.
"""

from __future__ import annotations

import json
import os
import random
import resource
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from formats import dataset as files
from formats.classes import ClassTable, write_labels
from formats.manifest import ManifestRow, write_manifest

HERE = Path(__file__).parent
BYTES = (6_000, 1_500)
"""Sizes of an image and of its mask."""


def make_dataset(root: Path, count: int) -> None:
    """A dataset of `count` files whose content is noise: nobody looks inside."""
    for folder in ("JPEGImages", "SegmentationClass"):
        (root / folder).mkdir(parents=True)
    noise, rows = random.Random(0), []  # noqa: S311
    for number in range(count // 2):
        split = "val" if number % 5 == 0 else "train"
        row = ManifestRow(f"crop{number:06}", split, "g", "s.jpg", 0, 0, 512, 512, 512, 512)
        files.image_path(root, row.id).write_bytes(noise.randbytes(BYTES[0]))
        files.mask_path(root, row.id).write_bytes(noise.randbytes(BYTES[1]))
        rows.append(row)
    write_manifest(files.manifest_path(root), rows)
    write_labels(files.labels_path(root), ClassTable(("_background_", "car")))
    files.info_path(root).write_text(json.dumps({"format_version": files.FORMAT_VERSION}))


@contextmanager
def loopback_s3() -> Iterator[str]:
    command = [sys.executable, str(HERE / "loopback_s3.py")]
    process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    if process.stdout is None or process.stdin is None:
        raise RuntimeError("the loopback S3 has no pipes")
    try:
        yield process.stdout.readline().strip()
    finally:
        process.stdin.close()
        process.wait()


def environment(url: str, home: Path) -> dict[str, str]:
    return os.environ | {
        "AWS_ENDPOINT_URL": url,
        "AWS_ACCESS_KEY_ID": "x",
        "AWS_SECRET_ACCESS_KEY": "x",
        "AWS_REGION": "us-east-1",
        "AWS_DEFAULT_REGION": "us-east-1",
        "AWS_EC2_METADATA_DISABLED": "true",
        "SAGESEG_HOME": str(home),
        "PYTHONPATH": str(HERE.parent),
    }


SERIAL = """
import sys, boto3, pathlib
s3 = boto3.resource("s3")
for folder in ("JPEGImages", "SegmentationClass"):
    for path in sorted(pathlib.Path(sys.argv[1], folder).iterdir()):
        s3.Object("bucket", f"cars/{folder}/{path.name}").upload_file(str(path))
"""


def peers(dataset: Path) -> dict[str, list[str]]:
    found = {
        "SDK's serial upload_data": [sys.executable, "-c", SERIAL, str(dataset)],
        "sageseg jobs upload": [
            *(sys.executable, "-m", "jobs", "upload"),
            *(str(dataset), "s3://bucket/cars", "--region", "us-east-1", "--bucket-owner", "any"),
        ],
    }
    aws = shutil.which("aws")
    if aws:
        found["aws s3 sync"] = [aws, "s3", "sync", "--quiet", str(dataset), "s3://bucket/cars"]
    return found


def seconds(run: Callable[[], object]) -> tuple[float, float]:
    """Wall time, and processor time of the command and its children."""
    before, started = resource.getrusage(resource.RUSAGE_CHILDREN), time.perf_counter()
    run()
    after, ended = resource.getrusage(resource.RUSAGE_CHILDREN), time.perf_counter()
    return ended - started, after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


def least(one: tuple[float, float] | None, other: tuple[float, float]) -> tuple[float, float]:
    return other if one is None else (min(one[0], other[0]), min(one[1], other[1]))


def main(count: int, rounds: int) -> None:
    with tempfile.TemporaryDirectory() as folder:
        dataset = Path(folder) / "dataset"
        make_dataset(dataset, count)
        best: dict[str, tuple[float, float]] = {}
        for turn in range(rounds):
            for name, command in peers(dataset).items():
                if count > 20_000 and name != "sageseg jobs upload":
                    continue
                with loopback_s3() as url:
                    variables = environment(url, Path(folder) / f"home{turn}")

                    def run(command: list[str] = command, variables: dict[str, str] = variables) -> None:
                        subprocess.run(command, env=variables, check=True, capture_output=True)

                    best[name] = least(best.get(name), seconds(run))
                    if name == "sageseg jobs upload":
                        again = "second run, nothing changed"
                        best[again] = least(best.get(again), seconds(run))
        ours = best["sageseg jobs upload"]
        for name, (wall, cpu) in best.items():
            times = f"{wall:8.2f} s ({wall / ours[0]:5.2f}×)   {cpu:8.2f} s of CPU ({cpu / ours[1]:5.2f}×)"
            sys.stdout.write(f"{name:30} {times}   {count / wall:6.0f} files/s\n")


if __name__ == "__main__":
    arguments = [int(word) for word in sys.argv[1:]]
    main(arguments[0] if arguments else 4000, arguments[1] if len(arguments) > 1 else 2)
