"""The `/opt/ml` tree that a training container finds.

Developer guide, "How Amazon SageMaker Provides Training Information".
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from formats.staging import write_text
from jobs.emulator.store.state import Record

HOST = "algo-1"


@dataclass(frozen=True)
class OptMl:
    """The tree under `root`, which stands for `/opt/ml`."""

    root: Path

    @property
    def config(self) -> Path:
        return self.root / "input" / "config"

    @property
    def data(self) -> Path:
        return self.root / "input" / "data"

    @property
    def model(self) -> Path:
        return self.root / "model"

    @property
    def output(self) -> Path:
        return self.root / "output"

    @property
    def failure(self) -> Path:
        """Where a program that fails says why."""
        return self.output / "failure"

    @property
    def extra(self) -> Path:
        """What a program leaves beside its model, for output.tar.gz."""
        return self.output / "data"

    @property
    def checkpoints(self) -> Path:
        return self.root / "checkpoints"


def make_tree(root: Path, record: Record) -> OptMl:
    """Make the tree of a job, without its channels' data."""
    tree = OptMl(root)
    for folder in (tree.config, tree.data, tree.model, tree.extra):
        folder.mkdir(parents=True)
    for name, content in config_files(record).items():
        write_text(tree.config / name, json.dumps(content, indent=2))
    return tree


def config_files(record: Record) -> dict[str, Mapping[str, Any]]:
    """The files in `input/config`, by name, for a job's record."""
    return {
        "hyperparameters.json": record.get("HyperParameters", {}),
        "inputdataconfig.json": {
            channel["ChannelName"]: _channel_config(channel, record) for channel in record.get("InputDataConfig", [])
        },
        "resourceconfig.json": _resource_config(record["ResourceConfig"]["InstanceType"]),
    }


def _channel_config(channel: Record, record: Record) -> Record:
    mode = channel.get("InputMode", record["AlgorithmSpecification"]["TrainingInputMode"])
    source = channel["DataSource"]["S3DataSource"]
    config = {
        "TrainingInputMode": mode,
        "S3DistributionType": source.get("S3DataDistributionType", "FullyReplicated"),
        "RecordWrapperType": channel.get("RecordWrapperType", "None"),
    }
    return config | ({"ContentType": channel["ContentType"]} if "ContentType" in channel else {})


def _resource_config(instance_type: str) -> Record:
    group = {"instance_group_name": "homogeneousCluster", "instance_type": instance_type, "hosts": [HOST]}
    return {
        "current_host": HOST,
        "current_instance_type": instance_type,
        "current_group_name": group["instance_group_name"],
        "hosts": [HOST],
        "instance_groups": [group],
        "network_interface_name": "eth0",
    }
