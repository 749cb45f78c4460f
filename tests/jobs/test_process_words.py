"""What instances of a processing job are told of a verb's words, and what of the job's own options is refused."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import fields
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import typer

from formats.errors import SagesegError
from formats.prepared.preparation import ARTEFACT
from formats.shards.shard import Shard
from jobs.contract.service_model import check_request, load_service
from jobs.prediction.options import RouteOptions
from jobs.processing.given import Found, Told, find_at_aws, find_here, find_in_s3, take_out, tell_places
from jobs.processing.options import parse_instances, parse_max_hours, parse_types, parse_volume_gb
from jobs.processing.request import Given, ProcessingJob, check_words, output_of, processing_request
from jobs.tracking.hosts.follow import Tally, host_of, told_end
from sageseg.cli import app
from sageseg.process import parse_words
from sageseg.process_predict import check_predict

TREE = "/opt/ml/processing/input"


@pytest.fixture
def places(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Folders of images and masks, a list of classes, and a file that is called like a value."""
    monkeypatch.chdir(tmp_path)
    for name in ("cars/images", "cars/masks"):
        (tmp_path / name).mkdir(parents=True)
    for name in ("classes.txt", "none"):
        (tmp_path / name).write_text("car")
    return tmp_path


def told(*words: str, texts: tuple[str, ...] = (), from_s3: tuple[str, ...] = ()) -> Told:
    return tell_places(
        words, texts, from_s3, lambda value: Found(value, False) if value in from_s3 else find_here(value)
    )


def test_places_keep_their_names_and_lie_apart(places: Path) -> None:
    found = told("prep", "pairs", "cars/images", "cars/masks", "--labels=classes.txt", "--val", "0.2")
    assert found.words == (
        *("prep", "pairs", f"{TREE}/1/images", f"{TREE}/2/masks", f"--labels={TREE}/3/classes.txt", "--val", "0.2"),
    )
    assert found.inputs == (
        Given(f"{(places / 'cars/images').as_uri()}/", f"{TREE}/1/images"),
        Given(f"{(places / 'cars/masks').as_uri()}/", f"{TREE}/2/masks"),
        Given((places / "classes.txt").as_uri(), f"{TREE}/3"),
    )


def test_a_place_that_is_named_twice_is_one_input(places: Path) -> None:
    found = told("cars/images", str(places / "cars" / "images"), "--focus", "cars/images/")
    assert found.words == (f"{TREE}/1/images", f"{TREE}/1/images", "--focus", f"{TREE}/1/images")
    assert len(found.inputs) == 1


@pytest.mark.usefixtures("places")
def test_a_value_that_is_called_like_a_file_is_no_place() -> None:
    assert told("--crop", "none", "classes.txt", texts=("none",)).words == ("--crop", "none", f"{TREE}/1/classes.txt")


@pytest.mark.usefixtures("places")
def test_what_the_verb_reads_from_s3_is_no_input_and_stays_as_it_is() -> None:
    found = told("s3://b/cars", "classes.txt", "--images=s3://b/photos", from_s3=("s3://b/cars", "s3://b/photos"))
    assert found.words == ("s3://b/cars", f"{TREE}/1/classes.txt", "--images=s3://b/photos")
    assert [given.uri for given in found.inputs] == [Path("classes.txt").resolve().as_uri()]
    assert [typed for typed, _ in found.shown] == ["s3://b/cars", "classes.txt", "s3://b/photos"]


@pytest.mark.parametrize("isolated", [True, False])
def test_a_model_in_s3_is_fetched_by_the_instances_unless_they_have_no_network(isolated: bool) -> None:
    """So that predictions tell its place as on one machine."""
    command = typer.main.get_command(app).commands["jobs"].commands["predict"]  # type: ignore[attr-defined]
    words = ["s3://b/first/output/model.tar.gz", "s3://b/images", "--out", "x"]
    parsed = parse_words(("jobs", "predict"), command, words, isolated=isolated)
    assert parsed.from_s3 == (frozenset() if isolated else {words[0]})


class Listing:
    """A bucket of which the names alone are asked."""

    def __init__(self, *keys: str) -> None:
        self.keys = sorted(keys)

    def list_objects_v2(self, Prefix: str, **_: Any) -> dict[str, Any]:  # noqa: N803  # as boto3 calls it
        found = [{"Key": key} for key in self.keys if key.startswith(Prefix)]
        return {"Contents": found[:1]} if found else {}


def test_an_artefact_brings_the_record_that_lies_beside_it(places: Path) -> None:
    """Which alone tells of Amazon's artefacts how images are prepared."""
    artefact = places / "jobs" / "first" / "output" / "model.tar.gz"
    artefact.parent.mkdir(parents=True)
    artefact.write_bytes(b"model")
    assert told(str(artefact)).words == (f"{TREE}/1/model.tar.gz",)
    (artefact.parents[1] / "job.json").write_text("{}")
    found = told("predict", str(artefact), "cars/images")
    assert found.words == ("predict", f"{TREE}/1/job/output/model.tar.gz", f"{TREE}/2/images")
    assert found.inputs[0] == Given(f"{(places / 'jobs/first').as_uri()}/", f"{TREE}/1/job")


@pytest.mark.parametrize(
    ("key", "uri", "inside"),
    [
        ("jobs/first/output/model.tar.gz", "s3://b/jobs/first", "output/model.tar.gz"),
        ("jobs/first/output/int8.onnx", "s3://b/jobs/first", "output/int8.onnx"),
        ("jobs/second/output/model.tar.gz", "s3://b/jobs/second/output/model.tar.gz", ""),
        ("model.tar.gz", "s3://b/model.tar.gz", ""),
    ],
)
def test_an_artefact_in_s3_does_too(key: str, uri: str, inside: str) -> None:
    there = Listing("jobs/first/job.json", "jobs/first/output/model.tar.gz", key)
    assert find_in_s3(f"s3://b/{key}", there) == Found(uri, is_file=not inside, inside=inside)


def test_an_object_that_is_called_like_a_folder_is_not_guessed() -> None:
    there = Listing("cars", "cars/a.jpg", "cars2/b.jpg")
    with pytest.raises(SagesegError, match=r"^s3://b/cars: an object, and a folder with objects; s3://b/cars/ is the"):
        find_in_s3("s3://b/cars", there)
    assert find_in_s3("s3://b/cars/", there) == Found("s3://b/cars", is_file=False)


@pytest.mark.parametrize("name", ["model.tar.gz", "model.onnx"])
@pytest.mark.parametrize("tells", [True, False])
def test_a_record_that_would_stay_behind_is_refused_where_it_alone_tells(
    tells: bool, name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    artefact = tmp_path / "first" / "output" / name
    artefact.parent.mkdir(parents=True)
    artefact.write_bytes(b"model")
    (tmp_path / "first" / "job.json").write_text("{}")
    hyperparameters = dict.fromkeys(ARTEFACT.values(), "none") if tells else {}
    read = SimpleNamespace(hyperparameters=hyperparameters)
    reader = "read_onnx" if name.endswith(".onnx") else "read_artefact"
    monkeypatch.setattr(f"jobs.tracking.trained_model.{reader}", lambda _: read)
    given = {of.name: of.default for of in fields(RouteOptions)}
    given |= {"model": str(artefact), "sources": [tmp_path], "via": "artefact", "stitch": False}
    check_predict(given, "local")
    if tells:
        check_predict(given, "aws")
        return
    with pytest.raises(
        SagesegError, match=rf"told by {tmp_path}/first/job\.json alone, .* put {tmp_path}/first into S3"
    ):
        check_predict(given, "aws")


@pytest.mark.parametrize(
    ("words", "kept", "out", "overwrite"),
    [
        (("a", "--out", "cars", "--crop", "64"), ("a", "--crop", "64"), "cars", False),
        (("--out=s3://b/c", "a", "--overwrite"), ("a",), "s3://b/c", True),
        (("a", "--overwrite", "--out", "c d"), ("a",), "c d", True),
    ],
)
def test_where_the_result_goes_is_taken_out(words: tuple[str, ...], kept: Any, out: str, overwrite: bool) -> None:
    found = take_out(words)
    assert (found.words, found.out, found.overwrite) == (kept, out, overwrite)


@pytest.mark.parametrize("words", [("--shard", "1/2"), ("--shard=auto",), ("--shard", "auto", "--out", "x")])
def test_a_shard_is_the_jobs_to_say(words: tuple[str, ...]) -> None:
    with pytest.raises(SagesegError, match=r"--shard: the job deals the shards .* say --instances N"):
        take_out(words)


def test_folders_of_this_machine_are_refused_at_aws_and_files_are_sent(places: Path) -> None:
    with pytest.raises(SagesegError, match=r"cars/images: a folder of this machine.*aws s3 sync cars/images s3://"):
        find_at_aws("cars/images", None, "s3://b/cars-inputs")
    found = find_at_aws("classes.txt", None, "s3://b/cars-inputs")
    assert found.uri.startswith("s3://b/cars-inputs/")
    assert found.uri.endswith("/classes.txt")
    assert (found.is_file, found.upload) == (True, Path("classes.txt").absolute())
    (places / "classes.txt").write_text("bus")
    assert find_at_aws("classes.txt", None, "s3://b/cars-inputs").uri != found.uri


@pytest.mark.parametrize(
    ("parse", "text", "said"),
    [
        (parse_instances, "0", "--instances 0: expected a whole number from 1 to 100"),
        (parse_instances, "101", "--instances 101"),
        (parse_instances, "two", "--instances two"),
        (parse_types, "ml.c5.2x", "--instance-type ml.c5.2x: no instance type for processing; .* ml.c5"),
        (parse_types, "m5", "--instance-type m5: .* expected one such as ml.c5.2xlarge"),
        (parse_volume_gb, "0", "--volume-gb 0: expected whole gigabytes from 1 to 16384"),
        (parse_volume_gb, "20000", "--volume-gb 20000"),
        (parse_max_hours, "nan", "--max-hours nan: expected hours such as 4, at most 216"),
        (parse_max_hours, "0", "--max-hours 0"),
        (parse_max_hours, "217", "--max-hours 217"),
        (parse_max_hours, "a day", "--max-hours a day"),
    ],
)
def test_options_of_the_job_that_cannot_be(parse: Callable[[str], Any], text: str, said: str) -> None:
    with pytest.raises(SagesegError, match=said):
        parse(text)


def job(*shards: Shard) -> ProcessingJob:
    return ProcessingJob(
        "cars",
        "123456789012.dkr.ecr.us-east-1.amazonaws.com/sageseg:1",
        "arn:aws:iam::123456789012:role/SageMaker",
        ("prep", "pairs", f"{TREE}/1/images"),
        shards,
        [Given("s3://b/images/", f"{TREE}/1/images")],
        "s3://b/cars",
        "ml.c5.2xlarge",
        100,
        3600,
    )


@pytest.mark.parametrize(("numbers", "shards"), [((1,), "1/4"), ((1, 2, 3), "1-3/4"), ((2, 4), "2,4/4")])
def test_each_shard_has_an_instance_of_one_job(numbers: tuple[int, ...], shards: str) -> None:
    request = processing_request(job(*(Shard(number, 4) for number in numbers)))
    check_request("sagemaker", "CreateProcessingJob", request)
    assert request["ProcessingResources"]["ClusterConfig"]["InstanceCount"] == len(numbers)
    arguments = request["AppSpecification"]["ContainerArguments"]
    assert arguments == ["--shard", shards, "prep", "pairs", f"{TREE}/1/images"]


def test_a_hundred_instances_can_be_told_their_shards_but_not_whatever_is_typed() -> None:
    every = processing_request(job(*(Shard(number, 100) for number in range(1, 101))))
    check_request("sagemaker", "CreateProcessingJob", every)
    check_words(["x" * 256] * 100)
    with pytest.raises(SagesegError, match="^101 words: a processing job's container is told 100 at the most"):
        check_words(["x"] * 101)
    with pytest.raises(
        SagesegError, match="^x{60}…: 257 characters; a processing job's container is told words of 256"
    ):
        check_words(["x" * 257])


def test_inputs_are_whole_on_each_instance_and_outputs_go_out_as_they_appear() -> None:
    request = processing_request(job(Shard(1, 1)))
    assert request["ProcessingInputs"][0]["S3Input"]["S3DataDistributionType"] == "FullyReplicated"
    assert request["ProcessingOutputConfig"]["Outputs"][0]["S3Output"]["S3UploadMode"] == "Continuous"
    assert output_of(request) == "s3://b/cars"


@pytest.mark.parametrize("description", [{}, {"ProcessingOutputConfig": {"Outputs": [{}, {}]}}])
def test_a_job_of_another_make_has_no_such_output(description: dict[str, Any]) -> None:
    assert output_of(description) == ""


def test_why_each_host_failed_is_told_apart() -> None:
    description = {"ProcessingJobStatus": "Failed", "ExitMessage": "shard 1/2: a\nshard 2/2: b\n"}
    assert str(told_end("cars", description, "c")) == "processing job cars: Failed (shard 1/2: a; shard 2/2: b); c"


def test_images_done_are_added_up_over_the_hosts() -> None:
    tally = Tally()
    assert tally.describe() == ""
    lines = [("algo-1", "images: 3 of 10"), ("algo-2", "images: 2 of 9"), ("algo-1", "images: 5 of 10\n")]
    assert all(tally.take(host, line) for host, line in lines)
    assert tally.describe() == "images: 7 of 19, on 2 host(s)"


@pytest.mark.parametrize(
    "line", ["", "error: 3 of 4 images are gone", "note: x", "images: 3 of", "#progress: 1 of 2 x"]
)
def test_other_lines_tell_of_no_progress(line: str) -> None:
    tally = Tally()
    assert not tally.take("algo-1", line)
    assert tally.describe() == ""


@pytest.mark.parametrize("stream", ["cars/algo-12-1700000000", "a-b/algo-12-x-y", "algo-12"])
def test_a_stream_is_of_its_host(stream: str) -> None:
    assert host_of(stream) == "algo-12"


def test_the_longest_job_and_the_largest_disk_are_the_services() -> None:
    model = load_service("sagemaker")
    hours = model.shape_for("ProcessingMaxRuntimeInSeconds").metadata["max"] // 3600
    assert parse_max_hours(str(hours)) == hours
    with pytest.raises(SagesegError, match=f"at most {hours}"):
        parse_max_hours(str(hours + 1))
    gigabytes = model.shape_for("ProcessingVolumeSizeInGB").metadata["max"]
    assert parse_volume_gb(str(gigabytes)) == gigabytes
    with pytest.raises(SagesegError):
        parse_volume_gb(str(gigabytes + 1))
