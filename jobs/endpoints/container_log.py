"""The last lines that a serving container logged, and how they are shown after a failure."""

from __future__ import annotations

from typing import Any

from aws.clients import aws_errors
from formats.console import say
from formats.errors import SagesegError
from jobs.backends import make_client
from jobs.tracking.failures import LAST_LINES, show_last_lines

_STREAMS = 5
"""Containers of which the last lines are shown, the youngest last."""


def show_log(group: str, backend: str, region: str, prefix: str = "") -> None:
    """Say the last lines of a log group, or why there are none."""
    try:
        lines = last_lines(make_client("logs", backend, region), group, prefix)
    except SagesegError as e:
        say(f"its log could not be read: {e}")
        return
    if not lines:
        say(f"its container logged nothing ({group})")
        return
    show_last_lines(f"its log ({group})", lines)


def last_lines(logs: Any, group: str, prefix: str = "") -> list[str]:
    """The last lines of the youngest streams; none when the group is not there."""
    asked = {"logGroupName": group, **({"logStreamNamePrefix": prefix} if prefix else {})}
    with aws_errors(f"reading {group}"):
        try:
            pages = logs.get_paginator("describe_log_streams").paginate(**asked)
            streams = [stream for page in pages for stream in page["logStreams"]]
        except logs.exceptions.ResourceNotFoundException:
            return []  # no container ever started
        streams.sort(key=lambda stream: stream.get("lastEventTimestamp", stream.get("creationTime", 0)))
        lines: list[str] = []
        for stream in streams[-_STREAMS:]:
            answer = logs.get_log_events(
                logGroupName=group, logStreamName=stream["logStreamName"], limit=LAST_LINES, startFromHead=False
            )
            lines += (event["message"] for event in answer["events"])
    return lines[-LAST_LINES:]
