"""A verb's work by the hosts of one processing job: what one machine makes, and what is missing made again alone."""

from __future__ import annotations

import json
import re
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from jobs.emulator.host.container import Programs
from jobs.emulator.server import running_server
from jobs.tracking.job_calls import POLL_SECONDS
from tests.support.dataset_samples import disc_image, make_dataset, make_predictions
from tests.support.emulator_setup import rehearse
from tests.support.pair_samples import make
from tests.support.prep_samples import digests
from tests.support.typed_commands import Ran, typed

PREP = ["prep", "pairs", "in/images", "in/masks", "--labels", "in/classes.txt", "--val", "0", "--crop", "none"]


@pytest.fixture
def here(tmp_path: Path, warm: Programs, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A folder with images and masks, an emulator in whose home its jobs are, and folders that are called like the
    words of verbs."""
    for name in ("prep", "pairs", "analysis"):
        (tmp_path / name).mkdir()
    make(tmp_path / "in", "images/{}.jpg", "masks/{}.png")
    monkeypatch.setenv("SAGESEG_HOME", str(tmp_path / "home"))
    monkeypatch.setitem(POLL_SECONDS, "local", 0.05)
    with running_server(tmp_path / "home", programs=warm):
        yield tmp_path


def process(here: Path, *words: str, instances: int = 3) -> Ran:
    return typed(["jobs", "process", "--backend", "local", "--instances", str(instances), *words], here)


def started(ran: Ran) -> str:
    """On what, and of which shards, a job was started; empty where none was."""
    found = re.search(r"started processing job \S+ on (.*)", ran.stderr)
    return found[1] if found else ""


def test_hosts_make_the_dataset_of_one_machine_and_what_is_missing_alone(here: Path) -> None:
    assert typed([*PREP, "--out", "alone"], here).returncode == 0
    ran = process(here, *PREP, "--out", "cars")
    assert ran.returncode == 0, ran.stderr
    assert started(ran) == "3 × ml.c5.2xlarge: shards 1/3, 2/3, 3/3"
    assert "images: 3 of 3, on 3 host(s)" in ran.stderr
    assert digests(here / "cars") == digests(here / "alone")

    again = process(here, *PREP, "--out", "cars", "--overwrite")
    assert (again.returncode, started(again)) == (0, "")

    shutil.rmtree(here / "cars-shards" / "shard-2-of-3")
    next((here / "cars-shards" / "shard-3-of-3" / "JPEGImages").iterdir()).unlink()
    ran = process(here, *PREP, "--out", "cars", "--overwrite")
    assert (ran.returncode, started(ran)) == (0, "2 × ml.c5.2xlarge: shards 2/3, 3/3")
    assert digests(here / "cars") == digests(here / "alone")

    shutil.rmtree(here / "cars-shards" / "shard-1-of-3")
    (here / "in" / "images" / "a.jpg").write_bytes((here / "in" / "images" / "c d.jpg").read_bytes())
    ran = process(here, *PREP, "--out", "cars", "--overwrite")
    assert ran.returncode == 1
    last = ran.stderr.splitlines()[-1]
    assert re.search(r"Failed \(shard 1/3: .*a\.jpg has changed since.*shards that are missing: 1/3 of 3", last)


def test_hosts_make_the_report_of_one_machine(here: Path) -> None:
    images = {f"{group}_{number:02}": disc_image(40, 32, seed=number) for group in "ab" for number in range(2)}
    dataset = make_dataset(here / "dataset", images)
    make_predictions(here / "predictions", dataset, {stem: mask for stem, (_, mask) in images.items()})
    verb = ["report", "predictions", "--dataset", "dataset", "--workers", "1"]
    assert typed(["analysis", *verb, "--out", "alone"], here).returncode == 0
    ran = process(here, *verb, "--out", "by-hosts")
    assert ran.returncode == 0, ran.stderr
    assert "scoring: 4 of 4, on 3 host(s)" in ran.stderr
    told_otherwise = {"scores.json", "index.html"}  # when it was made, and by which words
    alone, merged = (
        {path.relative_to(root).as_posix(): path.read_bytes() for path in root.rglob("*") if path.is_file()}
        for root in (here / "alone", here / "by-hosts")
    )
    assert {name for name in alone if alone[name] != merged.pop(name)} <= told_otherwise
    assert merged == {}
    numbers = [json.loads((here / root / "scores.json").read_text()) for root in ("alone", "by-hosts")]
    for scores in numbers:
        del scores["made"], scores["judged"]["predict_all"]
    assert numbers[0] == numbers[1]


@pytest.mark.parametrize("host", ["algo-1", "algo-3"])
def test_a_host_that_dies_is_named_and_its_shard_made_by_the_same_command(here: Path, host: str) -> None:
    dies = {"algorithm_error": "out of memory", "fail_hosts": host, "fail_at_line": 2}
    rehearse(here, {"processing_jobs": {"*": dies}})
    ran = process(here, *PREP, "--out", "cars")
    assert ran.returncode == 1
    last = ran.stderr.splitlines()[-1]
    number = host[-1]
    assert re.search(rf"Failed \(.*out of memory.*shards that are missing: .*{number}/3.* of 3; the same command", last)
    assert f"the last lines of {host}:" in ran.stderr
    assert not (here / "cars").exists()

    rehearse(here, {})
    ran = process(here, *PREP, "--out", "cars")
    assert ran.returncode == 0, ran.stderr
    assert f"{number}/3" in started(ran)
    assert typed([*PREP, "--out", "alone"], here).returncode == 0
    assert digests(here / "cars") == digests(here / "alone")


@pytest.mark.parametrize(
    ("words", "said"),
    [
        ([*PREP, "--crop", "12x", "--out", "cars"], "--crop 12x: expected a side in pixels"),
        ([*PREP, "--instances", "4", "--out", "cars"], "pairs: No such option: --instances; .* before the verb"),
        ([*PREP], "pairs: Missing .*out"),
        (["prep", "merge", "a", "--out", "b"], "sageseg prep merge: does not work by shards; run it on one machine"),
        (["train", "cars"], "train: no verb that works by shards; expected prep and its reader, report or stitch"),
        (["prep", "par", "a"], "par: not known; expected one of "),
        ([*PREP, "--shard", "1/2", "--out", "b"], "--shard: the job deals the shards among its instances"),
        ([*PREP, "--out", "in"], "in: exists already; choose another --out"),
    ],
)
def test_what_no_job_is_started_for(tmp_path: Path, words: list[str], said: str) -> None:
    make(tmp_path / "in", "images/{}.jpg", "masks/{}.png")
    ran = process(tmp_path, *words)
    assert ran.returncode == 1
    (line,) = ran.stderr.splitlines()
    assert re.search(said, line)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["in"]


def test_a_job_is_shown_its_log_read_and_its_end_asked_for(here: Path) -> None:
    ran = process(here, *PREP, "--out", "cars", instances=2)
    assert ran.returncode == 0, ran.stderr
    found = re.search(r"started processing job (\S+) on", ran.stderr)
    assert found
    shown = typed(["jobs", "show", found[1]], here)
    assert re.search(r"status +Completed\ninstances +2 × ml.c5.2xlarge\n", shown.stdout), shown.stderr
    assert re.search(r"shards +cars-shards$", shown.stdout.strip())
    listed = typed(["jobs", "list"], here)
    assert re.search(rf"^{found[1]} +Completed +processing +local ", listed.stdout, re.MULTILINE), listed.stderr
    logs = typed(["jobs", "logs", found[1]], here)
    assert "algo-1: shard 1/2 begins\n" in logs.stdout
    assert "algo-2: shard 2/2 is done\n" in logs.stdout
    stopped = typed(["jobs", "stop", found[1]], here)
    assert stopped.stderr == f"{found[1]}: Completed already, so there is nothing to stop\n"
    missing = typed(["jobs", "stop", "nothing-of-the-kind"], here)
    assert missing.returncode == 1
    assert "nothing-of-the-kind: no job of that name" in missing.stderr
