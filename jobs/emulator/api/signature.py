"""AWS Signature Version 4, checked: whether a request was signed with the emulator's keys.

https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_sigv-create-signed-request.html
Codes and words: SageMaker's common errors, and what botocore's users met.
"""

from __future__ import annotations

import hashlib
import hmac
import re
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from typing import Any
from urllib.parse import quote

from jobs.emulator.api.faults import ServiceError
from jobs.emulator.keys import Keys

MOST_SKEW_SECONDS = 300
"""How far a request's time may be from the server's; AWS's own five minutes."""
_ALGORITHM = "AWS4-HMAC-SHA256"
_AUTHORIZATION = re.compile(
    rf"{_ALGORITHM} +Credential=(?P<key>[!-+\--~]+)/(?P<date>\d{{8}})/(?P<region>[a-z0-9-]+)/(?P<service>[a-z0-9-]+)"
    r"/aws4_request *, *SignedHeaders=(?P<headers>[a-z0-9;_-]+) *, *Signature=(?P<signature>[0-9a-f]{64})"
)
_TIME = "%Y%m%dT%H%M%SZ"
_HINT = ' (this is sageseg\'s emulator: eval "$(sageseg jobs emulator --env)" gives its keys)'


def check_signature(environ: Mapping[str, Any], body: bytes, keys: Keys, now: float) -> None:
    """Raise ServiceError, in AWS's words, for a request that these keys did not sign at about `now` (epoch seconds)."""
    given = environ.get("HTTP_AUTHORIZATION")
    if not given:
        raise _denied("MissingAuthenticationToken", f"Missing Authentication Token{_HINT}")
    parts = _AUTHORIZATION.fullmatch(given)
    if parts is None:
        raise _denied("IncompleteSignatureException", f"Authorization header requires {_ALGORITHM} with its parts")
    if not hmac.compare_digest(parts["key"], keys.access_key):
        raise _denied("UnrecognizedClientException", f"The security token included in the request is invalid.{_HINT}")
    signed = parts["headers"].split(";")
    unsigned = {"host", *_amazon_headers(environ)} - set(signed)
    if unsigned:
        raise _denied("InvalidSignatureException", f"'{min(unsigned)}' must be a 'SignedHeader'")
    stamp = environ.get("HTTP_X_AMZ_DATE", "")
    _check_time(stamp, parts["date"], now)
    scope = f"{parts['date']}/{parts['region']}/{parts['service']}/aws4_request"
    canonical = _canonical_request(environ, body, signed)
    said = "\n".join([_ALGORITHM, stamp, scope, hashlib.sha256(canonical).hexdigest()])
    key = f"AWS4{keys.secret_key}".encode()
    for word in scope.split("/"):
        key = hmac.digest(key, word.encode(), "sha256")
    if not hmac.compare_digest(hmac.digest(key, said.encode(), "sha256").hex(), parts["signature"]):
        raise _denied(
            "InvalidSignatureException",
            "The request signature we calculated does not match the signature you provided. Check your AWS Secret "
            f"Access Key and signing method. Consult the service documentation for details.{_HINT}",
        )


def _denied(code: str, message: str) -> ServiceError:
    return ServiceError(code, message, 403)


def _amazon_headers(environ: Mapping[str, Any]) -> Iterator[str]:
    return (key[5:].replace("_", "-").lower() for key in environ if key.startswith("HTTP_X_AMZ"))


def _check_time(stamp: str, day: str, now: float) -> None:
    try:
        asked = datetime.strptime(stamp, _TIME).replace(tzinfo=UTC).timestamp()
    except ValueError as e:
        raise _denied("IncompleteSignatureException", "X-Amz-Date must be in ISO 8601 basic format") from e
    if not stamp.startswith(day):
        raise _denied("InvalidSignatureException", f"Date in Credential scope does not match {stamp} of X-Amz-Date")
    if abs(now - asked) > MOST_SKEW_SECONDS:
        word, relation = ("expired", "earlier") if asked < now else ("not yet current", "later")
        here = datetime.fromtimestamp(now, UTC).strftime(_TIME)
        raise _denied("InvalidSignatureException", f"Signature {word}: {stamp} is {relation} than {here} (5 min).")


def _canonical_request(environ: Mapping[str, Any], body: bytes, signed: list[str]) -> bytes:
    path, _, query = environ["REQUEST_URI"].partition("?")
    pairs = sorted(tuple(piece.partition("=")[::2]) for piece in query.split("&") if piece)
    lines = [
        environ["REQUEST_METHOD"],
        quote(_normal(path), safe="/~"),  # once more, as all services but S3 want it
        "&".join(f"{name}={value}" for name, value in pairs),
        *(f"{name}:{' '.join(_header(environ, name).split())}" for name in signed),
        "",
        ";".join(signed),
        hashlib.sha256(body).hexdigest(),
    ]
    return "\n".join(lines).encode()  # as botocore does, though it sends other letters than ASCII as Latin-1


def _normal(path: str) -> str:
    """A path without empty and relative parts."""
    parts: list[str] = []
    for part in path.split("/"):
        if part == "..":
            del parts[-1:]
        elif part not in ("", "."):
            parts.append(part)
    return "/" + "/".join(parts) + ("/" if path.endswith("/") and parts else "")


def _header(environ: Mapping[str, Any], name: str) -> str:
    key = name.upper().replace("-", "_")
    return str(environ.get(key if key in ("CONTENT_TYPE", "CONTENT_LENGTH") else f"HTTP_{key}", ""))
