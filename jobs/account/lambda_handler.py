"""An AWS Lambda function: an image comes in, the mask from a SageMaker endpoint goes out as PNG.

The image is the body of a request to the function's URL, or `{"bucket": …, "key": …}` names it in S3.
`sageseg jobs lambda` writes this file into a CloudFormation template: it has to stay alone and small.
"""

from __future__ import annotations

import base64
import json
import os
from functools import cache
from typing import Any

import boto3
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError, ParamValidationError

MOST_BYTES = 6_291_456
"""What Lambda answers at most, and an endpoint takes at most."""
_STATUS = {"NoSuchKey": 404, "NoSuchBucket": 404, "AccessDenied": 403, "ThrottlingException": 429}


class RefusedError(Exception):
    """What the caller can mend: an HTTP status, and why."""


def handler(event: dict[str, Any], _context: object) -> dict[str, Any]:
    try:
        return _answer(200, "image/png", base64.b64encode(_mask(_image(event))).decode())
    except RefusedError as e:
        status, reason = e.args
    except ClientError as e:
        error = e.response["Error"]
        status, reason = _STATUS.get(error["Code"], 502), f"{e.operation_name}: {error['Code']}: {error['Message']}"
    except ParamValidationError as e:
        status, reason = 400, str(e)
    except BotoCoreError as e:
        status, reason = 504, f"no answer from AWS: {e}"
    return _answer(status, "application/json", json.dumps({"error": reason}))


def _image(event: dict[str, Any]) -> bytes:
    body = event.get("body") or ""
    try:
        content = base64.b64decode(body, validate=True) if event.get("isBase64Encoded") else body.encode()
        place = json.loads(content) if content[:1] == b"{" else event
    except ValueError as e:
        raise RefusedError(400, f"the body cannot be read: {e}") from e
    if "bucket" in place and "key" in place:
        content = _fetch(place["bucket"], place["key"])
    if not content:
        raise RefusedError(400, 'no image: send a JPEG as the body, or {"bucket": …, "key": …}')
    if len(content) > MOST_BYTES:
        raise _too_large("image", len(content))
    if content[:2] != b"\xff\xd8":
        raise RefusedError(415, "not a JPEG: the endpoint reads JPEG alone; convert the image")
    return content


def _fetch(bucket: str, key: str) -> bytes:
    found = _client("s3").get_object(Bucket=bucket, Key=key)
    if found["ContentLength"] > MOST_BYTES:
        raise _too_large(f"s3://{bucket}/{key}", found["ContentLength"])
    content: bytes = found["Body"].read()
    return content


def _mask(image: bytes) -> bytes:
    answer = _client("sagemaker-runtime").invoke_endpoint(
        EndpointName=os.environ["ENDPOINT"], ContentType="image/jpeg", Accept="image/png", Body=image
    )
    mask: bytes = answer["Body"].read()
    if len(mask) * 4 / 3 > MOST_BYTES - 1000:
        raise _too_large("mask", len(mask))
    return mask


def _too_large(what: str, size: int) -> RefusedError:
    return RefusedError(413, f"{what}: {size} bytes are too many; send a smaller image, or crops of it")


def _answer(status: int, content_type: str, body: str) -> dict[str, Any]:
    headers = {"Content-Type": content_type}
    return {"statusCode": status, "headers": headers, "body": body, "isBase64Encoded": status == 200}


@cache
def _client(service: str) -> Any:
    """Kept between invocations. An endpoint has 60 seconds to answer."""
    return boto3.client(service, config=Config(read_timeout=60, retries={"total_max_attempts": 2}))
