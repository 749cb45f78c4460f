"""What can be known of AWS before anything is sent: who asks, and whose bucket it is."""

from __future__ import annotations

from aws.clients import aws_errors, make_client
from aws.errors import AwsError
from aws.s3 import parse_s3_uri
from formats.errors import SagesegError

ANY_OWNER = "any"


def caller_account(region: str) -> str:
    """The account of the credentials; the call needs no permission, so that it proves them."""
    return _caller(region)["Account"]


def caller_arn(region: str) -> str:
    """The user or the assumed role of the credentials. It is asked for within seconds."""
    return _caller(region, hurried=True)["Arn"]


def _caller(region: str, *, hurried: bool = False) -> dict[str, str]:
    with aws_errors("asking AWS who you are"):
        answer: dict[str, str] = make_client("sts", region, hurried=hurried).get_caller_identity()
    return answer


def check_bucket(uri: str, region: str, owner: str | None, *, hurried: bool = False) -> None:
    """Raise SagesegError unless the bucket of an `s3://` URI is in this region and of this account.

    `owner` None means the caller's account: a bucket whose name someone else has taken would receive
    the data otherwise. "any" does not ask. `hurried` gives up within seconds.
    """
    bucket = parse_s3_uri(uri).bucket
    expected = {} if owner == ANY_OWNER else {"ExpectedBucketOwner": owner or caller_account(region)}
    try:
        with aws_errors(f"looking at bucket {bucket}"):
            answer = make_client("s3", region, hurried=hurried).head_bucket(Bucket=bucket, **expected)
    except AwsError as e:
        raise SagesegError(_explain(bucket, e, expected.get("ExpectedBucketOwner"))) from e
    found = answer.get("BucketRegion") or region
    if found != region:
        raise SagesegError(
            f"bucket {bucket}: in region {found}, but the job in {region}, and SageMaker reads only from its own; "
            f"pass --region {found}, or use a bucket in {region}"
        )


def _explain(bucket: str, error: AwsError, owner: str | None) -> str:
    if error.code in ("404", "NoSuchBucket"):
        return f"bucket {bucket}: there is none; create it (aws s3 mb s3://{bucket}) or correct its name"
    if error.code in ("403", "AccessDenied"):
        whose = f"not of account {owner}, or " if owner else ""
        return (
            f"bucket {bucket}: {whose}closed to these credentials; correct its name, name the account that owns it "
            "with --bucket-owner, or have its policy allow you"
        )
    return str(error)
