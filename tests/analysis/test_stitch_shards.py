"""Stitching by shards and their merge: what one machine would have made, byte for byte."""

from __future__ import annotations

import json
from hashlib import sha256
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import Phase, given, settings
from hypothesis import strategies as st

from analysis.masks.stitch import plan_stitch, stitch
from analysis.masks.stitch_shards import merge_stitch, stitch_shard
from analysis.options import Cleaning
from formats.dataset import Dataset
from formats.errors import SagesegError
from formats.predictions import Predictions
from formats.shards.markers import JOURNAL, MARKER
from formats.shards.shard import Shard
from tests.support.dataset_samples import disc_image, make_dataset, make_predictions, write_shares
from tests.support.typed_commands import typed


def make_scene(
    root: Path, *, number: int = 5, seed: int = 0, shares: float | None = None, dropped_too: bool = False
) -> tuple[Predictions, Dataset]:
    """Crops of discs, predicted a few pixels aside; without `dropped_too` not where there is no disc."""
    rng = np.random.default_rng(seed)
    images = {f"{'abc'[n % 3]}_{n:02}": disc_image(40 + 4 * (n % 2), 32, seed=seed + n) for n in range(number)}
    dataset = make_dataset(root / "dataset", images, crop=16, overlap=4)
    masks = {stem: np.roll(mask, int(rng.integers(-9, 9)), axis=1) for stem, (_, mask) in images.items()}
    predictions = make_predictions(root / "predictions", dataset, masks, dropped_too=dropped_too)
    if shares:
        write_shares(predictions, shares)
    return predictions, dataset


def make_shards(scene: tuple[Predictions, Dataset], out: Path, of: int, **chosen: Any) -> Path:
    for number in range(1, of + 1):
        stitch_shard(plan_stitch(*scene, **chosen), out, Shard(number, of), workers=1)
    return out


def files(root: Path) -> dict[str, bytes]:
    return {path.relative_to(root).as_posix(): path.read_bytes() for path in root.rglob("*") if path.is_file()}


@settings(max_examples=10, deadline=None, phases=(Phase.explicit, Phase.reuse, Phase.generate))
@given(
    seed=st.integers(0, 99),
    number=st.integers(1, 6),
    shares=st.sampled_from((None, 0.6)),
    dropped_too=st.booleans(),
    cleaning=st.sampled_from((Cleaning(), Cleaning(least_pixels=30, largest=1, fill_holes=float("inf")))),
    of=st.sampled_from((1, 3, 7)),
)
def test_shards_make_the_masks_of_one_machine(
    tmp_path_factory: pytest.TempPathFactory,
    seed: int,
    number: int,
    shares: float | None,
    dropped_too: bool,
    cleaning: Cleaning,
    of: int,
) -> None:
    root = tmp_path_factory.mktemp("drawn")
    scene = make_scene(root, number=number, seed=seed, shares=shares, dropped_too=dropped_too)
    chosen: dict[str, Any] = {"cleaning": cleaning, "probabilities": bool(shares)}
    whole = stitch(*scene, root / "whole", workers=1, **chosen)
    merged, _ = merge_stitch(make_shards(scene, root / "shards", of, **chosen), root / "merged")
    assert merged == whole
    assert files(root / "merged") == files(root / "whole")


def test_another_way_of_stitching_is_another_plan(tmp_path: Path) -> None:
    scene = make_scene(tmp_path, shares=0.6)
    stitch_shard(plan_stitch(*scene), tmp_path / "shards", Shard(1, 2), workers=1)
    planned = plan_stitch(*scene, probabilities=True)
    with pytest.raises(SagesegError, match=r"another plan: probabilities is True, and there False"):
        stitch_shard(planned, tmp_path / "shards", Shard(2, 2), workers=1)


@pytest.mark.parametrize(
    ("found", "said"),
    [
        ({"unpredicted": []}, "changes is missing"),
        ({"changes": {}, "unpredicted": []}, "changes.removed is missing"),
        ({"changes": 1, "unpredicted": []}, "changes is 1; expected an object"),
    ],
)
def test_a_damaged_line_is_named(tmp_path: Path, found: object, said: str) -> None:
    shards = make_shards(make_scene(tmp_path), tmp_path / "shards", 1)
    folder = shards / "shard-1-of-1"
    first, _, others = (folder / JOURNAL).read_bytes().partition(b"\n")
    (folder / JOURNAL).write_bytes(json.dumps({**json.loads(first), "found": found}).encode() + b"\n" + others)
    marker = json.loads((folder / MARKER).read_bytes())
    marker["journal_sha256"] = sha256((folder / JOURNAL).read_bytes()).hexdigest()
    (folder / MARKER).write_text(json.dumps(marker))
    with pytest.raises(SagesegError, match=rf"journal\.jsonl: a_00\.jpg: damaged \({said}"):
        merge_stitch(shards, tmp_path / "out")


@pytest.mark.parametrize("name", ["--seams", "--geotiff"])
def test_what_looks_at_all_images_is_refused(tmp_path: Path, name: str) -> None:
    make_scene(tmp_path)
    words = ["analysis", "stitch", "predictions", "--dataset", "dataset", "--out", "out", "--shard", "1/2", name]
    ran = typed(words, tmp_path)
    assert (ran.returncode, ran.stderr.count("\n")) == (1, 1)
    assert ran.stderr.startswith(f"error: {name}: looks at all images, and --shard 1/2 has a part of them")
