"""Accounts for which policies are made, and one resource of each type that a project has there."""

from __future__ import annotations

from jobs.account.policy import Account
from jobs.account.policy_script import checked_account
from tests.support.aws_setup import ACCOUNT, REGION

KEY = "12345678-1234-1234-1234-123456789012"
FULL = checked_account(Account(REGION, ACCOUNT, ("cars", "more-cars"), "sageseg", "one", KEY, True, True, True, True))
PLAIN = checked_account(Account(REGION, ACCOUNT, ("cars",)))
ROLE = FULL.role_arn("sageseg")
SAMPLES = {
    "bucket": "arn:aws:s3:::cars",
    "object": "arn:aws:s3:::cars/one/train/a.jpg",
    "log-group": FULL.arn("logs", "log-group:/aws/sagemaker/TrainingJobs"),
    "log-stream": FULL.arn("logs", "log-group:/aws/sagemaker/Endpoints/cars:log-stream:AllTraffic/i-0"),
    "ScalableTarget": FULL.arn("application-autoscaling", "scalable-target/0a"),
    "alarm": FULL.arn("cloudwatch", "alarm:sageseg-cars-waits"),
    "schedule": FULL.arn("scheduler", "schedule/default/sageseg-cars"),
    "role": ROLE,
    "key": FULL.arn("kms", f"key/{KEY}"),
    "repository": f"arn:aws:ecr:{REGION}:811284229777:repository/semantic-segmentation",
    "pipeline-execution": FULL.arn("sagemaker", "pipeline/cars/execution/abcdefghijkl"),
    **{
        kind: FULL.arn("sagemaker", f"{kind}/cars")
        for kind in (
            *("training-job", "hyper-parameter-tuning-job", "transform-job", "processing-job"),
            *("model", "endpoint-config", "endpoint", "pipeline", "model-package", "model-package-group"),
        )
    },
}
"""One resource of each type that a project has."""
