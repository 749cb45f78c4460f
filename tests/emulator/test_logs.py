"""The emulator's log streams: paging without a line lost or twice, and CloudWatch's rules."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from formats.errors import SagesegError
from jobs.emulator.store.log_events import LogEvents, open_stream
from jobs.emulator.store.log_files import Event, Window, format_event, read_backward, read_events, read_forward
from jobs.emulator.store.state import State
from tests.support.emulator_setup import LOG_GROUP, emulator, request, wait_for_end

LINES = """
for number in range(5):
    print("line", number)
print()
sys.stderr.write("a warning\\n")
sys.stdout.buffer.write(b"\\xff no text\\r\\n" + b"no line end")
"""
EXPECTED = [*(f"line {number}" for number in range(5)), "a warning", "� no text", "no line end"]


@pytest.fixture(scope="module")
def logged(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Any, str]]:
    """A logs client, and the stream of a job that wrote LINES."""
    folder = tmp_path_factory.mktemp("emulator")
    with emulator(folder, LINES) as (sagemaker, logs, _):
        for name in ("job", "other"):
            sagemaker.create_training_job(**request(folder, name))
            wait_for_end(sagemaker, name)
        streams = logs.describe_log_streams(logGroupName=LOG_GROUP, logStreamNamePrefix="job/")["logStreams"]
        yield logs, streams[0]["logStreamName"]


def page(logged: tuple[Any, str], **asked: Any) -> tuple[list[str], str, str]:
    """The (messages, forward token, backward token) of one answer."""
    logs, stream = logged
    answer = logs.get_log_events(logGroupName=LOG_GROUP, logStreamName=stream, **asked)
    return [e["message"] for e in answer["events"]], answer["nextForwardToken"], answer["nextBackwardToken"]


def test_both_outputs_are_kept_line_by_line(logged: tuple[Any, str]) -> None:
    assert page(logged, startFromHead=True)[0] == EXPECTED


def test_without_a_token_the_latest_come(logged: tuple[Any, str]) -> None:
    assert page(logged, limit=2)[0] == EXPECTED[-2:]
    assert page(logged)[0] == EXPECTED


def test_forward_until_the_token_stays(logged: tuple[Any, str]) -> None:
    found, token, _ = page(logged, limit=3, startFromHead=True)
    last = ""
    while token != last:
        last = token
        more, token, _ = page(logged, limit=3, startFromHead=True, nextToken=token)
        found += more
    assert found == EXPECTED


def test_backward_until_the_token_stays(logged: tuple[Any, str]) -> None:
    found, _, token = page(logged, limit=3)
    last = ""
    while token != last:
        last = token
        more, _, token = page(logged, limit=3, nextToken=token)
        found = more + found
    assert found == EXPECTED


def test_times_limit_what_comes(logged: tuple[Any, str]) -> None:
    logs, stream = logged
    events = logs.get_log_events(logGroupName=LOG_GROUP, logStreamName=stream, startFromHead=True)["events"]
    first, last = events[0]["timestamp"], events[-1]["timestamp"]
    assert page(logged, startTime=first, endTime=last + 1)[0] == EXPECTED
    assert page(logged, endTime=first)[0] == []
    assert page(logged, startTime=last + 1, startFromHead=True)[0] == []


def test_streams_are_described(logged: tuple[Any, str]) -> None:
    logs, stream = logged
    described = logs.describe_log_streams(logGroupName=LOG_GROUP, orderBy="LastEventTime", descending=True)
    first, second = described["logStreams"]
    assert (first["logStreamName"].partition("/")[0], second["logStreamName"]) == ("other", stream)
    assert second["creationTime"] <= second["firstEventTimestamp"] <= second["lastEventTimestamp"]
    assert stream.startswith("job/algo-1-")


def test_streams_are_paged(logged: tuple[Any, str]) -> None:
    logs, stream = logged
    first = logs.describe_log_streams(logGroupName=LOG_GROUP, limit=1)
    second = logs.describe_log_streams(logGroupName=LOG_GROUP, limit=1, nextToken=first["nextToken"])
    assert first["logStreams"][0]["logStreamName"] == stream
    assert second["logStreams"][0]["logStreamName"].startswith("other/")
    assert "nextToken" not in second


@pytest.mark.parametrize("token", ["f/0", f"f/{1:056d}/s", f"b/{10**55:056d}/s", "x" * 60])
def test_tokens_that_were_never_given(logged: tuple[Any, str], token: str) -> None:
    with pytest.raises(logged[0].exceptions.InvalidParameterException, match="nextToken is invalid"):
        page(logged, nextToken=token)


def test_names_that_are_not_there(logged: tuple[Any, str]) -> None:
    logs, _ = logged
    absent = logs.exceptions.ResourceNotFoundException
    with pytest.raises(absent, match=r"The specified log group does not exist\."):
        logs.describe_log_streams(logGroupName="/aws/sagemaker/Endpoints")
    with pytest.raises(absent, match=r"The specified log stream does not exist\."):
        logs.get_log_events(logGroupName=LOG_GROUP, logStreamName="../../etc/passwd")
    with pytest.raises(logs.exceptions.InvalidParameterException, match="orderBy|LastEventTime"):
        logs.describe_log_streams(logGroupName=LOG_GROUP, orderBy="LastEventTime", logStreamNamePrefix="job/")


@pytest.mark.parametrize("stands_there", ["a folder", "a link"])
def test_a_log_that_cannot_be_read_is_one_line_at_once(tmp_path: Path, stands_there: str) -> None:
    path = tmp_path / "log.jsonl"
    state = State(tmp_path / "state.sqlite")
    open_stream(state, LOG_GROUP, "job/one", path).close()
    path.unlink()
    if stands_there == "a folder":
        path.mkdir()
    else:
        path.symlink_to(tmp_path)
    with pytest.raises(SagesegError, match=r"log\.jsonl: a folder; expected a file: move it away"):
        LogEvents(state).get_log_events({"logGroupName": LOG_GROUP, "logStreamName": "job/one"}, "us-east-1")
    state.close()


events_of_any_kind = st.lists(st.builds(Event, st.integers(0, 9), st.text(min_size=1, max_size=9)), max_size=20)


@given(events_of_any_kind, st.integers(1, 4), st.integers(0, 9), st.integers(0, 10))
def test_pages_in_either_direction_hold_every_wanted_event_once(
    tmp_path_factory: pytest.TempPathFactory, events: list[Event], limit: int, since: int, until: int
) -> None:
    path = tmp_path_factory.mktemp("log") / "log.jsonl"
    path.write_bytes(b"".join(map(format_event, events)) + b'{"timestamp": 3, "mess')  # still being written
    window = Window(limit, since, until)
    wanted = [event for event in events if since <= event.timestamp < until]

    place, forward = 0, list[Event]()
    while (found := read_forward(path, place, window)).end != place:
        place, forward = found.end, forward + list(found.events)
    end, backward = read_backward(path, None, window).end, list[Event]()
    while (found := read_backward(path, end, window)).start != end:
        end, backward = found.start, list(found.events) + backward

    assert forward == wanted
    assert backward == wanted
    assert list(read_events(path)) == events


def test_a_page_holds_a_mebibyte(tmp_path: Path) -> None:
    path = tmp_path / "log.jsonl"
    path.write_bytes(b"".join(format_event(Event(number, "x" * 2**18)) for number in range(6)))
    found = read_forward(path, 0, Window(10_000))
    assert [event.timestamp for event in found.events] == [0, 1, 2]
    assert [event.timestamp for event in read_forward(path, found.end, Window(10_000)).events] == [3, 4, 5]
