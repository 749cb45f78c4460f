"""A report by shards and their merge: what one machine would have made, and what is refused."""

from __future__ import annotations

import json
import re
import shutil
from collections.abc import Callable
from dataclasses import replace
from hashlib import sha256
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import Phase, given, settings
from hypothesis import strategies as st

from analysis.options import Scale, ScoringOptions
from analysis.report.report import report
from analysis.report.sharded.planned import ReportOptions, plan_report
from analysis.report.sharded.shards import merge_report, report_shard
from formats.classes import ClassTable
from formats.dataset import Dataset
from formats.errors import SagesegError
from formats.masks import write_mask
from formats.predictions import Predictions
from formats.shards.markers import JOURNAL, MARKER
from formats.shards.shard import Shard
from formats.shards.work_plan import PLAN
from tests.support.dataset_samples import disc_image, make_dataset, make_predictions, write_shares
from tests.support.page_reader import without_made

STEMS = ("a_01", "a_02", "b_01", "b_02", "c_01")
THREE = ClassTable(("_background_", "car", "wheel"))
NO_SHRINKING = (Phase.explicit, Phase.reuse, Phase.generate)
"""Each example makes two reports."""
FEW_DRAWS = ScoringOptions(draws=20)


def make_scene(
    root: Path,
    *,
    stems: tuple[str, ...] = STEMS,
    seed: int = 0,
    classes: int = 2,
    crop: int | None = None,
    shares: float | None = None,
    dropped_too: bool = True,
) -> tuple[Predictions, Dataset]:
    """Discs of one class or two, predicted a few pixels aside."""
    rng = np.random.default_rng(seed)
    images = {}
    for n, stem in enumerate(stems):
        image, mask = disc_image(40 + 4 * (n % 2), 32, seed=seed + n)
        images[stem] = image, mask * (1 + n % (classes - 1))
    table = THREE if classes == 3 else ClassTable(THREE.names[:2])
    dataset = make_dataset(root / "dataset", images, crop=crop, classes=table)
    masks = {stem: np.roll(mask, int(rng.integers(-9, 9)), axis=1) for stem, (_, mask) in images.items()}
    predictions = make_predictions(root / "predictions", dataset, masks, dropped_too=dropped_too)
    if shares:
        write_shares(predictions, shares)
    return predictions, dataset


def make_shards(scene: tuple[Predictions, Dataset], out: Path, of: int, options: ReportOptions) -> Path:
    for number in range(1, of + 1):
        report_shard(plan_report(*scene, options, None), out, Shard(number, of), workers=1)
    return out


def files(root: Path) -> dict[str, bytes]:
    return {path.relative_to(root).as_posix(): without_made(path) for path in root.rglob("*") if path.is_file()}


@settings(max_examples=8, deadline=None, phases=NO_SHRINKING)
@given(
    seed=st.integers(0, 99),
    number=st.integers(1, 6),
    classes=st.sampled_from((2, 3)),
    crop=st.sampled_from((None, 16)),
    shares=st.sampled_from((None, 0.6)),
    strips=st.booleans(),
    of=st.sampled_from((1, 3, 7)),
)
def test_shards_make_the_report_of_one_machine(
    tmp_path_factory: pytest.TempPathFactory,
    seed: int,
    number: int,
    classes: int,
    crop: int | None,
    shares: float | None,
    strips: bool,
    of: int,
) -> None:
    root = tmp_path_factory.mktemp("drawn")
    stems = tuple(f"{'abc'[n % 3]}_{n:02}" for n in range(number))
    scene = make_scene(root, stems=stems, seed=seed, classes=classes, crop=crop, shares=shares)
    scoring = ScoringOptions(scale=Scale(0.05, "m"), draws=10, seed=seed)
    whole = report(*scene, root / "whole", scoring=scoring, strips=strips, overlays=1, workers=1)
    shards = make_shards(scene, root / "shards", of, ReportOptions(strips=strips, overlays=1, scoring=scoring))
    merged = merge_report(shards, root / "merged", workers=1)
    assert {**merged, "made": None} == {**whole, "made": None}
    assert files(root / "merged") == files(root / "whole")


@pytest.mark.parametrize(("most", "kept"), [(2, False), (3, True)])
def test_an_attribute_of_too_many_values_is_left_out_as_by_one_machine(
    tmp_path: Path, most: int, kept: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("analysis.scoring.summary._MOST_VALUES", most)
    scene = make_scene(tmp_path, stems=("a_01", "a_02", "b_02", "b_03"))
    whole = report(*scene, tmp_path / "whole", scoring=FEW_DRAWS, workers=1)
    shards = make_shards(scene, tmp_path / "shards", 2, ReportOptions(scoring=FEW_DRAWS))
    merged = merge_report(shards, tmp_path / "merged", workers=1)
    assert ("angle" in merged["attributes"]) is kept
    assert merged["attributes"] == whole["attributes"]
    assert files(tmp_path / "merged") == files(tmp_path / "whole")


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Predictions, dataset, and two shards of their report."""
    root = tmp_path_factory.mktemp("made")
    make_shards(make_scene(root), root / "shards", 2, ReportOptions(scoring=FEW_DRAWS))
    return root


@pytest.fixture
def shards(made: Path, tmp_path: Path) -> Path:
    shutil.copytree(made / "shards", tmp_path / "shards")
    return tmp_path / "shards"


def marked_anew(folder: Path) -> None:
    """Let the marker name the journal that is there, as somebody would who changed both."""
    marker = json.loads((folder / MARKER).read_bytes())
    marker["journal_sha256"] = sha256((folder / JOURNAL).read_bytes()).hexdigest()
    (folder / MARKER).write_text(json.dumps(marker))


def in_first_line(change: Callable[[dict[str, Any]], object]) -> Callable[[Path], None]:
    def damage(folder: Path) -> None:
        first, _, others = (folder / JOURNAL).read_bytes().partition(b"\n")
        told = json.loads(first)
        change(told)
        (folder / JOURNAL).write_bytes(json.dumps(told).encode() + b"\n" + others)
        marked_anew(folder)

    return damage


def without_layers(folder: Path) -> None:
    (folder / "layers" / "image" / "a_01.jpg").unlink()


def with_short_layer(folder: Path) -> None:
    path = folder / "layers" / "pairs" / "a_01.js"
    path.unlink()
    path.write_bytes(b"")


def with_link_out(folder: Path) -> None:
    path = folder / "layers" / "image" / "a_01.jpg"
    secret = folder.parent.parent / "secret"
    secret.write_bytes(path.read_bytes())
    path.unlink()
    path.symlink_to(secret)


def wrong_class(told: dict[str, Any]) -> None:
    told["found"]["measured"]["components"]["true"][0]["class_id"] = 2


@pytest.mark.parametrize(
    ("damage", "said"),
    [
        (shutil.rmtree, "shard 1/2 is missing; run sageseg analysis report"),
        (lambda folder: folder.joinpath(JOURNAL).write_bytes(b""), "not the journal that the shard was marked with"),
        (without_layers, "a_01.jpg: missing; remove"),
        (with_short_layer, "a_01.js: 0 bytes, where the shard wrote"),
        (with_link_out, "a link to"),
        (in_first_line(lambda told: told.update(source="b_01.jpg")), "'b_01.jpg' with 2 files, where 'a_01.jpg'"),
        (in_first_line(lambda told: told["found"].pop("measured")), "measured is missing"),
        (in_first_line(lambda told: told["found"]["measured"].update(confusion=7)), "measured.confusion is 7"),
        (in_first_line(wrong_class), "an object of class 2; expected 0 to 1"),
        (in_first_line(lambda told: told["found"]["seen"]["places"].update(size=[1, 1])), "an image of (1, 1)"),
    ],
)
def test_a_shard_that_is_not_as_it_was_made_is_named(shards: Path, damage: Callable[[Path], object], said: str) -> None:
    damage(shards / "shard-1-of-2")
    with pytest.raises(SagesegError, match=re.escape(said)):
        merge_report(shards, shards.parent / "out", workers=1)
    assert not (shards.parent / "out").exists()


def test_counts_of_other_classes_are_refused(shards: Path, tmp_path: Path) -> None:
    three = make_scene(tmp_path, classes=3)
    others = make_shards(three, tmp_path / "three", 2, ReportOptions(scoring=FEW_DRAWS)) / "shard-1-of-2"
    shutil.copy(others / JOURNAL, shards / "shard-1-of-2" / JOURNAL)
    marked_anew(shards / "shard-1-of-2")
    with pytest.raises(SagesegError, match=r"confusion is of the shape \(3, 3\); expected \(2, 2\)"):
        merge_report(shards, tmp_path / "out", workers=1)


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (ReportOptions(scoring=replace(FEW_DRAWS, halo=4)), "options.scoring.halo is 4, and there 10"),
        (ReportOptions(scoring=FEW_DRAWS, strips=True), "options.strips is True, and there False"),
        (ReportOptions(scoring=FEW_DRAWS, overlays=None), "options.overlays is None, and there 500"),
    ],
)
def test_a_shard_of_other_options_is_refused(
    made: Path, shards: Path, tmp_path: Path, options: ReportOptions, said: str
) -> None:
    with pytest.raises(SagesegError, match=re.escape(said)):
        report_shard(plan_report(*make_scene(tmp_path), options, None), shards, Shard(1, 2), workers=1)


def test_a_prediction_that_changed_since_the_plan_is_named(shards: Path, tmp_path: Path) -> None:
    predictions, dataset = make_scene(tmp_path)
    mask = predictions.mask_path("a_01")
    size = mask.stat().st_size
    write_mask(mask, np.zeros((32, 40), np.uint8))
    mask.write_bytes(mask.read_bytes().ljust(size, b"\0"))
    planned = plan_report(predictions, dataset, ReportOptions(scoring=FEW_DRAWS), None)
    with pytest.raises(SagesegError, match=r"a_01.jpg has changed since: its sha256 is"):
        report_shard(planned, shards, Shard(1, 2), workers=1)


def test_a_shard_that_was_killed_goes_on(
    made: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    scene = make_scene(tmp_path)
    planned = plan_report(*scene, ReportOptions(scoring=FEW_DRAWS), None)
    third = planned.sources[2].stem
    examined: list[str] = []
    from analysis.report.examiner import Examiner

    examine = Examiner.__call__

    def stop_once(self: Examiner, source: Any) -> Any:
        examined.append(source.stem)
        if source.stem == third and examined.count(third) == 1:
            raise KeyboardInterrupt
        return examine(self, source)

    monkeypatch.setattr(Examiner, "__call__", stop_once)
    with pytest.raises(KeyboardInterrupt):
        report_shard(planned, tmp_path / "shards", Shard(1, 1), workers=1)
    assert "images done: 2; the same command goes on from there" in capsys.readouterr().err
    layer = tmp_path / "shards" / "shard-1-of-1.sageseg-partial" / "content" / "layers" / "pairs" / "a_02.js"
    layer.write_bytes(b"")  # as a power cut leaves it
    report_shard(planned, tmp_path / "shards", Shard(1, 1), workers=1)
    assert examined == ["a_01", "a_02", "b_01", "a_02", "b_01", "b_02", "c_01"]
    again = merge_report(tmp_path / "shards", tmp_path / "merged", workers=1)
    whole = merge_report(made / "shards", tmp_path / "whole", workers=1)
    assert {**again, "made": None} == {**whole, "made": None}


def test_a_shard_that_is_done_stays(shards: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    planned = plan_report(*make_scene(tmp_path), ReportOptions(scoring=FEW_DRAWS), None)
    before = (shards / "shard-2-of-2" / MARKER).stat().st_mtime_ns
    marker = report_shard(planned, shards, Shard(2, 2), workers=1)
    assert marker.counts["images"] == 2
    assert (shards / "shard-2-of-2" / MARKER).stat().st_mtime_ns == before
    assert "nothing is left to do" in capsys.readouterr().err


def test_a_shard_with_a_faulty_image_names_it_and_makes_nothing(tmp_path: Path) -> None:
    predictions, dataset = make_scene(tmp_path)
    planned = plan_report(predictions, dataset, ReportOptions(scoring=FEW_DRAWS), None)
    predictions.mask_path("b_01").write_bytes(b"no image")
    with pytest.raises(SagesegError, match=r"b_01\.png"):
        report_shard(planned, tmp_path / "shards", Shard(1, 1), workers=1)
    assert not (tmp_path / "shards" / "shard-1-of-1").exists()


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("classes", "damaged"),
        ("frame", "damaged"),
        ("options", None),
        ("frame", {"columns": 9, "rows": 9, "aspect": 1}),
    ],
)
def test_a_damaged_plan_is_named(shards: Path, name: str, value: object) -> None:
    plan = json.loads((shards / PLAN).read_bytes())
    plan["settled"][name] = value
    (shards / PLAN).write_text(json.dumps(plan))
    digest = sha256((shards / PLAN).read_bytes()).hexdigest()
    for path in shards.glob(f"*/{MARKER}"):
        path.write_text(json.dumps({**json.loads(path.read_bytes()), "plan_sha256": digest}))
    with pytest.raises(SagesegError, match=rf"plan\.json: damaged \({name}"):
        merge_report(shards, shards.parent / "out", workers=1)
