"""Files of S3 that are fetched when their images' turn comes; until then an empty file lies in the place of each.

awaited = Awaited()
folder = local_folder("s3://my-bucket/cars/train", all_images, awaited)
awaited.fetch([folder / "a.jpg"])
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from prep.remote.cache import Wanted


class Lazy(Protocol):
    """Objects in S3 that are fetched when they are asked for."""

    def awaited_at(self, path: Path) -> Wanted | None:
        """What is awaited at a path, fetched or not; None where nothing is."""

    def fetch_awaited(self, wanted: Sequence[Wanted]) -> None:
        """Have these of what is awaited."""


class Awaited:
    """The folders and objects in S3 of which files are awaited; of folders on this machine, and of all other files, it
    knows nothing."""

    def __init__(self) -> None:
        self._folders: list[Lazy] = []

    def add(self, folder: Lazy) -> None:
        self._folders.append(folder)

    def told(self, path: Path) -> Wanted | None:
        """What the listing told of an awaited file, fetched or not; None for any other."""
        return next(filter(None, (folder.awaited_at(path) for folder in self._folders)), None)

    def fetch(self, paths: Iterable[Path]) -> None:
        """Have those of the files that are awaited. Raises SagesegError where one is gone, or has changed since it was
        listed."""
        wanted: list[dict[str, Wanted]] = [{} for _ in self._folders]  # a file may be of many images
        for path in paths if self._folders else ():
            for folder, own in zip(self._folders, wanted, strict=True):
                if told := folder.awaited_at(path):
                    own[told.key] = told
        for folder, own in zip(self._folders, wanted, strict=True):
            folder.fetch_awaited(list(own.values()))


NOTHING_AWAITED = Awaited()
"""Of a source on this machine."""
