"""The SageMaker SDK as a judge of the emulator.

    .venv/bin/python oracles/sdk_clients.py .venv/sdk/bin/python

The emulator runs here with small stand-ins as containers; moto's server gives S3, STS and IAM. The
SDK's calls (CALLS) run in an environment of their own (oracles/sdk_requirements.txt).
"""

from __future__ import annotations

import json
import logging
import os
import subprocess
import sys
import tempfile
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any

import boto3
from moto.server import ThreadedMotoServer

ROOT = Path(__file__).resolve().parent.parent
sys.path[:0] = [str(ROOT)]

from jobs.contract.registry import builtin_image  # noqa: E402
from jobs.emulator import keys  # noqa: E402
from jobs.emulator.server import Server, running_server  # noqa: E402
from jobs.pipelines.policies import Again, Pause, Policies  # noqa: E402
from tests.support.emulator_setup import programs  # noqa: E402 (found by the line above)
from tests.support.keys import KEYS  # noqa: E402
from tests.support.pipeline_samples import SECTIONS, define  # noqa: E402

POLICIES = Policies(Again(capacity=5, internal=1), Pause(60, 2), "P30D")
REGION, BUCKET, ROLE_NAME = "eu-central-1", "sageseg-oracle", "SageMakerOracle"
CALLS = (
    "sdk_calls.py",
    "sdk_processing_calls.py",
    "sdk_pipeline_calls.py",
    "sdk_package_calls.py",
    "sdk_definition_calls.py",
)
TRAINS = """
import json
given = json.loads((root / "input/config/hyperparameters.json").read_text())
(root / "model" / "weights").write_text("trained")
print("#quality_metric. host: algo-1, epoch: 0, train loss: 0.5 .")
if "learning_rate" in given:
    print("#quality_metric. host: algo-1, epoch: 0, validation mIOU: %s ." % (1 - float(given["learning_rate"])))
"""
TRUST = {
    "Version": "2012-10-17",
    "Statement": [{"Effect": "Allow", "Principal": {"Service": "sagemaker.amazonaws.com"}, "Action": "sts:AssumeRole"}],
}
ALL = {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "*", "Resource": "*"}]}


def prepare(url: str) -> str:
    """Fill moto's account with a bucket, channels and a role; answers the role's ARN."""
    s3, iam = client("s3", url), client("iam", url)
    s3.create_bucket(Bucket=BUCKET, CreateBucketConfiguration={"LocationConstraint": REGION})
    for channel, suffix in (("train", "jpg"), ("validation", "jpg")):
        for number in range(2):
            s3.put_object(Bucket=BUCKET, Key=f"channels/{channel}/{number}.{suffix}", Body=b"image")
            s3.put_object(Bucket=BUCKET, Key=f"channels/{channel}_annotation/{number}.png", Body=b"mask")
    role = iam.create_role(RoleName=ROLE_NAME, AssumeRolePolicyDocument=json.dumps(TRUST))["Role"]
    iam.put_role_policy(RoleName=ROLE_NAME, PolicyName="all", PolicyDocument=json.dumps(ALL))
    return str(role["Arn"])


def client(service: str, url: str) -> Any:
    """Whoever asks is known by the emulator's keys; moto takes any."""
    signs = {"aws_access_key_id": KEYS.access_key, "aws_secret_access_key": KEYS.secret_key}
    return boto3.client(service, region_name=REGION, endpoint_url=url, **signs)


def served(place: Path, moto: str) -> AbstractContextManager[Server]:
    """An emulator of `place/home` with the keys above, whose S3 is moto's."""
    keys.new_keys = lambda: KEYS
    return running_server(place / "home", programs=programs(place, TRAINS), make_s3=lambda: client("s3", moto))


def environment(emulator: str, moto: str, role: str, home: Path) -> dict[str, str]:
    endpoints = {"SAGEMAKER": emulator, "SAGEMAKER_RUNTIME": emulator, "CLOUDWATCH_LOGS": emulator}
    endpoints |= {"S3": moto, "STS": moto, "IAM": moto}
    return {
        "PATH": os.environ["PATH"],
        "HOME": str(home),
        "AWS_ACCESS_KEY_ID": KEYS.access_key,
        "AWS_SECRET_ACCESS_KEY": KEYS.secret_key,
        "AWS_REGION": REGION,
        "AWS_DEFAULT_REGION": REGION,
        "AWS_EC2_METADATA_DISABLED": "true",
        "ORACLE_BUCKET": BUCKET,
        "ORACLE_IMAGE": builtin_image(REGION),
        "ORACLE_ROLE": role,
        **{f"AWS_ENDPOINT_URL_{name}": url for name, url in endpoints.items()},
    }


def gated() -> dict[str, Any]:
    """An experiment with one score in its gate, whose definition the SDK's classes are set beside."""
    return {**SECTIONS, "gate": {"least": "mean_iou=0.8"}}


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
            (place / "definition.json").write_text(json.dumps(define(gated(), policies=POLICIES)), encoding="utf-8")
            with served(place, url) as server:
                python, env = str(Path(sys.argv[1]).absolute()), environment(server.url, url, role, place)
                calls = [[python, str(ROOT / "oracles" / name)] for name in CALLS]
                return int(any(subprocess.run(call, env=env, cwd=place, check=False).returncode for call in calls))
    finally:
        moto.stop()


if __name__ == "__main__":
    sys.exit(main())
