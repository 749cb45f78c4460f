"""The verbs that write, with all that they read, made once; and who stands in for a trained model and for S3."""

from __future__ import annotations

import logging
import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, redirect_stderr, redirect_stdout
from dataclasses import dataclass
from io import StringIO
from pathlib import Path
from typing import Any

import pytest

from sageseg.studio.shoot import draw_shoot
from tests.support.bright_model import stand_in
from tests.support.made_once import make_once
from tests.support.typed_commands import typed

_PREP = "prep carvana {in}/shoot/images {in}/shoot/masks --crop 32 --val 0.4 --workers 1 --out {out}"
_REPORT = "analysis report {in}/predictions --dataset {in}/dataset --workers 1 --out {out}"
_STITCH = "analysis stitch {in}/predictions --dataset {in}/dataset --workers 1 --out {out}"
_ON_IMAGES = "{in}/predictions {in}/shoot/images --workers 1 --out {out}"
VERBS = {
    "prep": _PREP,
    "prep --overwrite": _PREP + " --overwrite",
    "predict": "jobs predict bright {in}/dataset --out {out}",
    "predict --stitch": "jobs predict bright {in}/shoot/images --crop 64 --stitch --out {out}",
    "stitch": _STITCH,
    "stitch --overwrite": _STITCH + " --overwrite",
    "report": _REPORT,
    "prep --shard": _PREP + " --shard 1/2",
    "stitch --shard": _STITCH + " --shard 1/2",
    "report --shard": _REPORT + " --shard 1/2",
    "prep merge": "prep merge {in}/dataset-by-two --out {out}",
    "merge of stitched": "analysis merge {in}/stitched-by-two --workers 1 --out {out}",
    "merge of a report": "analysis merge {in}/report-by-two --workers 1 --out {out}",
    "overlay": "analysis overlay " + _ON_IMAGES,
    "cutout": "analysis cutout " + _ON_IMAGES,
    "labelme": "analysis labelme {in}/stitched --images {in}/shoot/images --workers 1 --out {out}",
    "submission": "analysis submission {in}/stitched --workers 1 --out {out}.csv.gz",
    "cvat": "analysis cvat {in}/stitched --workers 1 --out {out}.xml",
    "suspects": "analysis suspects {in}/predictions --dataset {in}/dataset --workers 1 --out {out}.csv",
    "compare": "analysis compare {in}/report {in}/again --out {out}",
    "preview": "prep preview {in}/dataset --workers 1 --out {out}.html",
    "run": "run {out}.yaml",
    "upload": "jobs upload {in}/whole s3://trial/{name} --workers 1",
}
UPLOADED = "uploaded"
"""The name of the place, and of the prefix, to which the upload goes."""
SHORT = ("prep", "predict", "stitch --overwrite")
_EXPERIMENT = "out: out\nprep: {{carvana: [{shoot}/images, {shoot}/masks], crop: 32, val: 0.4, workers: 1}}\n"
_REGION = "eu-west-1"


@dataclass(frozen=True)
class Desk:
    """A folder with the materials, and folders to work in."""

    materials: Path

    def words(self, verb: str, place: Path) -> list[str]:
        """A command line that works in `place`."""
        named = {"in": str(self.materials), "out": str(place / "out"), "name": place.name}
        return [word.format(**named) for word in VERBS[verb].split()]

    def lay_out(self, verb: str, place: Path) -> None:
        """What stands at a user's place before the verb: a folder of another kind, or an experiment."""
        place.mkdir()
        if "--overwrite" in verb:
            (place / "out").mkdir()
            (place / "out" / "old.txt").write_text("old")
        if verb == "run":
            shoot = self.materials / "shoot"
            (place / "out.yaml").write_text(_EXPERIMENT.format(shoot=shoot))
        (place / "out.partial").mkdir()
        (place / "out.partial" / "mine.txt").write_text("mine")


@contextmanager
def desk(folder: Path) -> Iterator[Desk]:
    """Materials of six small images."""
    made = Desk(folder / "materials")
    made.materials.mkdir()
    with redirect_stderr(StringIO()), redirect_stdout(StringIO()):
        draw_shoot(made.materials / "shoot", cars=3, angles=2, size=(96, 64), workers=1)
    with pytest.MonkeyPatch.context() as patch:
        make_once(patch)
        stand_in(patch)
        patch.setattr("formats.parallel.available_cores", lambda: 1)  # what is done in other processes is not seen
        patch.setenv("SAGESEG_HOME", str(folder / "home"))
        for name, line in {
            "dataset": _PREP,
            "whole": _PREP.replace("--crop 32", "--crop none"),
            "predictions": VERBS["predict"] + " --probabilities",
            "stitched": VERBS["stitch"],
            "report": _REPORT,
            "again": _REPORT,
        }.items():
            _make(made, name, line)
        for name, line in {"dataset": _PREP, "stitched": _STITCH, "report": _REPORT}.items():
            for shard in ("1/2", "2/2"):
                _make(made, f"{name}-by-two", f"{line} --shard {shard}")
        yield made


def _make(desk: Desk, name: str, line: str) -> None:
    """A material, by a command line."""
    named = {"in": str(desk.materials), "out": str(desk.materials / name)}
    ran = typed([word.format(**named) for word in line.split()], desk.materials.parent)
    if ran.returncode:
        raise RuntimeError(ran.stderr)


@contextmanager
def store() -> Iterator[Mapping[str, str]]:
    """S3 on this machine: what the environment must hold for it, and its bucket."""
    from moto.server import ThreadedMotoServer

    logging.getLogger("werkzeug").setLevel(logging.ERROR)
    server = ThreadedMotoServer(port=0, verbose=False)
    server.start()
    try:
        _, port = server.get_host_and_port()
        address = {
            "AWS_ENDPOINT_URL": f"http://127.0.0.1:{port}",
            "AWS_REGION": _REGION,
            "AWS_ACCESS_KEY_ID": "trial",
            "AWS_SECRET_ACCESS_KEY": "trial",
        }
        os.environ.update(address)
        client().create_bucket(Bucket="trial", CreateBucketConfiguration={"LocationConstraint": _REGION})
        yield address
    finally:
        server.stop()


def client() -> Any:
    import boto3

    return boto3.client("s3")
