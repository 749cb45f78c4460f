"""Manifest, dataset, predictions, and folders that appear whole."""

import json
from contextlib import nullcontext
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from formats.dataset import open_dataset
from formats.disk.whole_files import refuse_existing_file, write_bytes
from formats.disk.whole_folders import staged_folder
from formats.errors import SagesegError
from formats.manifest import ManifestRow, format_manifest, read_manifest, write_manifest
from formats.predictions import (
    ModelFacts,
    open_predictions,
    read_model_facts,
    read_probabilities,
    write_predictions_tables,
    write_probabilities,
)
from formats.safe_names import is_inside, is_name

ROW = ManifestRow("a_x0_y0", "train", "a", "a.jpg", 0, 0, 512, 512, 600, 400)
text = st.text(st.characters(codec="utf-8", exclude_categories=["Cs", "Cc"]), min_size=1)
ids, paths = text.filter(is_name), text.filter(is_inside)
DIGEST = "0123456789abcdef" * 4
drawn = st.tuples(ids, text, paths, st.booleans(), st.dictionaries(text, text, max_size=3))


@given(st.lists(drawn, max_size=5, unique_by=lambda cells: cells[0]))
def test_manifest_reads_back_what_was_written(
    tmp_path_factory: pytest.TempPathFactory, cells: list[tuple[str, str, str, bool, dict[str, str]]]
) -> None:
    fixed = set(ROW.__dataclass_fields__)
    rows = [
        ManifestRow(name, "val", group, source, 1, 2, 3, 4, 5, 6, kept, 0.25, DIGEST, DIGEST, "", attributes)
        for name, group, source, kept, attributes in cells
        if not fixed & set(attributes)
    ]
    path = tmp_path_factory.getbasetemp() / "manifest.csv"
    write_manifest(path, rows)
    assert read_manifest(path) == rows


def test_manifest_has_the_columns_of_the_format_in_order() -> None:
    header = format_manifest([replace(ROW, attributes={"angle": "01"})]).splitlines()[0]
    assert header == (
        "id,split,group,source,x,y,width,height,source_width,source_height,kept,foreground,image_sha256,mask_sha256,"
        "truth_sha256,angle"
    )


def test_a_bad_cell_is_named_with_its_line(tmp_path: Path) -> None:
    path = tmp_path / "manifest.csv"
    path.write_text(format_manifest([ROW]).replace("512", "wide"))
    with pytest.raises(SagesegError, match=r"manifest\.csv: line 2: width is 'wide'; expected a whole number"):
        read_manifest(path)


def test_a_missing_column_is_named(tmp_path: Path) -> None:
    path = tmp_path / "manifest.csv"
    path.write_text("id,split\n")
    with pytest.raises(SagesegError, match="column group is missing"):
        read_manifest(path)


@pytest.mark.parametrize(
    ("there", "said"),
    [
        ([], "is missing); sageseg prep makes one; sageseg prep auto"),
        (["manifest.csv"], "is missing); sageseg prep makes one; sageseg prep auto"),
        (["manifest.csv", "channels/train"], "is missing); put that file back, or prepare the dataset again"),
        (["dataset.json/x"], "is no file); put that file back, or prepare the dataset again"),
    ],
)
def test_a_folder_without_dataset_json_is_no_dataset(tmp_path: Path, there: list[str], said: str) -> None:
    for name in there:
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).touch()
    with pytest.raises(SagesegError) as refused:
        open_dataset(tmp_path)
    assert said in str(refused.value)


@pytest.mark.parametrize(
    "text", ["7", "[]", "null", "{", "\ufffd", "{}", '{"format_version": "1"}', '{"format_version": NaN}']
)
def test_what_is_no_dataset_json_is_damaged(tmp_path: Path, text: str) -> None:
    (tmp_path / "dataset.json").write_bytes(text.encode("cp1252", "replace"))
    with pytest.raises(SagesegError, match=r"dataset\.json: (damaged|not UTF-8 text).*; prepare the dataset again"):
        open_dataset(tmp_path)


def test_a_dataset_of_another_format_is_refused(tmp_path: Path) -> None:
    (tmp_path / "dataset.json").write_text(json.dumps({"format_version": 99}))
    with pytest.raises(SagesegError, match="format_version is 99; this sageseg reads 1"):
        open_dataset(tmp_path)


def test_predictions_need_neither_labels_nor_provenance(tmp_path: Path) -> None:
    write_manifest(tmp_path / "manifest.csv", [ROW])
    predictions = open_predictions(tmp_path)
    assert predictions.rows == (ROW,)
    assert predictions.classes is None
    assert predictions.info == {}


JOB = ModelFacts(
    job="cars",
    artefact_sha256="ab",
    backend="aws",
    algorithm="fcn",
    backbone="resnet-50",
    hyperparameters={"epochs": "2"},
    image="image",
    instance_type="ml.p3.2xlarge",
    seconds=90,
    cost_usd=0.5,
    epochs=[{"epoch": 0, "train_loss": 0.25}],
)


@pytest.mark.parametrize("model", [JOB, ModelFacts(job="cars"), ModelFacts(artefact_sha256="ab"), ModelFacts()])
def test_what_is_told_of_the_model_reads_back(model: ModelFacts, tmp_path: Path) -> None:
    write_predictions_tables(tmp_path, [ROW], None, {"via": "artefact", **model.to_json()})
    assert open_predictions(tmp_path).model == model
    assert read_model_facts(model.known(), "scores.json") == model


def test_of_a_job_the_unknown_is_told_too_and_of_an_artefact_it_is_not() -> None:
    told = ModelFacts(job="cars", algorithm="unet").to_json()
    assert told == {
        "job": "cars",
        "backend": "",
        "algorithm": "unet",
        "backbone": None,
        "hyperparameters": {},
        "image": "",
        "instance_type": "",
        "seconds": None,
        "epochs": (),
    }
    assert ModelFacts(artefact="s3://cars/model.tar.gz").to_json() == {"artefact": "s3://cars/model.tar.gz"}
    assert list(JOB.to_json())[-1] == "artefact_sha256"


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("{", r"predictions\.json: damaged, no JSON"),
        ("[1]", r"predictions\.json: damaged .it is"),
        *(
            (f'{{"{name}": {value}}}', rf"predictions\.json: {name}.* is .*; expected .*: correct it, or leave it out")
            for name, values in {
                "seconds": ('"long"', "-1", "1e999", "true"),
                "cost_usd": ("-0.01", "-1e999", "[1]"),
                "hyperparameters": ('{"epochs": 2}', "[1]"),
                "epochs": ("[1]", '[{"loss": "low"}]', "3"),
            }.items()
            for value in values
        ),
        ('{"job": 1}', r"predictions\.json: job is 1; expected a text"),
    ],
)
def test_what_cannot_be_told_of_a_model_is_one_line(text: str, message: str, tmp_path: Path) -> None:
    write_predictions_tables(tmp_path, [ROW], None, {})
    (tmp_path / "predictions.json").write_text(text)
    with pytest.raises(SagesegError, match=message):
        _ = open_predictions(tmp_path).model


def test_two_predictions_of_one_id_are_refused(tmp_path: Path) -> None:
    write_predictions_tables(tmp_path, [ROW, ROW], None, {})
    with pytest.raises(SagesegError, match="a_x0_y0 stands twice"):
        open_predictions(tmp_path)


def test_probabilities_round_trip_at_half_precision(tmp_path: Path) -> None:
    probabilities = np.random.default_rng(0).random((2, 5, 7)).astype(np.float32)
    write_probabilities(tmp_path / "a.npz", probabilities)
    read = read_probabilities(tmp_path / "a.npz")
    assert read.dtype == np.float16
    assert np.array_equal(read, probabilities.astype(np.float16))


@pytest.mark.parametrize("kept", [0, 1, 40, -30])
def test_probabilities_cut_short_are_named(tmp_path: Path, kept: int) -> None:
    write_probabilities(tmp_path / "a.npz", np.zeros((2, 5, 7), np.float32))
    (tmp_path / "a.npz").write_bytes((tmp_path / "a.npz").read_bytes()[:kept])
    with pytest.raises(SagesegError, match=r"a\.npz: damaged, or no probabilities .*; predict again"):
        read_probabilities(tmp_path / "a.npz")


def test_a_staged_folder_appears_only_when_it_is_complete(tmp_path: Path) -> None:
    with staged_folder(tmp_path / "out") as stage:
        (stage / "file").write_text("whole")
        assert not (tmp_path / "out").exists()
    assert [path.name for path in tmp_path.iterdir()] == ["out"]
    assert (tmp_path / "out" / "file").read_text() == "whole"


def _fail_inside(out: Path, *, overwrite: bool = False) -> None:
    with staged_folder(out, overwrite=overwrite) as stage:
        (stage / "file").write_text("half")
        raise KeyboardInterrupt


def test_a_failed_run_leaves_nothing(tmp_path: Path) -> None:
    with pytest.raises(KeyboardInterrupt):
        _fail_inside(tmp_path / "out")
    assert list(tmp_path.iterdir()) == []


def test_what_stands_there_is_kept_unless_overwritten_and_until_the_end(tmp_path: Path) -> None:
    out = tmp_path / "out"
    out.mkdir()
    (out / "old").touch()
    with pytest.raises(SagesegError, match="exists already; choose another --out or add --overwrite"):
        _fail_inside(out)
    with pytest.raises(KeyboardInterrupt):
        _fail_inside(out, overwrite=True)
    assert [path.name for path in out.iterdir()] == ["old"]
    with staged_folder(out, overwrite=True) as stage:
        (stage / "new").touch()
    assert [path.name for path in out.iterdir()] == ["new"]
    assert [path.name for path in tmp_path.iterdir()] == ["out"]


@pytest.mark.parametrize(
    ("name", "overwrite", "message"),
    [
        ("new", False, None),
        ("there", True, None),
        ("there", False, "there: exists already; choose another --out or add --overwrite"),
        ("folder", False, "folder: a folder; expected the name of a file to write"),
        ("folder", True, "folder: a folder; expected the name of a file to write"),
    ],
)
def test_a_file_is_written_where_none_is_or_over_one_by_choice(
    tmp_path: Path, name: str, overwrite: bool, message: str | None
) -> None:
    (tmp_path / "there").write_text("")
    (tmp_path / "folder").mkdir()
    with pytest.raises(SagesegError, match=message) if message else nullcontext():
        refuse_existing_file(tmp_path / name, overwrite=overwrite)


def test_the_folder_of_a_file_is_made(tmp_path: Path) -> None:
    write_bytes(tmp_path / "new" / "deep" / "a.json", b"{}")
    assert [path.name for path in (tmp_path / "new" / "deep").iterdir()] == ["a.json"]


def test_a_file_that_cannot_be_written_says_so_and_leaves_no_part(tmp_path: Path) -> None:
    target = tmp_path / "folder"
    target.mkdir()
    with pytest.raises(SagesegError, match="folder: cannot be written"):
        write_bytes(target, b"content")
    assert [path.name for path in tmp_path.iterdir()] == ["folder"]


@pytest.mark.parametrize("row_id", ["../a", "/etc/a", "a/b"])
def test_an_id_that_leads_elsewhere_is_refused(tmp_path: Path, row_id: str) -> None:
    write_manifest(tmp_path / "manifest.csv", [ManifestRow(row_id, "val", "g", "a.jpg", 0, 0, 8, 8, 8, 8)])
    with pytest.raises(SagesegError, match=rf"line 2: id is '{row_id}'; expected a file's name, without /"):
        read_manifest(tmp_path / "manifest.csv")


@pytest.mark.parametrize("split", ["", "training", "TRAIN"])
def test_a_dataset_has_no_other_splits(tmp_path: Path, split: str) -> None:
    (tmp_path / "dataset.json").write_text('{"format_version": 1}')
    (tmp_path / "labels.txt").write_text("_background_\ncar\n")
    write_manifest(tmp_path / "manifest.csv", [replace(ROW, split=split)])
    with pytest.raises(SagesegError, match=rf"a_x0_y0: split is '{split}'; expected one of train, val, test"):
        open_dataset(tmp_path)


@pytest.mark.parametrize("options", ["[]", "null", '"none"'])
def test_a_datasets_options_are_an_object(tmp_path: Path, options: str) -> None:
    (tmp_path / "dataset.json").write_text(f'{{"format_version": 1, "options": {options}}}')
    with pytest.raises(SagesegError, match=r"dataset\.json: damaged \(options is .*; expected an object\)"):
        open_dataset(tmp_path)
