"""Every command line of README and docs is run as it stands, page by page, in a folder that holds what it names.

Left out is only the work that takes long: containers train and serve in an instant, the model itself stands for its
ONNX, a person answers yes to what costs, and what would serve for ever is ended. SageMaker is the emulator, the rest of
AWS is moto.
"""

import os
import re
import shlex
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack
from pathlib import Path
from threading import Lock
from typing import Any
from unittest.mock import patch

import pytest

from jobs.algorithm.__main__ import main as algorithm
from jobs.algorithm.serving import export
from jobs.contract.artefact import Artefact
from jobs.emulator.host.container import Programs
from jobs.emulator.host.storage import Storage
from jobs.emulator.server import Server, running_server
from jobs.tracking.job_calls import POLL_SECONDS
from tests.support.aws_cli import aws
from tests.support.aws_setup import Terminal, aws_client, moto_server, no_price_list, use_aws
from tests.support.doc_commands import PAGES, ROOT, DocCommand, doc_commands
from tests.support.doc_materials import make_materials
from tests.support.emulator_setup import SLEEPS, programs
from tests.support.opt_ml_samples import SETTINGS, write_root
from tests.support.s3_samples import upload
from tests.support.serving_setup import SERVES
from tests.support.typed_commands import Ran, typed

ROLES = {
    "SAGESEG_ROLE": "arn:aws:iam::123456789012:role/sageseg",
    "SAGESEG_SCHEDULER_ROLE": "arn:aws:iam::123456789012:role/sageseg-lease",
}
TRAINS = """
import json, shutil
given = json.loads((root / "input/config/hyperparameters.json").read_text())
if given.get("algorithm") == "unet":  # who predicts with it here
    shutil.copytree(Path({artefacts!r}) / (given["num_classes"] + ".tar.model"), root / "model", dirs_exist_ok=True)
else:
    (root / "model" / "weights").write_text("trained")
print("LRScheduler setup: iters per epoch: 2, num_epochs 1")
print("#quality_metric. host: algo-1, epoch: 0, train loss: 0.5 .")
print("#quality_metric. host: algo-1, epoch: 0, validation pixel_accuracy: 0.9 .")
print("#quality_metric. host: algo-1, epoch: 0, validation mIOU: 0.75 .")
"""
_RECORDED = "its server is not there; tests/jobs/test_recording.py has one"
_REGISTERED = "its job is at an AWS of its own; tests/jobs/test_register.py does it"
_REGISTRY = "tests/emulator/test_aws_cli.py does it"
_NO_DOCKER = "docker and its network are not there; tests/project/test_container_image.py reads the Dockerfile"
_IDLE = "the page asks the endpoint that was deployed last; tests/jobs/test_idle_endpoints.py deploys these"
_MAKE = "it makes the environment in which this test runs, or runs this test"
_GPU = "it needs a GPU, on which benchmarks/gpu.sh runs it"
_ALONE = "it measures for minutes and needs the machine alone"
_UNTRAINED = "weights here are random, and INT8 loses too much of them; tests/project/test_int8_export.py does it"
_BY_HOSTS = "hosts here are the real command; tests/project/test_process.py does it"
NOT_RUN = {
    "make test": _MAKE,
    "make setup": _MAKE,
    "make trust": "it takes half an hour; tests/project/test_trust_*.py and test_damage.py run its short form",
    "python3 -m venv .venv": _MAKE,
    ".venv/bin/pip install torch …": "not a whole line: pytorch.org has the rest",
    "sageseg jobs train dataset --backend local --model model.tar.gz --algorithm fcn --crop-size 512 --epochs 3 "
    "--name further": "these materials' model is another network; tests/jobs/test_named_model.py finds such a one",
    "pip install -e '.[annotate]'": "labelme is a program with a window",
    "pip install -e '.[sdk]'": "it downloads a gigabyte; make oracles has that environment",
    "python benchmarks/algorithm_training.py": _ALONE,
    "python benchmarks/merge_rows.py": _ALONE,
    "python benchmarks/prep_twins.py 20000 80000": _ALONE,
    "python benchmarks/scale.py --many 1000,100000": _ALONE,
    "python benchmarks/algorithm_prediction.py --algorithm fcn --images 2 --artefact model.tar.gz": _ALONE,
    "SAGESEG_TEST_GPU=1 .venv/bin/pytest tests/algorithm/test_fused_norm.py": _GPU,
    "SAGESEG_TEST_GPU=1 .venv/bin/pytest tests/algorithm/test_captured_step.py": _GPU,
    "sageseg jobs export model.tar.gz --int8 --dataset dataset --out int8.tar.gz": _UNTRAINED,
    "sageseg jobs predict int8.tar.gz images --out by-int8": _UNTRAINED,
    "python benchmarks/algorithm_int8.py --algorithm fcn --side 256": _ALONE,
    "python -m jobs.algorithm serve --root /opt/ml": "it serves for ever, as tests/algorithm/test_serving.py sees",
    "docker build -t sageseg --build-arg TORCH=cu126 .": _NO_DOCKER,
    "python oracles/image.py --engine docker": _NO_DOCKER,
    "docker tag sageseg 123456789012.dkr.ecr.us-east-1.amazonaws.com/sageseg:1": _NO_DOCKER,
    "docker push 123456789012.dkr.ecr.us-east-1.amazonaws.com/sageseg:1": _NO_DOCKER,
    "aws ecr get-login-password | docker login --username AWS --password-stdin "
    "123456789012.dkr.ecr.us-east-1.amazonaws.com": _NO_DOCKER,
    "aws sagemaker create-model-package-group --model-package-group-name cars": _REGISTRY,
    "aws sagemaker create-model-package --cli-input-json file://request.json": _REGISTRY,
    "aws sagemaker update-model-package --model-package-arn ARN --model-approval-status Approved": _REGISTRY,
    "aws sagemaker create-model --model-name cars --execution-role-arn ROLE --primary-container ModelPackageName=ARN": (
        _REGISTRY
    ),
    "sageseg jobs train dataset --backend local --algorithm unet --name cars --mlflow http://mlflow:5000": _RECORDED,
    "sageseg jobs record cars --mlflow http://mlflow:5000 --report report": _RECORDED,
    "sageseg jobs record cars --mlflow arn:aws:sagemaker:us-east-1:123456789012:mlflow-tracking-server/team": _RECORDED,
    "pip install -e '.[mlflow]'": _MAKE,
    "pip install sagemaker-mlflow": "it is the plugin of an account's MLflow, and none is there",
    "sageseg jobs register first --group cars --report report": _REGISTERED,
    "sageseg jobs register cars --group fleet --report report": _REGISTERED,
    "sageseg jobs deploy --model-package fleet --ttl 2h": _REGISTERED,
    "curl --data-binary @car.jpg -H 'Content-Type: image/jpeg' --user \"$KEY:$SECRET\" "
    "--aws-sigv4 aws:amz:us-east-1:lambda https://….lambda-url.us-east-1.on.aws/ > mask.png": "not a whole line: the "
    "function's URL comes from AWS; tests/jobs/test_lambda.py asks the function itself",
    "sageseg analysis gate report --least mean_iou=0.8 --least iou.car=0.9": "its report is of one group, which "
    "no gate passes; tests/analysis/test_gate.py does it",
    "sageseg jobs process --backend local --instances 3 prep carvana train train_masks --out cars": _BY_HOSTS,
    "sageseg jobs process --backend local --instances 3 report predictions --dataset dataset --out report": _BY_HOSTS,
    "sageseg jobs process --backend local --instances 2 predict model.tar.gz images --out predicted": _BY_HOSTS,
    "sageseg jobs process --instances 4 --instance-type ml.g5.xlarge --role arn:aws:iam::123456789012:role/SageMaker "
    "--image 123456789012.dkr.ecr.us-east-1.amazonaws.com/sageseg:1-cu126 --max-cost 50 --shards "
    "s3://bucket/predicted-shards predict s3://bucket/jobs/cars/output/model.tar.gz s3://bucket/images --out "
    "predicted": "there is no GPU; tests/jobs/test_process_words.py says what instances are told",
    "sageseg jobs process --instances 8 --role arn:aws:iam::123456789012:role/SageMaker --image "
    "123456789012.dkr.ecr.us-east-1.amazonaws.com/sageseg:1 --max-cost 20 --shards s3://bucket/cars-shards "
    "prep carvana s3://bucket/train s3://bucket/train_masks --out cars": "tests/jobs/test_process_aws.py does it",
    "sageseg jobs deploy first --serverless --name now-and-then": _IDLE,
    "sageseg jobs deploy first --async --instance-type ml.g5.xlarge --name by-night": _IDLE,
    "pip wheel --no-deps .": "it is for the checkout; tests/project/test_wheel.py builds one",
    "sageseg jobs process --instances 8 --role arn:aws:iam::123456789012:role/SageMaker --image "
    "763104351884.dkr.ecr.us-east-1.amazonaws.com/pytorch-training:2.9.0-cpu-py312-ubuntu22.04-sagemaker "
    "--wheel sageseg-0.1.0-py3-none-any.whl --max-cost 20 --shards s3://bucket/cars-shards prep carvana "
    "s3://bucket/train s3://bucket/train_masks --out cars": "an instance installs from a package index; "
    "tests/jobs/test_process_wheel.py does it without one",
    "sageseg jobs pipeline --backend local --start sageseg-demo/experiment.yaml": "its steps are the real commands; "
    "tests/project/test_pipeline_run.py does it",
    "sageseg jobs pipeline --backend local --wheel sageseg-0.1.0-py3-none-any.whl sageseg-demo/experiment.yaml": "its "
    "wheel must be built; tests/project/test_pipeline_sections.py does it",
    "sageseg jobs pipeline --role arn:aws:iam::123456789012:role/SageMaker --image "
    "123456789012.dkr.ecr.us-east-1.amazonaws.com/sageseg:1 --out s3://bucket/cars --start --max-cost 60 "
    "experiment.yaml": "tests/jobs/test_pipeline_aws.py does it",
}
"""Lines that are not run, with the reason."""
TRAIN_FIRST = "jobs train dataset --backend local --algorithm unet --name first"
_SEARCH = "jobs tune dataset --backend local --algorithm unet --max-jobs 1 --range learning_rate=1e-3:1e-1 --name NAME"
_ON_AWS = "jobs train dataset --data s3://my-bucket/cars --yes --name"
SET_UP = {
    "algorithm.md": [f"{_ON_AWS} JOB"],
    "geotiff.md": [TRAIN_FIRST],
    "jobs.md": [TRAIN_FIRST],
    "serving.md": [f"{_ON_AWS} first --algorithm unet --image 123456789012.dkr.ecr.us-east-1.amazonaws.com/sageseg:1"],
    "tuning.md": [_SEARCH],
}
"""What a page says was done before."""
RESTORED = {
    "sageseg analysis overlay predictions images --out tinted": "predictions",
    "sageseg prep check dataset --num-classes 2": "dataset",
    "sageseg prep check dataset --crop-size 512 --mini-batch-size 16": "dataset",
}
"""Materials that an earlier line of the page replaced by something of the same name."""
STILL_RUNNING = {
    "sageseg jobs stop first": f"{TRAIN_FIRST} --no-wait",
    "sageseg jobs stop NAME": f"{_SEARCH} --no-wait",
}
"""What is stopped must still run; pages stop what they have just followed to its end."""


@pytest.fixture(scope="module")
def materials(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("docs")
    with pytest.MonkeyPatch.context() as monkeypatch:
        monkeypatch.setenv("SAGESEG_HOME", str(folder / "home"))
        make_materials(folder / "materials", folder / "artefacts")
    return folder


def brought_once(folder: Path) -> Callable[[Storage, str, Path], None]:
    """`Storage.bring` that fetches a prefix of S3 once for all jobs: a search has twenty."""
    bring, alone, fetched = Storage.bring, Lock(), dict[str, Path]()
    folder.mkdir()

    def bring_once(storage: Storage, uri: str, place: Path) -> None:
        with alone:
            if uri not in fetched:
                fetched[uri] = folder / str(len(fetched))
                bring(storage, uri, fetched[uri])
        place.symlink_to(fetched[uri], target_is_directory=True)

    return bring_once


def made_at_once(_artefact: Artefact, _out: Path, _opset: int | None, _classes: Sequence[str]) -> export.OnnxModel:
    """In the place of torch's exporter, as tests/algorithm/test_export.py sees it work."""
    return export.OnnxModel(b"a model", 0)


class Reader:
    """Somebody who types a page's lines, in a folder of their own, and says yes."""

    def __init__(self, materials: Path, folder: Path, stack: ExitStack, monkeypatch: pytest.MonkeyPatch) -> None:
        self.materials, self.folder, self.stack, self.monkeypatch = materials / "materials", folder, stack, monkeypatch
        self.quick = programs(folder / "programs", TRAINS.format(artefacts=str(materials / "artefacts")), SERVES)
        self.slow = programs(folder / "slow", SLEEPS, SERVES)
        self.desk = folder / "desk"
        shutil.copytree(self.materials, self.desk, copy_function=os.link)
        self.ports: dict[str, str] = {}
        self.moto = os.environ["AWS_ENDPOINT_URL"]
        self.serve_in(self.desk / ".sageseg", self.quick)
        monkeypatch.setenv("SAGESEG_HOME", str(self.desk / ".sageseg"))
        monkeypatch.setattr("jobs.emulator.server.serve", self._serve)
        monkeypatch.setattr("jobs.emulator.rest_of_aws.rehearse", self._rehearse)
        monkeypatch.setattr(Storage, "bring", brought_once(folder / "brought"))
        monkeypatch.setattr(export, "make_onnx", made_at_once)

    def serve_in(self, home: Path, containers: Programs, **also: Any) -> Server:
        return self.stack.enter_context(running_server(home, programs=containers, grace_seconds=0, **also))

    def _serve(
        self, _home: Path, host: str, port: int, *, idle_seconds: float, tell: Callable[[str], None] = lambda _: None
    ) -> None:
        """`jobs emulator`, which would not return, on a port that is free."""
        assert host == "127.0.0.1"
        assert idle_seconds == float("inf")
        url = self.ports[str(port)] = self.serve_in(self.folder / f"emulator-{port}", self.quick).url
        tell(url)

    def _rehearse(self, home: Path, host: str, port: int, s3_port: int, buckets: Sequence[str]) -> None:
        """`jobs emulator --with-s3`; moto is there already."""
        assert list(buckets) == ["my-bucket"]
        self._serve(home, host, port, idle_seconds=float("inf"))
        self.ports[str(s3_port)] = self.moto

    def types(self, line: str) -> Ran:
        if line in STILL_RUNNING:
            self._begin_what_is_stopped(STILL_RUNNING[line])
        for name in (RESTORED[line],) if line in RESTORED else ():
            shutil.rmtree(self.desk / name)
            shutil.copytree(self.materials / name, self.desk / name, copy_function=os.link)
        words = shlex.split(line)
        made = [self.desk / words[i + 1] for i, word in enumerate(words) if word in ("--out", "--plot")]
        for path in made if "--shard" not in words else ():  # shards of one plan stand side by side
            self._remove(path)
        ran = TYPED[words[0]](self, words)
        assert ran.returncode == 0, f"{line}\n{ran.stderr}"
        assert [path for path in made if not path.exists()] == [], line
        return ran

    def _remove(self, path: Path) -> None:
        """What a line writes is not there before: a page tells of the same folder in several ways."""
        if path.name == "FOLDER":
            return  # the demo goes on with what it has drawn
        shutil.rmtree(path) if path.is_dir() else path.unlink(missing_ok=True)

    def _begin_what_is_stopped(self, line: str) -> None:
        busy = self.folder / "busy"
        self.serve_in(busy, self.slow)
        self.monkeypatch.setenv("SAGESEG_HOME", str(busy))
        assert typed(line.split(), self.desk).returncode == 0

    def sageseg(self, words: list[str]) -> Ran:
        with patch.object(sys, "stdin", Terminal("y\n")):
            ran = typed(words[1:], self.desk)
        self.monkeypatch.setenv("SAGESEG_HOME", str(self.desk / ".sageseg"))
        return ran

    def make(self, words: list[str]) -> Ran:
        assert words == ["make", "demo"]
        assert "\ndemo: setup\n\t$(BIN)/sageseg demo\n" in (ROOT / "Makefile").read_text()
        return self.sageseg(["sageseg", "demo"])

    def export(self, words: list[str]) -> Ran:
        for name, value in (word.split("=", 1) for word in words[1:]):
            for other in [other for other in os.environ if other.startswith(f"{name}_")]:
                self.monkeypatch.delenv(other)  # those of this test
            url = re.fullmatch(r"http://127\.0\.0\.1:(\d+)", value)
            self.monkeypatch.setenv(name, self.ports[url[1]] if url else value)
        return Ran(words, 0, "", "")

    def eval(self, words: list[str]) -> Ran:
        """What a command prints, as lines of this shell."""
        (line,) = words[1:]
        ran = self.sageseg(shlex.split(line.removeprefix("$(").removesuffix(")")))
        for told in ran.stdout.splitlines():
            command, *rest = shlex.split(told)
            for word in rest:
                if command == "unset":
                    self.monkeypatch.delenv(word, raising=False)
                else:
                    self.monkeypatch.setenv(*word.split("=", 1))
        return ran

    def aws(self, words: list[str]) -> Ran:
        return aws(words[1:], self.desk)

    def awk(self, words: list[str]) -> Ran:
        """The one program of the system; a shell would take away the redirection."""
        *words, redirected, out = words
        assert redirected == ">"
        ran = subprocess.run(words, cwd=self.desk, capture_output=True, text=True, check=False)
        (self.desk / out).unlink(missing_ok=True)
        (self.desk / out).write_text(ran.stdout)
        return ran

    def python(self, words: list[str]) -> Ran:
        """The container's program, whose root is a container's."""
        assert words == ["python", "-m", "jobs.algorithm", "train", "--root", "/opt/ml"]
        root = write_root(self.folder / "opt", SETTINGS)
        return Ran(words, algorithm(["train", "--root", str(root)]), "", "")


TYPED: dict[str, Callable[[Reader, list[str]], Ran]] = {
    "sageseg": Reader.sageseg,
    "make": Reader.make,
    "export": Reader.export,
    "eval": Reader.eval,
    "aws": Reader.aws,
    "awk": Reader.awk,
    "python": Reader.python,
}


@pytest.fixture
def reader(materials: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Reader]:
    monkeypatch.delenv("SAGESEG_SCHEDULER_ROLE", raising=False)
    monkeypatch.setattr("jobs.cost.prices._ask", no_price_list)
    monkeypatch.setitem(POLL_SECONDS, "aws", 0.2)
    with ExitStack() as stack:
        url = stack.enter_context(moto_server())
        use_aws(monkeypatch, url)
        typing = Reader(materials, tmp_path, stack, monkeypatch)
        s3 = aws_client("s3", url)
        s3.create_bucket(Bucket="my-bucket")
        s3.put_object(Bucket="my-bucket", Key="weights/model.safetensors", Body=b"weights")
        upload(s3, typing.desk / "synced", bucket="my-bucket")
        at_aws = typing.serve_in(tmp_path / "aws", typing.quick, make_s3=lambda: s3).url
        use_aws(monkeypatch, url, **dict.fromkeys(("sagemaker", "sagemaker_runtime", "cloudwatch_logs"), at_aws))
        yield typing


ON_PAGES = {path.name: list(doc_commands(path)) for path in PAGES}
FIRST_SEEN: dict[str, str] = {}
for _page, _commands in ON_PAGES.items():
    for _command in _commands:
        FIRST_SEEN.setdefault(_command.line, _page)


@pytest.mark.parametrize("page", [page for page in ON_PAGES if set(FIRST_SEEN.values()) & {page}])
def test_the_commands_of_a_page_do_as_they_say(page: str, reader: Reader) -> None:
    """A line that stands on several pages is run on the first of them."""
    for name, arn in ROLES.items() if page != "README.md" else ():  # it says itself how they come there
        reader.monkeypatch.setenv(name, arn)
    for line in SET_UP.get(page, ()):
        ran = typed(line.split(), reader.desk)
        assert ran.returncode == 0, ran.stderr
    for command in ON_PAGES[page]:
        if command.line not in NOT_RUN and FIRST_SEEN[command.line] == page:
            reader.types(command.line)


def test_the_roles_that_readme_exports_are_those_that_its_policy_makes(reader: Reader) -> None:
    lines = [command.line for command in ON_PAGES["README.md"]]
    (policy,) = (line for line in lines if line.startswith("sageseg jobs policy "))
    reader.types(policy)
    told = re.findall(r"export \S+", (reader.desk / "iam" / "create.sh").read_text())
    assert [line for line in lines if line.startswith("export ")] == told


def test_the_tables_name_lines_that_are_there() -> None:
    told = {*NOT_RUN, *RESTORED, *STILL_RUNNING}
    assert sorted(told - FIRST_SEEN.keys()) == []
    assert SET_UP.keys() <= ON_PAGES.keys()


def test_lines_are_found_as_a_reader_would_type_them(tmp_path: Path) -> None:
    page = tmp_path / "page.md"
    page.write_text(
        "Text\n\n    sageseg jobs list      # all\n    sageseg run \\\n        a.yaml\n\n```python\nmake = 1\n```\n"
        "    rank  job\n\n```sh\n$ make demo\n```\n\n`sageseg jobs show NAME` and `sageseg jobs show`.\n"
    )
    assert list(doc_commands(page)) == [
        DocCommand("page.md", line)
        for line in ("sageseg jobs list", "sageseg run a.yaml", "make demo", "sageseg jobs show NAME")
    ]
