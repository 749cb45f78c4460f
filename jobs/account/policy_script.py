"""The policies as commands of the AWS CLI that set them up."""

from __future__ import annotations

import json
import re
import shlex
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

from formats.disk.whole_files import write_text
from formats.disk.whole_folders import staged_folder
from formats.errors import SagesegError
from jobs.account.policy import (
    ANY,
    Account,
    Grant,
    caller_grants,
    check_bucket_name,
    lease_grants,
    lease_trust,
    policy,
    role_grants,
    role_trust,
    scaling_grants,
)
from jobs.contract.registry import builtin_image, partition

Refer = Callable[[str], str]
"""Names a document in a command: as its text, or as a file's URI."""
SCRIPT = "create.sh"
_IMAGE = "123456789012.dkr.ecr.us-east-1.amazonaws.com/sageseg:1"
_CALLER, _ROLE, _ROLE_TRUST, _LEASE, _LEASE_TRUST = "caller", "role", "role-trust", "lease", "lease-trust"
_SCALING = "scaling"


def checked_account(account: Account) -> Account:
    """The account with its prefix and key as policies need them. Raises SagesegError naming what
    cannot be one."""
    builtin_image(account.region)  # says which regions there are
    if not re.fullmatch(r"\d{12}", account.account):
        raise SagesegError(f"--account {account.account}: expected its 12 digits")
    if not account.buckets:
        raise SagesegError("--bucket: missing; expected the name of each bucket for data and output")
    for bucket in account.buckets:
        check_bucket_name(bucket)
    if not re.fullmatch(r"[\w+=,.@-]{1,58}", account.role_name, re.ASCII):
        raise SagesegError(f"--role-name {account.role_name}: expected at most 58 letters, digits and +=,.@-_")
    if re.search(r"[*?$]", account.prefix):
        raise SagesegError(f"--prefix {account.prefix}: *, ? and $ mean something else in a policy; leave them out")
    prefix = account.prefix.strip("/")
    return replace(
        account,
        prefix=f"{prefix}/" if prefix else "",
        kms_key=_key_arn(account),
        repositories=tuple(dict.fromkeys(map(_repository_arn, account.repositories))),
    )


def _repository_arn(image: str) -> str:
    found = re.fullmatch(r"(\d{12})\.dkr\.ecr\.([a-z0-9-]+)\.[a-z0-9.-]+/([a-z0-9._/-]+)([:@]\S+)?", image, re.ASCII)
    if found is None:
        raise SagesegError(f"--image {image}: expected an image in ECR, {_IMAGE}")
    return f"arn:{partition(found[2])[0]}:ecr:{found[2]}:{found[1]}:repository/{found[3]}"


def _key_arn(account: Account) -> str | None:
    key = account.kms_key
    if key is None or re.fullmatch(r"arn:[\w-]+:kms:[\w-]+:\d{12}:key/[\w-]+", key, re.ASCII):
        return key
    if re.fullmatch(r"(mrk-)?[0-9a-f-]{32,36}", key):
        return account.arn("kms", f"key/{key}")
    raise SagesegError(f"--kms-key {key}: expected a key's ARN or id; a policy cannot name an alias")


def documents(account: Account) -> dict[str, dict[str, Any]]:
    """All documents by name."""
    made = {
        _CALLER: policy(caller_grants(account)),
        _ROLE: policy(role_grants(account)),
        _ROLE_TRUST: role_trust(),
    }
    if account.scheduler:
        made |= {_LEASE: policy(lease_grants(account)), _LEASE_TRUST: lease_trust(account)}
    if account.scaling:
        made[_SCALING] = policy(scaling_grants(account))
    return made


def wildcards(account: Account) -> list[Grant]:
    """The grants on everything, each with its reason."""
    scaling = scaling_grants(account) if account.scaling else ()
    granted = [*caller_grants(account), *scaling, *role_grants(account), *lease_grants(account)]
    return [grant for grant in granted if ANY in grant.resources]


def script(account: Account, refer: Refer) -> str:
    """A shell script that creates the roles and the caller's policy, or brings up to date those that are there. It
    stops at the first refusal."""
    return "\n".join(["set -e", *_lines(account, refer), ""])


def _lines(account: Account, refer: Refer) -> Iterator[str]:
    for name in documents(account):
        yield f"{_variable(name)}={refer(name)}"
    yield "# the role that SageMaker assumes"
    yield from _role_lines(account.role_name, _ROLE_TRUST, _ROLE)
    if account.scheduler:
        yield "# the role that ends leases"
        yield from _role_lines(account.lease_role_name, _LEASE_TRUST, _LEASE)
    own = [document for document in (_CALLER, _SCALING) if document in documents(account)]
    arns = {document: _policy_arn(account, document) for document in own}
    yield "# what you need yourself"
    for document, arn in arns.items():
        yield from _policy_lines(arn, document)
    yield "# give it to a user, or with attach-role-policy or attach-group-policy to a role or group:"
    yield from (f"# aws iam attach-user-policy --user-name NAME --policy-arn {arn}" for arn in arns.values())
    yield f"# then: export SAGESEG_ROLE={account.role_arn(account.role_name)}"
    if account.scheduler:
        yield f"#       export SAGESEG_SCHEDULER_ROLE={account.role_arn(account.lease_role_name)}"


def _policy_arn(account: Account, document: str) -> str:
    return f"arn:{account.partition}:iam::{account.account}:policy/{account.role_name}-{document}"


def _variable(document: str) -> str:
    return document.replace("-", "_")


def _value(document: str) -> str:
    return f'"${_variable(document)}"'


def _role_lines(name: str, trust: str, granted: str) -> Iterator[str]:
    yield f"if aws iam get-role --role-name {name} > /dev/null 2>&1; then"
    yield f'  echo "role {name}: there already; its trust and its permissions are brought up to date"'
    yield f"  aws iam update-assume-role-policy --role-name {name} --policy-document {_value(trust)}"
    yield "else"
    yield f"  aws iam create-role --role-name {name} --assume-role-policy-document {_value(trust)} > /dev/null"
    yield f'  echo "role {name}: created"'
    yield "fi"
    yield f"aws iam put-role-policy --role-name {name} --policy-name {name} --policy-document {_value(granted)}"


def _policy_lines(arn: str, text: str) -> Iterator[str]:
    """IAM keeps five versions of a policy: all but the one in force go before a new one is made."""
    name, document = arn.rpartition("/")[2], f"--policy-document {_value(text)}"
    query = "--query 'Versions[?!IsDefaultVersion].VersionId' --output text"
    yield f"if aws iam get-policy --policy-arn {arn} > /dev/null 2>&1; then"
    yield f'  echo "policy {name}: there already; it gets a new version, and the one in force is kept"'
    yield f"  for old in $(aws iam list-policy-versions --policy-arn {arn} {query}); do"
    yield f'    aws iam delete-policy-version --policy-arn {arn} --version-id "$old"'
    yield "  done"
    yield f"  aws iam create-policy-version --policy-arn {arn} --set-as-default {document} > /dev/null"
    yield "else"
    yield f"  aws iam create-policy --policy-name {name} {document} > /dev/null"
    yield f'  echo "policy {name}: created"'
    yield "fi"


def inline_script(account: Account) -> str:
    """The script with the documents' text in it."""
    made = documents(account)
    return script(account, lambda name: shlex.quote(json.dumps(made[name], indent=2)))


def write_folder(account: Account, out: Path, *, overwrite: bool) -> list[Path]:
    """Write each document as a file, and the script that names them, which runs from any folder.

    Returns the files. Raises SagesegError when `out` is there already, unless `overwrite` is set.
    """
    made = documents(account)
    with staged_folder(out, overwrite=overwrite) as stage:
        for name, document in made.items():
            write_text(stage / f"{name}.json", json.dumps(document, indent=2) + "\n")
        write_text(stage / SCRIPT, 'cd "$(dirname "$0")"\n' + script(account, lambda name: f"file://{name}.json"))
    return [*(out / f"{name}.json" for name in made), out / SCRIPT]
