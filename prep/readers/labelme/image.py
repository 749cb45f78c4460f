"""The image that a labelme file belongs to: a file, or embedded, and which way up it was labelled."""

from __future__ import annotations

import binascii
from base64 import b64decode
from collections import defaultdict
from dataclasses import dataclass
from functools import cache
from io import BytesIO
from pathlib import Path, PurePosixPath, PureWindowsPath

from PIL import Image

from formats.errors import SagesegError
from formats.images import IMAGE_SUFFIXES, decode_image, image_errors, open_header, orientation_of, read_header
from formats.prepared.source_names import composed
from prep.options import STORED, UPRIGHT
from prep.readers.labelme.annotation import Annotation, read_annotation
from prep.readers.labelme.folders import AnnotationFile, path_below
from prep.readers.orientation import PLAIN, fitting_ways
from prep.readers.source_files import find_files, find_spelled

_APP1, _START_OF_SCAN = 0xE1, 0xDA
_METADATA = (b"Exif\0\0", b"http://ns.adobe.com/xap/1.0/\0")
"""How the segments of EXIF and XMP begin; both may hold an orientation."""


@dataclass(frozen=True)
class EmbeddedInJson:
    """The image in a file's imageData. labelme shows it as its pixels lie, and so it is read."""

    path: Path

    def read(self) -> bytes:
        return embedded_content(read_annotation(self.path))


def embedded_content(annotation: Annotation) -> bytes:
    """The bytes of the embedded image, its pixels as they lie. Raises SagesegError naming the JSON file."""
    try:
        content = b64decode(annotation.image_data or "", validate=True)
    except (ValueError, binascii.Error) as e:
        raise SagesegError(f"{annotation.path}: imageData is no base64 ({e}); embed the image again") from e
    with image_errors(annotation.path):
        return _as_stored(content)


def _as_stored(content: bytes) -> bytes:
    """An encoded image that nothing turns: a JPEG without EXIF and XMP, its pixels untouched; another
    kind, if it has an orientation, as a PNG of its pixels."""
    if content.startswith(b"\xff\xd8"):
        return _without_metadata(content)
    with open_header(content) as image:
        if orientation_of(image) == PLAIN:
            return content
    buffer = BytesIO()
    Image.fromarray(decode_image(content, turned=False)).save(buffer, "PNG")
    return buffer.getvalue()


def _without_metadata(content: bytes) -> bytes:
    kept, place = [content[:2]], 2
    while place + 4 <= len(content) and content[place] == 0xFF and content[place + 1] != _START_OF_SCAN:
        end = place + 2 + int.from_bytes(content[place + 2 : place + 4])
        segment = content[place:end]
        if not (segment[1] == _APP1 and segment[4:].startswith(_METADATA)):
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


def find_image(annotation: Annotation, file: AnnotationFile, images: Path | None) -> Path:
    """The image file that `imagePath` names: beside the JSON file; or in the folder `images`, from there on or by its
    name, in the folder that mirrors the JSON file's or in any, where one alone is called so.

    A path that leaves the folder is followed where it is relative, as labelme's --output and `analysis labelme` write
    it (`settle_outside` tells); one from a root is not: a dataset that was passed on would name files of whoever opens
    it. Raises SagesegError when the image is missing.
    """
    if annotation.image_path is None:
        raise SagesegError(f"{annotation.path}: neither imagePath nor imageData; expected one of them")
    name = PurePosixPath(annotation.image_path).name
    places = [] if is_from_root(annotation.image_path) else [annotation.path.parent / annotation.image_path]
    if images:
        whole = images / annotation.image_path
        mirrored = images / PurePosixPath(file.key).parent / name
        places = [place for place in places if path_below(place, file.folder) or path_below(place, images)]
        places += [*([whole] if path_below(whole, images) else []), images / name, mirrored]
    for path in places:
        found = find_spelled(path)
        if found and found.is_file():
            return found
    called = _by_name(images).get(composed(name), ()) if images else ()
    if len(called) > 1:
        raise SagesegError(
            f"{annotation.path}: imagePath {annotation.image_path} may be {called[0]} or {called[1]}; write the path "
            f"from {images} on into it"
        )
    if called:
        return called[0]
    if is_from_root(annotation.image_path) and not images:
        raise SagesegError(
            f"{annotation.path}: imagePath {annotation.image_path} leaves the folder {file.folder}; "
            "name the folder that holds the images with --images"
        )
    raise SagesegError(
        f"{annotation.path}: imagePath {annotation.image_path} is not there; expected the image beside the JSON file, "
        "or its folder with --images"
    )


def is_from_root(image_path: str) -> bool:
    return PurePosixPath(image_path).is_absolute() or bool(PureWindowsPath(image_path).drive)


@cache
def _by_name(root: Path) -> dict[str, list[Path]]:
    """The images in a folder and in those below it, by their names in one spelling."""
    found: dict[str, list[Path]] = defaultdict(list)
    for path in find_files(root, IMAGE_SUFFIXES, deep=True):
        found[composed(path.name)].append(path)
    return dict(found)


def settle_size(annotation: Annotation, image: Path, asked: str | None) -> tuple[tuple[int, int], int]:
    """The (width, height) on which the shapes were drawn, and the EXIF orientation by which they are to be
    turned, PLAIN where they lie upright.

    labelme has turned images by their EXIF orientation since 2019, and writes sizes since then: a size that
    fits both ways is of the upright image, unless `asked` (UPRIGHT or STORED) says else. Raises SagesegError
    where a turned image has neither, and for sizes that fit neither way.
    """
    header = read_header(image)
    ways = fitting_ways(header, annotation.size) if annotation.size else (UPRIGHT, STORED)
    if not ways:
        raise _wrong_size(annotation, image.name, header.size)
    if header.orientation == PLAIN:
        return header.size, PLAIN
    if annotation.size is None and asked is None:
        raise SagesegError(
            f"{annotation.path}: no imageWidth and imageHeight, and {image.name} has an EXIF orientation, so nobody "
            f"can say which way up it was labelled; pass --orientation {UPRIGHT} or --orientation {STORED}"
        )
    way = asked if asked in ways else ways[0]
    return (header.size, PLAIN) if way == UPRIGHT else (header.stored_size, header.orientation)


def _wrong_size(annotation: Annotation, name: str, size: tuple[int, int]) -> SagesegError:
    width, height = annotation.size or size
    return SagesegError(
        f"{annotation.path}: labelled at {width}×{height} pixels, but {name} has {size[0]}×{size[1]}; "
        "put the image back that was labelled"
    )
