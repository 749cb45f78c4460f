"""An experiment's sections `tune`, `gate` and `process`: what runs, what is refused, and what is not paid for twice."""

from __future__ import annotations

import json
import re
import socket
from collections.abc import Iterator
from contextlib import chdir
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import pytest
import typer.main

from formats.errors import SagesegError
from formats.state_home import working_in
from formats.verbs.kept_words import typed_beside
from jobs.emulator.host.container import OWN_PROGRAMS
from jobs.emulator.server import running_server
from jobs.processing.options import ProcessOptions
from jobs.processing.start import Work
from jobs.tracking.job_calls import POLL_SECONDS
from jobs.tracking.records import JobRecord, write_record
from jobs.tracking.tuning_ranking import TunedJob
from jobs.training.options import SecurityOptions
from sageseg.cli import app
from sageseg.experiment import steps
from sageseg.experiment.begun_jobs import state_of
from sageseg.experiment.running import run_experiment
from sageseg.experiment.runs import FOLDERS, Runs
from sageseg.experiment.steps import plan_steps, read_experiment
from tests.support.emulator_setup import program
from tests.support.pair_samples import make
from tests.support.prep_samples import digests
from tests.support.tiny_model import write_artefact
from tests.support.typed_commands import Ran, typed

PREP = "prep: {pairs: [in/images, in/masks], labels: in/classes.txt, crop: none, val: 2}\n"
TUNED = """\
tune: {backend: local, algorithm: unet, strategy: random, max_jobs: 2, crop_size: 20, base_size: 20,
       mini_batch_size: 1, range: [learning_rate=1e-3:1e-1]}
predict: {split: val}
report: {draws: 20, workers: 1}
gate: {least: [mean_iou=0.99, pixel_accuracy=0]}
"""
LEARNS = """
import shutil
shutil.copytree(%r, root / "model", dirs_exist_ok=True)
print("epoch: 0, validation mIOU: 0.5")
"""


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A folder with images and masks, and an emulator whose trainings have learned already."""
    make(tmp_path / "in", "images/{}.jpg", "masks/{}.png")
    write_artefact(tmp_path / "learned.tar.gz", 2)
    learns = program(tmp_path / "programs", LEARNS % str(tmp_path / "learned.tar.model"))
    monkeypatch.setenv("SAGESEG_HOME", str(tmp_path / "home"))
    monkeypatch.setitem(POLL_SECONDS, "local", 0.02)
    with running_server(tmp_path / "home", programs=replace(OWN_PROGRAMS, train=learns)):
        yield tmp_path


def run(folder: Path, text: str) -> Ran:
    (folder / "experiment.yaml").write_text(text)
    return typed(["run", "experiment.yaml"], folder)


def verbs(ran: Ran) -> list[str]:
    return [" ".join(line.split()[2:4]) for line in ran.stderr.splitlines() if line.startswith("$ ")]


def test_a_tuning_is_followed_and_not_paid_for_twice_and_its_best_predicts_for_the_gate(
    here: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def interrupt(_: JobRecord) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr("jobs.tracking.follow_tuning.pause", interrupt)
        cut_off = run(here, PREP + TUNED)
    assert (cut_off.returncode, verbs(cut_off)) == (130, ["prep pairs", "jobs tune"]), cut_off.stderr

    ran = run(here, PREP + TUNED)
    assert verbs(ran) == ["jobs logs", "jobs predict", "analysis report", "analysis gate"], ran.stderr
    (job,) = (path.name for path in (here / "home" / "jobs").iterdir())
    assert f"$ sageseg jobs predict {job}:best dataset " in ran.stderr
    told = json.loads((here / "runs/1/report/scores.json").read_text())
    assert re.fullmatch(rf"{job}-00\d-\w+", told["job"]["job"])

    assert ran.returncode == 1
    assert re.match(r"error: runs/1/report: mean_iou is .* below 0\.99; ", ran.stderr.splitlines()[-1])
    assert json.loads((here / "runs/1/gate.json").read_text())["passed"] is False
    again = run(here, PREP + TUNED)
    assert (again.returncode, verbs(again)) == (1, ["analysis gate"])
    assert again.stderr.splitlines()[-1] == ran.stderr.splitlines()[-1]

    passes = run(here, (PREP + TUNED).replace("0.99", "0"))
    assert (passes.returncode, verbs(passes)) == (0, ["analysis gate"])
    assert passes.stdout.splitlines()[-1].endswith("at least 0.0: holds")
    assert json.loads((here / "runs/1/gate.json").read_text())["passed"] is True
    alone = run(here, "predict: {split: train}\n")
    assert f"$ sageseg jobs predict {job}:best dataset " in alone.stderr


def test_a_record_that_cannot_be_written_costs_a_run_nothing_and_is_tried_again(here: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        uri = f"http://127.0.0.1:{taken.getsockname()[1]}"
    trained = PREP + TUNED.replace("tune:", "train:").replace("strategy: random, max_jobs: 2, ", "")
    trained = trained.replace(", range: [learning_rate=1e-3:1e-1]", "").replace("0.99", "0")
    ran = run(here, f"mlflow: {uri}\n{trained}")
    steps = ["prep pairs", "jobs train", "jobs predict", "analysis report", "jobs record", "analysis gate"]
    assert (ran.returncode, verbs(ran)) == (0, steps), ran.stderr
    (job,) = (path.name for path in (here / "home" / "jobs").iterdir())
    words = f"sageseg jobs record {job} --mlflow {uri}"
    said = [line.split("; ", 2)[2] for line in ran.stderr.splitlines() if line.startswith("warning: http")]
    assert said == [
        "the job goes on, and at its end this is tried again",
        f"the job is as it is; {words} writes it down",
        f"the run is as it is; {words} --report runs/1/report writes it down",
    ]
    assert verbs(run(here, f"mlflow: {uri}\n{trained}")) == ["jobs record", "analysis gate"]
    assert verbs(run(here, trained)) == ["analysis gate"]  # where it is written down makes no other run


def test_a_processing_job_makes_what_this_machine_makes_from_shards_of_its_own_run(
    here: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def by_hand(work: Work, options: ProcessOptions, _: SecurityOptions) -> bool:
        for number in range(1, options.instances + 1):
            shard = [*work.verb, *work.words, "--out", work.shards, "--shard", f"{number}/{options.instances}"]
            assert typed(shard, Path.cwd()).returncode == 0
        return True

    monkeypatch.setattr("jobs.processing.start.process", by_hand)
    process = "process: {backend: local, instances: 2}\n"
    ran = run(here, PREP + process)
    assert (ran.returncode, verbs(ran)) == (0, ["jobs process", "prep merge"]), ran.stderr
    made = digests(here / "dataset")
    assert (here / "runs/1/dataset-shards/plan.json").is_file()
    assert "prep: done already" in run(here, PREP).stderr  # by whom it was made changes nothing
    words = ["in/images", "in/masks", "--labels", "in/classes.txt", "--crop", "none", "--val", "2", "--out", "alone"]
    assert typed(["prep", "pairs", *words], here).returncode == 0
    assert digests(here / "alone") == made
    changed = run(here, PREP.replace("val: 2", "val: 1") + process)
    assert (changed.returncode, verbs(changed)) == (0, ["jobs process", "prep merge"])
    assert digests(here / "dataset") != made


def test_shards_of_other_settings_have_another_place_in_s3(here: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    places = []

    def ask(work: Work, *_: object) -> bool:
        places.append(work.shards)
        return False

    monkeypatch.setattr("jobs.processing.start.process", ask)
    process = "process: {instances: 2, shards: s3://bucket/cars/}\n"
    for prep in (PREP, PREP.replace("val: 2", "val: 1"), PREP):
        ran = run(here, prep + process)
        assert ran.stderr.splitlines()[-1] == "error: dataset: not there yet; run the same again once its job has ended"
    assert places[0] == places[2] != places[1]
    assert all(re.fullmatch(r"s3://bucket/cars/[0-9a-f]{16}", place) for place in places)


def test_sections_become_command_lines() -> None:
    sections = {
        "prep": {"image_set": ["a=train", "b=val"], "voc": ["VOC"]},
        "tune": {"range": ["learning_rate=1e-4:1e-1", "optimizer=sgd,adam"], "name": "cars"},
        "predict": {},
        "report": {},
        "gate": {"least": ["mean_iou=0.8", "iou.car=0.9"]},
        "process": {"backend": "local", "instances": 4, "steps": "report"},
    }
    folders = {name: Path(folder) for name, folder in FOLDERS.items()}
    planned = plan_steps(sections)
    assert [" ".join(step.line(folders, "JOB")) for step in planned] == [
        "prep voc VOC --out dataset --image-set a=train --image-set b=val",
        "jobs tune dataset --range learning_rate=1e-4:1e-1 --range optimizer=sgd,adam --name JOB",
        "jobs predict JOB dataset --out predictions",
        "jobs process --backend local --instances 4 report predictions --dataset dataset --out report",
        "analysis gate report --out gate.json --least mean_iou=0.8 --least iou.car=0.9",
    ]
    assert planned[1].job == "cars"


def test_options_that_are_typed_once_for_each_value_are_known() -> None:
    """Of all verbs that an experiment has, by their own declarations."""
    root = typer.main.get_command(app)
    jobs, analysis, prep = (root.commands[name].commands for name in ("jobs", "analysis", "prep"))  # type: ignore[attr-defined]
    verbs = [jobs["train"], jobs["tune"], jobs["predict"], jobs["process"], *prep.values()]
    verbs += [analysis[name] for name in ("stitch", "report", "gate")]
    repeated = {
        each.opts[0][2:] for verb in verbs for each in verb.params if each.multiple and each.opts[0][:2] == "--"
    }
    assert repeated == set(steps.REPEATED)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("tuen: {}\nprep: {voc: [a]}", r"section tuen is not known; did you mean tune\?"),
        ("xyz: {}\nprep: {voc: [a]}", "section xyz is not known; expected out, dataset, mlflow, prep, train, tune, "),
        ("train: {}\ntune: {}", "sections train and tune: predictions are by one of them; take the other away"),
        ("train: {dry_run: true}", "section train: dry_run: an experiment carries its steps out"),
        ("train: {}\nreport: {out: a}", "section report: out: is the experiment's, for all steps; take it away"),
        ("train: {}\npredict: {shard: 1/2}", "section predict: shard: an experiment makes all of them"),
        ("train: {}\npredict: {split: tset}", "section predict: .*--split tset: expected train, val or test"),
        ("train: {}\npredict: {every: 2}", "section predict: --every 2: only for a video"),
        ("train: {}\npredict: {instances: 2}", "section predict: --instances: only with --via batch"),
        ("out: ../b\ntrain: {}", r"out is '\.\./b'; expected a folder below the file's own"),
        ("dataset: a\nprep: {voc: [a]}", "dataset and a section prep: one dataset is made or given"),
        ("dataset: [a]\ntrain: {}", "dataset is .*; expected the folder of a dataset"),
        ("dataset: a\ntrain: {}", "dataset: a: no dataset here"),
        ("dataset: s3://a/b\ntrain: {}", "aws s3 sync s3://a/b dataset"),
        (
            "tune: {range: [epochs=1:2], max_job: 3}",
            r"section tune: .*No such option: --max-job; did you mean --max-jobs",
        ),
        ("gate: {least: mean_iou=0.8}", "section gate: no report before it; add a section report"),
        ("report: {draws: 0}\ngate: {least: mean_iou=0.8}", r"experiment\.yaml: section report: draws 0: the gate"),
        ("report: {}\ngate: {}", "section gate: Missing option '--least'"),
        (
            "train: {}\nprocess: {backend: local}",
            "section process: no step for it; add one of the sections prep, stitch",
        ),
        ("prep: {voc: [a]}\nprocess: {steps: [perp]}", r"section process: steps: perp; did you mean prep\?"),
        ("prep: {voc: [a]}\nprocess: {steps: [report]}", "steps: report: there is no section report; add one"),
        (
            "prep: {voc: [a]}\nreport:\nprocess: {instances: 3}",
            r"reach no folder of a run.* say backend: local, or steps: \[prep\] .* jobs pipeline",
        ),
        ("prep: {voc: [a]}\nprocess: {instances: 3}", "section process: shards: at AWS expected s3://bucket/prefix"),
        (
            "prep: {voc: [a]}\nprocess: {backend: local, shards: b}",
            "process: shards: on this machine each run has its own",
        ),
        ("prep: {voc: [a]}\nprocess: {backend: local, name: a}", "section process: name: each of its jobs has its own"),
        ("prep: {voc: [a]}\nprocess: {backend: local, instances: 0}", "--instances 0: expected a whole number"),
        ("prep: {voc: [a], corp: 3}\nprocess: {backend: local}", "section prep: .*No such option: --corp"),
    ],
)
def test_what_is_wrong_is_refused_before_anything_runs(tmp_path: Path, text: str, message: str) -> None:
    path = tmp_path / "experiment.yaml"
    path.write_text(text)
    with pytest.raises(SagesegError, match=message):
        run_experiment(path, app)
    assert [file.name for file in tmp_path.iterdir()] == ["experiment.yaml"]


LEARNED, FAILED = TunedJob("one", "Completed", {}, objective=0.5), TunedJob("two", "Failed", {})


@pytest.mark.parametrize(
    ("status", "jobs", "expected"),
    [
        ("InProgress", [], "there"),
        ("Completed", [LEARNED, FAILED], "there"),
        ("Completed", [FAILED], "over"),
        ("Failed", [FAILED], "over"),
        ("Failed", [FAILED, LEARNED], "enough"),
        ("Stopped", [LEARNED], "enough"),
    ],
)
def test_a_tuning_that_was_ended_goes_on_with_what_it_has_trained(
    status: str, jobs: list[TunedJob], expected: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    record = JobRecord(
        "cars", "aws", "eu-west-1", "", "", [], {}, arn="arn", created="2026-11-28T12:00:00Z", kind="tuning"
    )
    write_record(record)
    found = SimpleNamespace(status=status, record=record, training_jobs=jobs)
    monkeypatch.setattr("sageseg.experiment.begun_jobs.find_job", lambda _: found)
    assert state_of("cars") == expected


@pytest.mark.parametrize("line", ["wait: false", "yes: true", "max_cost: 20", "rate: 1.5"])
def test_what_changes_no_result_trains_nothing_again(tmp_path: Path, line: str) -> None:
    plain, more = "train: {epochs: 3, backend: local}", f"train: {{epochs: 3, {line}, backend: local}}"
    told = set()
    for text in (plain, more, plain.replace("3", "4")):
        (tmp_path / "experiment.yaml").write_text(text)
        (step,) = plan_steps(read_experiment(tmp_path / "experiment.yaml"))
        told.add(step.fingerprint(""))
    assert len(told) == 2


def test_a_training_that_is_not_waited_for_is_followed_by_the_next_call(here: Path) -> None:
    words = ["in/images", "in/masks", "--labels", "in/classes.txt", "--crop", "none", "--val", "2", "--out", "given"]
    assert typed(["prep", "pairs", *words], here).returncode == 0
    train = "train: {backend: local, algorithm: unet, wait: false, crop_size: 20, base_size: 20, mini_batch_size: 1}\n"
    text = f"dataset: given\n{train}predict: {{}}\n"
    ran = run(here, text)
    (job,) = (path.name for path in (here / "home" / "jobs").iterdir())
    assert (ran.returncode, verbs(ran)) == (1, ["jobs train"])
    assert ran.stderr.splitlines()[-1] == (
        f"error: experiment.yaml: section train: wait: {job} was begun and is not followed; run the same again, and it "
        "goes on with that job"
    )
    ran = run(here, text.replace("wait: false, ", ""))
    assert (ran.returncode, verbs(ran)) == (0, ["jobs logs", "jobs predict"]), ran.stderr
    assert f"$ sageseg jobs predict {job} given " in ran.stderr
    assert [path.name for path in (here / "home" / "jobs").iterdir()] == [job]
    for line, said in [
        ("predict: {split: test}", "error: the dataset has no image in the split test; prepare it with --test 0.2"),
        (
            "predict: {}\nreport: {}\ngate: {least: iou.cra=0}",
            "error: --least iou.cra: no such class; did you mean iou.car?",
        ),
    ]:  # told before another job is trained
        ran = run(here, text.replace("predict: {}", line).replace("wait", "epochs: 3, wait"))
        assert verbs(ran) == []
        assert ran.stderr.splitlines()[-1].startswith(said)
    with (here / "given" / "manifest.csv").open("a") as file:
        file.write("\n")
    assert verbs(run(here, text)) == ["jobs train"]


def test_predictions_are_by_the_last_tunings_best(tmp_path: Path) -> None:
    for step, expected in (("train", "cars"), ("tune", "cars:best")):
        told = Runs(tmp_path / step)
        told.record(told.begin({step: "a"}, tmp_path), step, "a", job="cars")
        assert steps.model_of(*Runs(tmp_path / step).trained) == expected


def test_records_tell_places_as_they_are_typed_beside_the_file(tmp_path: Path) -> None:
    for name in ("desk", "shoot"):
        (tmp_path / name).mkdir()
    inside, outside = str(tmp_path / "shoot" / "runs" / "1"), str(tmp_path / "other")
    with chdir(tmp_path / "desk"), working_in(tmp_path / "shoot"):
        assert [*map(typed_beside, (inside, outside, "--dataset"))] == ["runs/1", outside, "--dataset"]
    with chdir(tmp_path / "shoot"):
        assert typed_beside(inside) == inside  # as somebody typed it
