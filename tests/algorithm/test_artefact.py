"""The artefact, `model.tar.gz`: packed, read, and not believed."""

import gzip
import io
import json
import subprocess
import tarfile
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from formats import limits
from formats.errors import SagesegError
from jobs.contract.artefact import read_artefact, write_hyperparameters, write_parameters
from jobs.contract.model_archive import pack_artefact
from jobs.contract.mxnet_params import encode_params

SETTINGS = {"num_classes": "2", "algorithm": "unet"}
WEIGHT = np.arange(6, dtype=np.float32).reshape(2, 3)


@pytest.fixture
def model(tmp_path: Path) -> Path:
    folder = tmp_path / "model"
    folder.mkdir()
    write_hyperparameters(folder, SETTINGS)
    write_parameters(folder / "model_best.params", {"head.weight": WEIGHT})
    write_parameters(folder / "model_algo-1", {"head.weight": 2 * WEIGHT})
    return folder


def test_a_packed_model_is_read_with_its_best_parameters(model: Path, tmp_path: Path) -> None:
    pack_artefact(model, tmp_path / "model.tar.gz")
    read = read_artefact(tmp_path / "model.tar.gz")
    assert read.hyperparameters == SETTINGS
    np.testing.assert_array_equal(read.parameters["head.weight"], WEIGHT)


def test_the_same_model_packs_to_the_same_bytes(model: Path, tmp_path: Path) -> None:
    pack_artefact(model, tmp_path / "a.tar.gz")
    (model / "hyperparams.json").touch()
    pack_artefact(model, tmp_path / "another name.tar.gz")
    assert (tmp_path / "a.tar.gz").read_bytes() == (tmp_path / "another name.tar.gz").read_bytes()


def test_an_archive_by_tar_itself_is_read(model: Path, tmp_path: Path) -> None:
    command = ["tar", "-C", str(model), "-czf", str(tmp_path / "m.tar.gz"), "."]
    subprocess.run(command, check=True)
    assert read_artefact(tmp_path / "m.tar.gz").hyperparameters == SETTINGS


def test_settings_of_other_types_become_the_strings_of_a_request(model: Path, tmp_path: Path) -> None:
    (model / "hyperparams.json").write_text(json.dumps({"num_classes": 2, "syncbn": False}))
    pack_artefact(model, tmp_path / "m.tar.gz")
    assert read_artefact(tmp_path / "m.tar.gz").hyperparameters == {"num_classes": "2", "syncbn": "False"}


def archive_of(fill: Callable[[tarfile.TarFile], None], path: Path) -> Path:
    with tarfile.open(path, "w:gz") as archive:
        fill(archive)
    return path


def add(archive: tarfile.TarFile, name: str, content: bytes = b"{}", kind: bytes = tarfile.REGTYPE) -> None:
    member = tarfile.TarInfo(name)
    member.size, member.type, member.linkname = len(content) if kind == tarfile.REGTYPE else 0, kind, "/etc/passwd"
    archive.addfile(member, io.BytesIO(content))


@pytest.mark.parametrize("kind", [tarfile.SYMTYPE, tarfile.LNKTYPE, tarfile.DIRTYPE, tarfile.FIFOTYPE])
def test_a_member_that_is_no_file_is_refused(kind: bytes, tmp_path: Path) -> None:
    path = archive_of(lambda archive: add(archive, "hyperparams.json", kind=kind), tmp_path / "m.tar.gz")
    with pytest.raises(SagesegError, match=r"hyperparams\.json is a (link|folder)"):
        read_artefact(path)


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("../hyperparams.json", "lies outside"),
        ("/hyperparams.json", "lies outside"),
        ("model/hyperparams.json", r"holds no hyperparams\.json"),
    ],
)
def test_only_members_at_the_root_count(name: str, words: str, tmp_path: Path) -> None:
    path = archive_of(lambda archive: add(archive, name), tmp_path / "m.tar.gz")
    with pytest.raises(SagesegError, match=words):
        read_artefact(path)


@pytest.mark.parametrize("name", ["hyperparams.json", "padding"])
def test_a_bomb_is_refused_before_it_unpacks(name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(limits, "MOST_MODEL", 100_000)
    path = archive_of(lambda archive: add(archive, name, bytes(200_000)), tmp_path / "m.tar.gz")
    with pytest.raises(SagesegError, match=f"{name} brings it over 100000 bytes"):
        read_artefact(path)


def test_an_archive_of_very_many_members_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(limits, "MOST_MODEL_FILES", 20)

    def fill(archive: tarfile.TarFile) -> None:
        for number in range(21):
            archive.addfile(tarfile.TarInfo(f"{number}"))

    with pytest.raises(SagesegError, match=r"m\.tar\.gz: over 20 members; expected a model, which has three"):
        read_artefact(archive_of(fill, tmp_path / "m.tar.gz"))


def test_what_follows_what_is_wanted_is_not_read(tmp_path: Path) -> None:
    def fill(archive: tarfile.TarFile) -> None:
        add(archive, "hyperparams.json", json.dumps(SETTINGS).encode())
        add(archive, "model_best.params", encode_params({"head.weight": WEIGHT}))
        bomb = tarfile.TarInfo("bomb")
        bomb.size = limits.MOST_MODEL
        archive.addfile(bomb)

    assert read_artefact(archive_of(fill, tmp_path / "m.tar.gz")).hyperparameters == SETTINGS


def test_every_kind_of_broken_archive_is_named(model: Path, tmp_path: Path) -> None:
    path = tmp_path / "m.tar.gz"
    pack_artefact(model, path)
    whole = path.read_bytes()
    for content in (b"", b"no archive", whole[: len(whole) // 2], gzip.compress(b"\1" * 512), gzip.compress(b"\1")):
        path.write_bytes(content)
        with pytest.raises(SagesegError, match=r"m\.tar\.gz"):
            read_artefact(path)
    with pytest.raises(SagesegError, match="not found"):
        read_artefact(tmp_path / "none.tar.gz")


def test_a_gigabyte_is_more_than_any_model_needs(tmp_path: Path) -> None:
    header = tarfile.TarInfo("model_algo-1")
    header.size = 2**30
    (tmp_path / "m.tar.gz").write_bytes(gzip.compress(header.tobuf()))
    with pytest.raises(SagesegError, match="model_algo-1 brings it over 1073741824 bytes"):
        read_artefact(tmp_path / "m.tar.gz")


@pytest.mark.parametrize("content", [b"{", b"[]", b"\xff", b"[" * 100_000], ids=["cut", "list", "bytes", "nested"])
def test_settings_that_are_no_object_are_named(content: bytes, model: Path, tmp_path: Path) -> None:
    (model / "hyperparams.json").write_bytes(content)
    pack_artefact(model, tmp_path / "m.tar.gz")
    with pytest.raises(SagesegError, match=r"m\.tar\.gz: hyperparams\.json"):
        read_artefact(tmp_path / "m.tar.gz")
