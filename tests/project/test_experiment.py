"""An experiment's sections become the command's own words."""

import contextlib
import shlex
from pathlib import Path
from tempfile import TemporaryDirectory
from types import SimpleNamespace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from formats.errors import SagesegError
from formats.state_home import working_in
from jobs.contract.file_uris import for_people
from jobs.tracking.records import JobRecord, write_record
from sageseg.cli import app
from sageseg.demo import closing_lines
from sageseg.experiment import runs
from sageseg.experiment.begun_jobs import state_of
from sageseg.experiment.command_lines import check_words
from sageseg.experiment.running import run_experiment
from sageseg.experiment.runs import Runs
from sageseg.experiment.steps import plan_steps, read_experiment

FOLDERS = {name: Path("out") / folder for name, folder in runs.FOLDERS.items()}


def words(sections: dict[str, object]) -> list[str]:
    return [" ".join(step.line(FOLDERS, "JOB")) for step in plan_steps(sections)]


def test_sections_become_command_lines_in_the_order_of_the_path() -> None:
    assert words(
        {
            "report": {"colors": "light"},
            "prep": {"crop": 256, "carvana": ["images", "masks"], "val": 0.2},
            "train": {"backend": "local", "lr_scheduler_step": [1, 2], "use_pretrained_model": False, "wait": True},
            "predict": None,
        }
    ) == [
        "prep carvana images masks --out out/dataset --crop 256 --val 0.2",
        "jobs train out/dataset --backend local --lr-scheduler-step 1,2 --use-pretrained-model False --wait --name JOB",
        "jobs predict JOB out/dataset --out out/predictions",
        "analysis report out/predictions --dataset out/dataset --out out/report --colors light",
    ]


def test_the_report_reads_what_was_stitched() -> None:
    assert words({"stitch": {}, "report": {}})[1].startswith("analysis report out/stitched ")


def test_a_named_job_is_trained_under_its_name() -> None:
    (step,) = plan_steps({"train": {"name": "cars", "epochs": 3}})
    assert (step.job, " ".join(step.line(FOLDERS, "cars"))) == ("cars", "jobs train out/dataset --epochs 3 --name cars")


@pytest.mark.parametrize("changed", ["instances.json", "pictures/a.jpg", "split.csv"])
def test_a_file_that_a_step_reads_makes_it_run_again(
    changed: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("pictures").mkdir()
    for name in ("instances.json", "pictures/a.jpg", "split.csv"):
        Path(name).write_text("before")
    (step,) = plan_steps({"prep": {"coco": ["instances.json", "pictures"], "split_file": "split.csv"}})
    before = step.fingerprint("")
    assert step.fingerprint("") == before
    Path(changed).write_text("after, and longer")
    assert step.fingerprint("") != before


def test_a_flag_that_is_off_is_said() -> None:
    assert words({"predict": {"probabilities": False}})[0].endswith("--no-probabilities")


@pytest.mark.parametrize("said", ["true", "yes", "Yes", "on", "True"])
@pytest.mark.parametrize("option", ["yes", "spot", "early_stopping"])
def test_a_switch_may_be_called_yes_and_be_set_by_it(tmp_path: Path, option: str, said: str) -> None:
    path = tmp_path / "experiment.yaml"
    path.write_text(f"train: {{{option}: {said}}}\n")
    (step,) = plan_steps(read_experiment(path))
    expected = ["--early-stopping", "True"] if option == "early_stopping" else [f"--{option}"]
    assert step.line(FOLDERS, "JOB")[3:-2] == expected
    check_words(app, step.line(FOLDERS, "JOB"))


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "no step in it; expected sections prep, train"),
        ("out: x", "no step in it"),
        ("prep: [", "not YAML"),
        ("prep: 3", "section prep is no mapping"),
        ("prep: {}\ntrian: {}", "section trian is not known"),
        ("prep: {crop: 512}", "no reader named; expected a line such as 'carvana: "),
        ("prep: {cravana: [a, b]}", "cravana: not known; did you mean carvana"),
        ("train: {epoch: 3}", r"section train: .*No such option: --epoch"),
        ("predict: {}", "section predict: no training before it; add a section train"),
        ("mlflow: mlruns\ntrain: {}", "experiment.yaml: mlflow: mlruns: expected an MLflow server's http:// or"),
        (
            "train: {mlflow: 'http://a'}",
            "section train: mlflow: is the experiment's: a line mlflow beside its sections",
        ),
        ("train: {backend: cloud}", "--backend cloud: expected aws or local"),
    ],
)
def test_a_wrong_file_is_refused_before_anything_runs(tmp_path: Path, text: str, message: str) -> None:
    path = tmp_path / "experiment.yaml"
    path.write_text(text)
    with pytest.raises(SagesegError, match=message):
        run_experiment(path, app)
    assert [file.name for file in tmp_path.iterdir()] == ["experiment.yaml"]


def test_the_demos_own_file_parses() -> None:
    sections = read_experiment(Path(__file__).parents[2] / "sageseg" / "demo.yaml")
    for step in plan_steps(sections):
        check_words(app, step.line(FOLDERS, "JOB"))


def test_the_demo_ends_with_its_page_and_three_things_to_try(tmp_path: Path) -> None:
    page, *rest = closing_lines(Path("my demo/experiment.yaml"), Path("my demo/runs/1/report/index.html"))
    assert page == "the report, for a browser: my demo/runs/1/report/index.html"
    heading, *tries = rest
    assert (heading, len(tries)) == ("to try next:", 3)
    assert [shlex.split(line)[:4] for line in tries] == [
        ["sageseg", "prep", "preview", "my demo/dataset"],
        ["sageseg", "run", "my demo/experiment.yaml", "once"],
        ["sageseg", "prep", "auto", "FOLDER"],
    ]
    assert closing_lines(Path("experiment.yaml"), None)[0] == heading


def test_what_an_experiment_prints_can_be_followed_from_where_one_stands(tmp_path: Path) -> None:
    model = (tmp_path / "desk" / "sageseg-runs" / "model.tar.gz").as_uri()
    (tmp_path / "desk").mkdir()
    with contextlib.chdir(tmp_path / "desk"):
        with working_in(tmp_path) as here:
            assert here == tmp_path / "desk"
            assert for_people(model) == "sageseg-runs/model.tar.gz"
        assert Path.cwd() == here
    with contextlib.chdir(tmp_path):
        assert for_people(model) == "desk/sageseg-runs/model.tar.gz"


PLAN = {"prep": "a", "train": "b", "predict": "c", "report": "d"}


def done(out: Path, plan: dict[str, str]) -> int:
    """An experiment's run, whose steps leave empty folders; what an earlier one did is not done again."""
    told = Runs(out)
    number = told.begin(plan, out / ".sageseg")
    for step, fingerprint in plan.items():
        if told.found(step, fingerprint) is None:
            if step != "train":
                told.folder(number, step).mkdir(parents=True, exist_ok=True)
            told.record(number, step, fingerprint, **({"job": f"job-{number}"} if step == "train" else {}))
    return number


def places(out: Path) -> list[str]:
    return sorted(path.relative_to(out).as_posix() for path in out.glob("runs/*/*"))


def test_each_change_is_a_run_that_leaves_the_others_results(tmp_path: Path) -> None:
    assert done(tmp_path, PLAN) == 1
    assert done(tmp_path, PLAN) == 1
    first = ["runs/1/predictions", "runs/1/report"]
    assert places(tmp_path) == first
    assert done(tmp_path, PLAN | {"report": "e"}) == 2  # its predictions are the first run's
    assert places(tmp_path) == [*first, "runs/2/report"]
    assert done(tmp_path, PLAN | {"train": "f", "predict": "g", "report": "h"}) == 3
    assert places(tmp_path) == [*first, "runs/2/report", "runs/3/predictions", "runs/3/report"]
    assert Runs(tmp_path).trained == ("train", "job-3")
    assert done(tmp_path, PLAN) == 1  # back again: nothing is done, and it is the first run
    assert len(places(tmp_path)) == 5


def test_the_report_to_compare_with_is_the_latest_other_one(tmp_path: Path) -> None:
    done(tmp_path, PLAN)
    told = Runs(tmp_path)
    assert told.report_before(told.folder(1, "report")) is None
    done(tmp_path, PLAN | {"report": "e"})
    told = Runs(tmp_path)
    assert told.report_before(told.folder(2, "report")) == tmp_path / "runs/1/report"
    assert told.report_before(told.folder(1, "report")) == tmp_path / "runs/2/report"


def test_steps_that_are_added_at_the_end_belong_to_the_same_run(tmp_path: Path) -> None:
    begun = {name: PLAN[name] for name in ("prep", "train")}
    assert [done(tmp_path, plan) for plan in (begun, PLAN, begun)] == [1, 1, 1]


@pytest.mark.parametrize(
    ("arn", "status", "expected"),
    [
        (None, "", "begun"),  # killed before there was a record
        ("", "", "begun"),  # before AWS answered: the verb itself finds out
        ("arn", "InProgress", "there"),
        ("arn", "Completed", "there"),
        ("arn", "Failed", "over"),
        ("arn", "Stopped", "over"),
    ],
)
def test_a_training_that_a_killed_run_began_is_followed_and_not_paid_for_twice(
    arn: str | None, status: str, expected: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SAGESEG_HOME", str(tmp_path))
    record = JobRecord("job-1", "aws", "eu-west-1", "", "", [], {}, arn=arn or "", created="2026-11-28T12:00:00Z")
    monkeypatch.setattr(
        "sageseg.experiment.begun_jobs.find_job", lambda _: SimpleNamespace(status=status, record=record)
    )
    if arn is not None:
        write_record(record)
    told = Runs(tmp_path / "out")
    told.intend(told.begin(PLAN, tmp_path), "train", "b", job="job-1")
    assert Runs(tmp_path / "out").begun_job("b") == "job-1"
    assert Runs(tmp_path / "out").begun_job("other") is None
    assert state_of("job-1") == expected


def test_a_dataset_that_a_killed_run_made_is_its_own(tmp_path: Path) -> None:
    for there in (False, True):
        told = Runs(tmp_path / str(there))
        if there:
            told.folder(1, "prep").mkdir(parents=True)
        told.intend(told.begin(PLAN, tmp_path), "prep", "a")
        told = Runs(tmp_path / str(there))
        assert told.made_dataset() is not there
        assert told.found("prep", "a") is None


def test_a_run_that_was_cut_off_goes_on_under_its_number(tmp_path: Path) -> None:
    done(tmp_path, PLAN)
    changed = PLAN | {"predict": "x", "report": "y"}
    assert Runs(tmp_path).begin(changed, tmp_path) == 2
    (tmp_path / "runs/2/predictions.sageseg-partial").mkdir(parents=True)
    assert Runs(tmp_path).begin(changed, tmp_path) == 2
    assert Runs(tmp_path).begin(PLAN, tmp_path) == 1


@settings(max_examples=40)
@given(
    st.lists(st.tuples(*(st.integers(0, 2) for _ in PLAN), st.integers(2, len(PLAN))), min_size=1, max_size=8),
)
def test_no_run_touches_anothers_results(made: list[tuple[int, ...]]) -> None:
    """Whatever is changed, in whichever order: a setting keeps its number, and what is there stays as it is."""
    with TemporaryDirectory() as folder:
        out, numbers, seen = Path(folder), dict[str, int](), dict[Path, int]()
        for *choices, steps in made:
            chain, plan = "", dict[str, str]()
            for step, choice in list(zip(PLAN, choices, strict=True))[:steps]:
                chain = plan[step] = f"{chain}{choice}"
            number = done(out, plan)
            if steps == len(PLAN):  # one that ends earlier goes with the latest that begins so
                assert numbers.setdefault(chain, number) == number
            for path, inode in seen.items():
                assert path.stat().st_ino == inode
            seen |= {path: path.stat().st_ino for path in out.glob("runs/*/*")}


def test_results_that_were_removed_are_made_again_in_their_place(tmp_path: Path) -> None:
    done(tmp_path, PLAN)
    (tmp_path / "runs/1/report").rmdir()
    assert Runs(tmp_path).found("report", "d") is None
    assert done(tmp_path, PLAN) == 1
    assert places(tmp_path) == ["runs/1/predictions", "runs/1/report"]


def test_there_is_one_dataset_and_it_is_told_whose_it_is(tmp_path: Path) -> None:
    done(tmp_path, PLAN)
    done(tmp_path, {name: f"{text}2" for name, text in PLAN.items()})
    told = Runs(tmp_path)
    assert told.found("prep", "a") is None  # it was replaced
    assert told.found("prep", "a2") is not None
    assert told.found("predict", "c") is not None
    assert told.made_dataset()


def test_a_strangers_folder_is_no_run(tmp_path: Path) -> None:
    (tmp_path / "runs/7").mkdir(parents=True)
    (tmp_path / "runs/notes").mkdir()
    assert done(tmp_path, PLAN) == 8


@pytest.mark.parametrize(
    "text",
    ["", "[]", '{"prep": {"fingerprint": "a"}}', "\ufffd{", '{"dataset": "", "home": "brought/along", "runs": {}}'],
)
def test_a_record_that_tells_no_runs_is_named(text: str, tmp_path: Path) -> None:
    (tmp_path / "steps.json").write_text(text, encoding="utf-8")
    with pytest.raises(SagesegError, match=r"steps\.json: damaged.*; move it away"):
        Runs(tmp_path)
