"""Our settings as the SDK's ModelTrainer: what it would send, and one training.

Run by oracles/sdk_model_trainer.py in the SDK's own environment. ORACLE_REQUESTS names a file with
CreateTrainingJob requests as this project builds them; the first is trained.
"""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from sagemaker.core.helper.session_helper import Session
from sdk_calls import boto_session, expect, say

from jobs.training.model_trainer import model_trainer


def main() -> None:
    session = Session(boto_session=boto_session())
    requests = json.loads(Path(os.environ["ORACLE_REQUESTS"]).read_text(encoding="utf-8"))
    for number, request in enumerate(requests):
        trainer = model_trainer(request, session)
        sent = trainer._create_training_job_args(boto3=True)
        name = sent.pop("TrainingJobName")
        expect(name.startswith(request.pop("TrainingJobName")), True)
        expect(sent.pop("Environment", {}), {})
        expect(sent, request)
        say(f"ModelTrainer {number}: {len(request)} fields equal")
    trainer = model_trainer({**requests[0], "TrainingJobName": "trainer"}, session)
    trainer.train(wait=True, logs=True)
    expect(trainer._latest_training_job.training_job_status, "Completed")
    say("ModelTrainer: trained")


if __name__ == "__main__":
    main()
