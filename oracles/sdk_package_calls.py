"""What a user of the SageMaker SDK does with the model registry, by `sagemaker.core.resources` and `ModelBuilder`.

Run by oracles/sdk_clients.py in the SDK's own environment, with the endpoints in the environment. `ModelPackage.create`
of sagemaker-core 2.27.0 reads a member of the answer that the service's model does not have: `ModelBuilder` registers.
"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parent))

from sagemaker.core.helper.session_helper import Session
from sagemaker.core.resources import Model, ModelPackage, ModelPackageGroup
from sagemaker.core.shapes import ContainerDefinition
from sagemaker.serve import ModelBuilder
from sdk_calls import BUCKET, IMAGE, ROLE, boto_session, expect, say

ARTEFACT = "registry/model.tar.gz"


def register(session: Any) -> str:
    """The ARN of a version in the group `registry`."""
    builder = ModelBuilder(
        image_uri=IMAGE, s3_model_data_url=f"s3://{BUCKET}/{ARTEFACT}", role_arn=ROLE, sagemaker_session=session
    )
    arn = builder.register(
        model_package_group_name="registry",
        content_types=["image/jpeg"],
        response_types=["image/png"],
        inference_instances=["ml.c5.xlarge"],
        transform_instances=["ml.c5.xlarge"],
        customer_metadata_properties={"mean_iou": "0.97"},
    )
    return str(arn)


def main() -> None:
    made = boto_session()
    made.client("s3").put_object(Bucket=BUCKET, Key=ARTEFACT, Body=b"a model")
    group = ModelPackageGroup.create(model_package_group_name="registry", session=made)
    expect(group.model_package_group_status, "Completed")
    package = ModelPackage.get(model_package_name=register(Session(boto_session=made)), session=made)
    expect((package.model_package_version, package.model_approval_status), (1, "PendingManualApproval"))
    package.update(model_approval_status="Approved", approval_description="good")
    listed = list(ModelPackage.get_all(model_package_group_name="registry", session=made))
    expect([each.model_package_arn for each in listed], [package.model_package_arn])
    container = ContainerDefinition(model_package_name=package.model_package_arn)
    model = Model.create(model_name="registry", primary_container=container, execution_role_arn=ROLE, session=made)
    expect(model.primary_container.model_package_name, package.model_package_arn)
    say("ModelPackageGroup, ModelPackage: registered by ModelBuilder, approved, listed; Model: made of it")


if __name__ == "__main__":
    main()
