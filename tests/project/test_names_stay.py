"""Whatever names a file holds that somebody else made: no command writes or reads outside of its folders because of
them."""

from __future__ import annotations

import csv
import gzip
import io
import json
import shutil
import tarfile
from base64 import b64encode
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from analysis.exports.submission import HEADER, masks_from_submission
from analysis.masks.mosaic import mosaic_name
from formats.crops import Box
from formats.errors import SagesegError
from formats.images import encode_image
from formats.prepared.georeference import Georeference, Raster, Tile, read_georeference, write_georeference
from jobs.emulator.host.unpack import unpack_model
from jobs.tracking.records import parse_record
from prep.dataset.writer import write_dataset
from prep.options import PrepOptions
from prep.readers.labelme.reader import read_labelme
from prep.remote.cache import open_cache
from tests.support.dataset_samples import disc_image, make_dataset, make_predictions
from tests.support.typed_commands import typed

LEADING_OUT = ["../../out", "/ABOVE/out", "a/../../../out", "..\\..\\out", "C:out", "..", "", "a\nb", "\x1b[2Ja"]
pieces = st.sampled_from(["..", "/", "\\", "a", ".", "C:", "é", "ABOVE/", "x.jpg", "\n", "-", "~"])
names = st.lists(pieces, min_size=1, max_size=6).map("".join)


@contextmanager
def watched(above: Path) -> Iterator[Path]:
    """A folder some way below `above`, outside of which nothing may appear or change."""
    inner = above / "some" / "way" / "below"
    inner.mkdir(parents=True)
    yield inner
    strangers = [path for path in above.rglob("*") if not path.is_relative_to(inner) and path not in inner.parents]
    assert strangers == []


def from_submission(name: str, folder: Path) -> None:
    text = io.StringIO()
    csv.writer(text).writerows([HEADER, (name, "1 2")])
    (folder / "s.csv.gz").write_bytes(gzip.compress(text.getvalue().encode()))
    masks_from_submission(folder / "s.csv.gz", folder / "out", (4, 3))


def from_georeference(name: str, folder: Path) -> None:
    tiles = (Tile("a.png", Box(0, 0, 2, 2)),)
    raster = Raster(name, 2, 2, "", (1.0, 0.0, 0.0, 0.0, 1.0, 0.0), (1,), tiles)
    write_georeference(folder, Georeference((raster,)))
    found = read_georeference(folder)
    assert found
    place = folder / "out" / mosaic_name(found.rasters[0])
    place.parent.mkdir(parents=True, exist_ok=True)
    place.write_bytes(b"")


def from_model(name: str, folder: Path) -> None:
    with tarfile.open(folder / "model.tar.gz", "w:gz") as archive:
        archive.addfile(tarfile.TarInfo(name), io.BytesIO())
    (folder / "out").mkdir()
    unpack_model(folder / "model.tar.gz", folder / "out")


def from_labelme(name: str, folder: Path) -> None:
    shape = {"label": "car", "points": [[1, 1], [8, 1], [8, 8]], "shape_type": "polygon"}
    image = np.zeros((10, 10, 3), np.uint8)
    data = b64encode(encode_image(image)).decode()
    (folder / "in").mkdir()
    told = {"shapes": [shape], "imagePath": name, "imageData": data, "imageWidth": 10, "imageHeight": 10}
    (folder / "in" / "a.json").write_text(json.dumps(told))
    write_dataset(read_labelme(folder / "in", workers=1), folder / "out", PrepOptions(crop=None, val=0, workers=1))


def from_s3(name: str, folder: Path) -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("SAGESEG_HOME", str(folder / "home"))
        with open_cache("bucket") as cache:
            place = cache.path_of(name)
        place.parent.mkdir(parents=True, exist_ok=True)
        place.write_bytes(b"")


@pytest.mark.parametrize("write", [from_submission, from_georeference, from_model, from_labelme, from_s3])
def test_what_is_written_by_a_name_stays_in_its_folder(write: Callable[[str, Path], None]) -> None:
    @settings(max_examples=12)
    @given(names)
    @example("../../../out.jpg")
    @example("/ABOVE/out.jpg")
    @example("a/b.jpg")
    def law(name: str) -> None:
        with TemporaryDirectory() as above, watched(Path(above)) as folder, suppress(SagesegError):
            write(name.replace("/ABOVE", above), folder)

    law()


def test_names_that_lead_nowhere_else_are_written(tmp_path: Path) -> None:
    for number, write in enumerate((from_submission, from_georeference, from_model, from_labelme, from_s3)):
        with watched(tmp_path / str(number)) as folder:
            write("a 1.jpg", folder)
            assert list(folder.rglob("a 1*"))


VERBS = {
    "stitch": "analysis stitch P --out out",
    "report": "analysis report P --dataset D --out out --draws 0",
    "labelme": "analysis labelme P --out out",
    "coco": "analysis coco P --out out.json",
    "overlay": "analysis overlay P images --out out",
    "submission": "analysis submission P --out out.csv",
    "combine": "analysis combine P P --out out",
    "predict": "jobs predict none D --out out --via artefact --images images",
    "check": "prep check D",
    "preview": "prep preview D --out out.html",
}
"""One that reads predictions (P), or a dataset (D), and names files by what their manifest says."""


@pytest.mark.parametrize("column", ["id", "source"])
@pytest.mark.parametrize("verb", VERBS)
def test_a_manifest_that_leads_out_is_refused_by_all_who_read_it(verb: str, column: str, tmp_path: Path) -> None:
    with watched(tmp_path / "above") as folder:
        image, mask = disc_image(20, 16)
        dataset = make_dataset(folder / "D", {"a": (image, mask)})
        make_predictions(folder / "P", dataset, {"a": mask})
        (folder / "images").mkdir()
        (folder / "images" / "a.jpg").write_bytes(encode_image(image))
        for name in LEADING_OUT[:: 3 if column == "id" else 4]:
            for root in ("P", "D"):
                change(folder / root / "manifest.csv", column, name.replace("/ABOVE", str(tmp_path / "above")))
            words = VERBS[verb].split()
            ran = typed(words if verb != "predict" else [*words[:2], "model.tar.gz", *words[3:]], folder)
            assert ran.returncode == 1
            assert len(ran.stderr.splitlines()) == 1
            if verb != "predict":  # which looks for the model first
                assert f"line 2: {column} is " in ran.stderr


def change(path: Path, column: str, value: str) -> None:
    with path.open(newline="", encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    rows[0][column] = value
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, list(rows[0]), lineterminator="\n")
        writer.writeheader()
        writer.writerows(rows)


@pytest.mark.parametrize("words", ["show", "logs", "metrics", "stop", "delete", "deploy", "forget"])
def test_no_name_of_a_job_is_a_path(words: str, tmp_path: Path) -> None:
    home = tmp_path / "sageseg-home"
    (home / "jobs").mkdir(parents=True)
    (home / "job.json").write_text('{"name": "x", "backend": "local"}')
    (home / "endpoint.json").write_text('{"name": "x", "backend": "local"}')
    for name in ("..", "../jobs", "a/b", "a\nb", "-"):
        ran = typed(["jobs", words, "--", name], tmp_path)
        assert ran.returncode == 1
        assert len(ran.stderr.splitlines()) == 1
    assert sorted(path.name for path in home.iterdir()) == ["endpoint.json", "job.json", "jobs"]


@pytest.mark.parametrize("name", ["", "..", "../x", "a/b", "/x", "--help", "-y", 3, None])
def test_no_record_that_is_read_names_another_place(name: object, tmp_path: Path) -> None:
    told = {"backend": "aws", "region": "", "dataset": "", "dataset_sha256": "", "classes": [], "request": {}}
    with pytest.raises(SagesegError, match=r"^s3://b/job\.json: damaged"):
        parse_record(json.dumps({"name": name, **told}), "s3://b/job.json")
    (tmp_path / "e.yaml").write_text("predict: {}\n")
    run = {"plan": {}, "done": {"train": {"fingerprint": "", "job": name}}}
    (tmp_path / "steps.json").write_text(json.dumps({"dataset": "", "home": "", "runs": {"1": run}}))
    ran = typed(["run", "e.yaml"], tmp_path)
    assert ran.returncode == 1
    assert "steps.json" in ran.stderr
    assert len(ran.stderr.splitlines()) == 1


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("out: ../x", "out is "),
        ("out: /tmp/x", "out is "),
        ("out: a/../../x", "out is "),
        ("prep: {voc: [v], out: x}", "section prep: out: is the experiment's"),
    ],
)
def test_an_experiment_writes_beside_itself_alone(text: str, said: str, tmp_path: Path) -> None:
    (tmp_path / "e").mkdir()
    (tmp_path / "e" / "e.yaml").write_text(f"{text}\nreport: {{}}\n")
    ran = typed(["run", "e/e.yaml"], tmp_path)
    assert ran.returncode == 1
    assert ran.stderr.startswith("error: e/e.yaml: ")
    assert said in ran.stderr
    assert sorted(path.name for path in tmp_path.rglob("*")) == ["e", "e.yaml"]


def test_a_report_and_labels_that_were_passed_on_show_nothing_else(tmp_path: Path) -> None:
    image, mask = disc_image(20, 16)
    dataset = make_dataset(tmp_path / "D", {"a": (image, mask)})
    make_predictions(tmp_path / "P", dataset, {"a": mask})
    for out in ("one", "two"):
        assert typed(f"analysis report P --dataset D --out {out} --draws 0".split(), tmp_path).returncode == 0
    shutil.copytree(tmp_path / "two", tmp_path / "linked")
    (tmp_path / "linked" / "layers" / "image" / "b.jpg").symlink_to(tmp_path / "D" / "labels.txt")
    ran = typed(["analysis", "compare", "one", "linked", "--out", "c"], tmp_path)
    assert "linked/layers/image/b.jpg: a link to " in ran.stderr
    change(tmp_path / "two" / "images.csv", "stem", "../../one/x")
    ran = typed(["analysis", "compare", "one", "two", "--out", "c"], tmp_path)
    assert "two/images.csv: a stem is '../../one/x'; expected a file's name" in ran.stderr
    labels = tmp_path / "labels"
    for folder, suffix, content in (("JPEGImages", "jpg", encode_image(image)), ("SegmentationClass", "png", None)):
        (labels / folder).mkdir(parents=True)
        place = labels / folder / f"a.{suffix}"
        place.write_bytes(content) if content else shutil.copy(tmp_path / "D" / folder / "a.png", place)
    (tmp_path / "own.jpg").write_bytes(encode_image(image))
    (labels / "JPEGImages" / "a.jpg").unlink()
    (labels / "JPEGImages" / "a.jpg").symlink_to(tmp_path / "own.jpg")
    (labels / "labels.txt").write_text("_background_\ncar\n")
    ran = typed(["prep", "voc", "labels", "--out", "D2", "--crop", "none", "--val", "0"], tmp_path)
    assert f"JPEGImages/a.jpg, which leads to {tmp_path / 'own.jpg'}; the dataset holds what they lead to" in ran.stderr
