"""A marked credential, put through every verb, stands in no line and in no file afterwards."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import botocore.client
import pytest
from botocore.exceptions import ClientError

from formats.errors import SagesegError
from formats.texts.redaction import HIDDEN
from jobs.emulator.store.log_files import Event, format_event, read_events
from jobs.endpoints.records import EndpointRecord, read_endpoint, write_endpoint
from jobs.tracking.records import JobRecord, read_record, record_path, write_record
from tests.project.test_docs import VERBS
from tests.support.dataset_samples import disc_image, make_dataset, make_predictions
from tests.support.typed_commands import typed

KEY_ID, SECRET, TOKEN, OTHER = (
    "AKIAI44QH8DHBMARKEDX",
    "MARKED/Secret+Key0",
    "MARKED-Session-Token0",
    "MARKED-Elsewhere0",
)
LONG = ("sageseg demo", "sageseg jobs emulator", "sageseg jobs export", "sageseg jobs features")
"""They train, serve, and load torch, which takes longer than all others together."""
ANSWER = (
    f"{KEY_ID} may not; SecretAccessKey={SECRET}, {TOKEN}; sent was Authorization: Bearer {OTHER} to "
    f"https://me:{OTHER}@host/k?X-Amz-Security-Token={OTHER}&X-Amz-Signature={OTHER}"
)


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A folder with a dataset and predictions, at the end of an AWS that answers nothing but secrets."""

    def refuse(_: Any, operation: str, __: Any) -> None:
        raise ClientError({"Error": {"Code": "AccessDeniedException", "Message": ANSWER}}, operation)

    def start(_: Path) -> str:
        raise SagesegError(f"the emulator cannot be started: {ANSWER}")

    folder = tmp_path_factory.mktemp("secrets")
    image, mask = disc_image(20, 16)
    make_predictions(folder / "predictions", make_dataset(folder / "dataset", {"a": (image, mask)}), {"a": mask})
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(botocore.client.BaseClient, "_make_api_call", refuse)
        patch.setattr("jobs.backends.ensure_emulator", start)
        yield folder


@pytest.fixture(autouse=True)
def credentials(monkeypatch: pytest.MonkeyPatch) -> None:
    told = {"AWS_ACCESS_KEY_ID": KEY_ID, "AWS_SECRET_ACCESS_KEY": SECRET, "AWS_SESSION_TOKEN": TOKEN}
    for name, value in {**told, "HF_TOKEN": "MARKED-of-a-hub-0", "AWS_REGION": "us-east-1"}.items():
        monkeypatch.setenv(name, value)


@pytest.mark.parametrize("words", [words for words in VERBS if words not in LONG])
def test_no_verb_tells_a_secret(words: str, place: Path, tmp_path: Path) -> None:
    parameters = VERBS[words].params
    arguments = [each for each in parameters if each.param_type_name == "argument"]
    required = [each for each in parameters if each.param_type_name == "option" and each.required]
    texts = [each for each in parameters if each.param_type_name == "option" and each.bare_type() in ("str", "Path")]
    texts = [each for each in texts if not each.is_flag and each.name != "profile"]  # which forgets other keys
    marked = [f"password={OTHER}" for _ in arguments]
    known = [str(place / each.name) if (place / str(each.name)).exists() else "cars" for each in arguments]
    out = [word for each in required for word in (each.opts[0], f"out.{each.name}")]
    for line in (
        [*marked, *(word for each in texts for word in (each.opts[0], f"HF_TOKEN={OTHER}"))],
        [*known, *out],
        ["--no-such-option", f"--password={OTHER}"],
    ):
        ran = typed([*words.split()[1:], *line], tmp_path)
        assert re.findall("MARKED\\S*", ran.stdout + ran.stderr) == []
        assert "Traceback" not in ran.stderr
    assert [path for path in tmp_path.rglob("*") if path.is_file() and b"MARKED" in path.read_bytes()] == []


def test_records_keep_no_secret_and_can_be_read_again(tmp_path: Path) -> None:
    request = {"Environment": {"HF_TOKEN": f'"{OTHER}"', "EPOCHS": "3"}, "HyperParameters": {"note": f'x"{SECRET}"'}}
    request["Tags"] = [{"Key": "api-key", "Value": OTHER}]  # type: ignore[assignment]
    record = JobRecord("cars", "aws", "us-east-1", "d", "", [], request, description={"FailureReason": ANSWER})
    write_record(record)
    write_endpoint(
        EndpointRecord("cars", "aws", "us-east-1", f"s3://b/k?X-Amz-Signature={OTHER}", "", requests=request)
    )
    assert read_record("cars").request["Environment"] == {"HF_TOKEN": HIDDEN, "EPOCHS": "3"}
    assert read_record("cars").request["HyperParameters"] == {"note": f'x"{HIDDEN}"'}
    assert (read_endpoint("cars") or record).name == "cars"
    written = [path.read_text() for path in record_path("cars").parents[2].rglob("*.json")]
    assert len(written) == 2
    assert not any("MARKED" in text for text in written)


def test_what_a_container_logs_is_kept_without_secrets(tmp_path: Path) -> None:
    (tmp_path / "log.jsonl").write_bytes(format_event(Event(1, ANSWER)) + format_event(Event(2, '{"mIOU": 0.5}')))
    first, second = read_events(tmp_path / "log.jsonl")
    assert "MARKED" not in first.message
    assert HIDDEN in first.message
    assert second.message == '{"mIOU": 0.5}'


def test_pages_and_tables_of_a_model_show_no_secret(place: Path, tmp_path: Path) -> None:
    told = json.loads((place / "predictions" / "predictions.json").read_text())
    settings = {"hub_token": OTHER, "url": f"https://me:{OTHER}@host"}
    told |= {"hyperparameters": settings, "image": f"repo?Signature={OTHER}", "instance_type": SECRET}
    (place / "predictions" / "predictions.json").write_text(json.dumps(told))
    for line in ("report P --dataset D --out one --draws 0", "report P --dataset D --out two --draws 0"):
        words = [str(place / {"P": "predictions", "D": "dataset"}.get(word, word)) for word in line.split()]
        words = [Path(word).name if word.startswith(str(place)) and not Path(word).exists() else word for word in words]
        assert typed(["analysis", *words], tmp_path).returncode == 0
    assert typed(["analysis", "compare", "one", "two", "--out", "both"], tmp_path).returncode == 0
    pages = list(tmp_path.rglob("*.html"))
    assert len(pages) == 3
    assert [path for path in tmp_path.rglob("*") if path.is_file() and b"MARKED" in path.read_bytes()] == []
