"""The outputs of one host: folders whose files go to S3, all at the end, or as they appear."""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from formats.errors import SagesegError
from jobs.emulator.host.storage import Storage
from jobs.emulator.processing.program import place_in
from jobs.emulator.store.state import Record

PAUSE_SECONDS = 0.5
_PAUSES_PER_LOOK = 10
"""A look at very many files takes its time: looking is to cost a tenth of a core at most."""
Mark = tuple[int, int]
"""Of a file: its size, and when it was changed."""


@dataclass(frozen=True)
class Output:
    """A folder in a host's tree, by its own name without links, what the container calls it, and where its files go."""

    folder: Path
    local_path: str
    uri: str
    continuous: bool


def outputs_in(outputs: Sequence[Record], root: Path) -> list[Output]:
    """The outputs of a record in a host's tree."""
    tree = root.resolve()
    return [
        Output(
            place_in(tree, each["LocalPath"]), each["LocalPath"], each["S3Uri"], each["S3UploadMode"] == "Continuous"
        )
        for each in outputs
    ]


def upload(storage: Storage, outputs: Sequence[Output]) -> None:
    """Send what is to be sent at the end, once the container is over."""
    for output in outputs:
        if not output.continuous:
            for path in sorted(_files(output)):
                storage.store(path, output.uri, _name(output, path), move=True)


def _files(output: Output) -> Iterator[Path]:
    """All files below an output's folder, links aside. Raises SagesegError where its program has put something else
    there, such as a link, by which files of others would go."""
    folder = output.folder
    if folder.resolve() != folder or (folder.exists() and not folder.is_dir()):
        raise SagesegError(f"{output.local_path}: no longer the folder that was there; let the program write into it")
    for where, _, names in os.walk(folder):
        for name in names:
            path = Path(where, name)
            if path.is_file() and not path.is_symlink():
                yield path


def _name(output: Output, path: Path) -> str:
    return path.relative_to(output.folder).as_posix()


class Uploads:
    """Sends the files of continuous outputs while a container runs, from a thread of its own: each when it no longer
    changes, and again when it has changed since. `close` sends what is left, and raises what went wrong; until then
    `on_failure` is called, for the container to be ended."""

    def __init__(self, storage: Storage, outputs: Sequence[Output], on_failure: Callable[[], None]) -> None:
        self._storage, self._on_failure = storage, on_failure
        self._outputs = [output for output in outputs if output.continuous]
        self._closed = threading.Event()
        self._failure: SagesegError | None = None
        self._seen: dict[Path, Mark] = {}
        self._sent: dict[Path, Mark] = {}
        self._thread = threading.Thread(target=self._watch, daemon=True)
        if self._outputs:
            self._thread.start()

    def close(self) -> None:
        self._closed.set()
        if self._outputs:
            self._thread.join()
        if self._failure is not None:
            raise self._failure
        self._look(last=True)

    def _watch(self) -> None:
        pause = PAUSE_SECONDS
        while not self._closed.wait(pause):
            began = time.monotonic()
            try:
                self._look(last=False)
            except SagesegError as e:
                self._failure = e
                self._on_failure()
                return
            pause = max(PAUSE_SECONDS, _PAUSES_PER_LOOK * (time.monotonic() - began))

    def _look(self, *, last: bool) -> None:
        for output in self._outputs:
            for path in _files(output):
                mark = _mark(path)
                if mark is None or self._sent.get(path) == mark:
                    continue
                if last or self._seen.get(path) == mark:
                    self._send(output, path, mark)
                self._seen[path] = mark

    def _send(self, output: Output, path: Path, mark: Mark) -> None:
        """A file that went while it was sent was a passing one."""
        try:
            self._storage.store(path, output.uri, _name(output, path))
        except SagesegError:
            if path.exists():
                raise
        self._sent[path] = mark


def _mark(path: Path) -> Mark | None:
    """None for a file that is gone."""
    try:
        found = path.stat()
    except OSError:
        return None
    return found.st_size, found.st_mtime_ns
