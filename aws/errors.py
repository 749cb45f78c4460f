"""What AWS says when it refuses, in one line with the next step, and without secrets."""

from __future__ import annotations

import re

from formats.errors import SagesegError
from formats.texts.redaction import redact

_SIGN_IN = "sign in again (aws sso login, or aws configure) or set AWS_PROFILE"
NEXT_STEPS = (
    (r"jobs emulator --env", "run that line in this shell, in the emulator's folder"),
    (r"ExpiredToken|RequestExpired|TokenRefreshRequired", f"the credentials have expired: {_SIGN_IN}"),
    (r"InvalidClientTokenId|UnrecognizedClient|InvalidAccessKeyId|SignatureDoesNotMatch", f"{_SIGN_IN}"),
    (r"Throttl|TooManyRequests|RequestLimitExceeded|SlowDown|Rate exceeded", "wait a minute and run it again"),
    (
        r"Scheduler to assume",
        "its trust policy must let scheduler.amazonaws.com assume it; sageseg jobs policy --scheduler writes one",
    ),
    (
        r"[Aa]ssume.{0,3}role|role.*(cannot|can't) be assumed",
        "its trust policy must let sagemaker.amazonaws.com assume it; sageseg jobs policy writes one that does",
    ),
    (
        r"service limit|\b[Qq]uota|QuotaExceeded|ResourceLimitExceeded",
        "ask for more under Service Quotas, or name another --instance-type",
    ),
    (r"ResourceInUse|already exists", "choose another --name"),
    (r"NoSuchBucket", "create the bucket, or correct its name"),
    (r"NoSuchKey", "correct the key; aws s3 ls shows what there is"),
    (r"InvalidObjectState", "it is archived: aws s3api restore-object makes it readable again, for some days"),
    (
        r"AccessDenied|UnauthorizedOperation|^403",
        "ask for the IAM permission that these words name; sageseg jobs policy lists all",
    ),
    (
        r"could not find|not found|does not exist|NotFound",
        "sageseg jobs list and sageseg jobs leftovers show what there is",
    ),
)
"""What helps, by words of AWS's code and reason; the first that fits."""
_PAGE = re.compile(r"<(!doctype|html|head|body)\b", re.IGNORECASE)
_UNREAD = re.compile(r"<(script|style)\b.*?(</\1>|$)|<!--.*?-->", re.IGNORECASE | re.DOTALL)
_TAG = re.compile(r"<[^>]*(>|$)")
_PAGE_LETTERS = 200
_INSTANCE_NAME = re.compile(r"(?<![\w./-])ml\.[a-z0-9-]+\.[a-z0-9]+\b")
_MISSING = re.compile(r"could not find|not found|does not exist|ResourceNotFound", re.IGNORECASE)
_CAPACITY = re.compile(r"CapacityError|[Ii]nsufficient\s?(?:Instance)?\s?[Cc]apacity|ML compute capacity")


class AwsError(SagesegError):
    """A request that AWS answered with an error. `code` and `reason` are AWS's own words. `failed`: it was no refusal,
    but a failure of the service's own; `tries`: how often the request was sent."""

    def __init__(self, doing: str, code: str, reason: str, failed: bool = False, tries: int = 1) -> None:
        super().__init__(explain(doing, code, reason))
        self.doing, self.code, self.reason, self.failed, self.tries = doing, code, reason, failed, tries

    def __reduce__(self) -> tuple[type[AwsError], tuple[str, str, str, bool, int]]:
        return type(self), (self.doing, self.code, self.reason, self.failed, self.tries)


def explain(doing: str, code: str, reason: str) -> str:
    """One line: what was being done, AWS's words, and the next step where one is known."""
    said = redact(f"{doing}: {code}: {_words(reason).rstrip('.')}")
    step = next_step(code, reason)
    return f"{said}; {step}" if step else said


def _words(reason: str) -> str:
    """In one line; of the page that a proxy or a portal may send in the place of AWS's answer, what a person reads."""
    page = _PAGE.search(reason)
    if page is None:
        return " ".join(reason.split())
    read = " ".join(_TAG.sub(" ", _UNREAD.sub(" ", reason[page.start() :])).split())
    short = read if len(read) <= _PAGE_LETTERS else f"{read[:_PAGE_LETTERS].rsplit(' ', 1)[0]} …"
    return f"{reason[: page.start()]}a web page in the place of AWS's answer: {short}"


def next_step(code: str, reason: str) -> str:
    if _PAGE.search(reason):  # its words are not AWS's
        return "something on the way to AWS answered; look at the network, HTTPS_PROXY and AWS_ENDPOINT_URL"
    return next((step for pattern, step in NEXT_STEPS if re.search(pattern, f"{code} {reason}")), "")


def is_missing(error: SagesegError) -> bool:
    """Whether AWS says that there is no such thing, and not that it may not be asked for."""
    return (
        isinstance(error, AwsError)
        and not _PAGE.search(error.reason)
        and _MISSING.search(f"{error.code} {error.reason}") is not None
    )


def is_about_instance(code: str, reason: str, instance_type: str) -> bool:
    """Whether a refused CreateTrainingJob may succeed on another instance type.

    So it is when AWS's answer is a quota, or names the type. Seen in public issues: `ResourceLimitExceeded
    … 'ml.p3.2xlarge for training job usage' is 0 Instances`, `The requested resource
    training-job/ml.p2.xlarge is not available in this region`, `Unsupported instance type
    ml.p3dn.24xlarge`. A text that names several types, as a rule that lists the allowed ones does,
    counts when the asked one is among those named first.
    """
    if code == "ResourceLimitExceeded":
        return True
    named = _INSTANCE_NAME.findall(reason)
    return code in ("ValidationException", "ResourceNotFound") and named[:1] == [instance_type]


def is_about_capacity(failure_reason: str) -> bool:
    """Whether a job failed because AWS had no such machine free just then."""
    return _CAPACITY.search(failure_reason) is not None
