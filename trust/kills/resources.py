"""What SageMaker has, for comparison: names and states, without what is drawn."""

from __future__ import annotations

from typing import Any

from trust.kills.tries import Tree, alike_name


def resources(sagemaker: Any) -> Tree:
    """Each thing that SageMaker has, with its state. Models that a batch needs are named by the time. A transform that
    Ctrl-C stopped has ended and costs nothing: the service keeps its name for ever."""
    jobs = {
        "training_jobs": "TrainingJob",
        "hyper_parameter_tuning_jobs": "HyperParameterTuningJob",
        "transform_jobs": "TransformJob",
        "processing_jobs": "ProcessingJob",
    }
    kinds = {kind: (f"{member}Summaries", f"{member}Name", f"{member}Status") for kind, member in jobs.items()}
    kinds |= {
        "endpoints": ("Endpoints", "EndpointName", "EndpointStatus"),
        "endpoint_configs": ("EndpointConfigs", "EndpointConfigName", ""),
        "models": ("Models", "ModelName", ""),
    }
    found = {}
    for kind, (listed, name, status) in kinds.items():
        some = getattr(sagemaker, f"list_{kind}")()[listed]
        for number, one in enumerate(one for one in some if (kind, one.get(status)) != ("transform_jobs", "Stopped")):
            named = number if kind in ("transform_jobs", "processing_jobs") else one[name]
            found[alike_name(f"{kind} {named}")] = str(one.get(status, ""))
    for one in sagemaker.list_model_packages(ModelPackageType="Both")["ModelPackageSummaryList"]:
        found[f"model package {one['ModelPackageArn']}"] = str(one["ModelApprovalStatus"])
    return found
