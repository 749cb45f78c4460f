"""What is known to go wrong in a training, and what helps."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from aws.errors import is_about_capacity
from formats.console import say
from formats.state_home import home, models_folder
from jobs.contract.hyperparameters import whole_number
from jobs.contract.instances import larger_memory, running_on

_CONSOLES = {"cn-": "amazonaws.cn", "us-gov-": "amazonaws-us-gov.com"}
LAST_LINES = 20
"""How much of its log a failed job shows."""


@dataclass(frozen=True)
class Known:
    """A failure that users have met: words of the reason or the log, and the cure."""

    pattern: re.Pattern[str]
    cure: Callable[[Mapping[str, Any], bool], str]
    """Takes the job's description, and whether it ran on this machine."""


def _smaller_batch(description: Mapping[str, Any]) -> int:
    return max(1, whole_number(description.get("HyperParameters", {}), "mini_batch_size") // 2)


def _memory_cure(description: Mapping[str, Any], _local: bool) -> str:
    smaller = _smaller_batch(description)
    larger = larger_memory(running_on(description.get("ResourceConfig", {})) or "")
    instance = f", or --instance-type {larger}" if larger else ""
    return f"the GPU's memory is too small: --mini-batch-size {smaller}{instance}"


def _killed_cure(description: Mapping[str, Any], local: bool) -> str:
    """Of a SIGKILL, which at AWS nobody but the system sends, and here hardly anybody."""
    smaller = f"--mini-batch-size {_smaller_batch(description)}, a smaller --crop-size"
    if local:
        return f"if memory ran out (dmesg tells): {smaller}, or end other programs first; then start the job again"
    return f"most likely the instance's memory ran out: {smaller}, or a larger --instance-type"


def _signal_cure(_description: Mapping[str, Any], local: bool) -> str:
    """Of a crash outside Python, of which its log knows nothing."""
    where = "this machine's memory and disk (free -h, df -h)" if local else "another --instance-type"
    return f"a crash in a library, which its log may not show: try it once more, then with {where} in view"


def _size_cure(description: Mapping[str, Any], _local: bool) -> str:
    crop = description.get("HyperParameters", {}).get("crop_size", "240")
    return (
        "psp and deeplab need every image to be exactly crop_size × crop_size (inferred): prepare the dataset with "
        f"--crop {crop}, or pass the size of its crops as --crop-size"
    )


def _disk_cure(description: Mapping[str, Any], local: bool) -> str:
    if local:
        return (
            f"this machine's disk is full: df -h {home()} {models_folder()} shows it; free space, start the job again"
        )
    volume = description.get("ResourceConfig", {}).get("VolumeSizeInGB", 30)
    return f"the instance's disk is full: --volume-size {2 * int(volume)}"


KNOWN = (
    Known(
        re.compile(r"the emulator ended while"),
        lambda *_: "the same command begins it anew, with another --name where one was given",
    ),
    # MXNet's and CUDA's words; no out-of-memory text of this container is known
    Known(re.compile(r"out of memory|cudaMalloc|CUDA_ERROR_OUT_OF_MEMORY|MemoryError", re.IGNORECASE), _memory_cure),
    Known(re.compile(r"exit code: 137\b|SIGKILL"), _killed_cure),
    Known(re.compile(r"exit code: 13[2-9]\b|ended by SIG"), _signal_cure),
    Known(re.compile(r"Incompatible input shape"), _size_cure),
    Known(re.compile(r"No space left on device|disk.{0,20}full", re.IGNORECASE), _disk_cure),
    Known(
        re.compile(r"only GPU instances are supported"),
        lambda *_: "the built-in algorithm trains on GPU instances only: --instance-type ml.g5.2xlarge",
    ),
    Known(
        re.compile(r"is not a readable image file"),
        lambda *_: "a channel holds what is no image; sageseg prep check names the file",
    ),
    Known(
        re.compile(r"[Dd]ata download failed|NoSuchKey|S3.{0,40}(403|Access ?Denied)"),
        lambda *_: (
            "the role may not read the data: allow it s3:GetObject and s3:ListBucket on the "
            "bucket, as sageseg jobs policy does"
        ),
    ),
)
"""In the order in which they are looked for."""


def find_cure(description: Mapping[str, Any], lines: Iterable[str], *, local: bool = False) -> str:
    """What helps against a job's failure, in words; empty where nothing is known. `local`: it ran on this machine.

    The reason decides before the log, which may hold warnings of no consequence.
    """
    reason = description.get("FailureReason", "")
    if is_about_capacity(reason):
        return "AWS had no such machine free: name further types, --instance-type A,B, or try again later"
    for text in (reason, "\n".join(lines)):
        for known in KNOWN:
            if known.pattern.search(text):
                return known.cure(description, local)
    return ""


def show_last_lines(of: str, lines: Sequence[str]) -> None:
    """Say the end of a log, if there is one."""
    if lines:
        say(f"the last lines of {of}:")
    for line in lines[-LAST_LINES:]:
        say(f"  {line}")


def console_link(name: str, region: str) -> str:
    """Where the AWS console shows a training job."""
    domain = next((found for prefix, found in _CONSOLES.items() if region.startswith(prefix)), "aws.amazon.com")
    return f"https://{region}.console.{domain}/sagemaker/home?region={region}#/jobs/{name}"
