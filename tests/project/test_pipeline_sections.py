"""An experiment's sections as the definition of a pipeline."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest

from formats.errors import SagesegError
from jobs.emulator.pipelines.definition import Definition, parse_definition
from jobs.emulator.pipelines.expressions import Values, follow, json_path, resolve
from jobs.pipelines.definition import definition
from jobs.pipelines.start import is_ours
from jobs.processing.wheel import read_wheel
from jobs.training.options import DataOptions, MachineOptions, TrainOptions
from jobs.training.plan import Surroundings, plan_training
from sageseg.process import EVERY_EXTRA
from tests.support.aws_setup import ROLE
from tests.support.dataset_samples import disc_image, make_dataset
from tests.support.pipeline_samples import NOW, SECTIONS, define, read, steps_by_name
from tests.support.wheel_samples import NAME, SAME, write_wheel

LOCAL = {**SECTIONS, "train": {"algorithm": "unet", "epochs": 1}}
TUNED = {name: section for name, section in SECTIONS.items() if name != "train"} | {
    "tune": {"range": ["learning_rate=1e-3:1e-1"], "max_jobs": 2, "seed": 3}
}
BATCH = {**SECTIONS, "predict": {"via": "batch", "split": "test", "instances": 2}, "stitch": {}}
GIVEN = {name: section for name, section in SECTIONS.items() if name != "prep"} | {"dataset": "s3://cars/made/"}
PATH = ["Prepare", "Dataset", "Train", "Predict", "Report", "Gate", "Register", "TooLow"]

MANAGED = "arn:aws:sagemaker:us-east-1:123456789012:mlflow-app/team"


def without(name: str, sections: dict[str, Any] = SECTIONS) -> dict[str, Any]:
    return {key: value for key, value in sections.items() if key != name}


def with_lines(section: str, **lines: Any) -> dict[str, Any]:
    return {**SECTIONS, section: {**SECTIONS.get(section, {}), **lines}}


def parsed(made: dict[str, Any]) -> Definition:
    """As the emulator takes it, which checks each step's arguments by the service's model."""
    return parse_definition(json.dumps(made), ROLE)


def words(made: dict[str, Any], step: str) -> str:
    told = steps_by_name(made)[step]["Arguments"]["AppSpecification"]["ContainerArguments"]
    return " ".join(word if isinstance(word, str) else "<settled>" for word in told)


@pytest.mark.parametrize(
    ("sections", "backend", "steps"),
    [
        (SECTIONS, "aws", PATH),
        (LOCAL, "local", PATH),
        (without("gate"), "aws", [*PATH[:5], "Register"]),
        (TUNED, "aws", ["Prepare", "Dataset", "Tune", *PATH[3:]]),
        (BATCH, "aws", ["Prepare", "Dataset", "Train", "Model", "Transform", *PATH[4:]]),
        (with_lines("process", instances=1), "aws", PATH),
        (GIVEN, "aws", PATH[1:]),
        ({**GIVEN, "predict": {"via": "batch"}}, "aws", ["Dataset", "Train", "Model", "Transform", *PATH[4:]]),
    ],
    ids=["aws", "local", "no gate", "tune", "batch", "one instance", "a dataset", "a dataset and batch"],
)
def test_its_steps_stand_in_an_order_in_which_each_finds_what_it_takes(
    sections: dict[str, Any], backend: str, steps: list[str]
) -> None:
    found = parsed(define(sections, backend)).steps
    assert list(found) == steps
    for number, step in enumerate(found.values()):
        assert step.needs <= set(steps[:number])
        assert number == 0 or step.needs


def test_what_people_change_at_the_start_are_parameters() -> None:
    found = parsed(define(BATCH)).parameters
    assert {name: (each.type, each.default) for name, each in found.items()} == {
        "Out": ("String", "s3://cars/out"),
        "Image": ("String", "123456789012.dkr.ecr.us-east-1.amazonaws.com/sageseg:1"),
        "ProcessInstanceType": ("String", "ml.c5.2xlarge"),
        "ProcessInstances": ("Integer", 2),
        "TrainInstanceType": ("String", "ml.g5.xlarge"),
        "PredictInstanceType": ("String", "ml.c5.xlarge"),
        "PredictInstances": ("Integer", 2),
        "Least-mean_iou": ("Float", 0.8),
        "Least-iou-my-car": ("Float", 0.9),
    }


def test_a_dataset_that_is_given_is_read_where_it_is_or_where_the_start_says() -> None:
    made = define(GIVEN)
    found, steps = parsed(made).parameters, steps_by_name(made)
    assert (found["Dataset"].default, "ProcessInstances" in found) == ("s3://cars/made", False)
    assert words(made, "Dataset").startswith("prep check /opt/ml/processing/input/dataset --algorithm=psp")
    train = steps["Train"]["Arguments"]["InputDataConfig"][0]["DataSource"]["S3DataSource"]["S3Uri"]
    given = {"Get": "Parameters.Dataset"}
    assert train == {"Std:Join": {"On": "", "Values": [given, "/channels", "/train/"]}}
    for name in ("Dataset", "Predict", "Report"):
        uris = [each["S3Input"]["S3Uri"] for each in steps[name]["Arguments"]["ProcessingInputs"]]
        assert {"Std:Join": {"On": "", "Values": [given, "/"]}} in uris
    assert [one["OutputName"] for one in steps["Dataset"]["Arguments"]["ProcessingOutputConfig"]["Outputs"]] == [
        "facts"
    ]


def test_scores_of_any_class_have_parameters_and_paths_of_their_own() -> None:
    classes = ["猫", "犬", "it's", 'a "b"', "my car", "my-car"]
    made = define(with_lines("gate", least=[f"iou.{name}=0.5" for name in classes]))
    names = [name for name in parsed(made).parameters if name.startswith("Least")]
    assert names == [
        "Least-iou--",
        "Least-iou---2",
        "Least-iou-it-s",
        "Least-iou-a--b-",
        "Least-iou-my-car",
        "Least-iou-my-car-2",
    ]
    scores = {f"iou.{name}": {"low": number} for number, name in enumerate(classes)}
    paths = [
        each["LeftValue"]["Std:JsonGet"]["Path"] for each in steps_by_name(made)["Gate"]["Arguments"]["Conditions"]
    ]
    assert [follow({"scores": scores}, json_path(path), path) for path in paths] == list(range(len(classes)))
    for name in ("a'b\"c", "a\\b"):
        with pytest.raises(SagesegError, match="section gate: iou.*both kinds of quotes"):
            define(with_lines("gate", least=[f"iou.{name}=0.5"]))


def test_no_bucket_is_taken_for_what_an_execution_settles() -> None:
    """Places of an experiment whose names are those of a pipeline's own."""
    places = ["s3://sageseg-pipeline/images", "s3://sageseg-pipeline/dataset"]
    made = define(with_lines("prep", pairs=places))
    assert words(made, "Prepare").startswith(f"--shard auto prep pairs {' '.join(places)}")


def test_instances_without_network_get_what_lies_in_s3_as_inputs() -> None:
    made = define(with_lines("process", network_isolation=True))
    assert words(made, "Prepare").startswith(
        "--shard auto prep pairs /opt/ml/processing/input/1/images /opt/ml/processing/input/2/masks --crop"
    )


def test_the_words_of_its_instances_are_the_commands_that_one_would_type() -> None:
    made = define(BATCH)
    assert words(made, "Prepare") == ("--shard auto prep pairs s3://cars/images s3://cars/masks --crop none --val 0.2")
    assert words(made, "Dataset") == (
        "prep merge /opt/ml/processing/input/shards --out /opt/ml/processing/made/merged ; "
        "prep check /opt/ml/processing/made/merged --algorithm=psp --epochs=3 --instance-type=ml.g5.xlarge ; "
        "jobs pipeline-facts /opt/ml/processing/made/merged /opt/ml/processing/made test "
        "mean_iou iou.my car --images"
    )
    assert words(made, "Report") == (
        "jobs pipeline-answers /opt/ml/processing/input/answers --dataset /opt/ml/processing/input/dataset "
        "--split test --out /opt/ml/processing/made/predictions ; "
        "analysis stitch /opt/ml/processing/made/predictions --dataset /opt/ml/processing/input/dataset "
        "--out /opt/ml/processing/made/stitched ; "
        "analysis report /opt/ml/processing/made/stitched --dataset /opt/ml/processing/input/dataset "
        "--out /opt/ml/processing/made/report --draws 100 ; "
        "analysis gate /opt/ml/processing/made/report --out /opt/ml/processing/made/gate/gate.json <settled> <settled>"
    )
    assert words(define(SECTIONS), "Predict") == (
        "jobs predict /opt/ml/processing/input/model/model.tar.gz /opt/ml/processing/input/dataset "
        "--out /opt/ml/processing/made/predictions"
    )


def test_a_stock_image_installs_the_wheel_with_what_each_step_needs(tmp_path: Path) -> None:
    wheel = read_wheel(write_wheel(tmp_path / NAME, SAME), EVERY_EXTRA)
    found = read(SECTIONS, wheel=wheel)
    steps = steps_by_name(definition(found.experiment))
    extras = {"Prepare": "[coco,geo,video]", "Dataset": "", "Predict": "[geo,local,onnx,video]", "Report": "[geo]"}
    assert [name for name in steps if steps[name]["Type"] == "Processing"] == list(extras)
    assert found.code is not None
    for name, extra in extras.items():
        told = steps[name]["Arguments"]
        verb = "process-host" if name == "Prepare" else "pipeline-host"
        entrypoint = ["python3", "/opt/ml/processing/code/start_wheel.py", f"{NAME}{extra}", "jobs", verb]
        assert told["AppSpecification"]["ContainerEntrypoint"] == entrypoint
        assert told["ProcessingInputs"][-1]["S3Input"]["S3Uri"] == found.code[1].uri
        assert words(define(SECTIONS), name) == words(definition(found.experiment), name)
    for made in (definition(found.experiment), define(SECTIONS)):
        assert is_ours(json.dumps(made))
    assert not is_ours(json.dumps(made).replace("sageseg", "another"))
    with pytest.raises(SagesegError, match="--wheel: instances fetch what it needs from a package index"):
        read(with_lines("process", network_isolation=True), wheel=wheel)


def test_the_training_is_that_of_jobs_train_on_the_dataset_once_it_is_there(tmp_path: Path) -> None:
    """Settled as an execution settles it, the step asks for what `jobs train` asks for."""
    images = {f"car_{number}": disc_image(40, 32, seed=number) for number in range(20)}
    dataset = make_dataset(tmp_path / "dataset", images, splits={f"car_{number}": "train" for number in range(17)})
    options = TrainOptions(
        data=DataOptions(data="s3://cars/out/abc/channels", output="s3://cars/out/abc/models"),
        machine=MachineOptions(instance_type=("ml.g5.xlarge",), spot=True, volume_size=100),
    )
    given = {"algorithm": "psp", "epochs": "3"}
    wanted = plan_training(dataset, given, options, Surroundings("us-east-1", ROLE, NOW)).first.request
    facts = {"num_classes": str(len(dataset.classes)), "num_training_samples": str(len(dataset.kept("train")))}
    made = define(SECTIONS)
    fixed = {
        "Parameters": {each["Name"]: each["DefaultValue"] for each in made["Parameters"]},
        "Execution": {"PipelineExecutionId": "abc"},
    }
    outputs = [{"OutputName": "channels", "S3Output": {"S3Uri": "s3://cars/out/abc/channels"}}]
    properties = {"ProcessingOutputConfig": {"Outputs": outputs}}
    values = Values(fixed, lambda _: properties, lambda *_: "facts", lambda _: facts)
    found = resolve(steps_by_name(made)["Train"]["Arguments"], values)
    named = wanted.pop("TrainingJobName")
    assert wanted.pop("CheckpointConfig") == {"S3Uri": f"s3://cars/out/abc/models/checkpoints/{named}"}
    assert found.pop("CheckpointConfig") == {"S3Uri": "s3://cars/out/abc/models/checkpoints/training"}
    assert (wanted.pop("Tags"), found.pop("Tags")) != ([], [])
    assert found == wanted


@pytest.mark.parametrize(
    ("sections", "said"),
    [
        (without("report", without("gate")), "add a section report"),
        (without("train"), "add a section train or tune"),
        (without("prep"), "add a section prep, or a line dataset"),
        (without("predict"), "add a section predict"),
        (with_lines("train", data="s3://cars/one"), "section train: --data: not in a pipeline, its channels are made"),
        (with_lines("train", like="cars"), "section train: --like: not in a pipeline"),
        (with_lines("train", name="cars"), "section train: a pipeline names its jobs itself"),
        (with_lines("train", backend="local"), "section train: backend is the pipeline's, for all steps"),
        (with_lines("train", role=ROLE), "section train: role is the pipeline's"),
        (with_lines("train", rate=2), "section train: rate: a pipeline goes by the price list alone"),
        (with_lines("train", epochs="many"), "section train: hyperparameter epochs is 'many'"),
        (with_lines("train", epoch=3), "section train: No such option: --epoch"),
        (with_lines("predict", via="endpoint"), "section predict: via endpoint: a pipeline leaves no endpoint"),
        (with_lines("predict", via="batch", stitch=True), "section predict: stitch: not with via batch"),
        (with_lines("predict", split="tset"), "section predict: --split tset: expected train, val or test"),
        (with_lines("predict", crop=64), "section predict: --crop: only for a folder of images"),
        (with_lines("predict", instances=2), "section predict: --instances: only with --via batch"),
        (with_lines("process", steps=["prep"]), "section process: a pipeline's instances share prep"),
        (
            with_lines("process", subnets="subnet-1"),
            "section process: --subnets and --security-groups: a VPC needs both",
        ),
        (with_lines("process", name="cars"), "section process: name is the pipeline's"),
        (
            with_lines("process", instances=200),
            "section process: --instances 200: expected a whole number from 1 to 100",
        ),
        (with_lines("process", wheel="sageseg.whl"), "section process: wheel is the pipeline's"),
        (with_lines("prep", shard="1/2"), "--shard: the job deals the shards"),
        (with_lines("prep", crop="12x"), "section prep: --crop 12x"),
        (with_lines("report", colours="light"), "section report: No such option: --colours"),
        (with_lines("report", draws=0), "section report: draws 0: the gate goes by intervals"),
        (
            with_lines("gate", least=[f"iou.class-{number}=0.5" for number in range(90)]),
            "section gate: least: 90 scores; the 100 words of a step have room for 82 of them: name fewer",
        ),
        (with_lines("gate", least=["mean_iou=2"]), "section gate: --least mean_iou=2"),
        (with_lines("gate", least=["mean_iou=0.1", "mean_iou=0.2"]), "mean_iou"),
        ({**SECTIONS, "mlflow": "http://a"}, "mlflow: http://a: not in this pipeline, nobody follows its jobs"),
        ({**TUNED, "mlflow": MANAGED}, "only a training at AWS is told of it; take the line away"),
        ({**TUNED, "tune": {"max_jobs": 0}}, "section tune: --max-jobs 0: expected at least 1"),
    ],
)
def test_what_a_pipeline_cannot_do_is_refused_by_its_section(sections: dict[str, Any], said: str) -> None:
    with pytest.raises(SagesegError, match=re.escape(said)) as told:
        read(sections)
    assert "\n" not in str(told.value)


def test_a_gate_may_have_as_many_scores_as_its_words_have_room_for() -> None:
    scores = [f"iou.class-{number}=0.5" for number in range(82)]
    assert len(parsed(define(with_lines("gate", least=scores))).parameters) == 6 + len(scores)


def test_a_managed_mlflow_is_told_to_the_training() -> None:
    arguments = steps_by_name(define({**SECTIONS, "mlflow": MANAGED}))["Train"]["Arguments"]
    assert arguments["MlflowConfig"]["MlflowResourceArn"] == MANAGED
    assert parsed(define({**SECTIONS, "mlflow": MANAGED}))


def test_what_the_check_takes_for_the_built_ins_is_not_told_of_our_own_programs() -> None:
    sections = with_lines(
        "train", image="123456789012.dkr.ecr.us-east-1.amazonaws.com/own:1", loss="cross-entropy+dice"
    )
    made = define(sections)
    assert "--loss" not in words(made, "Dataset")
    assert steps_by_name(made)["Train"]["Arguments"]["HyperParameters"]["loss"] == "cross-entropy+dice"


def test_the_pipelines_own_backend_may_be_said_again() -> None:
    sections = {**LOCAL, "train": {"algorithm": "unet", "backend": "local"}}
    assert parsed(define(sections, "local"))


def test_files_that_options_name_are_inputs_of_their_step(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    Path("classes.txt").write_text("background\ncar\n")
    found = read(with_lines("prep", labels="classes.txt"))
    assert "--labels /opt/ml/processing/input/1/classes.txt" in " ".join(found.experiment.prepare)
    assert "input classes.txt (/opt/ml/processing/input/1/classes.txt on each instance, step Prepare)" in found.lines
