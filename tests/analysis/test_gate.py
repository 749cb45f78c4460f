"""The gate: lower bounds beside what is wanted, and whatever has none refused instead of passed."""

from __future__ import annotations

import json
import re
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from analysis.options import ScoringOptions
from analysis.report.gate import Least, check_passed, describe, judge, parse_least
from analysis.report.report import report
from analysis.report_files import SCORES
from formats.errors import SagesegError
from tests.support.compared_reports import SAMPLES, make_several
from tests.support.dataset_samples import make_dataset, make_predictions
from tests.support.typed_commands import Ran, typed

CLASSES = ("_background_", "car", "traffic.light", "a=b")


@pytest.fixture(scope="module")
def reports(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Reports of several classes, `left` and `right`, and of one group, `alone`."""
    root = tmp_path_factory.mktemp("reports")
    make_several(root)
    images = {stem: sample for stem, sample in SAMPLES.items() if stem.startswith("a")}
    dataset = make_dataset(root / "of-one", images)
    predictions = make_predictions(root / "p-alone", dataset, {stem: mask for stem, (_, mask) in images.items()})
    report(predictions, dataset, root / "alone", workers=1, scoring=ScoringOptions(draws=20))
    return root


def gate(reports: Path, *words: str, of: str = "left") -> Ran:
    return typed(["analysis", "gate", of, *words], reports)


def told(value: float | None = 0.9, interval: Any = (0.8, 0.95), **changes: Any) -> dict[str, Any]:
    """The scores of a report, all of them alike."""
    each = {"iou": dict.fromkeys(CLASSES, value), "mean_iou": value, "false_positive_rate": dict.fromkeys(CLASSES, 0.1)}
    pairs = {"iou": dict.fromkeys(CLASSES, interval), "mean_iou": interval}
    intervals = {"groups": 12, "level": 0.95, "note": None, "overall": pairs} | changes
    return {"overall": each, "intervals": intervals}


def test_the_bounds_are_those_of_the_report(reports: Path) -> None:
    scores = json.loads((reports / "left" / SCORES).read_text())
    low, high = scores["intervals"]["overall"]["iou"]["car"]
    value = scores["overall"]["iou"]["car"]
    assert low < value < high
    for least, passes in ((low, True), (low + 1e-9, False)):
        ran = gate(reports, "--least", f"iou.car={least!r}", "--json")
        found = {"value": value, "low": low, "high": high, "least": least, "passed": passes}
        assert json.loads(ran.stdout) == {"passed": passes, "scores": {"iou.car": found}}
        assert ran.returncode == (0 if passes else 1)


def test_all_scores_are_told_and_those_that_fail_are_named_with_what_is_missing(reports: Path) -> None:
    assert gate(reports, "--least", "mean_iou=0", "--least", "dice.road=0.1").stdout.count(": holds\n") == 2
    ran = gate(reports, "--least", "mean_iou=0.1", "--least", "iou.car=0.9999", "--least", "boundary_iou.car=1")
    assert (ran.returncode, [line.split()[-1] for line in ran.stdout.splitlines()]) == (1, ["holds", "fails", "fails"])
    (line,) = ran.stderr.splitlines()
    number = r"\d\.\d{4}"
    bounds = rf"{number} \(95 %: {number} to {number}, over 3 groups\), its lower bound {number} below"
    assert re.search(rf"error: left: iou\.car is {bounds} 0\.9999; boundary_iou\.car is {bounds} 1\.0; left/", line)


def test_the_verdict_is_a_file_whether_it_passes_or_not(reports: Path, tmp_path: Path) -> None:
    out = tmp_path / "gate.json"
    for least, code in (("0", 0), ("1", 1)):
        ran = gate(reports, "--least", f"iou.car={least}", "--out", str(out), "--overwrite")
        assert (ran.returncode, json.loads(out.read_text())["passed"]) == (code, code == 0)
    before = out.read_bytes()
    for words, message in ((("--least", "iou.car=0"), "exists already"), (("--least", "iou.pole=0"), "is undefined")):
        ran = gate(reports, *words, "--out", str(out), *(["--overwrite"] if "pole" in words[1] else []))
        assert (ran.returncode, out.read_bytes()) == (1, before)
        assert message in ran.stderr
    assert [path.name for path in tmp_path.iterdir()] == ["gate.json"]


@pytest.mark.parametrize(
    ("words", "of", "message"),
    [
        (
            ["--least", "iou.car"],
            "left",
            "--least iou.car: expected a score and a number from 0 to 1, such as mean_iou=0.8",
        ),
        (["--least", "iou.car=80"], "left", "--least iou.car=80: expected"),
        (["--least", "iou.car=nan"], "left", "--least iou.car=nan: expected"),
        (["--least", "=0.5"], "left", "--least =0.5: expected"),
        (["--least", "iou.car=0.5", "--least", "iou.car=0.6"], "left", "--least iou.car: given twice"),
        (["--least", "mean-iou=0.5"], "left", r"--least mean-iou: no such score; did you mean mean_iou\?"),
        (["--least", "iou.cat=0.5"], "left", r"--least iou.cat: no score of left; did you mean iou.car\?"),
        (["--least", "xyz=0.5"], "left", "--least xyz: no such score; expected one of mean_iou, "),
        (["--least", "iou=0.5"], "left", "--least iou: told by class; expected such as iou.car, or mean_iou"),
        (["--least", "false_positive_rate.car=0.5"], "left", "less is better; expected specificity.car"),
        (["--least", "iou.pole=0.5"], "left", "left: iou.pole is undefined"),
        (["--least", "boundary_iou._background_=0"], "left", "boundary_iou._background_ is undefined"),
        (
            ["--least", "mean_iou=0"],
            "alone",
            r"mean_iou is 1.0000, without an interval \(one group: .*two groups or more",
        ),
        (["--least", "mean_iou=0"], "nowhere", r"nowhere: no report here \(scores.json is missing\); make one"),
        (["--least", "mean_iou=0"], "left/index.html", "a file; expected the folder of a report, left"),
    ],
)
def test_what_no_verdict_is_possible_of_is_one_line(reports: Path, words: list[str], of: str, message: str) -> None:
    ran = gate(reports, *words, of=of)
    assert (ran.returncode, ran.stdout) == (1, "")
    (line,) = ran.stderr.splitlines()
    assert re.search(message, line)


def test_a_report_without_draws_says_so() -> None:
    scores = told(overall=None, note="no draws were asked for")
    with pytest.raises(SagesegError, match=r"no draws were asked for\); make the report again without --draws 0"):
        judge(scores, [Least("mean_iou", 0.5)], Path("report"))


@pytest.mark.parametrize("interval", [None, [0.9, 0.8], [0.5, 2.0]])
def test_an_interval_that_is_none_passes_nothing(interval: Any) -> None:
    with pytest.raises(SagesegError, match=r"report/scores\.json: damaged \(no interval of 'iou\.car'\)"):
        judge(told(interval=interval), [Least("iou.car", 0)], Path("report"))


@pytest.mark.parametrize("name", CLASSES)
def test_names_of_classes_may_hold_dots_and_equals_signs(name: str) -> None:
    (verdict,) = judge(told(), [parse_least(f"iou.{name}=0.75")], Path("report"))
    assert (verdict.wanted, verdict.passed) == (Least(f"iou.{name}", 0.75), True)


def test_what_a_verdict_is_worth_is_said(reports: Path, tmp_path: Path) -> None:
    images = dict(SAMPLES)
    dataset = make_dataset(tmp_path / "seen", images, splits=dict.fromkeys(images, "train"))
    masks = {stem: mask for stem, (_, mask) in images.items() if stem != "c_01"}
    scoring = ScoringOptions(draws=20, partial=True)
    report(make_predictions(tmp_path / "p", dataset, masks), dataset, tmp_path / "r", workers=1, scoring=scoring)
    ran = typed(["analysis", "gate", "r", "--least", "mean_iou=0.5"], tmp_path)
    assert ran.returncode == 0
    assert re.search(r"^note: 75\.0 % of the pixels were judged\nnote: All images are of the split train", ran.stderr)
    assert gate(reports, "--least", "mean_iou=0.1").stderr == ""


@given(st.floats(0, 1), st.floats(0, 1), st.floats(0, 1))
def test_what_is_shown_never_contradicts_the_verdict(low: float, high: float, least: float) -> None:
    """Rounding lifts no lower bound to what is wanted, nor what is missing to nothing."""
    low, high, least = min(low, high), max(low, high), round(least, 4)
    verdicts = judge(told(interval=[low, high]), [Least("mean_iou", least)], Path("report"))
    found = re.search(r"%: (\S+) to", describe(verdicts)[0])
    assert found
    assert (Decimal(found[1]) >= Decimal(str(least))) == verdicts[0].passed == (low >= least)
    if not verdicts[0].passed:
        with pytest.raises(SagesegError) as refused:
            check_passed(verdicts, Path("report"))
        short = re.search(r"lower bound (\S+) below", str(refused.value))
        assert short
        assert float(short[1]) > 0


def test_a_score_that_is_high_enough_itself_asks_for_more_groups() -> None:
    for value, step in ((0.9, "more groups to judge"), (0.84, "report/index.html shows where it fails")):
        verdicts = judge(told(value), [parse_least("mean_iou=0.85")], Path("report"))
        with pytest.raises(SagesegError, match=step):
            check_passed(verdicts, Path("report"))
