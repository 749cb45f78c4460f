"""An experiment's sections become the command's own words."""

from pathlib import Path

import pytest

from formats.errors import SagesegError
from sageseg.cli import app
from sageseg.experiment import check_words, plan_steps, read_experiment, run_experiment


def words(sections: dict[str, object]) -> list[str]:
    return [" ".join(step.line("JOB")) for step in plan_steps(sections, Path("out"))]


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
    (step,) = plan_steps({"train": {"name": "cars", "epochs": 3}}, Path("out"))
    assert (step.job, " ".join(step.line("cars"))) == ("cars", "jobs train out/dataset --epochs 3 --name cars")


def test_a_flag_that_is_off_is_said() -> None:
    assert words({"predict": {"probabilities": False}})[0].endswith("--no-probabilities")


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "no step in it; expected sections prep, train"),
        ("out: x", "no step in it"),
        ("prep: [", "not YAML"),
        ("prep: 3", "section prep is no mapping"),
        ("prep: {}\ntrian: {}", "section trian is not known"),
        ("prep: {crop: 512}", "no reader named; expected a line such as 'carvana: "),
        ("prep: {cravana: [a, b]}", "cravana: not known; expected one of .*carvana"),
        ("train: {epoch: 3}", r"section train: .*No such option: --epoch"),
        ("predict: {}", "section predict: no training before it; add a section train"),
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
    for step in plan_steps(sections, Path()):
        check_words(app, step.line("JOB"))
