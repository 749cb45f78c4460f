"""What a training job reads and writes outside its instance: channels, checkpoints, its output."""

from __future__ import annotations

from pathlib import Path

from jobs.emulator.host.storage import Storage, is_file_uri, join_uri, make_folder, uri_folder
from jobs.emulator.opt_ml import OptMl
from jobs.emulator.store.state import Record
from jobs.emulator.training.channel_pipes import Stream, is_piped, read_streams


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
        make_folder(uri_folder(checkpoints))
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
    from jobs.contract.artefact import pack_artefact  # numpy; not needed to answer requests

    local = uri_folder(uri) if is_file_uri(uri) else scratch
    make_folder(local)
    pack_artefact(folder, local / name)
    if not is_file_uri(uri):
        storage.upload(local / name, join_uri(uri, name))
