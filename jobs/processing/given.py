"""A verb's words as an instance gets them: each place among them is an input of the job, which the instance finds under
the same name, but for what the verb itself reads from S3, of which an instance fetches what it needs."""

from __future__ import annotations

import hashlib
import re
import shlex
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Any

from aws.clients import aws_errors
from aws.s3 import parse_s3_object, parse_s3_uri
from formats.errors import SagesegError
from jobs.processing.request import INPUT, Given
from jobs.tracking.records import RECORD

_OF_JOB = re.compile(r"(.+)/(output/[^/]+\.(?:tar\.gz|onnx))")
"""A model in the folder of a job's output: the job's folder, and the rest. A job's own is model.tar.gz, what it was
exported as may lie beside it."""


@dataclass(frozen=True)
class Told:
    """`words` are those of the verb for an instance; `shown` tells for each place what is typed, and how an instance
    gets it; `uploads` are files of this machine, each with the URI that it is to have."""

    words: tuple[str, ...]
    inputs: tuple[Given, ...]
    shown: tuple[tuple[str, str], ...]
    uploads: Mapping[Path, str]


@dataclass(frozen=True)
class Typed:
    """A verb's words apart from what says where the result goes, and whether it may replace what is there."""

    words: tuple[str, ...]
    out: str
    overwrite: bool


def take_out(words: Sequence[str]) -> Typed:
    """The words without --out and --overwrite. Raises SagesegError for --shard, which is the job's own to say."""
    rest, kept, out, overwrite = iter(words), list[str](), "", False
    for word in rest:
        name, equals, value = word.partition("=")
        if name == "--shard":
            raise SagesegError(
                "--shard: the job deals the shards among its instances; say --instances N before the verb"
            )
        if name == "--out":
            out = value if equals else next(rest, "")
        elif word == "--overwrite":
            overwrite = True
        else:
            kept.append(word)
    if not out:
        raise SagesegError("--out: missing; expected a folder, or s3://bucket/prefix")
    return Typed(tuple(kept), out, overwrite)


@dataclass(frozen=True)
class Found:
    """Where a place of the words lies for the job. `upload` is the file of this machine that is to be put there;
    `inside` is the file that is meant where its folder comes along, by its path in there."""

    uri: str
    is_file: bool
    upload: Path | None = None
    inside: str = ""


def find_here(value: str) -> Found:
    """A place for the emulator, which reads this machine's folders where they are."""
    path = Path(value).resolve()
    job = path.parent.parent
    of_job = _OF_JOB.fullmatch(path.as_posix())
    if of_job and path.is_file() and (job / RECORD).is_file():  # which tells how images are to be prepared
        return Found(job.as_uri(), is_file=False, inside=of_job[2])
    return Found(path.as_uri(), path.is_file())


def find_at_aws(value: str, s3: Any, uploads_uri: str) -> Found:
    """A place for AWS. A file of this machine will be put below `uploads_uri`, under its checksum. Raises SagesegError
    for a folder of this machine, and for an `s3://` place where nothing is."""
    path = Path(value)
    if value.startswith("s3://"):
        return find_in_s3(value, s3)
    if path.is_dir():
        raise SagesegError(
            f"{value}: a folder of this machine, which AWS's machines cannot read; put it into S3 "
            f"(aws s3 sync {shlex.quote(value)} s3://bucket/prefix) and name that, or add --backend local"
        )
    with path.open("rb") as file:
        digest = hashlib.file_digest(file, "sha256").hexdigest()
    return Found(f"{uploads_uri}/{digest[:16]}/{path.name}", is_file=True, upload=path.absolute())


def find_in_s3(value: str, s3: Any) -> Found:
    """An object, or all that lies under the name as under a folder."""
    place, name = parse_s3_object(value)
    key, below = place.prefix + name, parse_s3_uri(value).prefix

    def first(prefix: str) -> str | None:
        listed = s3.list_objects_v2(Bucket=place.bucket, Prefix=prefix, MaxKeys=1).get("Contents", [])
        return listed[0]["Key"] if listed else None

    with aws_errors(f"looking for {value}"):
        if name and not value.endswith("/") and first(key) == key:
            if first(f"{key}/"):
                raise SagesegError(f"{value}: an object, and a folder with objects; {value}/ is the folder")
            of_job = _OF_JOB.fullmatch(value)
            record = key.removesuffix(of_job[2]) + RECORD if of_job else ""
            if of_job and first(record) == record:
                return Found(of_job[1], is_file=False, inside=of_job[2])
            return Found(value, is_file=True)
        if below and first(below):
            return Found(value.rstrip("/"), is_file=False)
    raise SagesegError(f"{value}: nothing is there; name a folder or a file that is")


def tell_places(
    words: Sequence[str],
    texts: Collection[str],
    from_s3: Collection[str],
    find: Callable[[str], Found],
    first: int = 1,
) -> Told:
    """What an instance is told. Of the words those are places that begin with `s3://`, and those that there is
    something of that name, unless they stand among `texts`. `find` says where a place lies for the job, also of those
    `from_s3`, which stay as they are; `first` is the number of the first of the inputs."""
    told, inputs, shown = list[str](), dict[str, tuple[Given, str]](), list[tuple[str, str]]()
    uploads: dict[Path, str] = {}
    for word in words:
        option, equals, value = word.partition("=") if word.startswith("--") else ("", "", word)
        if not value or value in texts or not is_place(value):
            told.append(word)
            continue
        found = find(value)
        if value in from_s3:
            told.append(word)
            shown.append((value, "each instance fetches what its shards need"))
            continue
        if found.uri not in inputs:
            inputs[found.uri] = _input(found, "job" if found.inside else name_of(value), len(inputs) + first)
            shown.append((value, f"{inputs[found.uri][1]} on each instance"))
        if found.upload:
            uploads[found.upload] = found.uri
        told.append(f"{option}{equals}{inputs[found.uri][1]}")
    return Told(tuple(told), tuple(given for given, _ in inputs.values()), tuple(shown), uploads)


def is_place(value: str) -> bool:
    """Whether a word names a place in S3, or something that is there."""
    try:
        return value.startswith("s3://") or Path(value).exists()
    except (OSError, ValueError):  # too long for a name, or with a NUL
        return False


def name_of(value: str) -> str:
    """By which a place is known to the verb, as it would be here; also of one that is gone, and of no place."""
    if value.startswith("s3://"):
        return value.rstrip("/").rpartition("/")[2]
    return Path(value).resolve().name if value and is_place(value) else PurePosixPath(value).name


def _input(found: Found, name: str, number: int) -> tuple[Given, str]:
    """An input, and its path in the container. A folder is brought as its content, a file into a folder."""
    folder = PurePosixPath(INPUT, str(number))
    if found.is_file:
        return Given(found.uri, str(folder)), str(folder / name)
    return Given(f"{found.uri.rstrip('/')}/", str(folder / name)), str(folder / name / found.inside)
