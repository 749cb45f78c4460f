"""The container's image, built and started as SageMaker starts it.

    .venv/bin/python oracles/image.py --engine docker

Builds the Dockerfile, unless `--image` names what is built, and runs it as a user without rights, without network and
over a root that cannot be written to: training, failure, SIGTERM, going on from a checkpoint, serving by torch and by
onnxruntime. What the builder needs besides, such as a volume with pip's configuration, stands behind `--`. It takes
Docker, or Podman, which needs no daemon; where no registry can be reached, oracles/image_base.sh makes a base, to be
named with `--base`.
"""

from __future__ import annotations

import argparse
import json
import shlex
import shutil
import subprocess
import sys
import tarfile
import tempfile
import time
import zlib
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from PIL import Image

ROOT = Path(__file__).resolve().parent.parent
sys.path[:0] = [str(ROOT)]

from jobs.algorithm.inference.model import open_model  # noqa: E402 (found by the line above)
from jobs.algorithm.inference.within_memory import WithinMemory  # noqa: E402
from jobs.algorithm.serving.replies import invoke  # noqa: E402
from jobs.algorithm.serving.shared_batches import SharedBatches  # noqa: E402
from jobs.contract.artefact import BEST, MEMBERS, read_model_folder  # noqa: E402
from jobs.contract.model_archive import pack_artefact  # noqa: E402
from jobs.emulator.training.data import config_files  # noqa: E402
from sageseg.studio.shoot import draw_shoot  # noqa: E402

IMAGE, INSTANCE = "sageseg:trial", "ml.m5.xlarge"
LOCKED = shlex.split(
    "--network none --read-only --tmpfs /tmp --user 1000:1000 --cap-drop all --security-opt no-new-privileges"
)
REQUEST = shlex.split(
    "--algorithm unet --crop-size 64 --base-size 96 --mini-batch-size 4 --epochs 1 --data s3://bucket/trial --dry-run "
    f"--image 123456789012.dkr.ecr.us-east-1.amazonaws.com/sageseg:1 --instance-type {INSTANCE} --region us-east-1 "
    "--role arn:aws:iam::123456789012:role/sageseg"
)
ASK = """
import sys, time, urllib.error, urllib.request
image = sys.stdin.buffer.read()
while True:
    try:
        urllib.request.urlopen("http://127.0.0.1:8080/ping")
        break
    except urllib.error.URLError:
        time.sleep(0.02)
sys.stderr.write(str(time.time()))
headers = {"Content-Type": "image/jpeg", "Accept": "image/png"}
asked = urllib.request.Request("http://127.0.0.1:8080/invocations", image, headers)
sys.stdout.buffer.write(urllib.request.urlopen(asked).read())
"""
"""Run inside the container, which nobody outside reaches: when a ping was first answered, and an image's mask."""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--engine", default="podman", help="docker, or podman (default)")
    parser.add_argument("--base", help="the image to build on (default: the Dockerfile's)")
    parser.add_argument("--image", help="an image that is built already")
    parser.add_argument("build", nargs="*", help="further arguments of the engine's `build`")
    given = parser.parse_args()
    engine = Engine(given.engine, given.image or IMAGE)
    if not given.image:
        base = ["--build-arg", f"BASE={given.base}"] if given.base else []
        begun = time.monotonic()
        subprocess.run([given.engine, "build", "--tag", IMAGE, *base, *given.build, str(ROOT)], check=True)
        tell("built in", f"{time.monotonic() - begun:.0f} s")
    with tempfile.TemporaryDirectory(prefix="sageseg-image-") as folder:
        dataset = make_dataset(Path(folder))
        train_once(engine, make_tree(Path(folder, "whole"), dataset))
        train_wrongly(engine, make_tree(Path(folder, "wrong"), dataset, optimizer="none"))
        stop_and_go_on(engine, make_tree(Path(folder, "long"), dataset, epochs="1000"))
        image = min((dataset / "JPEGImages").iterdir())
        for tree in (Path(folder, "whole"), exported(Path(folder, "whole"), Path(folder, "onnx"))):
            serve(engine, tree, image)
    tell("size", f"{engine.size() / 1e6:.0f} MB; saved and packed by gzip {engine.packed_size() / 1e6:.0f} MB")


@dataclass(frozen=True)
class Engine:
    """A program with Docker's command line, and the image."""

    program: str
    image: str

    def call(self, *words: str, given: bytes | None = None, check: bool = True) -> subprocess.CompletedProcess[bytes]:
        ran = subprocess.run([self.program, *words], input=given, capture_output=True, check=False)
        expect(not check or ran.returncode == 0, f"{self.program} {words[0]}: {ran.stderr.decode()}")
        return ran

    def size(self) -> int:
        """Of all layers, the base's too."""
        return int(self.call("image", "inspect", "--format", "{{.Size}}", self.image).stdout)

    def packed_size(self) -> int:
        """About what is pulled of a registry, which packs layer by layer."""
        packer, packed = zlib.compressobj(wbits=31), 0
        with subprocess.Popen([self.program, "save", self.image], stdout=subprocess.PIPE) as saving:
            for piece in iter(lambda: saving.stdout.read(2**20), b""):
                packed += len(packer.compress(piece))
        return packed + len(packer.flush())

    def start(self, tree: Path, command: str) -> list[str]:
        """What starts a container of the folder's name, which is SageMaker's `docker run IMAGE train`, or serve."""
        volume = f"{tree}:/opt/ml"
        return [self.program, "run", *LOCKED, "--volume", volume, "--name", tree.name, self.image, command]

    def train(self, tree: Path, seen: Callable[[str], object]) -> tuple[int, str]:
        """The exit code and log of a training; `seen` is told each line as it comes."""
        lines = []
        started = self.start(tree, "train")
        with subprocess.Popen(started, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True) as running:
            for line in running.stdout:
                lines.append(line)
                seen(line)
        self.call("rm", tree.name)
        return running.returncode, "".join(lines)


def make_dataset(folder: Path) -> Path:
    draw_shoot(folder / "shoot", cars=3, angles=4, size=(192, 128))
    shoot = [str(folder / "shoot" / name) for name in ("images", "masks")]
    sageseg("prep", "carvana", *shoot, "--crop", "128", "--out", str(folder / "data"))
    return folder / "data"


def make_tree(tree: Path, dataset: Path, **changed: str) -> Path:
    """What SageMaker mounts at /opt/ml for the request that `jobs train` would send."""
    request = json.loads(sageseg("jobs", "train", str(dataset), *REQUEST, "--name", tree.name))
    request["HyperParameters"] |= changed
    for channel in request["InputDataConfig"]:
        name = channel["ChannelName"]
        shutil.copytree(dataset / "channels" / name, tree / "input/data" / name)
    for name in ("input/config", "model", "output", "checkpoints"):
        (tree / name).mkdir()
    for name, content in config_files(request, INSTANCE).items():
        (tree / "input/config" / name).write_text(json.dumps(content), encoding="utf-8")
    for path in (tree, *tree.rglob("*")):  # the container's user is another than this one
        path.chmod(0o777 if path.is_dir() else 0o644)
    return tree


def train_once(engine: Engine, tree: Path) -> None:
    begun, seen = time.monotonic(), list[float]()
    code, log = engine.train(tree, lambda _: seen.append(time.monotonic() - begun))
    expect(code == 0 and {path.name for path in (tree / "model").iterdir()} == set(MEMBERS), log)
    tell("train", f"first line of the log after {seen[0]:.2f} s; exit code 0, {', '.join(MEMBERS)} in /opt/ml/model")


def train_wrongly(engine: Engine, tree: Path) -> None:
    code, log = engine.train(tree, lambda _: None)
    expect(code == 1, log)
    tell("train with a wrong value", f"exit code 1; /opt/ml/output/failure: {(tree / 'output/failure').read_text()}")


def stop_and_go_on(engine: Engine, tree: Path) -> None:
    def stop(line: str) -> None:
        if "progress_metric" in line:  # an epoch has ended
            engine.call("kill", "--signal", "TERM", tree.name, check=False)

    for begins in ("epoch: 0,", "checkpoint"):
        code, log = engine.train(tree, stop)
        expect(code == 0 and begins in log and any((tree / "checkpoints").iterdir()), log)
        expect((tree / "model" / BEST).is_file(), log)
    tell("SIGTERM to train", "exit code 0, with model and checkpoint; the next training goes on from it")


def exported(whole: Path, tree: Path) -> Path:
    """A tree with the model of another one, as ONNX."""
    pack_artefact(whole / "model", whole / "model.tar.gz")
    sageseg("jobs", "export", f"{whole}/model.tar.gz", "--out", f"{tree}.tar.gz")
    (tree / "model").mkdir(parents=True)
    with tarfile.open(f"{tree}.tar.gz") as archive:
        archive.extractall(tree / "model", filter="data")
    for path in (tree, *tree.rglob("*")):
        path.chmod(0o777 if path.is_dir() else 0o644)
    return tree


def serve(engine: Engine, tree: Path, image: Path) -> None:
    """The model answers with the bytes that the same program gives here, and the pixels of `jobs predict`."""
    begun, content = time.time(), image.read_bytes()
    run, *words = engine.start(tree, "serve")[1:]
    engine.call(run, "--detach", *words)
    try:
        answer = engine.call("exec", "--interactive", tree.name, "python", "-c", ASK, given=content)
        engine.call("stop", "--time", "20", tree.name)
        code = int(engine.call("inspect", "--format", "{{.State.ExitCode}}", tree.name).stdout)
    finally:
        log = engine.call("logs", tree.name, check=False).stderr.decode()
        engine.call("rm", "--force", tree.name, check=False)
    expect(code == 0, log)
    model = SharedBatches(WithinMemory(open_model(read_model_folder(tree / "model"), "serve")))
    _, here = invoke(model, content, "image/jpeg", "image/png")
    expect(answer.stdout == here, "the answer's bytes are others than those of the same program here")
    (tree / "answer.png").write_bytes(answer.stdout)
    expect(np.array_equal(pixels(tree / "answer.png"), pixels(predict(tree, image))), "jobs predict has other pixels")
    tell(
        f"serve {tree.name}",
        f"first ping answered after {float(answer.stderr) - begun:.2f} s; exit code 0 after SIGTERM",
    )
    tell("its mask", "the bytes of the same program here, and the pixels of jobs predict")


def predict(tree: Path, image: Path) -> Path:
    """The mask that `jobs predict` makes here of one image, by the artefact."""
    (tree / "images").mkdir()
    shutil.copy(image, tree / "images")
    pack_artefact(tree / "model", tree / "model.tar.gz")
    sageseg("jobs", "predict", f"{tree}/model.tar.gz", f"{tree}/images", "--crop", "none", "--out", f"{tree}/masks")
    return tree / "masks/masks" / f"{image.stem}.png"


def pixels(path: Path) -> np.ndarray:
    with Image.open(path) as mask:
        return np.asarray(mask)


def sageseg(*words: str) -> str:
    """What a command prints."""
    command = [sys.executable, "-m", "sageseg", *words]
    ran = subprocess.run(command, capture_output=True, text=True, check=False, cwd=ROOT)
    expect(ran.returncode == 0, f"{shlex.join(command)}: {ran.stderr}")
    return ran.stdout


def expect(holds: bool, otherwise: str) -> None:
    if not holds:
        sys.exit(f"failed: {otherwise}")


def tell(what: str, figure: str) -> None:
    sys.stdout.write(f"{what}: {figure}\n")
    sys.stdout.flush()


if __name__ == "__main__":
    main()
