"""CloudWatch Logs as far as clients follow a job with it: DescribeLogStreams and GetLogEvents."""

from __future__ import annotations

import re
import time
from pathlib import Path
from typing import Any

from formats.disk.journals import add_whole
from formats.errors import cannot_use
from jobs.emulator.api.app import Operation
from jobs.emulator.api.faults import ServiceError
from jobs.emulator.store.log_files import Event, Page, Window, format_event, is_place, read_backward, read_forward
from jobs.emulator.store.paging import make_token, read_token
from jobs.emulator.store.state import State

MAX_EVENTS = 10_000
MAX_STREAMS = 50
_TOUCH_SECONDS = 1.0
_TOKEN = re.compile(r"(?P<way>[fb])/(?P<place>\d{56})/s")


def now_ms() -> int:
    return time.time_ns() // 1_000_000


class LogWriter:
    """Writes one stream, event by event. The stream's last timestamp follows within a second."""

    def __init__(self, state: State, group: str, name: str, path: Path) -> None:
        self._state, self._key, self._path = state, (group, name), path
        self._file = path.open("ab", buffering=0)  # a follower sees each line at once
        self._first: int | None = None
        self._last: int | None = None
        self._touched = -_TOUCH_SECONDS

    def write(self, message: str) -> None:
        event = Event(now_ms(), message)
        add_whole(self._file, self._path, format_event(event))
        self._first = self._first or event.timestamp
        self._last = event.timestamp
        if time.monotonic() - self._touched > _TOUCH_SECONDS:
            self._touch()

    def close(self) -> None:
        self._file.close()
        self._touch()

    def _touch(self) -> None:
        self._touched = time.monotonic()
        sql = "UPDATE log_streams SET first_event = ?, last_event = ? WHERE log_group = ? AND name = ?"
        self._state.query(sql, (self._first, self._last, *self._key))


def open_stream(state: State, group: str, name: str, path: Path) -> LogWriter:
    """Begin a stream that lies in the file `path`, under the state's folder."""
    path.touch()
    sql = "INSERT INTO log_streams (log_group, name, path, created) VALUES (?, ?, ?, ?)"
    state.query(sql, (group, name, str(path.relative_to(state.folder)), now_ms()))
    return LogWriter(state, group, name, path)


def forget_streams(state: State, group: str, prefix: str) -> None:
    """Drop the streams whose names begin so."""
    sql = "DELETE FROM log_streams WHERE log_group = ? AND substr(name, 1, ?) = ?"
    state.query(sql, (group, len(prefix), prefix))


class LogEvents:
    """The operations on log streams."""

    def __init__(self, state: State) -> None:
        self._state = state

    def operations(self) -> dict[tuple[str, str], Operation]:
        return {
            ("logs", "DescribeLogStreams"): self.describe_log_streams,
            ("logs", "GetLogEvents"): self.get_log_events,
        }

    def describe_log_streams(self, request: dict[str, Any], _region: str) -> dict[str, Any]:
        group = self._group(request)
        by_time = request.get("orderBy") == "LastEventTime"
        prefix = request.get("logStreamNamePrefix", "")
        if by_time and prefix:
            raise _invalid("Cannot order by LastEventTime with a logStreamNamePrefix.")
        rows = self._page(group, prefix, by_time, request)
        limit = request.get("limit", MAX_STREAMS)
        response: dict[str, Any] = {"logStreams": [_describe_stream(row) for row in rows[:limit]]}
        if len(rows) > limit:
            name, _, _, last = rows[limit - 1]
            response["nextToken"] = make_token([last or 0, name] if by_time else ["", name])
        return response

    def _page(self, group: str, prefix: str, by_time: bool, request: dict[str, Any]) -> list[tuple[Any, ...]]:
        """One stream more than asked for, so that the caller sees whether there are more."""
        key = "coalesce(last_event, 0)" if by_time else "''"
        order, beyond = ("DESC", "<") if request.get("descending") else ("ASC", ">")
        conditions, parameters = "log_group = ? AND substr(name, 1, ?) = ?", [group, len(prefix), prefix]
        if "nextToken" in request:
            conditions += f" AND ({key}, name) {beyond} (?, ?)"
            parameters += read_token(request["nextToken"], 2, _bad_token())
        sql = (
            f"SELECT name, created, first_event, last_event FROM log_streams WHERE {conditions} "  # noqa: S608
            f"ORDER BY {key} {order}, name {order} LIMIT ?"
        )
        return self._state.query(sql, (*parameters, request.get("limit", MAX_STREAMS) + 1))

    def get_log_events(self, request: dict[str, Any], _region: str) -> dict[str, Any]:
        path = self._stream_path(self._group(request), request["logStreamName"])
        window = Window(
            request.get("limit", MAX_EVENTS),
            request.get("startTime", 0),
            request.get("endTime", 2**63),
        )
        try:
            page = _read_page(path, request, window)
        except OSError as e:
            raise cannot_use(e) from e
        return {
            "events": [
                {"timestamp": event.timestamp, "message": event.message, "ingestionTime": event.timestamp}
                for event in page.events
            ],
            "nextForwardToken": f"f/{page.end:056d}/s",
            "nextBackwardToken": f"b/{page.start:056d}/s",
        }

    def _group(self, request: dict[str, Any]) -> str:
        """The group that a request names. Like AWS's, it is there once a stream is."""
        named = [request[key] for key in ("logGroupName", "logGroupIdentifier") if key in request]
        if len(named) != 1:
            raise _invalid("Either logGroupName or logGroupIdentifier must be provided, but not both.")
        group = re.sub(r"^arn:[^:]*:logs:[^:]*:\d*:log-group:([^:]*)(:\*)?$", r"\1", named[0])
        if not self._state.query("SELECT 1 FROM log_streams WHERE log_group = ? LIMIT 1", (group,)):
            raise ServiceError("ResourceNotFoundException", "The specified log group does not exist.")
        return group

    def _stream_path(self, group: str, name: str) -> Path:
        rows = self._state.query("SELECT path FROM log_streams WHERE log_group = ? AND name = ?", (group, name))
        path: Path | None = self._state.folder / rows[0][0] if rows else None
        if path is None or not path.exists():
            raise ServiceError("ResourceNotFoundException", "The specified log stream does not exist.")
        return path


def _read_page(path: Path, request: dict[str, Any], window: Window) -> Page:
    """A token decides the way; without one, `startFromHead` does."""
    token = request.get("nextToken")
    if token is None:
        return read_forward(path, 0, window) if request.get("startFromHead") else read_backward(path, None, window)
    match = _TOKEN.fullmatch(token)
    if match is None or not is_place(path, int(match["place"])):
        raise _bad_token()
    read = read_forward if match["way"] == "f" else read_backward
    return read(path, int(match["place"]), window)


def _describe_stream(row: tuple[Any, ...]) -> dict[str, Any]:
    name, created, first, last = row
    return {
        "logStreamName": name,
        "creationTime": created,
        "firstEventTimestamp": first,
        "lastEventTimestamp": last,
        "lastIngestionTime": last,
        "storedBytes": 0,
    }


def _bad_token() -> ServiceError:
    return _invalid("The specified nextToken is invalid.")


def _invalid(message: str) -> ServiceError:
    return ServiceError("InvalidParameterException", message)
