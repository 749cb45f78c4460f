"""The SageMaker SDK as a judge of jobs/training/model_trainer.py.

    .venv/bin/python oracles/sdk_model_trainer.py .venv/sdk/bin/python

A ModelTrainer made from a request of ours has to send the same request, field by field, and to
train: against the emulator, with moto as S3, STS and IAM, as oracles/sdk_clients.py has them.
"""

from __future__ import annotations

import json
import logging
import subprocess
import sys
import tempfile
from dataclasses import replace
from pathlib import Path
from typing import Any

from moto.server import ThreadedMotoServer
from sdk_clients import BUCKET, REGION, ROOT, client, environment, prepare, served

sys.path[:0] = [str(ROOT)]

from jobs.contract.registry import builtin_image  # noqa: E402
from jobs.contract.training_request import Network, Spot, TrainingJob, training_request  # noqa: E402

KEY = "arn:aws:kms:eu-central-1:123456789012:key/12345678-1234-1234-1234-123456789012"


def requests(role: str) -> list[dict[str, Any]]:
    """A plain request, which can be trained, and those with each of the other settings."""
    plain = TrainingJob(
        name="trainer",
        image=builtin_image(REGION),
        role=role,
        data_uri=f"s3://{BUCKET}/channels",
        output_uri=f"s3://{BUCKET}/output",
        instance_type="ml.p3.2xlarge",
        volume_gb=30,
        max_runtime_seconds=600,
        hyperparameters={"num_classes": "2", "num_training_samples": "4", "early_stopping": "True"},
        tags={"sageseg:dataset": "0123456789abcdef"},
    )
    spot = Spot(1200, f"s3://{BUCKET}/output/checkpoints/trainer")
    network = Network(("subnet-1", "subnet-2"), ("sg-1",), isolated=True)
    jobs = [
        plain,
        replace(plain, spot=spot),
        replace(plain, preferences=("ml.p3.2xlarge", "ml.g5.2xlarge")),
        replace(plain, kms_key=KEY, network=network),
        replace(plain, augmented=True, validate_on="train"),
        replace(plain, label_map_uri=f"s3://{BUCKET}/label_map", model_uri=f"s3://{BUCKET}/a/output/model.tar.gz"),
    ]
    return [training_request(job) for job in jobs]


def check_arrived(url: str, request: dict[str, Any]) -> None:
    """The job that the emulator was asked for is the one that our own verb would ask for."""
    sagemaker = client("sagemaker", url)
    (summary,) = sagemaker.list_training_jobs()["TrainingJobSummaries"]
    described = sagemaker.describe_training_job(TrainingJobName=summary["TrainingJobName"])
    tags = sagemaker.list_tags(ResourceArn=described["TrainingJobArn"])["Tags"]
    algorithm = described["AlgorithmSpecification"]  # to which the service adds the built-in's metrics
    described["AlgorithmSpecification"] = {name: algorithm[name] for name in request["AlgorithmSpecification"]}
    found = {**described, "Tags": tags}
    different = [name for name in request if name != "TrainingJobName" and found.get(name) != request[name]]
    if different or described["TrainingJobStatus"] != "Completed":
        sys.exit(f"the trained job differs in {different}, {described['TrainingJobStatus']}")


def main() -> int:
    logging.getLogger("werkzeug").setLevel(logging.ERROR)
    moto = ThreadedMotoServer(port=0, verbose=False)
    moto.start()
    try:
        host, port = moto.get_host_and_port()
        url = f"http://{host}:{port}"
        role = prepare(url)
        with tempfile.TemporaryDirectory() as folder:
            place = Path(folder)
            (place / "requests.json").write_text(json.dumps(requests(role)), encoding="utf-8")
            with served(place, url) as server:
                calls = [str(Path(sys.argv[1]).absolute()), str(ROOT / "oracles" / "sdk_trainer_calls.py")]
                env = environment(server.url, url, role, place) | {"ORACLE_REQUESTS": str(place / "requests.json")}
                code = subprocess.run(calls, env=env, cwd=place, check=False).returncode
                if code == 0:
                    check_arrived(server.url, requests(role)[0])
                return code
    finally:
        moto.stop()


if __name__ == "__main__":
    sys.exit(main())
