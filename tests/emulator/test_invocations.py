"""InvokeEndpoint: bytes both ways, limits and failures in AWS's words."""

from __future__ import annotations

import http.client
import json
import re
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
from botocore.exceptions import ClientError

from jobs.contract.service_model import load_service
from jobs.contract.serving_requests import MAX_INVOCATION_BYTES
from jobs.emulator.server import Server
from tests.support.emulator_setup import client, create_model, emulator, rehearse, wait_until
from tests.support.signed_requests import signed

BEHAVES = """
def answer(path, headers, body):
    asked = body[:20]
    if asked.startswith(b"status "):
        return int(asked.split()[1]), {"Content-Type": "text/plain"}, b"said the container"
    if asked == b"sleep":
        time.sleep(60)
    if asked == b"large":
        return 200, {"Content-Type": "image/png"}, bytes(2**23)
    if asked == b"headers":
        got = {name.lower(): value for name, value in headers.items()}
        said = {"Content-Type": "application/json", "X-Amzn-SageMaker-Custom-Attributes": "c=d"}
        return 200, said, json.dumps(got).encode()
    if asked == b"leave":
        os._exit(1)
    return 200, {"Content-Type": headers.get("Accept", "text/plain")}, body[::-1]
"""


def put_in_service(sagemaker: Any, folder: Path) -> None:
    create_model(sagemaker, folder)
    variant = {"VariantName": "AllTraffic", "ModelName": "model", "InstanceType": "ml.c5.xlarge"}
    sagemaker.create_endpoint_config(EndpointConfigName="config", ProductionVariants=[variant])
    sagemaker.create_endpoint(EndpointName="endpoint", EndpointConfigName="config")
    wait_until(lambda: sagemaker.describe_endpoint(EndpointName="endpoint")["EndpointStatus"] == "InService")


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """One endpoint for all tests here: each also shows that it outlived the ones before."""
    folder = tmp_path_factory.mktemp("emulator")
    with emulator(folder, serve=BEHAVES, invocation_seconds=2) as (sagemaker, _, server):
        put_in_service(sagemaker, folder)
        yield server


@pytest.fixture
def runtime(server: Server) -> Iterator[Any]:
    with client("sagemaker-runtime", server.url) as made:
        yield made


def invoke(runtime: Any, body: bytes, **also: Any) -> bytes:
    content: bytes = runtime.invoke_endpoint(EndpointName="endpoint", Body=body, **also)["Body"].read()
    return content


@pytest.mark.parametrize("body", [b"", b"\x00\xff\r\n\x1a", bytes(range(256)) * 300], ids=["empty", "bytes", "77 kB"])
def test_any_bytes_come_back(runtime: Any, body: bytes) -> None:
    assert invoke(runtime, body) == body[::-1]


def test_a_body_of_the_largest_size(runtime: Any) -> None:
    assert len(invoke(runtime, bytes(MAX_INVOCATION_BYTES))) == MAX_INVOCATION_BYTES


def test_the_limit_is_the_one_of_the_service_model() -> None:
    assert load_service("sagemaker-runtime").shape_for("BodyBlob").metadata["max"] == MAX_INVOCATION_BYTES


def test_headers_are_passed_on_both_ways(runtime: Any) -> None:
    answer = runtime.invoke_endpoint(
        EndpointName="endpoint", Body=b"headers", ContentType="image/jpeg", Accept="image/png", CustomAttributes="a=b"
    )
    got = json.loads(answer["Body"].read())
    assert (got["content-type"], got["accept"]) == ("image/jpeg", "image/png")
    assert got["x-amzn-sagemaker-custom-attributes"] == "a=b"
    assert (answer["ContentType"], answer["CustomAttributes"]) == ("application/json", "c=d")
    assert not [name for name in got if name in ("authorization", "x-amz-date")]


@pytest.mark.parametrize(("status", "side"), [(400, "client"), (415, "client"), (500, "server"), (503, "server")])
def test_what_the_container_refuses_is_a_model_error(runtime: Any, status: int, side: str) -> None:
    with pytest.raises(runtime.exceptions.ModelError) as raised:
        invoke(runtime, f"status {status} ".encode())
    response = raised.value.response
    assert (response["OriginalStatusCode"], response["OriginalMessage"]) == (status, "said the container")
    assert response["ResponseMetadata"]["HTTPStatusCode"] == 424
    assert response["Error"]["Message"] == (
        f'Received {side} error ({status}) from primary with message "said the container". See '
        "https://eu-central-1.console.aws.amazon.com/cloudwatch/home?region=eu-central-1#logEventViewer:"
        "group=/aws/sagemaker/Endpoints/endpoint in account 123456789012 for more information."
    )


def test_a_container_that_does_not_answer_in_time(runtime: Any) -> None:
    text = re.escape(
        'Received server error (0) from primary with message "Your invocation timed out while waiting for a response '
        "from container primary. Review the latency metrics for each container in Amazon CloudWatch"
    )
    with pytest.raises(runtime.exceptions.ModelError, match=text):
        invoke(runtime, b"sleep")


def test_an_answer_over_the_limit(runtime: Any) -> None:
    with pytest.raises(runtime.exceptions.ModelError, match="exceeds the limit of 6291456 bytes"):
        invoke(runtime, b"large")


def test_a_body_over_the_limit(runtime: Any) -> None:
    with pytest.raises(ClientError, match=r"\(413\).*HTTP content length exceeded 6291456 bytes\."):
        invoke(runtime, bytes(MAX_INVOCATION_BYTES + 1))


def test_a_container_that_goes_away_while_it_is_asked(runtime: Any) -> None:
    with pytest.raises(runtime.exceptions.ModelError, match="closed the connection without a response"):
        invoke(runtime, b"leave")
    wait_until(lambda: is_answered(runtime))


def is_answered(runtime: Any) -> bool:
    """Whether a container answers; the one that just left may still be met for a moment."""
    try:
        return invoke(runtime, b"again") == b"niaga"
    except runtime.exceptions.ModelError:
        return False


def test_an_endpoint_that_is_not_there(runtime: Any) -> None:
    with pytest.raises(ClientError, match=r"\(ValidationError\).*Endpoint absent of account \d{12} not found\."):
        runtime.invoke_endpoint(EndpointName="absent", Body=b"")


@pytest.mark.parametrize(
    ("asked", "text"),
    [
        ({"TargetVariant": "other"}, "Variant other was not found for endpoint endpoint"),
        ({"TargetModel": "model.tar.gz"}, "TargetModel is not emulated"),
        ({"InferenceId": "x" * 65}, "'inferenceId' failed to satisfy constraint: Member must have length less than"),
    ],
)
def test_requests_that_are_refused(runtime: Any, asked: dict[str, str], text: str) -> None:
    with pytest.raises(ClientError, match=rf"\(ValidationError\).*{text}"):
        invoke(runtime, b"image", **asked)


@pytest.mark.parametrize(
    ("path", "status"),
    [
        ("/endpoints/endpoint", 404),
        ("/endpoints//invocations", 404),
        ("/endpoints/a/b/invocations", 404),
        ("/endpoints/..%2f..%2fetc/invocations", 404),
        ("/endpoints/a_b/invocations", 400),
        ("/endpoints/endpoint/async-invocations", 400),
    ],
)
def test_paths_that_are_no_invocation(server: Server, path: str, status: int) -> None:
    address = urlsplit(server.url)
    connection = http.client.HTTPConnection(address.hostname or "", address.port, timeout=10)
    connection.request("POST", path, b"body", signed(server.url, "POST", path, b"body"))
    assert connection.getresponse().status == status
    connection.close()


def test_a_client_that_goes_away_in_the_middle(server: Server, runtime: Any) -> None:
    address = urlsplit(server.url)
    for _ in range(40):  # more than there are threads
        connection = http.client.HTTPConnection(address.hostname or "", address.port, timeout=10)
        connection.putrequest("POST", "/endpoints/endpoint/invocations")
        connection.putheader("Content-Length", "1000000")
        connection.endheaders(b"half of it")
        connection.close()
    assert invoke(runtime, b"image") == b"egami"


def test_eight_clients_at_once_lose_nothing(server: Server) -> None:
    wrong: list[bytes] = []

    def work(number: int) -> None:
        with client("sagemaker-runtime", server.url) as runtime:
            for count in range(10):
                body = f"{number} {count} ".encode() * 5000
                if invoke(runtime, body) != body[::-1]:
                    wrong.append(body[:10])

    threads = [threading.Thread(target=work, args=(number,)) for number in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert wrong == []


def test_rehearsed_answers_come_in_order(tmp_path: Path) -> None:
    rehearse(tmp_path, {"endpoints": {"endpoint": {"answers": ["ok", "throttle", 500, 503, "model-error"]}}})
    with (
        emulator(tmp_path, serve=BEHAVES) as (sagemaker, _, server),
        client("sagemaker-runtime", server.url) as runtime,
    ):
        put_in_service(sagemaker, tmp_path)
        assert invoke(runtime, b"image") == b"egami"
        for code in ("ThrottlingException", "InternalFailure", "ServiceUnavailable", "ModelError"):
            with pytest.raises(ClientError, match=rf"\({code}\)"):
                invoke(runtime, b"image")
        assert invoke(runtime, b"image") == b"egami"
