"""Predictions by shards and their merge: what one machine would have made, byte for byte."""

from __future__ import annotations

import json
import re
import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from hashlib import sha256
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import Phase, given, settings
from hypothesis import strategies as st

from formats.errors import SagesegError
from formats.images import encode_image
from formats.predictions import ModelFacts
from formats.shards.markers import JOURNAL, MARKER, done_shards
from formats.shards.shard import Shard
from formats.shards.work_plan import PLAN
from jobs.prediction import predict as module
from jobs.prediction.options import PredictOptions, RouteOptions
from jobs.prediction.output import Begun
from jobs.prediction.predict import predict
from jobs.prediction.shards import MANIFEST, merge_predictions, predict_shard
from tests.support.bright_model import Brightness, stand_in
from tests.support.dataset_samples import disc_image, make_dataset
from tests.support.typed_commands import typed


@pytest.fixture
def model(monkeypatch: pytest.MonkeyPatch) -> Brightness:
    return stand_in(monkeypatch)


@pytest.fixture
def images(tmp_path: Path) -> Path:
    return make_images(tmp_path, 5)


def make_images(root: Path, number: int) -> Path:
    folder = root / "images"
    for place in range(number):
        path = folder / "ab"[place % 2] / f"{place}.jpg"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(noise(place))
    return folder


def noise(seed: int) -> bytes:
    return encode_image(np.random.default_rng(seed).integers(0, 256, (24, 32 + seed % 2, 3), np.uint8))


def make_scene(root: Path, number: int) -> Path:
    scene = {f"{'abc'[n % 3]}_{n:02}": disc_image(40, 32, seed=n) for n in range(number)}
    return make_dataset(root / "dataset", scene, crop=16, overlap=4).root


def make_shard(source: Path, out: Path, shard: str, **options: Any) -> None:
    of = Shard(*map(int, shard.split("/")))
    predict_shard("one", [source], out, of, PredictOptions(**options), RouteOptions())


def make_shards(source: Path, out: Path, of: int, **options: Any) -> Path:
    for number in range(1, of + 1):
        make_shard(source, out, f"{number}/{of}", **options)
    return out


def files(root: Path) -> dict[str, bytes]:
    return {path.relative_to(root).as_posix(): path.read_bytes() for path in root.rglob("*") if path.is_file()}


@settings(max_examples=6, deadline=None, phases=(Phase.explicit, Phase.reuse, Phase.generate))
@given(
    number=st.integers(1, 5),
    of=st.sampled_from((1, 3, 7)),
    kind=st.sampled_from(("crops of a dataset", "images cut", "images whole")),
    probabilities=st.booleans(),
    at_once=st.sampled_from((1, 1024, 10**5)),
    fails_at=st.integers(-1, 20),
)
def test_shards_make_the_predictions_of_one_machine_killed_or_not(
    tmp_path_factory: pytest.TempPathFactory,
    number: int,
    of: int,
    kind: str,
    probabilities: bool,
    at_once: int,
    fails_at: int,
) -> None:
    root = tmp_path_factory.mktemp("drawn")
    of_dataset = kind == "crops of a dataset"
    source = make_scene(root, number) if of_dataset else make_images(root, number)
    options: dict[str, Any] = {"probabilities": probabilities}
    if not of_dataset:
        options["crop"] = 16 if kind == "images cut" else None
    with pytest.MonkeyPatch.context() as monkeypatch:
        monkeypatch.setattr("os.fsync", lambda _: None)  # no power is cut here
        model = stand_in(monkeypatch)
        model.batch_pixels = at_once
        count = predict("one", [source], root / "whole", PredictOptions(**options), RouteOptions())
        model.seen, model.fails_at = 0, fails_at
        with suppress(SagesegError):  # which the model raises once
            make_shards(source, root / "shards", of, **options)
        if len(done_shards(root / "shards")) < of:
            make_shards(source, root / "shards", of, **options)
        assert merge_predictions(root / "shards", root / "merged") == count
    assert files(root / "merged") == files(root / "whole")


@pytest.mark.usefixtures("model")
def test_a_shard_that_is_done_is_said_and_asks_no_model(
    images: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    make_shard(images, tmp_path / "shards", "2/3")
    monkeypatch.setattr(module, "_choose_route", None)
    make_shard(images, tmp_path / "shards", "2/3")
    assert "shard-2-of-3: is there already, of this plan and these sources" in capsys.readouterr().err


def another_image(images: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (images / "b" / "1.jpg").write_bytes(noise(7))


def new_image(images: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (images / "b" / "7.jpg").write_bytes(noise(7))


def another_model(images: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "artefact_facts", lambda _: ModelFacts(job="one", artefact_sha256="f" * 64))


def another_version(images: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("formats.shards.work_plan.tool_version", lambda: "9.9")


def nothing_else(images: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    pass


@pytest.mark.usefixtures("model")
@pytest.mark.parametrize(
    ("change", "shard", "options", "said"),
    [
        (
            another_image,
            "2/3",
            {},
            r"another plan: b/1\.jpg has changed since: its (size|sha256) is .*; choose another",
        ),
        (new_image, "2/3", {}, r"another plan: of its 5 sources, and 6 now, b/7\.jpg is new"),
        (another_model, "2/3", {}, r"another plan: model\.artefact_sha256 is .f+.*, and there .nothing.;"),
        (another_version, "2/3", {}, r"planned by sageseg \S+, and this is 9\.9; take that version for all shards"),
        (nothing_else, "2/3", {"crop": 16}, r"another plan: about\.crop is '16', and there 'none'"),
        (nothing_else, "2/3", {"probabilities": True}, r"another plan: probabilities is True, and there False"),
        (nothing_else, "1/4", {}, r"shards: cut into 3 shards, and --shard says 1/4"),
    ],
)
def test_what_is_of_another_plan_is_refused_and_named(
    change: Callable[[Path, pytest.MonkeyPatch], None],
    shard: str,
    options: dict[str, Any],
    said: str,
    images: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    shards = tmp_path / "shards"
    make_shard(images, shards, "1/3", crop=None)
    before = files(shards)
    change(images, monkeypatch)
    with pytest.raises(SagesegError, match=said):
        make_shard(images, shards, shard, **{"crop": None, **options})
    assert files(shards) == before


def test_what_is_learnt_of_a_job_later_is_no_other_plan(
    model: Brightness, images: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    predict("one", [images], tmp_path / "whole", PredictOptions(), RouteOptions())
    make_shard(images, tmp_path / "shards", "1/2")
    learnt = ModelFacts(job="one", seconds=7.0, cost_usd=0.5, epochs=[{"epoch": 0, "train_loss": 0.5}])
    monkeypatch.setattr(module, "artefact_facts", lambda _: learnt)
    make_shard(images, tmp_path / "shards", "2/2")
    merge_predictions(tmp_path / "shards", tmp_path / "merged")
    assert files(tmp_path / "merged") == files(tmp_path / "whole")


def shard_gone(shards: Path) -> None:
    shutil.rmtree(shards / "shard-2-of-2")


def shard_twice(shards: Path) -> None:
    shutil.copytree(shards / "shard-2-of-2", shards / "copy")


def mask_cut_off(shards: Path) -> None:
    path = shards / "shard-1-of-2" / "masks" / "0.png"
    path.write_bytes(path.read_bytes()[:-1])


def mask_gone(shards: Path) -> None:
    (shards / "shard-2-of-2" / "masks" / "1.png").unlink()


def marker_gone(shards: Path) -> None:
    (shards / "shard-2-of-2" / MARKER).unlink()


def manifest_changed(shards: Path) -> None:
    with (shards / MANIFEST).open("a") as file:
        file.write("\n")


def link_out(shards: Path) -> None:
    path = shards / "shard-1-of-2" / "masks" / "0.png"
    path.unlink()
    path.symlink_to(__file__)


def journal_tells(found: object) -> Callable[[Path], None]:
    """A journal that tells something else of its first image, and is marked so."""

    def change(shards: Path) -> None:
        folder = shards / "shard-1-of-2"
        first, _, others = (folder / JOURNAL).read_bytes().partition(b"\n")
        (folder / JOURNAL).write_bytes(json.dumps({**json.loads(first), "found": found}).encode() + b"\n" + others)
        marker = json.loads((folder / MARKER).read_bytes())
        marker["journal_sha256"] = sha256((folder / JOURNAL).read_bytes()).hexdigest()
        (folder / MARKER).write_text(json.dumps(marker))

    return change


@pytest.mark.usefixtures("model")
@pytest.mark.parametrize(
    ("change", "said"),
    [
        (shard_gone, r"shard 2/2 is missing; run sageseg jobs predict --out .*shards --shard 2/2"),
        (shard_twice, r"shard 2 of 2, and so is .*; remove the one that is a copy"),
        (mask_cut_off, r"masks/0\.png: \d+ bytes, where the shard wrote \d+; remove .*shard-1-of-2 and make it again"),
        (mask_gone, r"masks/1\.png: missing; remove .*shard-2-of-2 and make it again"),
        (marker_gone, r"shard-2-of-2: without shard\.json"),
        (manifest_changed, r"manifest\.csv: not the file that plan\.json names"),
        (link_out, r"0\.png: a link"),
        (journal_tells([]), r"journal\.jsonl: a/0\.jpg: damaged \(.*expected an object"),
        (journal_tells({"precision": 1}), r"journal\.jsonl: a/0\.jpg: damaged \(precision is 1; expected a text"),
        (
            journal_tells({"precision": "bfloat16"}),
            r"shard-2-of-2: predicted in float32, and .*shard-1-of-2 in bfloat16; .* SAGESEG_PRECISION=float32",
        ),
    ],
)
def test_what_a_merge_refuses_it_names_and_makes_nothing(
    change: Callable[[Path], None], said: str, images: Path, tmp_path: Path
) -> None:
    shards = make_shards(images, tmp_path / "shards", 2, crop=None)
    change(shards)
    with pytest.raises(SagesegError, match=said):
        merge_predictions(shards, tmp_path / "merged")
    assert sorted(path.name for path in tmp_path.iterdir()) == ["images", "shards"]


@pytest.mark.usefixtures("model")
def test_a_plan_that_is_damaged_is_named(images: Path, tmp_path: Path) -> None:
    shards = make_shards(images, tmp_path / "shards", 1)
    plan = json.loads((shards / PLAN).read_bytes())
    for settled, said in (
        ({}, "about is missing"),
        ({**plan["settled"], "classes": ["a", "a"]}, "classes: the first class must be _background_"),
    ):
        (shards / PLAN).write_text(json.dumps({**plan, "settled": settled}))
        marker = json.loads((shards / "shard-1-of-1" / MARKER).read_bytes())
        marker["plan_sha256"] = sha256((shards / PLAN).read_bytes()).hexdigest()
        (shards / "shard-1-of-1" / MARKER).write_text(json.dumps(marker))
        with pytest.raises(SagesegError, match=rf"plan\.json: .*{said}"):
            merge_predictions(shards, tmp_path / "merged")


def test_an_endpoint_is_asked_for_a_shards_own_crops_and_told(
    model: Brightness, images: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As the stand-in with what an endpoint tells of itself."""
    told = {"endpoint": "cars", "endpoint_instance_type": "ml.c5.xlarge", "endpoint_instances": 1}
    choose = module._choose_route
    model.precision = None

    class Asked:
        def __init__(self, *given: Any) -> None:
            self.way = choose(*given)

        @contextmanager
        def begin(self, work: Any) -> Iterator[Begun]:
            with self.way.begin(work) as begun:
                yield Begun(begun.predicted, lambda: told)

    monkeypatch.setattr(module, "_choose_route", Asked)
    options: dict[str, Any] = {"crop": None, "via": "endpoint"}
    predict("one", [images], tmp_path / "whole", PredictOptions(**options), RouteOptions())
    model.seen = 0
    make_shard(images, tmp_path / "shards", "1/2", **options)
    assert model.seen == 3
    told["endpoint_instances"] = 2
    make_shard(images, tmp_path / "shards", "2/2", **options)
    merge_predictions(tmp_path / "shards", tmp_path / "merged")
    assert files(tmp_path / "merged") == files(tmp_path / "whole")  # the last image was the first shard's


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["--via", "batch"], "--shard 1/2: not with --via batch, .* leave --shard out and say --instances N"),
        (["--stitch"], "--stitch: puts together .* sageseg jobs merge, then sageseg analysis stitch"),
        (["--keep"], "--keep: only with --via batch"),
    ],
)
def test_what_does_not_go_with_a_shard_is_refused_first(words: list[str], said: str, tmp_path: Path) -> None:
    ran = typed(["jobs", "predict", "no-model", "images", "--out", "out", "--shard", "1/2", *words], tmp_path)
    assert (ran.returncode, ran.stderr.count("\n")) == (1, 1)
    assert re.search(said, ran.stderr)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.usefixtures("model")
def test_the_lines_that_are_typed(images: Path, tmp_path: Path) -> None:
    for number in (1, 2):
        ran = typed(["jobs", "predict", "one", "images", "--out", "shards", "--shard", f"{number}/2"], tmp_path)
        assert ran.returncode == 0, ran.stderr
    assert "all 2 shards are there; next: sageseg jobs merge shards --out OUT" in ran.stderr
    assert ran.stdout == "shard 2/2: 2 images\nshards/shard-2-of-2\n"
    assert json.loads((tmp_path / "shards" / PLAN).read_bytes())["command"] == ["jobs", "predict", "one", "images"]
    ran = typed(["analysis", "merge", "shards", "--out", "merged"], tmp_path)
    assert "a plan of predict; expected one of report: merge it by sageseg jobs merge\n" in ran.stderr
    ran = typed(["jobs", "merge", "shards", "--out", "merged"], tmp_path)
    assert (ran.returncode, ran.stdout) == (0, "5 predictions in merged\n")
    ran = typed(["jobs", "merge", "shards", "--out", "merged"], tmp_path)
    assert "merged: exists already" in ran.stderr
