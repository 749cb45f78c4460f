"""Predictions by three routes: equal masks, patience with an endpoint, one line for what goes wrong."""

import json
import re
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from botocore.exceptions import ClientError, ReadTimeoutError

from formats.dataset import labels_path
from formats.errors import SagesegError
from formats.images import encode_image
from formats.masks import read_mask
from formats.predictions import open_predictions, read_probabilities
from jobs.emulator.server import running_server
from jobs.endpoints.invocations import TRIES, Caller, open_caller
from tests.support.aws_setup import error_of
from tests.support.emulator_setup import wait_until
from tests.support.serving_setup import Served, expected_mask, nothing_written, predict, run, small_dataset


@pytest.fixture
def waits(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """How long was waited before trying again; nothing is waited for."""
    found: list[float] = []
    monkeypatch.setattr("jobs.endpoints.invocations.sleep", found.append)
    return found


@pytest.fixture
def endpoint(aws: Served) -> Served:
    assert run("deploy", "cars", "--yes").exit_code == 0
    return aws


def check_masks(aws: Served, out: Path) -> None:
    ids = [row.id for row in open_predictions(out).rows]
    assert ids == [row.id for row in aws.dataset.kept("val")]
    for row_id in ids:
        np.testing.assert_array_equal(read_mask(out / "masks" / f"{row_id}.png"), expected_mask(aws.dataset, row_id))


def test_an_endpoint_and_a_batch_give_the_same_folder(endpoint: Served, tmp_path: Path) -> None:
    one, two = tmp_path / "endpoint", tmp_path / "batch"
    assert predict(endpoint, one, "--via", "endpoint").stdout == f"4 predictions in {one}\n"
    ran = predict(endpoint, two, "--via", "batch", "--yes")
    assert ran.exit_code == 0, ran.output
    for out in (one, two):
        check_masks(endpoint, out)
    for name in ("manifest.csv", "labels.txt", "masks/car0_01.png"):
        assert (one / name).read_bytes() == (two / name).read_bytes()
    info = [json.loads((out / "predictions.json").read_text()) for out in (one, two)]
    assert [found["via"] for found in info] == ["endpoint", "batch"]
    assert (info[0]["endpoint"], info[0]["endpoint_instance_type"]) == ("cars", "ml.c5.xlarge")
    assert info[0]["job"] == info[1]["job"] == "cars"
    assert info[1]["transform_request"]["ModelName"] == info[1]["transform_request"]["TransformJobName"]
    assert info[1]["transform_request"]["MaxConcurrentTransforms"] == 1  # the built-in's deeplab hangs with more
    assert info[1]["transform_usd"] == pytest.approx(info[1]["transform_seconds"] / 3600 * 0.204, abs=1e-4)


@pytest.mark.parametrize("via", ["endpoint", "batch"])
def test_probabilities_come_by_every_route(endpoint: Served, tmp_path: Path, via: str, waits: list[float]) -> None:
    """The stand-in answers one of the two names only; a batch can ask for but one, which it refuses."""
    out = tmp_path / "out"
    ran = predict(endpoint, out, "--via", via, "--probabilities", "--yes")
    if via == "batch":
        assert "ClientError: See job logs" in error_of(ran)
        assert nothing_written(out)
        return
    assert ran.exit_code == 0, ran.output
    check_masks(endpoint, out)
    scores = read_probabilities(out / "probabilities" / "car0_01.npz")
    np.testing.assert_array_equal(scores[1], expected_mask(endpoint.dataset, "car0_01"))


def test_what_may_pass_is_tried_again_after_longer_and_longer_waits(
    endpoint: Served, tmp_path: Path, waits: list[float]
) -> None:
    run("delete", "cars")
    wait_until(lambda: not endpoint.endpoint())
    endpoint.rehearse(endpoints={"*": {"answers": ["ok", "throttle", "500", "503", "model-error", "throttle"]}})
    assert run("deploy", "cars", "--yes").exit_code == 0
    assert predict(endpoint, tmp_path / "out", "--via", "endpoint", "--parallel", "1").exit_code == 0
    check_masks(endpoint, tmp_path / "out")
    longest = [0.5 * 2**number for number in range(5)]
    assert len(waits) == 5
    assert all(most / 2 <= waited <= most for waited, most in zip(waits, longest, strict=True))
    assert len({waited / most for waited, most in zip(waits, longest, strict=True)}) == 5  # by chance


def test_an_endpoint_that_is_deleted_meanwhile_is_one_line_and_the_next_goes_on(
    endpoint: Served, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    ask = Caller.ask

    def ask_then_delete(self: Caller, *asked: Any, **also: Any) -> bytes:
        answer = ask(self, *asked, **also)
        if endpoint.endpoint() == "InService":
            endpoint.sagemaker().delete_endpoint(EndpointName="cars")
            wait_until(lambda: not endpoint.endpoint())
        return answer

    monkeypatch.setattr(Caller, "ask", ask_then_delete)
    ran = predict(endpoint, tmp_path / "out", "--via", "endpoint", "--parallel", "1")
    assert error_of(ran).startswith("endpoint cars: not there, or deleted meanwhile; sageseg jobs deploy JOB makes one")
    assert not (tmp_path / "out").exists()
    monkeypatch.setattr(Caller, "ask", ask)
    assert run("deploy", "cars", "--yes").exit_code == 0
    ran = predict(endpoint, tmp_path / "out", "--via", "endpoint")
    assert "goes on where it stopped; predictions done: 1" in ran.stderr
    check_masks(endpoint, tmp_path / "out")


def test_which_endpoint_is_asked_and_what_it_serves(aws: Served, tmp_path: Path) -> None:
    out = tmp_path / "out"
    missing = "endpoint cars: not there, or deleted meanwhile; sageseg jobs deploy cars makes one"
    assert missing in error_of(predict(aws, out, "--via", "endpoint"))
    assert run("deploy", "cars", "--yes", "--name", "second").exit_code == 0
    assert predict(aws, out, "--via", "endpoint").exit_code == 0  # the record says which
    sagemaker = aws.sagemaker()
    arn = sagemaker.describe_endpoint(EndpointName="second")["EndpointArn"]
    sagemaker.add_tags(ResourceArn=arn, Tags=[{"Key": "sageseg:job", "Value": "planes"}])
    ran = predict(aws, out, "--via", "endpoint", "--endpoint", "second", "--overwrite")
    assert error_of(ran).startswith("endpoint second: serves planes, not cars; name another --endpoint")
    assert (out / "manifest.csv").exists()


def test_an_endpoint_that_is_not_in_service_says_what_to_do(aws: Served, tmp_path: Path) -> None:
    aws.rehearse(endpoints={"slow": {"start_seconds": 0.5, "capacity_error": True}})
    assert run("deploy", "cars", "--yes", "--name", "slow", "--no-wait").exit_code == 0
    assert "slow: Creating; run it again when it is in service" in error_of(
        predict(aws, tmp_path / "out", "--via", "endpoint")
    )
    wait_until(lambda: aws.endpoint() == "Failed")
    failed = error_of(predict(aws, tmp_path / "out", "--via", "endpoint"))
    assert re.match(r"endpoint slow: Failed \(Unable to provision .*\); sageseg jobs delete slow removes it", failed)


def limit(monkeypatch: pytest.MonkeyPatch, **bytes_at_most: Any) -> None:
    """Let every endpoint take, or answer, so many bytes."""
    monkeypatch.setattr(
        "jobs.prediction.endpoint_route.open_caller", lambda *of: replace(open_caller(*of), **bytes_at_most)
    )


def test_large_images_are_sent_at_a_lower_quality_and_that_is_said(
    endpoint: Served, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    sizes = sorted(endpoint.dataset.image_path(row.id).stat().st_size for row in endpoint.dataset.kept("val"))
    limit(monkeypatch, takes=sizes[0])
    ran = predict(endpoint, tmp_path / "out", "--via", "endpoint")
    assert ran.exit_code == 0, ran.output
    assert f"images were over {sizes[0]} bytes and went at a lower JPEG quality (down to 90, " in ran.stderr
    limit(monkeypatch, takes=100)
    ran = predict(endpoint, tmp_path / "none", "--via", "endpoint")
    assert re.search(r"car\d_01: \d+ bytes, \d+ at JPEG quality 40, over the 100 that are taken; cut it", error_of(ran))
    assert nothing_written(tmp_path / "none")


def test_a_payload_that_the_service_refuses_is_one_line(
    endpoint: Served, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    limit(monkeypatch, takes=2**30)
    images = tmp_path / "images"
    images.mkdir()
    noise = np.random.default_rng(0).integers(0, 256, (2600, 2600, 3), np.uint8)
    (images / "noise.jpg").write_bytes(encode_image(noise))
    ran = run("predict", "cars", str(images), "--out", str(tmp_path / "out"), "--crop", "none", "--via", "endpoint")
    assert re.match(r"noise: \d+ bytes are more than endpoint cars takes; cut it with a smaller --crop", error_of(ran))


def test_probabilities_over_an_answers_limit_are_refused_before_they_are_asked_for(
    endpoint: Served, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    limit(monkeypatch, answers=24 * 16 * 2 * 4 - 1)
    ran = predict(endpoint, tmp_path / "out", "--via", "endpoint", "--probabilities")
    assert "probabilities of 2 classes at 24 × 16 are 3072 bytes, over the 3071" in error_of(ran)


def test_classes_come_from_the_job_and_must_be_the_datasets(aws: Served, tmp_path: Path) -> None:
    other = small_dataset(tmp_path / "other")
    labels_path(other.root).write_text("_background_\ncar\nroad\n")
    for via in ("endpoint", "batch", "artefact"):
        ran = run("predict", "cars", str(other.root), "--out", str(tmp_path / "out"), "--via", via)
        assert "cars: predicts 2 classes, but" in error_of(ran)
    ran = run("predict", "cars", str(aws.dataset.root), "--out", str(tmp_path / "out"), "--via", "post")
    assert error_of(ran) == "--via post: expected endpoint, batch or artefact"


class Refuses:
    """A client of SageMaker Runtime that answers with an error; `after` so many it answers."""

    def __init__(self, error: Exception, after: int = 10**9) -> None:
        self.error, self.calls, self.after = error, 0, after

    def invoke_endpoint(self, **_: Any) -> dict[str, Any]:
        self.calls += 1
        raise self.error


def client_error(code: str, message: str = "no") -> ClientError:
    return ClientError({"Error": {"Code": code, "Message": message}}, "InvokeEndpoint")


@pytest.mark.parametrize(
    ("error", "tries", "message"),
    [
        (client_error("ExpiredTokenException", "it is expired"), 1, "the credentials have expired: sign in again"),
        (client_error("AccessDeniedException", "sagemaker:InvokeEndpoint"), 1, "ask for the IAM permission"),
        (client_error("413", "HTTP content length exceeded 5246976 bytes."), 1, "a: 1 bytes are more than endpoint"),
        (client_error("ModelError", 'Received client error (400) from primary with message "x"'), 1, "ModelError"),
        (
            client_error("ModelError", 'Received server error (500) from primary with message "x"'),
            TRIES,
            "asked 8 times",
        ),
        (client_error("ModelNotReadyException", "loading"), TRIES, "asked 8 times"),
        (client_error("ThrottlingException", "Rate exceeded"), TRIES, "--parallel 1"),
        (client_error("ServiceUnavailable"), TRIES, "asked 8 times"),
        (ReadTimeoutError(endpoint_url="https://x"), TRIES, "check the network"),
    ],
)
def test_what_an_endpoint_refuses(waits: list[float], error: Exception, tries: int, message: str) -> None:
    runtime = Refuses(error)
    with pytest.raises(SagesegError, match=re.escape(message)) as caught:
        Caller("cars", runtime).ask(b"x", "image/png", "a")
    assert "\n" not in str(caught.value)
    assert (runtime.calls, len(waits)) == (tries, tries - 1)
    assert all(waited <= 20 for waited in waits)


def test_the_real_container_answers_as_the_artefact_does(
    tmp_path: Path, own_home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The three routes on this machine, with the open implementation and a random unet."""
    from jobs.algorithm.machine.device import processor_has_bfloat16
    from tests.support.tiny_model import write_artefact

    write_artefact(tmp_path / "tiny.tar.gz", classes=2)
    dataset = small_dataset(tmp_path / "dataset")
    words = ("predict", str(tmp_path / "tiny.tar.gz"), str(dataset.root))
    own_home.mkdir(parents=True, exist_ok=True)
    with running_server(own_home):
        deployed = run("deploy", str(tmp_path / "tiny.tar.gz"), "--ttl", "2h")
        assert deployed.exit_code == 0, deployed.output
        assert re.search(r"the lease ends at \S+, when the emulator deletes the endpoint", deployed.stderr)
        for via in ("artefact", "endpoint", "batch"):
            ran = run(*words, "--out", str(tmp_path / via), "--via", via)
            assert ran.exit_code == 0, ran.output
            ran = run(*words, "--out", str(tmp_path / f"{via}-scores"), "--via", via, "--probabilities")
            assert ran.exit_code == 0, ran.output
        name = deployed.stdout.partition(":")[0]
        assert run("delete", name).stdout.splitlines()[0] == f"endpoint {name}: deleted"
    told = {
        via: json.loads((tmp_path / via / "predictions.json").read_text()) for via in ("artefact", "endpoint", "batch")
    }
    fastest = "bfloat16" if processor_has_bfloat16() else "float32"
    assert [info.get("precision") for info in told.values()] == [fastest, None, None]
    assert "MaxConcurrentTransforms" not in told["batch"]["transform_request"]  # the container says how many
    assert not (own_home / "batch").exists() or not list((own_home / "batch").iterdir())
    classes = set()
    for row in dataset.kept("val"):
        masks = [read_mask(tmp_path / via / "masks" / f"{row.id}.png") for via in ("artefact", "endpoint", "batch")]
        classes |= set(np.unique(masks[0]))
        np.testing.assert_array_equal(masks[0], masks[1])
        np.testing.assert_array_equal(masks[0], masks[2])
        scores = [
            read_probabilities(tmp_path / f"{via}-scores" / "probabilities" / f"{row.id}.npz")
            for via in ("artefact", "endpoint", "batch")
        ]
        np.testing.assert_allclose(scores[0], scores[1], atol=1e-3)
        np.testing.assert_allclose(scores[0], scores[2], atol=1e-3)
    assert classes == {0, 1}  # a model of one class would prove nothing
