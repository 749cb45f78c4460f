"""The Lambda function: its template by cfn-lint, its handler against the emulator."""

from __future__ import annotations

import base64
import importlib
import json
import re
import sys
import zipfile
from collections.abc import Callable, Iterator
from io import BytesIO
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
import yaml
from PIL import Image
from typer.testing import CliRunner

from formats.errors import SagesegError
from jobs.account.lambda_template import HANDLER, MaskFunction, Url, parse_url, template, template_text
from jobs.cli import app
from jobs.contract.serving_requests import MAX_INVOCATION_BYTES
from tests.support.aws_setup import aws_client, moto_server, use_aws
from tests.support.emulator_setup import create_model, emulator, wait_until
from tests.support.template_lint import lint_template

THRESHOLDS = """
import io
from PIL import Image
def answer(path, headers, body):
    if headers.get("Accept") != "image/png" or headers.get("Content-Type") != "image/jpeg":
        return 415, {}, b"unexpected types"
    grey = Image.open(io.BytesIO(body)).convert("L")
    if grey.width == 13:
        return 500, {}, b"unlucky"
    out = io.BytesIO()
    grey.point(lambda value: value > 127).save(out, "PNG")
    return 200, {"Content-Type": "image/png"}, out.getvalue()
"""
"""A serving program: class 1 where an image is bright."""
Call = Callable[..., dict[str, Any]]


def jpeg(width: int = 16, height: int = 8) -> bytes:
    """An image whose left half is black and whose right half is white."""
    image = Image.new("RGB", (width, height))
    image.paste((255, 255, 255), (width // 2, 0, width, height))
    out = BytesIO()
    image.save(out, "JPEG", quality=95)
    return out.getvalue()


@pytest.fixture(scope="module")
def moto() -> Iterator[str]:
    with moto_server() as url:
        aws_client("s3", url).create_bucket(Bucket="photos")
        yield url


@pytest.fixture(scope="module")
def endpoint(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The URL of an emulator with endpoint `cars` in service."""
    folder = tmp_path_factory.mktemp("endpoint")
    with emulator(folder, serve=THRESHOLDS) as (sagemaker, _, server):
        create_model(sagemaker, folder)
        variant = {"VariantName": "AllTraffic", "ModelName": "model", "InstanceType": "ml.c5.xlarge"}
        sagemaker.create_endpoint_config(EndpointConfigName="cars", ProductionVariants=[variant])
        sagemaker.create_endpoint(EndpointName="cars", EndpointConfigName="cars")
        wait_until(lambda: sagemaker.describe_endpoint(EndpointName="cars")["EndpointStatus"] == "InService")
        yield server.url


@pytest.fixture
def index(tmp_path: Path, endpoint: str, moto: str, monkeypatch: pytest.MonkeyPatch) -> Iterator[ModuleType]:
    """The module as Lambda has it: the template's code in index.py of a zip file, region and endpoint in
    the environment."""
    code = yaml.safe_load(template_text(MaskFunction("cars")))["Resources"]["Function"]["Properties"]["Code"]["ZipFile"]
    with zipfile.ZipFile(tmp_path / "function.zip", "w") as package:
        package.writestr("index.py", code)
    monkeypatch.syspath_prepend(str(tmp_path / "function.zip"))
    use_aws(monkeypatch, moto, sagemaker_runtime=endpoint)
    monkeypatch.setenv("ENDPOINT", "cars")
    yield importlib.import_module("index")
    del sys.modules["index"]


def sent(body: bytes) -> dict[str, Any]:
    """An event as a function URL makes it of a request with a binary body."""
    return {"version": "2.0", "rawPath": "/", "body": base64.b64encode(body).decode(), "isBase64Encoded": True}


def mask_of(answer: dict[str, Any]) -> Image.Image:
    assert answer["statusCode"] == 200, answer["body"]
    assert (answer["headers"], answer["isBase64Encoded"]) == ({"Content-Type": "image/png"}, True)
    return Image.open(BytesIO(base64.b64decode(answer["body"])))


def error_of(answer: dict[str, Any], status: int) -> str:
    assert (answer["statusCode"], answer["isBase64Encoded"]) == (status, False)
    assert answer["headers"] == {"Content-Type": "application/json"}
    return str(json.loads(answer["body"])["error"])


def expected_mask() -> list[int]:
    return ([0] * 8 + [1] * 8) * 8


def test_a_jpeg_to_the_url_gives_the_mask(index: ModuleType) -> None:
    mask = mask_of(index.handler(sent(jpeg()), None))
    assert mask.size == (16, 8)
    assert list(mask.tobytes()) == expected_mask()


@pytest.mark.parametrize("form", ["invoked", "text", "binary"])
def test_an_image_in_s3_gives_the_mask(index: ModuleType, moto: str, form: str) -> None:
    """Named by the event of an invocation, or by the body of a request, as text or in base64."""
    aws_client("s3", moto).put_object(Bucket="photos", Key="a b.jpg", Body=jpeg())
    place = {"bucket": "photos", "key": "a b.jpg"}
    text = json.dumps(place)
    events = {"invoked": place, "text": {"body": text, "isBase64Encoded": False}, "binary": sent(text.encode())}
    assert list(mask_of(index.handler(events[form], None)).tobytes()) == expected_mask()


@pytest.mark.parametrize(
    ("event", "status", "said"),
    [
        ({}, 400, "no image: send a JPEG as the body"),
        ({"body": "", "isBase64Encoded": True}, 400, "no image"),
        ({"body": "not base64", "isBase64Encoded": True}, 400, "the body cannot be read"),
        ({"body": "{nonsense"}, 400, "the body cannot be read"),
        ({"body": "hello"}, 415, "not a JPEG"),
        (sent(b"\x89PNG\r\n"), 415, "not a JPEG"),
        (sent(b"\xff\xd8" + bytes(6_291_455)), 413, "image: 6291457 bytes are too many; send a smaller image"),
        ({"bucket": "photos", "key": "missing.jpg"}, 404, "GetObject: NoSuchKey"),
        ({"bucket": "photos", "key": 7}, 400, "Parameter validation failed"),
        (sent(jpeg(13, 8)), 502, "InvokeEndpoint: ModelError: Received server error (500) from"),
        (sent(b"\xff\xd8 broken"), 502, "InvokeEndpoint: ModelError"),
    ],
)
def test_what_goes_wrong_is_said(index: ModuleType, event: dict[str, Any], status: int, said: str) -> None:
    assert error_of(index.handler(event, None), status).startswith(said)


def test_it_takes_as_much_as_its_endpoint(index: ModuleType) -> None:
    assert index.MOST_BYTES == MAX_INVOCATION_BYTES  # its file stands alone, so that it cannot import it


def test_an_object_that_is_too_large_is_not_read(index: ModuleType, moto: str) -> None:
    aws_client("s3", moto).put_object(Bucket="photos", Key="big.jpg", Body=b"\xff\xd8" + bytes(6_291_455))
    answer = index.handler({"bucket": "photos", "key": "big.jpg"}, None)
    assert error_of(answer, 413).startswith("s3://photos/big.jpg: 6291457 bytes are too many")


def test_a_mask_that_lambda_could_not_send_is_an_error(index: ModuleType, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(index, "MOST_BYTES", len(jpeg()) + 1)  # its mask in base64 is over that less 1000
    assert error_of(index.handler(sent(jpeg()), None), 413).startswith("mask: ")


def test_an_endpoint_that_is_gone_is_an_error(index: ModuleType, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ENDPOINT", "gone")
    assert "InvokeEndpoint: ValidationError: Endpoint gone of account" in error_of(
        index.handler(sent(jpeg()), None), 502
    )


def test_a_network_that_is_cut_is_an_error(index: ModuleType, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_ENDPOINT_URL_SAGEMAKER_RUNTIME", "http://127.0.0.1:9")
    assert error_of(index.handler(sent(jpeg()), None), 504).startswith("no answer from AWS: Could not connect")


FUNCTIONS = [
    MaskFunction("cars"),
    MaskFunction("Cars-2", "public", ("photos", "more.photos")),
    MaskFunction("cars", "none"),
]


@pytest.mark.parametrize("function", FUNCTIONS, ids=lambda function: function.url)
def test_cfn_lint_has_nothing_to_say(function: MaskFunction) -> None:
    assert lint_template(template_text(function), "us-east-1", "eu-west-1") == []


def test_cfn_lint_would_find_a_property_that_does_not_exist() -> None:
    text = template_text(MaskFunction("cars")).replace("AuthType: AWS_IAM", "AuthTyp: AWS_IAM")
    assert {line.split()[0] for line in lint_template(text, "us-east-1")} == {"E3002", "E3003"}


def test_the_function_may_invoke_this_endpoint_and_nothing_else() -> None:
    resources = template(MaskFunction("Cars", buckets=("photos",)))["Resources"]
    (policy,) = resources["Role"]["Properties"]["Policies"]
    granted = {str(each["Action"]): each["Resource"] for each in policy["PolicyDocument"]["Statement"]}
    where = "arn:${AWS::Partition}:sagemaker:${AWS::Region}:${AWS::AccountId}:endpoint/"
    assert granted == {
        "sagemaker:InvokeEndpoint": [{"Fn::Sub": f"{where}Cars"}, {"Fn::Sub": f"{where}cars"}],
        "['logs:CreateLogStream', 'logs:PutLogEvents']": [{"Fn::GetAtt": ["Logs", "Arn"]}],
        "s3:GetObject": [{"Fn::Sub": "arn:${AWS::Partition}:s3:::photos/*"}],
    }
    assert "s3:" not in template_text(MaskFunction("cars")).split("Logs:")[0]


@pytest.mark.parametrize(
    ("url", "auth", "permissions"),
    [
        ("iam", "AWS_IAM", []),
        ("public", "NONE", ["lambda:InvokeFunctionUrl", "lambda:InvokeFunction"]),
        ("none", None, []),
    ],
)
def test_who_may_call_it(url: Url, auth: str | None, permissions: list[str]) -> None:
    resources = template(MaskFunction("cars", url))["Resources"].values()
    urls = [each["Properties"]["AuthType"] for each in resources if each["Type"] == "AWS::Lambda::Url"]
    assert urls == ([auth] if auth else [])
    opened = [each["Properties"]["Action"] for each in resources if each["Type"] == "AWS::Lambda::Permission"]
    assert opened == permissions


def test_the_code_fits_inline_and_stands_as_it_is_in_its_file() -> None:
    code = HANDLER.read_text(encoding="utf-8")
    text = template_text(MaskFunction("cars"))
    assert len(code) <= 4096  # what inline code may hold by AWS's older documentation; today's allows 4 MB zipped
    assert len(text.encode()) <= 51_200  # what CloudFormation takes without S3
    assert yaml.safe_load(text)["Resources"]["Function"]["Properties"]["Code"]["ZipFile"] == code
    assert "ZipFile: |" in text


def test_the_command_writes_the_template_and_says_how_to_deploy_it(tmp_path: Path) -> None:
    out = tmp_path / "template.yaml"
    ran = CliRunner().invoke(app, ["lambda", "cars", "--out", str(out), "--bucket", "photos", "--url", "public"])
    assert ran.exit_code == 0, ran.output
    assert out.read_text(encoding="utf-8") == template_text(MaskFunction("cars", "public", ("photos",)))
    assert ran.stdout == f"{out}\n"
    assert "warning: --url public: whoever knows the URL may call the endpoint at your cost" in ran.stderr
    assert f"aws cloudformation deploy --template-file {out} --stack-name sageseg-cars" in ran.stderr


@pytest.mark.parametrize(
    ("attempt", "said"),
    [
        (lambda: template(MaskFunction("my_cars")), "endpoint my_cars: expected its name"),
        (lambda: template(MaskFunction("a" * 64)), "expected its name, at most 63"),
        (lambda: template(MaskFunction("cars", buckets=("s3://photos",))), "--bucket s3://photos: expected a bucket's"),
        (lambda: parse_url("all"), "--url all: expected iam, public, none"),
    ],
)
def test_what_cannot_be_is_refused(attempt: Callable[[], object], said: str) -> None:
    with pytest.raises(SagesegError, match=re.escape(said)):
        attempt()
