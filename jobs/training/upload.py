"""A dataset's channels to S3: only what changed, in parallel, resumable.

    sageseg jobs upload dataset s3://bucket/cars

Sending a small file costs the processor more than the network, so that processes help where
threads alone do not. What was sent is in a journal under $SAGESEG_HOME at once: a run that was cut
off goes on where it was.
"""

from __future__ import annotations

import hashlib
import uuid
from collections.abc import Collection, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from aws.clients import make_client, make_s3_lister
from aws.s3 import S3Prefix, parse_s3_uri
from formats.console import say
from formats.dataset import Dataset
from formats.disk.journals import append_lines
from formats.disk.private_files import private_folder
from formats.errors import SagesegError
from formats.parallel import map_parallel
from formats.state_home import home
from jobs.training.upload_plan import (
    LocalFile,
    Sent,
    Stored,
    channel_files,
    journal_line,
    local_file,
    read_journal,
    strangers,
    to_compare,
    write_journal,
)
from jobs.training.upload_worker import Sender

_BATCH = 200


@dataclass(frozen=True)
class Upload:
    """What is to be uploaded, and how. With `delete`, objects in the channels that the dataset does
    not have are removed; with `strict` they are refused."""

    uri: str
    region: str
    kms_key: str | None = None
    delete: bool = False
    strict: bool = False
    label_map: Path | None = None
    workers: int | None = None


@dataclass(frozen=True)
class Uploaded:
    """What an upload did, in files."""

    sent: int
    unchanged: int
    deleted: int


def upload_dataset(dataset: Dataset, upload: Upload) -> Uploaded:
    """Make `<uri>/<channel>/<file>` hold the dataset's channels.

    Raises SagesegError with the next step when S3 refuses or the network is cut; what was sent
    until then is not sent again.
    """
    target = parse_s3_uri(upload.uri)
    files = [
        local_file(f"{target.prefix}{channel}/{path.name}", path)
        for channel, path in channel_files(dataset, upload.label_map)
    ]
    s3 = make_client("s3", upload.region)
    channels = {S3Prefix(target.bucket, file.key.rpartition("/")[0] + "/") for file in files}
    stored = list_channels(make_s3_lister(upload.region), channels)
    deleted = _settle_strangers(s3, target, strangers(files, stored), upload)
    sent = _send_changed(files, stored, target, upload)
    return Uploaded(sent, len(files) - sent, deleted)


def list_channels(s3: Any, channels: Collection[S3Prefix]) -> dict[str, Stored]:
    """The objects of each channel by key; a key that ends in a slash is a folder of the console's."""

    def under(channel: S3Prefix) -> dict[str, Stored]:
        return {
            found["Key"]: Stored(found["Size"], found["ETag"].strip('"'))
            for found in channel.objects(s3)
            if not found["Key"].endswith("/")
        }

    with ThreadPoolExecutor(len(channels) or 1) as pool:
        return {
            key: stored
            for found in pool.map(under, sorted(channels, key=S3Prefix.uri))
            for key, stored in found.items()
        }


def _settle_strangers(s3: Any, target: S3Prefix, keys: Sequence[str], upload: Upload) -> int:
    if not keys:
        return 0
    if upload.delete:
        target.delete(s3, keys)
        return len(keys)
    problem = (
        f"s3://{target.bucket}/{keys[0]}: one of {len(keys)} objects in the channels that are not in the dataset, "
        f"which SageMaker would read all the same; sageseg jobs upload --delete removes them, or choose another prefix"
    )
    if upload.strict:
        raise SagesegError(problem)
    say(f"warning: {problem}")
    return 0


def _send_changed(files: Sequence[LocalFile], stored: dict[str, Stored], target: S3Prefix, upload: Upload) -> int:
    """Returns how many files had to be sent."""
    journal = journal_path(target, upload.kms_key)
    private_folder(home(), journal.parent.name)
    known = read_journal(journal)
    comparing = list(to_compare(files, stored, known, encrypted=upload.kms_key is not None))
    batches = [comparing[start : start + _BATCH] for start in range(0, len(comparing), _BATCH)]
    sender = Sender(uuid.uuid4().hex, target.bucket, upload.region, upload.kms_key)
    label = f"upload {len(comparing)} files in batches of {_BATCH}" if len(batches) > 1 else "upload"
    sent = 0
    for answers in _journaled(journal, map_parallel(sender, batches, workers=upload.workers, label=label)):
        known.update((answer.key, answer) for answer, _ in answers)
        sent += sum(was_sent for _, was_sent in answers)
    write_journal(journal, (known[file.key] for file in files if file.key in known))
    return sent


def _journaled(path: Path, results: Iterator[list[tuple[Sent, bool]]]) -> Iterator[list[tuple[Sent, bool]]]:
    """The results, each written down before it is passed on."""
    for answers in results:
        append_lines(path, [journal_line(answer) for answer, _ in answers])
        yield answers


def journal_path(target: S3Prefix, kms_key: str | None = None) -> Path:
    """One journal for each place and key: what lies there under another key has to be sent again."""
    place = hashlib.sha256(f"{target.uri()} {kms_key or ''}".encode()).hexdigest()[:24]
    return home() / "uploads" / f"{place}.jsonl"
