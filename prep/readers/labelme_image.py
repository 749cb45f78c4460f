"""The image that a labelme file belongs to: a file, or embedded, and turned as labelme showed it."""

from __future__ import annotations

import binascii
import os
from base64 import b64decode
from dataclasses import dataclass
from pathlib import Path, PurePosixPath, PureWindowsPath

from formats.errors import SagesegError
from formats.images import image_errors, open_header, read_header
from prep.readers.labelme_json import Annotation, read_annotation

_APP1, _START_OF_SCAN = 0xE1, 0xDA
_EXIF = b"Exif\0\0"


@dataclass(frozen=True)
class EmbeddedInJson:
    """The image in a file's imageData. labelme shows it as its pixels lie, and so it is read."""

    path: Path

    def read(self) -> bytes:
        return embedded_content(read_annotation(self.path))


@dataclass(frozen=True)
class UnturnedFile:
    """An image file whose polygons were drawn on its pixels as they lie, against its EXIF
    orientation: the file's own sizes say so."""

    path: Path

    def read(self) -> bytes:
        with image_errors(self.path):
            return without_exif(self.path.read_bytes())


def embedded_content(annotation: Annotation) -> bytes:
    """The bytes of the embedded image, without EXIF. Raises SagesegError naming the JSON file."""
    try:
        content = b64decode(annotation.image_data or "", validate=True)
    except (ValueError, binascii.Error) as e:
        raise SagesegError(f"{annotation.path}: imageData is no base64 ({e}); embed the image again") from e
    with image_errors(annotation.path):
        return without_exif(content)


def without_exif(content: bytes) -> bytes:
    """A JPEG without its EXIF segments, the pixels untouched; other formats as they are."""
    if not content.startswith(b"\xff\xd8"):
        return content
    kept, place = [content[:2]], 2
    while place + 4 <= len(content) and content[place] == 0xFF and content[place + 1] != _START_OF_SCAN:
        end = place + 2 + int.from_bytes(content[place + 2 : place + 4])
        segment = content[place:end]
        if not (segment[1] == _APP1 and segment[4:].startswith(_EXIF)):
            kept.append(segment)
        place = end
    return b"".join([*kept, content[place:]])


def embedded_size(annotation: Annotation) -> tuple[int, int]:
    """The (width, height) of the embedded image. Raises SagesegError where the file says another."""
    content = embedded_content(annotation)
    with image_errors(annotation.path), open_header(content) as image:
        size = image.size
    if annotation.size not in (None, size):
        raise _wrong_size(annotation, "its imageData", size)
    return size


def find_image(annotation: Annotation, roots: tuple[Path, ...]) -> Path:
    """The image file that `imagePath` names, beside the JSON file, or by its name in a later root.

    Raises SagesegError when it is missing or outside all `roots`: a dataset that was passed on must
    not read files of whoever opens it.
    """
    if annotation.image_path is None:
        raise SagesegError(f"{annotation.path}: neither imagePath nor imageData; expected one of them")
    named = annotation.path.parent / annotation.image_path
    inside = not PureWindowsPath(annotation.image_path).drive and path_below(named, roots) is not None
    if inside and named.is_file():
        return named
    for root in roots[1:]:
        beside = root / PurePosixPath(annotation.image_path).name
        if beside.is_file():
            return beside
    if not inside:
        raise SagesegError(
            f"{annotation.path}: imagePath {annotation.image_path} leaves the folder {roots[0]}; "
            "name the folder that holds the images with --images"
        )
    raise SagesegError(
        f"{annotation.path}: imagePath {annotation.image_path} is not there; expected the image beside the JSON file, "
        "or its folder with --images"
    )


def path_below(path: Path, roots: tuple[Path, ...]) -> str | None:
    """A file's path from the first root that holds it, with `/`; None where none does. Links are
    the user's own and are not resolved; `..` is."""
    real = Path(os.path.abspath(path))  # noqa: PTH100  # resolve() would follow links
    for root in roots:
        if real.is_relative_to(root.absolute()):
            return real.relative_to(root.absolute()).as_posix()
    return None


def settle_size(annotation: Annotation, image: Path) -> tuple[tuple[int, int], UnturnedFile | None]:
    """The (width, height) on which the shapes were drawn, and the image as its pixels lie where
    that is what was drawn on.

    labelme has turned images by their EXIF orientation since 2019, and writes sizes since then; a
    turned image whose JSON file has none cannot be settled. Raises SagesegError for that, and for
    sizes that fit neither way.
    """
    header = read_header(image)
    if annotation.size == header.size or (annotation.size is None and header.orientation == 1):
        return header.size, None
    if annotation.size is None:
        raise SagesegError(
            f"{annotation.path}: no imageWidth and imageHeight, and {image.name} has an EXIF orientation, so "
            "nobody can say which way up it was labelled; open and save it in labelme"
        )
    if annotation.size == header.stored_size:
        return header.stored_size, UnturnedFile(image)
    raise _wrong_size(annotation, image.name, header.size)


def _wrong_size(annotation: Annotation, name: str, size: tuple[int, int]) -> SagesegError:
    width, height = annotation.size or size
    return SagesegError(
        f"{annotation.path}: labelled at {width}×{height} pixels, but {name} has {size[0]}×{size[1]}; "
        "put the image back that was labelled"
    )
