"""The files of a training job: its tree of `/opt/ml`, and what comes into it and leaves it, channels,
checkpoints and output."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from formats.disk.whole_files import write_text
from jobs.contract.file_uris import file_uri_path, is_file_uri
from jobs.contract.model_archive import pack_artefact
from jobs.emulator.host.hosts import host_names, resource_config
from jobs.emulator.host.storage import Storage, join_uri, make_folder
from jobs.emulator.store.state import Record
from jobs.emulator.training.channel_pipes import Stream, is_piped, read_streams

(HOST,) = host_names(1)


class OptMl:
    """The tree under `root`, which stands for `/opt/ml`. `failure` is where a program that fails says why,
    `extra` what it leaves beside its model, for output.tar.gz."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.config, self.data = root / "input" / "config", root / "input" / "data"
        self.model, self.checkpoints, self.output = root / "model", root / "checkpoints", root / "output"
        self.failure, self.extra = self.output / "failure", self.output / "data"


def make_tree(root: Path, record: Record, instance_type: str) -> OptMl:
    """Make the tree of a job on such an instance, without its channels' data."""
    tree = OptMl(root)
    for folder in (tree.config, tree.data, tree.model, tree.extra):
        folder.mkdir(parents=True)
    for name, content in config_files(record, instance_type).items():
        write_text(tree.config / name, json.dumps(content, indent=2))
    return tree


def config_files(record: Record, instance_type: str) -> dict[str, Mapping[str, Any]]:
    """The files in `input/config`, by name, for a job's record and the instance that it got."""
    return {
        "hyperparameters.json": record.get("HyperParameters", {}),
        "inputdataconfig.json": {
            channel["ChannelName"]: _channel_config(channel, record) for channel in record.get("InputDataConfig", [])
        },
        "resourceconfig.json": resource_config(instance_type, HOST, [HOST]),
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


def bring_input(storage: Storage, record: Record, tree: OptMl) -> list[Stream]:
    """Make channels and checkpoints appear in a job's tree; answers what is streamed instead."""
    streams = read_streams(storage, record)
    for channel in record.get("InputDataConfig", []):
        if is_piped(channel):
            continue
        storage.bring(channel["DataSource"]["S3DataSource"]["S3Uri"], tree.data / channel["ChannelName"])
    checkpoints = _checkpoints_uri(record)
    if checkpoints is None:
        tree.checkpoints.mkdir()
        return streams
    if is_file_uri(checkpoints):
        make_folder(file_uri_path(checkpoints))
    storage.bring(checkpoints, tree.checkpoints)
    return streams


def _checkpoints_uri(record: Record) -> str | None:
    """With a slash at its end, because other prefixes may begin alike."""
    uri: str | None = record.get("CheckpointConfig", {}).get("S3Uri")
    return uri and join_uri(uri, "")


def keep_checkpoints(storage: Storage, record: Record, tree: OptMl) -> None:
    """Copy checkpoints to S3 once the container has ended; AWS does so while it runs."""
    checkpoints = _checkpoints_uri(record)
    if checkpoints is not None:
        storage.keep(tree.checkpoints, checkpoints)


def store_output(storage: Storage, record: Record, tree: OptMl) -> None:
    """Pack the model as model.tar.gz and, if there is any, what lies in output/data as output.tar.gz."""
    uri = join_uri(record["OutputDataConfig"]["S3OutputPath"], record["TrainingJobName"], "output")
    _pack(storage, tree.model, uri, "model.tar.gz", tree.output)
    if tree.extra.is_dir() and any(tree.extra.iterdir()):
        _pack(storage, tree.extra, uri, "output.tar.gz", tree.output)


def _pack(storage: Storage, folder: Path, uri: str, name: str, scratch: Path) -> None:
    local = file_uri_path(uri) if is_file_uri(uri) else scratch
    make_folder(local)
    pack_artefact(folder, local / name)
    if not is_file_uri(uri):
        storage.upload(local / name, join_uri(uri, name))
