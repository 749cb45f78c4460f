"""Where the elements of a large XML file lie, so that each is parsed when its turn comes, by whichever process has it.

The file is read once, in pieces, by expat, and never held. A DOCTYPE is refused: entities, which a few lines of it can
make gigabytes of or fill from other files, stand nowhere else.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import BinaryIO
from xml.etree import ElementTree
from xml.parsers import expat

from formats.errors import SagesegError
from formats.texts.given_files import conversion
from prep.readers.annotations.json_spans import Span
from prep.readers.source_files import check_first_bytes

_PIECE = 2**22
_KNOWN_ENCODINGS = (None, "utf-8", "utf8", "us-ascii", "ascii")
Tags = tuple[str, ...]
"""The names of an element and of those around it, from the root on."""


@dataclass(frozen=True)
class Element:
    """An element by its place: `span` holds it whole, and what stands between it and the next. `around` are the
    attributes of the element that it is in."""

    tags: Tags
    attributes: dict[str, str]
    around: dict[str, str]
    span: Span


def each_element(path: Path, wanted: Callable[[Tags], bool], expected: str) -> Iterator[Element]:
    """The outermost elements that are `wanted` by their tags, in order. Raises SagesegError for what is no XML in
    UTF-8, or has a DOCTYPE; `expected` is what messages say that the file should be."""
    scan = _Scan(path, wanted, expected)
    try:
        with path.open("rb") as file:
            check_first_bytes(file.read(4), path, expected)
            file.seek(0)
            while piece := file.read(_PIECE):
                yield from scan.take(piece)
    except OSError as e:
        raise SagesegError(f"{path}: cannot be read ({e.strerror}); expected {expected}") from e
    yield from scan.take(b"", is_last=True)


def parse_element(file: BinaryIO, span: Span, place: str) -> ElementTree.Element:
    """The element in the bytes of a span. Raises SagesegError with `place`, which names the file."""
    file.seek(span[0])
    try:
        return ElementTree.fromstring(file.read(span[1] - span[0]))  # noqa: S314  # an element holds no DOCTYPE
    except ElementTree.ParseError as e:
        raise SagesegError(f"{place}, from byte {span[0]} on: not XML ({e}); export it again") from e


@dataclass
class _Scan:
    """One pass over a file. `stack` holds the elements that are open, with their attributes; `item` is the wanted one
    that is open, or whose end is not known before the next tag."""

    path: Path
    wanted: Callable[[Tags], bool]
    expected: str
    stack: list[tuple[str, dict[str, str]]] = field(default_factory=list)
    item: Element | None = None
    item_depth: int = 0
    found: list[Element] = field(default_factory=list)

    def __post_init__(self) -> None:
        self._parser = expat.ParserCreate()
        self._parser.StartElementHandler = self._start
        self._parser.EndElementHandler = self._end
        self._parser.StartDoctypeDeclHandler = self._refuse_doctype
        self._parser.XmlDeclHandler = self._check_encoding

    def take(self, piece: bytes, *, is_last: bool = False) -> list[Element]:
        """Look through a piece; give the elements that are known now."""
        try:
            self._parser.Parse(piece, is_last)
        except expat.ExpatError as e:
            raise SagesegError(
                f"{self.path}: not XML (line {e.lineno}, column {e.offset + 1}: {expat.ErrorString(e.code)}); expected "
                f"{self.expected}: export it again{conversion(piece)}"
            ) from e
        if is_last:
            self._close()  # the root itself, which no tag follows
        known, self.found = self.found, []
        return known

    def _start(self, tag: str, attributes: dict[str, str]) -> None:
        self._close()
        self.stack.append((tag, attributes))
        if self.item is None:
            tags = tuple(tag for tag, _ in self.stack)
            if self.wanted(tags):
                around = self.stack[-2][1] if len(self.stack) > 1 else {}
                place = self._parser.CurrentByteIndex
                self.item, self.item_depth = Element(tags, attributes, around, (place, place)), len(self.stack)

    def _end(self, tag: str) -> None:  # noqa: ARG002  # expat gives it
        self._close()
        self.stack.pop()

    def _close(self) -> None:
        """The tag that comes now ends what stands before it: an element's own end may be written in two ways."""
        if self.item and len(self.stack) < self.item_depth:
            self.found.append(replace(self.item, span=(self.item.span[0], self._parser.CurrentByteIndex)))
            self.item = None

    def _refuse_doctype(self, *_: object) -> None:
        raise SagesegError(
            f"{self.path}: line {self._parser.CurrentLineNumber}: a DOCTYPE, which may define entities; expected "
            f"{self.expected}, which has none: take it away if you trust the file"
        )

    def _check_encoding(self, _version: str, encoding: str | None, _standalone: int) -> None:
        if (encoding and encoding.lower()) not in _KNOWN_ENCODINGS:
            raise SagesegError(
                f"{self.path}: its encoding is {encoding}; expected UTF-8: convert it with iconv -f {encoding} -t "
                "utf-8, and write utf-8 into its first line"
            )
