"""Shards as they are typed, named and told by hosts; plans and markers as any verb writes them."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from formats.errors import SagesegError
from formats.shards.markers import JOURNAL, all_shards, done_shards, finished, journal_lines, read_marker, write_marker
from formats.shards.shard import MOST_SHARDS, Shard, name_shards, parse_folder, parse_shard, parse_shards
from formats.shards.work_plan import Draft, read_plan, read_sources, settle_plan

SHARDS = st.integers(1, MOST_SHARDS).flatmap(lambda of: st.builds(Shard, st.integers(1, of), st.just(of)))
TEXTS = st.text(st.characters(exclude_categories=("Cs", "Cc")))


@given(SHARDS)
def test_a_shard_is_read_as_it_is_written(shard: Shard) -> None:
    assert parse_shard(str(shard)) == shard == parse_folder(shard.folder)


@given(
    st.integers(1, 100).flatmap(lambda of: st.tuples(st.just(of), st.sets(st.integers(1, of), min_size=1))),
)
def test_the_shards_of_a_job_fit_into_a_word_of_a_container(of: tuple[int, set[int]]) -> None:
    shards = [Shard(number, of[0]) for number in sorted(of[1])]
    told = name_shards(shards)
    assert parse_shards(told) == shards
    assert len(told) <= 256


@pytest.mark.parametrize("text", ["", "3", "1,2", "0/3", "1-4/3", "1--2/3", "a/3", "1,/3"])
def test_what_is_no_word_of_shards_is_refused(text: str) -> None:
    with pytest.raises(SagesegError, match="expected such as 2/4"):
        parse_shards(text)


@given(st.integers(1, 9), st.integers(0, 30))
def test_shards_share_out_everything_once_and_evenly(of: int, count: int) -> None:
    parts = [range(count)[Shard(number, of).own] for number in range(1, of + 1)]
    assert sorted(place for part in parts for place in part) == list(range(count))
    assert max(map(len, parts)) - min(map(len, parts)) <= 1
    assert all(place % of == number for number, part in enumerate(parts) for place in part)


@pytest.mark.parametrize(
    "name", ["shard-0-of-3", "shard-01-of-3", "shard-1-of-3 (copy)", "shard-1", "x-shard-1-of-3", ""]
)
def test_other_folders_are_no_shards(name: str) -> None:
    assert parse_folder(name) is None


def write_hosts(path: Path, current: str, hosts: Sequence[str]) -> Path:
    groups = [{"instance_group_name": "homogeneousCluster", "hosts": list(hosts)}]
    path.write_text(json.dumps({"current_host": current, "hosts": list(hosts), "instance_groups": groups}))
    return path


@pytest.mark.parametrize("count", [1, 2, 12])
def test_hosts_share_out_the_numbers(tmp_path: Path, count: int) -> None:
    hosts = [f"algo-{number}" for number in range(count, 0, -1)]
    paths = [write_hosts(tmp_path / f"{host}.json", host, hosts) for host in hosts]
    shards = [parse_shard(str(path)) for path in paths]
    assert sorted(shards, key=lambda shard: shard.number) == [Shard(number, count) for number in range(1, count + 1)]


def test_auto_is_sagemakers_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "ml" / "config").mkdir(parents=True)
    path = write_hosts(tmp_path / "ml" / "config" / "resourceconfig.json", "algo-2", ["algo-1", "algo-2", "algo-3"])
    monkeypatch.setenv("SAGESEG_OPT_ML", str(tmp_path / "ml"))
    assert parse_shard("auto") == Shard(2, 3)
    path.unlink()
    with pytest.raises(SagesegError, match="no such file, which a job of SageMaker has; on other machines say --shard"):
        parse_shard("auto")


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("[]", r"damaged \(it is \[\]; expected an object\)"),
        ('{"current_host": "algo-1"}', r"damaged \(hosts is missing\)"),
        ('{"current_host": 1, "hosts": []}', r"damaged \(current_host is 1; expected a text\)"),
        ('{"current_host": "algo-3", "hosts": ["algo-1"]}', "current_host algo-3 is none of the hosts"),
        ("no JSON", "damaged, no JSON"),
    ],
)
def test_a_file_of_hosts_that_is_none_is_named(tmp_path: Path, text: str, told: str) -> None:
    path = tmp_path / "hosts.json"
    path.write_text(text)
    with pytest.raises(SagesegError, match=f"hosts.json: {told}.*; say --shard 1/4, 2/4 and so on"):
        parse_shard(str(path))


def test_more_hosts_than_a_merge_can_read_are_refused(tmp_path: Path) -> None:
    hosts = [f"algo-{number}" for number in range(MOST_SHARDS + 1)]
    with pytest.raises(SagesegError, match="501 hosts; 500 shards at most: start fewer instances"):
        parse_shard(str(write_hosts(tmp_path / "hosts.json", "algo-1", hosts)))


def draft(rows: Sequence[Sequence[str]], **others: Any) -> Draft:
    def checksums(part: slice) -> list[tuple[str]]:
        return [(f"{len(row[0])}",) for row in rows[part]]

    return Draft(
        "predict", ("jobs", "predict", "cars"), others, ("source", "group"), rows, ("sha256",), checksums, {"map": "x"}
    )


@given(st.lists(st.tuples(TEXTS, TEXTS), max_size=6, unique_by=lambda row: row[0]), st.dictionaries(TEXTS, TEXTS))
def test_a_plan_is_read_as_it_is_written(
    tmp_path_factory: pytest.TempPathFactory, rows: list[tuple[str, str]], settled: dict[str, str]
) -> None:
    out = tmp_path_factory.mktemp("plan")
    written = settle_plan(out, draft(rows, told=sorted(settled)), Shard(1, 2))
    assert settle_plan(out, draft(rows, told=sorted(settled)), Shard(2, 2)) == written
    plan, digest = read_plan(out, "predict")
    assert (digest, plan.sources, plan.command) == (written, len(rows), ["jobs", "predict", "cars"])
    assert plan.settled == {"told": sorted(settled)}
    kept = [(row["source"], row["group"], row["sha256"]) for row in read_sources(out)]
    assert kept == [(source, group, f"{len(source)}") for source, group in rows]


def test_what_lies_beside_a_plan_belongs_to_it(tmp_path: Path) -> None:
    settle_plan(tmp_path, draft([]), Shard(1, 2))
    (tmp_path / "map").write_text("y")
    with pytest.raises(SagesegError, match="map: not the file that plan.json names"):
        read_plan(tmp_path, "predict")
    (tmp_path / "map").unlink()
    with pytest.raises(SagesegError, match="map: missing; bring back the folder"):
        settle_plan(tmp_path, draft([]), Shard(2, 2))


def make_shards(out: Path, lines: Sequence[str], of: int) -> tuple[Any, str]:
    """A plan of a source for each line, and its shards, whose journals have the lines."""
    digest = settle_plan(out, draft([(f"{place}", "") for place in range(len(lines))]), Shard(1, of))
    for number in range(1, of + 1):
        shard = Shard(number, of)
        (out / shard.folder).mkdir()
        (out / shard.folder / JOURNAL).write_text("".join(lines[shard.own]))
        write_marker(out / shard.folder, shard, digest, {"images": len(lines[shard.own])})
    return read_plan(out, "predict")


@pytest.mark.parametrize("of", [1, 3, 7, 11])
def test_journals_are_read_in_the_order_of_the_plan(tmp_path: Path, of: int) -> None:
    lines = [f"line {place}\n" for place in range(8)]
    plan, digest = make_shards(tmp_path, lines, of)
    markers = all_shards(tmp_path, plan, digest)
    assert [line.decode() for _, line in journal_lines(list(markers), 8)] == lines
    assert sum(marker.counts["images"] for marker in markers.values()) == 8
    assert done_shards(tmp_path) == [Shard(number, of) for number in range(1, of + 1)]
    assert finished(tmp_path, Shard(1, of), digest) == read_marker(tmp_path / f"shard-1-of-{of}")
    assert finished(tmp_path, Shard(1, of + 1), digest) is None


@pytest.mark.parametrize("count", [5, 9])
def test_journals_of_fewer_or_more_lines_than_sources_are_named(tmp_path: Path, count: int) -> None:
    plan, digest = make_shards(tmp_path, ["a line\n"] * 8, 3)
    with pytest.raises(SagesegError, match=r"journal.jsonl: not a line for each source of its part; remove"):
        list(journal_lines(list(all_shards(tmp_path, plan, digest)), count))
