"""What analysis writes of the same predictions is the same, byte for byte: run after run, by any workers, at odd sizes,
in whichever order the rows of the manifest stand."""

import shutil
from pathlib import Path

import numpy as np
import pytest

from formats.manifest import read_manifest, write_manifest
from formats.predictions import open_predictions, probabilities_path, write_probabilities
from tests.support.dataset_samples import disc_image, make_dataset, make_predictions
from tests.support.page_reader import without_made
from tests.support.prep_samples import digests
from tests.support.typed_commands import typed

SIZES = {"a_01": (45, 64), "b_01": (64, 45), "c_01": (45, 45), "d_01": (64, 64)}
VERBS = {
    "stitch": "stitch predictions --dataset dataset --probabilities",
    "report": "report predictions --dataset dataset --overlays all",
    "cutout": "cutout stitched images",
    "tint": "overlay stitched images",
    "submission": "submission stitched",
    "coco": "coco stitched",
    "cvat": "cvat stitched",
    "labelme": "labelme stitched --images images",
    "labelstudio": "labelstudio stitched",
    "areas": "areas stitched --scale 0.5mm/px",
}
FILES = {"submission": "out.csv.gz", "coco": "out.json", "cvat": "out.xml", "labelstudio": "out.json"}
PARALLEL = ("report", "stitch")
"""Where more than one worker is tried: starting them takes longer than all else here."""


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("again")
    images = {stem: disc_image(*size, seed=n) for n, (stem, size) in enumerate(SIZES.items())}
    dataset = make_dataset(root / "dataset", images, crop=32, overlap=8, drop_empty=False)
    predictions = make_predictions(root / "predictions", dataset, {stem: mask for stem, (_, mask) in images.items()})
    rng = np.random.default_rng(7)
    for row in predictions.rows:
        car = rng.random((row.height, row.width)).astype(np.float32)
        write_probabilities(probabilities_path(predictions.root, row.id), np.stack([1 - car, car]))
    whole = make_dataset(root / "whole", images)
    shutil.copytree(whole.root / "JPEGImages", root / "images")
    ran = typed(["analysis", *VERBS["stitch"].split(), "--out", "stitched", "--workers", "1"], root)
    assert ran.returncode == 0, ran.stderr
    return root


def made(folder: Path, verb: str, workers: str) -> dict[str, str]:
    out = f"made/{FILES.get(verb, 'out')}"
    ran = typed(["analysis", *VERBS[verb].split(), "--out", out, "--workers", workers], folder)
    assert ran.returncode == 0, ran.stderr
    for told in ("scores.json", "index.html") if verb == "report" else ():
        (folder / out / told).write_bytes(without_made(folder / out / told))
    found = digests(folder / "made")
    shutil.rmtree(folder / "made")
    return found


@pytest.mark.parametrize("verb", VERBS)
def test_every_verb_writes_the_same_bytes_again(folder: Path, verb: str) -> None:
    first = made(folder, verb, "1")
    np.full(4_000_000, 255, np.uint8)  # memory that is given back holds something else now
    assert first
    assert made(folder, verb, "2" if verb in PARALLEL else "1") == first


def test_the_order_of_a_manifests_rows_changes_no_mask(folder: Path, tmp_path: Path) -> None:
    shutil.copytree(folder / "predictions", tmp_path / "predictions")
    shutil.copytree(folder / "dataset", tmp_path / "dataset")
    rows = read_manifest(tmp_path / "predictions/manifest.csv")
    write_manifest(tmp_path / "predictions/manifest.csv", rows[::2] + rows[1::2][::-1])
    ran = typed(["analysis", *VERBS["stitch"].split(), "--out", "stitched", "--workers", "1"], tmp_path)
    assert ran.returncode == 0, ran.stderr
    for kind in ("masks", "probabilities"):
        assert digests(tmp_path / "stitched" / kind) == digests(folder / "stitched" / kind)
    assert {row.id for row in open_predictions(tmp_path / "stitched").rows} == set(SIZES)
