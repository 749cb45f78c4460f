"""A team's record at MLflow's own server, whole and with its database, as docs/record.md says.

    .venv/bin/python oracles/mlflow_record.py .venv/mlflow/bin/mlflow

An experiment while the server is away, the same once it is there, twice; then a tuning. What the server holds is asked
by its REST interface alone.
"""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from dvc_repro import check, write_labels

_EXPERIMENT = """
out: results
mlflow: {uri}
prep: {{pairs: [images, masks], labels: labels.txt, crop: none, val: 0.4}}
train: {{backend: local, algorithm: unet, crop_size: 64, mini_batch_size: 2, epochs: 2, name: cars}}
predict: {{split: val}}
report: {{}}
"""
_SEARCH = (
    "jobs tune results/dataset --backend local --algorithm unet --crop-size 64 --mini-batch-size 2 --epochs 1 "
    "--max-jobs 2 --range learning_rate=1e-3:1e-1 --strategy random --name search --mlflow"
)


def main(mlflow: Path) -> None:
    with TemporaryDirectory() as folder:
        desk = Path(folder)
        write_labels(desk)
        with socket.create_server(("127.0.0.1", 0)) as free:
            port = free.getsockname()[1]
        uri = f"http://127.0.0.1:{port}"
        (desk / "experiment.yaml").write_text(_EXPERIMENT.format(uri=uri))
        away = _sageseg(desk, "run experiment.yaml")
        check(away.count("warning: ") >= 3, away)  # as the job begins, at its end, and for its report
        check("writes it down" in away, away)
        with _server(mlflow, desk, port):
            for _ in range(2):
                said = _sageseg(desk, "run experiment.yaml")
                check("warning: http" not in said, said)
                _check_one(uri, desk)
            _sageseg(desk, f"jobs record cars --mlflow {uri} --report results/runs/1/report")
            _check_one(uri, desk)
            for line in (_SEARCH, "jobs record search --mlflow"):
                _sageseg(desk, f"{line} {uri}")
                _check_search(uri)
    sys.stdout.write("mlflow: as docs/record.md says\n")


def _check_one(uri: str, desk: Path) -> None:
    (run,) = [each for each in _runs(uri) if each["info"]["run_name"] == "cars"]
    data = run["data"]
    metrics = {each["key"]: each["value"] for each in data["metrics"]}
    scores = json.loads((desk / "results/runs/1/report/scores.json").read_text())
    check(metrics["report/mean_iou"] == scores["overall"]["mean_iou"])
    ends = [metrics["report/iou/car.low"], metrics["report/iou/car.high"]]
    check(ends == scores["intervals"]["overall"]["iou"]["car"], ends)
    check({"key": "epochs", "value": "2"} in data["params"])
    check(run["info"]["status"] == "FINISHED")
    asked = f"metrics/get-history?run_id={run['info']['run_id']}&metric_key=train/loss"
    check([each["step"] for each in _ask(uri, asked)["metrics"]] == [0, 1])
    listed = _ask(uri, f"artifacts/list?run_id={run['info']['run_id']}&path=report")["files"]
    check(sorted(each["path"] for each in listed) == ["report/images.csv", "report/index.html", "report/scores.json"])


def _check_search(uri: str) -> None:
    tags = {run["info"]["run_name"]: {tag["key"]: tag["value"] for tag in run["data"]["tags"]} for run in _runs(uri)}
    below = [name for name, told in tags.items() if told.get("mlflow.parentRunId")]
    check((len(tags), len(below), "search" in tags) == (4, 2, True), tags.keys())
    check(tags["search"]["sageseg.best"] in below)


def _runs(uri: str) -> list[dict[str, Any]]:
    experiment = _ask(uri, "experiments/get-by-name?experiment_name=sageseg")["experiment"]["experiment_id"]
    found: list[dict[str, Any]] = _ask(uri, "runs/search", {"experiment_ids": [experiment]}).get("runs", [])
    return found


def _ask(uri: str, path: str, body: dict[str, Any] | None = None) -> Any:
    content = None if body is None else json.dumps(body).encode()
    headers = {"Content-Type": "application/json"}
    request = urllib.request.Request(f"{uri}/api/2.0/mlflow/{path}", content, headers)  # noqa: S310 (http alone)
    with urllib.request.urlopen(request) as answer:  # noqa: S310 (http alone)
        return json.load(answer)


def _sageseg(desk: Path, line: str) -> str:
    words = [str(Path(sys.executable).with_name("sageseg")), *line.split()]
    environment = {**os.environ, "SAGESEG_HOME": str(desk / ".sageseg"), "MLFLOW_HTTP_REQUEST_TIMEOUT": "120"}
    ran = subprocess.run(words, cwd=desk, env=environment, capture_output=True, text=True, check=False)
    if ran.returncode:
        raise SystemExit(f"{line}: {ran.returncode}\n{ran.stdout[-3000:]}\n{ran.stderr[-3000:]}")
    return ran.stderr


@contextmanager
def _server(mlflow: Path, desk: Path, port: int) -> Iterator[None]:
    store = ["--backend-store-uri", f"sqlite:///{desk}/mlflow.db", "--artifacts-destination", str(desk / "artifacts")]
    words = [str(mlflow), "server", *store, "--port", str(port), "--workers", "1"]
    environment = {**os.environ, "MLFLOW_DISABLE_TELEMETRY": "true", "PYTHONPATH": ""}
    out = subprocess.DEVNULL
    with subprocess.Popen(words, cwd=desk, env=environment, stdout=out, stderr=out, start_new_session=True) as server:
        try:
            while not _is_healthy(port):
                time.sleep(1)
            yield
        finally:
            os.killpg(server.pid, signal.SIGKILL)


def _is_healthy(port: int) -> bool:
    try:
        with urllib.request.urlopen(f"http://127.0.0.1:{port}/health") as answer:
            return bool(answer.status == 200)
    except (OSError, urllib.error.URLError):
        return False


if __name__ == "__main__":
    main(Path(sys.argv[1]).absolute())
