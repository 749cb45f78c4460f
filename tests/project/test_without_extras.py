"""What only figures need is an extra: the three steps run where matplotlib is not installed."""

import sys
from pathlib import Path

import pytest

from tests.support.prep_samples import make_source
from tests.support.tiny_model import write_artefact
from tests.support.typed_commands import typed

EXTRA = "run pip install -e '.[plot]' in the checkout\n"
LOG = "#quality_metric. host: algo-1, epoch: 0, train loss: 0.5 .\n"


@pytest.fixture(autouse=True)
def without_matplotlib(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in [name for name in sys.modules if name.partition(".")[0] == "matplotlib"]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.setitem(sys.modules, "matplotlib", None)


def test_from_labels_to_a_report(tmp_path: Path) -> None:
    """The class has a name that Pillow's own font cannot draw."""
    make_source(tmp_path / "shoot", {"a": 2, "b": 2})
    for folder, suffix in (("photos", ".jpg"), ("masks", ".png")):
        (tmp_path / folder).mkdir()
        for path in (tmp_path / "shoot").glob(f"*{suffix}"):
            path.rename(tmp_path / folder / path.name)
    (tmp_path / "labels.txt").write_text("_background_\nдорога\n", encoding="utf-8")
    write_artefact(tmp_path / "model.tar.gz", 2)
    for line in (
        "prep pairs photos masks --labels labels.txt --out dataset --crop 64",
        "prep preview dataset --out preview.html",
        "jobs predict model.tar.gz dataset --split val --out predictions",
        "analysis stitch predictions --dataset dataset --out stitched",
        "analysis report stitched --dataset dataset --out report",
    ):
        ran = typed(line.split(), tmp_path)
        assert ran.returncode == 0, ran.stderr


def test_the_curves_name_the_extra(tmp_path: Path) -> None:
    (tmp_path / "job.log").write_text(LOG)
    ran = typed(["jobs", "metrics", "job.log", "--plot", "curves.png"], tmp_path)
    assert ran.returncode == 1
    assert ran.stderr.startswith("error: --plot curves.png: ")
    assert ran.stderr.endswith(EXTRA)


def test_the_features_name_the_extra_before_anything_is_read(tmp_path: Path) -> None:
    ran = typed(["jobs", "features", "gone.tar.gz", "gone.jpg", "--out", "features.png"], tmp_path)
    assert ran.returncode == 1
    assert ran.stderr.startswith("error: --out features.png: ")
    assert ran.stderr.endswith(EXTRA)
