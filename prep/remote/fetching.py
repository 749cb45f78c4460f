"""Objects of S3, and what is needed of folders there, as files on this machine."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime
from itertools import islice
from pathlib import Path
from typing import Any

from aws.clients import aws_errors, make_client, make_s3_lister
from aws.errors import AwsError
from aws.s3 import S3Prefix
from formats.console import say, track
from formats.errors import SagesegError, raise_all
from prep.remote.awaited import Awaited
from prep.remote.cache import THREADS, Cache, NotFetchedError, Wanted, cache_root, open_cache
from prep.remote.needs import Needs, nothing
from prep.remote.places import S3Place


def fetch_object(place: S3Place) -> Path:
    """One object as a file."""
    found = fetch_objects([place])[place]
    if isinstance(found, NotFetchedError):
        raise found
    return found


def fetch_objects(places: Iterable[S3Place]) -> dict[S3Place, Path | NotFetchedError]:
    """Objects as files, or that there is none. Raises NotFetchedError where one may not be read."""
    found: dict[S3Place, Path | NotFetchedError] = {}
    for bucket, own in _by_bucket(places).items():
        with open_cache(bucket) as cache:
            found |= {place: cache.path_of(place.key) for place in own}
            wanted = [Wanted(place.key) for place in own]
            failed = cache.fetch(make_client("s3", None), wanted, f"s3://{bucket}")
            found |= {S3Place(bucket, key): error for key, error in failed.items()}
    return found


def await_objects(places: Iterable[S3Place], awaited: Awaited) -> dict[S3Place, Path | NotFetchedError]:
    """Objects as files that are `awaited`, of which S3 is asked one by one: it need not allow their listing. One of
    which it does not tell is fetched at once, so that it says why."""
    found: dict[S3Place, Path | NotFetchedError] = {}
    left: list[S3Place] = []
    for bucket, own in _by_bucket(places).items():
        told = {one.key: one for one in _asked(bucket, [place.key for place in own]) if one}
        with open_cache(bucket) as cache:
            paths = {place: cache.path_of(place.key) for place in own}
            cache.stand_in(told.values())
        awaited.add(S3Objects(bucket, told))
        found |= {place: path for place, path in paths.items() if place.key in told}
        left += [place for place in own if place.key not in told]
    return found | fetch_objects(left)


def _by_bucket(places: Iterable[S3Place]) -> dict[str, list[S3Place]]:
    found: dict[str, list[S3Place]] = {}
    for place in places:
        found.setdefault(place.bucket, []).append(place)
    return found


def _asked(bucket: str, keys: Sequence[str]) -> Iterator[Wanted | None]:
    """What S3 tells of each object; None where it tells nothing."""
    s3, pool = make_client("s3", None), ThreadPoolExecutor(THREADS)
    try:
        told = pool.map(lambda key: _told(s3, bucket, key), keys)
        yield from track(told, len(keys), f"asking s3://{bucket}")
    finally:
        pool.shutdown(cancel_futures=True)


def _told(s3: Any, bucket: str, key: str) -> Wanted | None:
    try:
        with aws_errors(f"asking for s3://{bucket}/{key}"):
            told = s3.head_object(Bucket=bucket, Key=key)
    except AwsError:
        return None
    return Wanted(key, told["ETag"].strip('"'), told["ContentLength"], int(told["LastModified"].timestamp()))


class S3Objects:
    """Objects of one bucket by their keys, which are awaited."""

    def __init__(self, bucket: str, awaited: Mapping[str, Wanted]) -> None:
        self._bucket, self._awaited = bucket, awaited
        self._root = f"{cache_root() / bucket}/"

    def awaited_at(self, path: Path) -> Wanted | None:
        """What is awaited at a path, fetched or not; None where nothing is."""
        text = str(path)
        return self._awaited.get(text[len(self._root) :]) if text.startswith(self._root) else None

    def fetch_awaited(self, wanted: Sequence[Wanted]) -> None:
        """Have these of what is awaited."""
        if wanted:
            with open_cache(self._bucket) as cache:
                failed = cache.fetch(make_client("s3", None), wanted, f"s3://{self._bucket}")
            raise_all(failed.values())


class S3Folder:
    """What lies below a place in S3, with `deep` in the folders there too, listed once."""

    def __init__(self, place: S3Place, *, deep: bool = True) -> None:
        self.place, self.deep = place, deep
        prefix = S3Prefix(place.bucket, f"{place.key}/" if place.key else "")
        s3 = make_s3_lister(None)
        self._objects = {
            found["Key"][len(prefix.prefix) :]: _listed(found)
            for found in prefix.objects(s3, deep=deep)
            if not found["Key"].endswith("/")
        }
        self._awaited: dict[str, Wanted] = {}
        self._root = f"{cache_root() / place.bucket / place.key}/"
        if deep and not self._objects:
            raise SagesegError(
                f"{place}: {self._what_lies_there(s3)}; expected a folder: correct the name, or upload it"
            )

    def _what_lies_there(self, s3: Any) -> str:
        like = S3Prefix(self.place.bucket, self.place.key).objects(s3)
        is_object = any(found["Key"] == self.place.key for found in islice(like, 1))
        return "an object, and no folder" if is_object else "nothing lies there"

    @property
    def names(self) -> list[str]:
        """The names below the folder, in order of their keys."""
        return sorted(self._objects)

    def fetch(self, needs: Needs, later: Needs = nothing, *, heads: bool = False) -> Path:
        """The folder with what is needed of it, but for what `later` says of that: it is awaited, with `heads` that of
        images of which the headers can be read. Raises SagesegError where not all is to be had."""
        needed = needs(self.names)
        self.fetch_named(needed, later(needed), heads=heads)
        return Path(self._root)

    def fetch_named(self, names: Collection[str], later: Iterable[str] = (), *, heads: bool = False) -> dict[str, Path]:
        """The files of these names, of which those of `later` are awaited."""
        self._awaited = {name: self._objects[name] for name in later}
        wanted = [self._objects[name] for name in names if name not in self._awaited]
        with open_cache(self.place.bucket) as cache:
            paths = {name: cache.path_of(self._objects[name].key) for name in names}
            cache.remove_strangers(self.place.key, {one.key: one for one in self._objects.values()}, deep=self.deep)
            if heads:
                self._have(cache, list(self._awaited.values()), heads=True)
            else:
                cache.stand_in(self._awaited.values())
            self._have(cache, wanted)
            cache.make_folder(self.place.key)  # empty where nothing is needed: the reader says what it expected
        left = len(self._objects) - len(paths)
        if left and self.deep:
            say(f"note: {self.place}: {len(paths)} file(s) taken; {left} others are not needed and stay there")
        return paths

    def awaited_at(self, path: Path) -> Wanted | None:
        """What is awaited at a path, fetched or not; None where nothing is."""
        text = str(path)
        return self._awaited.get(text[len(self._root) :]) if text.startswith(self._root) else None

    def fetch_awaited(self, wanted: Sequence[Wanted]) -> None:
        """Have these of what is awaited."""
        if wanted:
            with open_cache(self.place.bucket) as cache:
                self._have(cache, wanted)

    def _have(self, cache: Cache, wanted: Sequence[Wanted], *, heads: bool = False) -> None:
        raise_all(cache.fetch(make_client("s3", None), wanted, str(self.place), heads=heads).values())


def _listed(found: Mapping[str, Any]) -> Wanted:
    modified = datetime.fromisoformat(found["LastModified"])  # a text, as `make_s3_lister` leaves it
    return Wanted(found["Key"], found["ETag"].strip('"'), found["Size"], int(modified.timestamp()))
