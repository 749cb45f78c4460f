"""What the emulator remembers: resources and log streams, in SQLite.

Every kind of resource lies in the same table: a name, what lists sort and filter by, and the
record from which it is described, as JSON.
"""

from __future__ import annotations

import json
import sqlite3
import threading
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from formats.disk.private_files import private
from formats.disk.whole_files import write_bytes, write_errors
from formats.errors import SagesegError
from formats.texts.json_text import parse_json

SCHEMA_VERSION = 1
SCHEMA = """
CREATE TABLE resources (
    kind TEXT NOT NULL, name TEXT NOT NULL, arn TEXT NOT NULL UNIQUE, status TEXT NOT NULL,
    created REAL NOT NULL, modified REAL NOT NULL, record TEXT NOT NULL, tags TEXT NOT NULL,
    PRIMARY KEY (kind, name)
);
CREATE INDEX resources_by_time ON resources (kind, created, name);
CREATE INDEX resources_by_status ON resources (kind, status, name);
CREATE TABLE log_streams (
    log_group TEXT NOT NULL, name TEXT NOT NULL, path TEXT NOT NULL, created INTEGER NOT NULL,
    first_event INTEGER, last_event INTEGER,
    PRIMARY KEY (log_group, name)
);
"""
Record = dict[str, Any]


@dataclass(frozen=True)
class Resource:
    """A stored resource. Times are epoch seconds; `record` holds what a Describe call answers."""

    kind: str
    name: str
    arn: str
    status: str
    created: float
    modified: float
    record: Record
    tags: list[dict[str, str]]


_OF_DAMAGE = (sqlite3.DatabaseError, UnicodeDecodeError)
"""Of these very types; errors derived from the first are of the disk, or of the values."""
_SAID_OF_DAMAGE = ("Could not decode to UTF-8", "no such table", "no such column")
"""What other errors say of a text that is none, and of a schema that is not the one that was written."""
_COLUMNS = "kind, name, arn, status, created, modified, record, tags"


class State:
    """The database of one home; `folder` is where it lies. Safe to use from many threads."""

    def __init__(self, path: Path) -> None:
        self.folder, self._path = path.parent, path
        self._lock = threading.RLock()
        if not path.exists():
            _make(path)
        with write_errors(path), open(path, "ab", opener=private):  # its journals take over its mode
            pass
        self._database = sqlite3.connect(path, isolation_level=None, check_same_thread=False)
        try:
            self._open(path)
        except sqlite3.OperationalError as e:  # a full disk, a file system that cannot lock
            self._database.close()
            if e.sqlite_errorcode == sqlite3.SQLITE_ERROR:
                raise _damaged(path, e) from e
            raise SagesegError(
                f"{path}: the emulator's state cannot be opened ({e}); free space, or set SAGESEG_HOME to a folder on "
                "a local disk"
            ) from e
        except (sqlite3.DatabaseError, UnicodeDecodeError) as e:
            self._database.close()
            raise _damaged(path, e) from e

    def _open(self, path: Path) -> None:
        (version,) = self._database.execute("PRAGMA user_version").fetchone()
        if version != SCHEMA_VERSION:
            raise sqlite3.DatabaseError(f"{path.name} is version {version}, expected {SCHEMA_VERSION}")
        ((found, *_), *_) = self._database.execute("PRAGMA integrity_check(1)").fetchall()
        if found != "ok":
            raise sqlite3.DatabaseError(found.splitlines()[-1])
        self._database.execute("PRAGMA journal_mode = WAL")  # it writes, so last
        self._database.execute("PRAGMA synchronous = NORMAL")

    def close(self) -> None:
        with self._lock:
            self._database.close()

    def query(self, sql: str, parameters: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
        """Run one statement and fetch its rows."""
        with self._lock:
            try:
                return self._database.execute(sql, parameters).fetchall()
            except (sqlite3.DatabaseError, UnicodeDecodeError) as e:
                if type(e) in _OF_DAMAGE or str(e).startswith(_SAID_OF_DAMAGE):
                    raise _damaged(self._path, e) from e
                raise

    @contextmanager
    def alone(self) -> Iterator[None]:
        """Keep other threads out for several steps that belong together."""
        with self._lock:
            yield

    def insert(self, resource: Resource) -> bool:
        """Store a new resource; False when its kind already has one of that name."""
        r = resource
        values = (r.kind, r.name, r.arn, r.status, r.created, r.modified, json.dumps(r.record), json.dumps(r.tags))
        try:
            self.query(f"INSERT INTO resources ({_COLUMNS}) VALUES (?, ?, ?, ?, ?, ?, ?, ?)", values)  # noqa: S608
        except sqlite3.IntegrityError:
            return False
        return True

    def delete(self, kind: str, name: str) -> None:
        self.query("DELETE FROM resources WHERE kind = ? AND name = ?", (kind, name))

    def set_tags(self, kind: str, name: str, tags: list[dict[str, str]]) -> None:
        self.query("UPDATE resources SET tags = ? WHERE kind = ? AND name = ?", (json.dumps(tags), kind, name))

    def get(self, kind: str, name: str) -> Resource | None:
        return self._one("kind = ? AND name = ?", (kind, name))

    def by_arn(self, arn: str) -> Resource | None:
        return self._one("arn = ?", (arn,))

    def _one(self, condition: str, parameters: tuple[Any, ...]) -> Resource | None:
        rows = self.select(condition, parameters, "LIMIT 1")
        return rows[0] if rows else None

    def select(self, condition: str, parameters: tuple[Any, ...], rest: str = "") -> list[Resource]:
        """The resources that meet an SQL condition. All values must come as parameters."""
        rows = self.query(f"SELECT {_COLUMNS} FROM resources WHERE {condition} {rest}", parameters)  # noqa: S608
        try:
            return [_to_resource(row) for row in rows]
        except (ValueError, TypeError) as e:
            raise _damaged(self._path, e) from e

    def update(self, kind: str, name: str, change: Callable[[Record], tuple[str, float]]) -> None:
        """Change a resource's record in place, alone among all threads. `change` answers the
        resource's status and time of modification; when it raises, nothing is changed."""
        with self._lock:
            resource = self.get(kind, name)
            if resource is None:
                raise KeyError(f"{kind} {name}")
            status, modified = change(resource.record)
            self.query(
                "UPDATE resources SET status = ?, modified = ?, record = ? WHERE kind = ? AND name = ?",
                (status, modified, json.dumps(resource.record), kind, name),
            )


def _make(path: Path) -> None:
    """A new state, whole under its name: an empty file there is one that was cut."""
    with closing(sqlite3.connect(":memory:")) as database:
        database.executescript(f"{SCHEMA} PRAGMA user_version = {SCHEMA_VERSION};")
        content = database.serialize()
    for rest in ("-wal", "-shm"):  # of one that was removed; SQLite would take them for this one's
        path.with_name(path.name + rest).unlink(missing_ok=True)
    write_bytes(path, content)


def _to_resource(row: tuple[Any, ...]) -> Resource:
    kind, name, arn, status, created, modified, record, tags = row
    return Resource(kind, name, arn, status, float(created), float(modified), parse_json(record), parse_json(tags))


def _damaged(path: Path, error: Exception) -> SagesegError:
    return SagesegError(
        f"{path}: cannot be read as the emulator's state ({error}); remove it to start anew: what jobs made stays, and "
        "only their descriptions and endpoints are forgotten"
    )
