"""A verb's work by the hosts of one processing job: what one machine makes, and what is missing made again alone."""

from __future__ import annotations

import json
import re
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from formats.predictions import ModelFacts
from jobs.emulator.host.container import Programs
from jobs.emulator.server import running_server
from jobs.tracking.job_calls import POLL_SECONDS
from tests.support.bright_model import stand_in
from tests.support.dataset_samples import disc_image, make_dataset, make_predictions
from tests.support.emulator_setup import rehearse
from tests.support.pair_samples import make
from tests.support.prep_samples import digests
from tests.support.typed_commands import Ran, typed

PREP = ["prep", "pairs", "in/images", "in/masks", "--labels", "in/classes.txt", "--val", "0", "--crop", "none"]

PREDICT = ["predict", "in/classes.txt", "in/images", "--out", "cars"]
"""Any file is a model until it is read."""


@pytest.fixture
def here(tmp_path: Path, warm: Programs, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A folder with images and masks, an emulator in whose home its jobs are, and folders that are called like the
    words of verbs."""
    for name in ("prep", "pairs", "analysis"):
        (tmp_path / name).mkdir()
    make(tmp_path / "in", "images/{}.jpg", "masks/{}.png")
    monkeypatch.setenv("SAGESEG_HOME", str(tmp_path / "home"))
    monkeypatch.setitem(POLL_SECONDS, "local", 0.1)
    with running_server(tmp_path / "home", programs=warm):
        yield tmp_path


def process(here: Path, *words: str, instances: int = 3) -> Ran:
    return typed(["jobs", "process", "--backend", "local", "--instances", str(instances), *words], here)


def started(ran: Ran) -> str:
    """On what, and of which shards, a job was started; empty where none was."""
    found = re.search(r"started processing job \S+ on (.*)", ran.stderr)
    return found[1] if found else ""


def test_hosts_make_the_dataset_of_one_machine_and_what_is_missing_alone(
    here: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert typed([*PREP, "--out", "alone"], here).returncode == 0
    ran = process(here, *PREP, "--out", "cars")
    assert ran.returncode == 0, ran.stderr
    assert started(ran) == "3 × ml.c5.2xlarge: shards 1/3, 2/3, 3/3"
    assert "images: 3 of 3, on 3 host(s)" in ran.stderr
    assert digests(here / "cars") == digests(here / "alone")

    again = process(here, *PREP, "--out", "cars", "--overwrite")
    assert (again.returncode, started(again)) == (0, "")

    other = process(here, *PREP[:-1], "64", "--out", "cars", "--overwrite")
    assert other.returncode == 1
    assert "cars-shards: its shards are made by another line, with --crop none where --crop 64 is typed" in other.stderr
    dry = process(here, "--dry-run", "--shards", "cars-shards", *PREP, "--out", "dry")
    assert (dry.returncode, (here / "dry").exists()) == (0, False)
    with monkeypatch.context() as patch:
        patch.setattr("prep.dataset.merge.merge_shards", interrupted)
        assert process(here, *PREP, "--out", "cars", "--overwrite").returncode == 130

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
    assert "the last lines of algo-1:\n  shard 1/3 begins\n" in ran.stderr


def interrupted(*_: Any, **__: Any) -> None:
    raise KeyboardInterrupt


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


def test_hosts_make_the_predictions_of_one_machine(here: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The job's own request, done here host by host, because a model of a test does not leave its process."""
    ran = process(here, "--dry-run", *PREDICT, "--probabilities", "--crop", "12", instances=2)
    assert ran.returncode == 0, ran.stderr
    asked = json.loads(ran.stdout)
    assert "--out" not in asked["AppSpecification"]["ContainerArguments"]
    assert len(asked["ProcessingInputs"]) == 2
    stand_in(monkeypatch)
    facts = ModelFacts(artefact_sha256="0" * 64)  # wherever the artefact lies
    monkeypatch.setattr("jobs.prediction.predict.artefact_facts", lambda _: facts)
    for host in ("algo-1", "algo-2"):
        tree = here / host
        for each in asked["ProcessingInputs"]:
            place = Path(each["S3Input"]["LocalPath"].replace("/opt/ml", str(tree)))
            place.parent.mkdir(parents=True, exist_ok=True)
            given = Path(each["S3Input"]["S3Uri"].removeprefix("file://"))
            place.symlink_to(given if given.is_dir() else given.parent)
        (tree / "config").mkdir()
        told = {"current_host": host, "hosts": ["algo-1", "algo-2"]}
        (tree / "config" / "resourceconfig.json").write_text(json.dumps(told))
        monkeypatch.setenv("SAGESEG_OPT_ML", str(tree))
        words = asked["AppSpecification"]["ContainerArguments"]
        ran = typed(["jobs", "process-host", *(word.replace("/opt/ml", str(tree)) for word in words)], here)
        assert ran.returncode == 0, ran.stderr
        shutil.copytree(tree / "processing" / "output", here / "shards", dirs_exist_ok=True)
    assert typed(["jobs", "merge", "shards", "--out", "merged"], here).returncode == 0
    alone = ["jobs", *PREDICT[:-1], "alone", "--probabilities", "--crop", "12"]
    assert typed(alone, here).returncode == 0
    assert digests(here / "merged") == digests(here / "alone")


@pytest.mark.parametrize("host", ["algo-1", "algo-2"])
def test_a_host_that_dies_is_named_and_its_shard_made_by_the_same_command(here: Path, host: str) -> None:
    dies = {"algorithm_error": "out of memory", "fail_hosts": host}  # before its first line: so small a shard is made
    # sooner than a container that has begun is ended
    rehearse(here, {"processing_jobs": {"*": dies}})
    ran = process(here, *PREP, "--out", "cars", instances=2)
    assert ran.returncode == 1
    last = ran.stderr.splitlines()[-1]
    number = host[-1]
    assert re.search(rf"Failed \(.*out of memory.*shards that are missing: .*{number}/2.* of 2; the same command", last)
    assert not (here / "cars").exists()

    rehearse(here, {})
    ran = process(here, *PREP, "--out", "cars", instances=2)
    assert ran.returncode == 0, ran.stderr
    assert f"{number}/2" in started(ran)
    assert typed([*PREP, "--out", "alone"], here).returncode == 0
    assert digests(here / "cars") == digests(here / "alone")


@pytest.mark.parametrize(
    ("words", "said"),
    [
        ([*PREP, "--crop", "12x", "--out", "cars"], "--crop 12x: expected a side in pixels"),
        ([*PREP, "--instances", "4", "--out", "cars"], "pairs: No such option: --instances; .* before the verb"),
        ([*PREP], "pairs: Missing .*out"),
        (["prep", "merge", "a", "--out", "b"], "sageseg prep merge: does not work by shards; run it on one machine"),
        (["train", "cars"], "train: no verb that works by shards; expected prep and its reader, report, stitch, predi"),
        (["prep", "par", "a"], "par: not known; expected one of "),
        ([*PREP, "--shard", "1/2", "--out", "b"], "--shard: the job deals the shards among its instances"),
        ([*PREP, "--out", "in"], "in: exists already; choose another --out"),
        ([*PREP, "--out", "."], "--out .: exists already; name a folder that is to be made"),
        ([*PREP, "--out", "s3://b/c", "--overwrite"], "--overwrite: nothing is put together in s3://b/c; leave it out"),
        ([*PREDICT, "--via", "batch"], "--via batch: instances run the artefact .* sageseg jobs predict --via batch"),
        ([*PREDICT, "--stitch"], "--stitch: puts together .* run sageseg analysis stitch afterwards"),
        ([*PREDICT, "--rate", "2"], "--rate: only with --via batch"),
        ([*PREDICT, "in/masks"], "in/masks: a second place of images, .* name the one folder that holds all"),
        (["predict", "in/classes.txt", "gone", "--out", "b"], "gone: not found; expected a dataset, an image"),
        (["predict", "file:{}/in/classes.txt", "in", "--out", "b"], "name the artefact, {}/in/classes.txt"),
    ],
)
def test_what_no_job_is_started_for(tmp_path: Path, words: list[str], said: str) -> None:
    make(tmp_path / "in", "images/{}.jpg", "masks/{}.png")
    ran = process(tmp_path, *(word.replace("{}", str(tmp_path)) for word in words))
    assert ran.returncode == 1
    (line,) = ran.stderr.splitlines()
    assert re.search(said.replace("{}", str(tmp_path)), line)
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
