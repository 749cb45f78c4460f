"""What is made appears whole, is made by one process at a time, and touches nothing that is somebody else's."""

from __future__ import annotations

import errno
import os
import shutil
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from formats.disk import whole_folders
from formats.disk.calls import exchange
from formats.disk.whole_files import MARK, staged_file, write_bytes, written_beside
from formats.disk.whole_folders import open_stage, refuse_existing, staged_folder
from formats.errors import TOLD, SagesegError, cannot_use, cannot_write

OLD, NEW = {"old.txt": "old"}, {"a.txt": "new", "b/c.txt": "new"}


def fill(folder: Path, texts: dict[str, str] = NEW) -> None:
    for name, text in texts.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(text)


def texts_in(folder: Path) -> dict[str, str]:
    return {str(path.relative_to(folder)): path.read_text() for path in folder.rglob("*") if path.is_file()}


def make(out: Path) -> None:
    with staged_folder(out, overwrite=True) as stage:
        fill(stage)


def dies_at(change: int, act: Callable[[], None], below: Path) -> bool:
    """Do something in a process that ends, as if it were killed, before its `change`-th change of what lies `below`.
    False when it makes fewer."""
    child = os.fork()
    if not child:
        seen = [0]

        def hear(event: str, given: tuple[object, ...]) -> None:
            writes = event == "open" and isinstance(given[2], int) and given[2] & (os.O_WRONLY | os.O_RDWR)
            changes = writes or event in ("os.mkdir", "os.rename", "os.remove", "os.rmdir")
            if changes and str(given[0]).startswith(str(below)):
                seen[0] += 1
                if seen[0] == change:
                    os._exit(9)

        sys.addaudithook(hear)
        try:
            act()
        finally:
            os._exit(0)
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 9


@pytest.mark.parametrize("exchanges", [True, False])
def test_killed_at_any_moment_the_old_or_the_new_folder_is_there(
    exchanges: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    if not exchanges:
        monkeypatch.setattr(whole_folders, "exchange", lambda *_: False)
    put_back, change = 0, 1
    while True:
        place = tmp_path / str(change)
        fill(place / "out", OLD)
        if not dies_at(change, lambda place=place: make(place / "out"), place):  # type: ignore[misc]
            break
        if not (place / "out").exists():
            assert not exchanges
            refuse_existing(place / "out", overwrite=True)  # what every verb begins with
            assert "put back as it was" in capsys.readouterr().err
            put_back += 1
        assert texts_in(place / "out") in (OLD, NEW)
        make(place / "out")
        assert texts_in(place / "out") == NEW
        assert [path.name for path in place.iterdir()] == ["out"]
        change += 1
    assert change > 8
    assert put_back == (0 if exchanges else 1)


@pytest.mark.parametrize("kind", ["folder", "file", "link"])
def test_what_has_the_stages_name_and_is_not_ours_is_refused_and_stays(kind: str, tmp_path: Path) -> None:
    beside = tmp_path / f"out{MARK}"
    fill(tmp_path / "theirs", OLD)
    if kind == "folder":
        fill(beside, OLD)
    elif kind == "file":
        beside.write_text("old")
    else:
        beside.symlink_to(tmp_path / "theirs", target_is_directory=True)
    before = texts_in(tmp_path)
    with pytest.raises(SagesegError, match=f"out{MARK}: is there and is nothing of sageseg's; move it away"):
        make(tmp_path / "out")
    assert texts_in(tmp_path) == before


@pytest.mark.parametrize("name", ["out.partial", ".out.replaced", "out.tmp"])
def test_names_that_people_give_are_nobodys_stage(name: str, tmp_path: Path) -> None:
    fill(tmp_path / name, OLD)
    (tmp_path / "out.csv.partial").write_text("mine")
    make(tmp_path / "out")
    write_bytes(tmp_path / "out.csv", b"")
    assert texts_in(tmp_path / name) == OLD
    assert (tmp_path / "out.csv.partial").read_text() == "mine"


def test_the_second_process_is_refused_and_the_first_ends_well(tmp_path: Path) -> None:
    out, file = tmp_path / "out", tmp_path / "out.csv"
    with staged_folder(out) as stage, staged_file(file) as beside:
        fill(stage)
        beside.write_text("first")
        with pytest.raises(
            SagesegError, match=rf"out: another sageseg is writing here \(process {os.getpid()}\); wait"
        ):
            make(out)
        with pytest.raises(SagesegError, match=r"out\.csv: another sageseg is writing here; wait for it, or choose"):
            staged_file(file).__enter__()
    assert texts_in(tmp_path) == {"out.csv": "first"} | {f"out/{name}": text for name, text in NEW.items()}


def test_what_another_has_made_meanwhile_is_not_replaced(tmp_path: Path) -> None:
    def folder() -> None:
        with staged_folder(tmp_path / "out") as stage:
            fill(stage)
            fill(tmp_path / "out", OLD)

    def file() -> None:
        with staged_file(tmp_path / "out.csv") as beside:
            beside.write_text("new")
            (tmp_path / "out.csv").write_text("old")

    with pytest.raises(SagesegError, match=r"out: cannot be written \(Directory not empty\)"):
        folder()
    with pytest.raises(SagesegError, match=r"out\.csv: exists already"):
        file()
    assert texts_in(tmp_path) == {"out/old.txt": "old", "out.csv": "old"}


@pytest.mark.parametrize("made_again", [False, True])
def test_a_folder_that_is_removed_under_the_work_is_one_line(made_again: bool, tmp_path: Path) -> None:
    """Where it is made again by whoever writes the next file, it would lack the first."""

    def work() -> None:
        with staged_folder(tmp_path / "out") as stage:
            fill(stage)
            shutil.rmtree(stage.parent)
            write_bytes(stage / "d.txt", b"new") if made_again else (stage / "d.txt").write_bytes(b"new")

    with pytest.raises(SagesegError, match=r"cannot be written \(No such file or directory\); its folder is gone"):
        work()
    make(tmp_path / "out")
    assert texts_in(tmp_path) == {f"out/{name}": text for name, text in NEW.items()}


def test_a_link_as_out_stays_a_link(tmp_path: Path) -> None:
    fill(tmp_path / "disk/there", OLD)
    (tmp_path / "out").symlink_to(tmp_path / "disk/there", target_is_directory=True)
    make(tmp_path / "out")
    assert (tmp_path / "out").is_symlink()
    assert texts_in(tmp_path / "disk") == {f"there/{name}": text for name, text in NEW.items()}


def test_what_was_replaced_is_not_gone_on_with(tmp_path: Path) -> None:
    """Killed after old and new have changed names: what lies in the stage then is the old folder."""
    fill(tmp_path / "out", OLD)
    with open_stage(tmp_path / "out", overwrite=True) as stage:
        stage.empty()
        fill(stage.content)
        stage.begin("told")
        assert stage.begun() == "told"
        assert exchange(stage.content, tmp_path / "out")
        assert stage.begun() is None
    refuse_existing(tmp_path / "out", overwrite=True)
    assert [path.name for path in tmp_path.iterdir()] == ["out"]
    assert texts_in(tmp_path / "out") == NEW


@pytest.mark.parametrize("name", ["x" * 255, "漢" * 80, "a"])
def test_a_name_may_be_as_long_as_the_disk_takes(name: str, tmp_path: Path) -> None:
    write_bytes(tmp_path / name, b"new")
    (tmp_path / name).unlink()
    make(tmp_path / name)
    assert [path.name for path in tmp_path.iterdir()] == [name]


def test_durable_is_on_the_disk_before_it_has_its_name(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    done = list[str]()

    def noted(what: str, real: Callable[..., object]) -> Callable[..., object]:
        def act(*given: object) -> object:
            done.append(what)
            return real(*given)

        return act

    monkeypatch.setattr(os, "fsync", noted("sync", os.fsync))
    monkeypatch.setattr(Path, "replace", noted("name", Path.replace))
    monkeypatch.setattr(Path, "rename", noted("name", Path.rename))
    monkeypatch.setattr(whole_folders, "sync_tree", noted("tree", lambda _: None))
    write_bytes(tmp_path / "thumbnail.jpg", b"")
    assert done == ["name"]
    done.clear()
    write_bytes(tmp_path / "job.json", b"", durable=True)
    assert done == ["sync", "name", "sync"]
    done.clear()
    with open_stage(tmp_path / "out", overwrite=False) as stage:
        stage.empty()
        stage.finish(durable=True)
    assert done == ["tree", "name", "sync"]


@pytest.mark.parametrize(
    ("number", "elsewhere", "at_home"),
    [
        (errno.ENOSPC, "free space or choose another place", "free space, or set SAGESEG_HOME"),
        (errno.EDQUOT, "free space or choose another place", "free space, or set SAGESEG_HOME"),
        (errno.EROFS, "choose a place that you may write to", "set SAGESEG_HOME to a folder that you may write to"),
        (errno.EACCES, "choose a place that you may write to", "set SAGESEG_HOME to a folder that you may write to"),
        (errno.EISDIR, "move away the folder that stands there", "move"),
    ],
)
def test_the_next_step_fits_what_is_wrong_and_where(
    number: int, elsewhere: str, at_home: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SAGESEG_HOME", str(tmp_path / "home"))
    wrong = OSError(number, os.strerror(number), str(tmp_path / "home/jobs"))
    assert str(cannot_write(tmp_path / "out", wrong)).endswith(f"({os.strerror(number)}); {elsewhere}")
    assert at_home in str(cannot_write(tmp_path / "home/jobs/a", wrong))
    assert at_home in str(cannot_use(wrong))


def test_an_input_that_may_not_be_read_is_not_called_unwritable() -> None:
    wrong = PermissionError(errno.EACCES, os.strerror(errno.EACCES), "/data/a.jpg")
    assert str(cannot_use(wrong)).startswith("/data/a.jpg: cannot be used (Permission denied); change its permissions")


@pytest.mark.parametrize(
    ("lay_out", "told"),
    [
        (Path.mkdir, "a folder; expected a file: move it away"),
        (lambda path: path.symlink_to(path.name), "a link that leads back to itself; remove it"),
        (lambda path: path.parent.chmod(0o755), "not found; put it back and run the same command again"),
    ],
)
def test_what_stands_in_the_place_of_a_file_is_told(lay_out: Callable[[Path], None], told: str, tmp_path: Path) -> None:
    lay_out(tmp_path / "predictions.json")
    with pytest.raises(OSError, match="predictions") as caught:
        (tmp_path / "predictions.json").read_bytes()
    assert (caught.value.errno in TOLD) == (not told.startswith("not found"))  # for that its reader looks
    assert str(cannot_use(caught.value)).startswith(f"{tmp_path / 'predictions.json'}: ")
    assert told in str(cannot_use(caught.value))


@pytest.mark.parametrize("number", [errno.EACCES, errno.EISDIR, errno.ENOENT])
def test_what_is_read_for_a_file_is_not_told_as_what_is_written(number: int, tmp_path: Path) -> None:
    def told(place: Path) -> str:
        with pytest.raises(SagesegError) as caught, written_beside(tmp_path / "out" / "a.csv"):
            raise OSError(number, os.strerror(number), str(place))
        return str(caught.value)

    assert told(tmp_path / "masks" / "b.png").startswith(f"{tmp_path / 'masks' / 'b.png'}: ")
    assert told(tmp_path / "out" / "b.png").startswith(f"{tmp_path / 'out' / 'b.png'}: ")
    for own in ("out", "out/a.csv", f"out/a.csv{MARK}"):
        assert told(tmp_path / own).startswith(f"{tmp_path / 'out' / 'a.csv'}: cannot be written")


def test_writers_of_one_file_wait_for_each_other(tmp_path: Path) -> None:
    """A record that two commands write at once is one of theirs, whole."""
    path, children = tmp_path / "job.json", list[int]()
    for number in range(4):
        child = os.fork()
        if not child:
            for _ in range(20):
                with written_beside(path) as beside:
                    beside.write_bytes(bytes([number]) * 5000)
            os._exit(0)
        children.append(child)
    assert [os.waitpid(child, 0)[1] for child in children] == [0] * 4
    content = path.read_bytes()
    assert (len(content), len(set(content))) == (5000, 1)
    assert [found.name for found in tmp_path.iterdir()] == ["job.json"]


@pytest.mark.parametrize(
    "uri", ["s3://my-bucket/cars", "s3://my-bucket", "file:///home/me/cars", "gs://b/cars.csv", "https://host/cars"]
)
def test_a_uri_is_no_place_for_what_is_made(uri: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    with pytest.raises(SagesegError, match=f"^{uri}: a URI; expected a path on this machine"):
        make(Path(uri))
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("name", ["s3:", "a/s3:/b", "./c:/d", "10:30/cars", "my cars:/x"])
def test_a_name_with_a_colon_is_one(name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    make(Path(name))
    assert texts_in(Path(name)) == NEW
