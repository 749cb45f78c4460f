"""endpoint.json: which job an endpoint of this folder serves, where, until when; under $SAGESEG_HOME."""

from __future__ import annotations

import shutil
from contextlib import suppress
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from aws.names import is_job_name
from formats.disk.private_files import private_folder, write_private
from formats.errors import SagesegError
from formats.state_home import home
from formats.texts.json_text import format_json
from formats.texts.typed_json import parse_as
from jobs.endpoints.scaling import has_scaling


@dataclass(frozen=True)
class EndpointRecord:
    """One endpoint that was deployed from this folder.

    `job` is what it serves: a job's name, or an artefact as it was named. `until` is the end of its
    lease, empty without one; `scheduled` says whether a schedule ends it. `requests` are what was
    sent, by operation. `cost` holds `usd_per_hour` and `source`. Without `arn` the endpoint was begun, and it is not
    known here whether it is there; `scaled` says whether one whose requests let it sleep has learnt to.
    """

    name: str
    backend: str
    region: str
    job: str
    created: str
    until: str = ""
    scheduled: bool = False
    requests: dict[str, Any] = field(default_factory=dict)
    cost: dict[str, Any] = field(default_factory=dict)
    arn: str = ""
    scaled: bool = False

    @property
    def is_begun(self) -> bool:
        """Whether a call that is to make it did not hear of its end."""
        return not self.arn or (has_scaling(self.requests) and not self.scaled)


def endpoint_path(name: str) -> Path:
    """Where an endpoint's record is. Raises SagesegError for what is no endpoint's name."""
    if not is_job_name(name):
        raise SagesegError(f"{name}: no endpoint could be called so; sageseg jobs leftovers shows those there are")
    return home() / "endpoints" / name / "endpoint.json"


def write_endpoint(record: EndpointRecord) -> None:
    private_folder(home(), "endpoints", record.name)
    write_private(endpoint_path(record.name), format_json(asdict(record), ascii_only=True) + "\n", durable=True)


def read_endpoint(name: str) -> EndpointRecord | None:
    """The record of an endpoint; None when it was not deployed from this folder."""
    path = endpoint_path(name)
    try:
        content = path.read_bytes()
    except (FileNotFoundError, NotADirectoryError):
        return None
    except OSError as e:
        raise SagesegError(f"{path}: cannot be read ({e.strerror}); {_mend(path)}") from e
    return parse_endpoint(content, path)


def parse_endpoint(content: bytes, path: Path) -> EndpointRecord:
    """The record in a file's content. Raises SagesegError that names the file where it is none."""
    return parse_as(content, EndpointRecord, path, _mend(path))


def _mend(path: Path) -> str:
    return f"restore it, or sageseg jobs delete {path.parent.name} removes it with its endpoint"


def readable_endpoint(name: str) -> EndpointRecord | None:
    """`read_endpoint` for whoever can do without: None for a damaged record too."""
    endpoint_path(name)  # of what is no name it says so
    with suppress(SagesegError):
        return read_endpoint(name)
    return None


def endpoint_records() -> list[EndpointRecord]:
    """All records, the latest first."""
    names = [path.parent.name for path in (home() / "endpoints").glob("*/endpoint.json")]
    found = [record for record in map(read_endpoint, filter(is_job_name, names)) if record is not None]
    return sorted(found, key=lambda record: record.created, reverse=True)


def begun_name(job: str) -> str | None:
    """The name of the latest endpoint that was begun of a job or an artefact, and of which no more is known."""
    return next((record.name for record in endpoint_records() if record.job == job and record.is_begun), None)


def forget_endpoint(name: str) -> None:
    shutil.rmtree(endpoint_path(name).parent, ignore_errors=True)
