"""What is wrong with built pages: links and anchors that lead nowhere, and what would be asked of another host."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import cache
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import unquote, urlsplit

_LOADED = {"script": "src", "img": "src", "iframe": "src", "source": "src", "video": "src", "link": "href"}
"""What a browser fetches by itself."""
_NAMED_ONLY = {"canonical", "alternate", "next", "prev"}
"""Relations of a `link` that is not fetched."""

_NAVIGATION = re.compile(
    r'<div class="md-sidebar md-sidebar--primary".*?(?=<div class="md-(?:sidebar|content)")', re.DOTALL
)
"""The generator's own links to all pages, most of a page's text: read in pages called index.html alone."""


@dataclass
class _Page(HTMLParser):
    """What a page links to, what it loads, and where it can be linked to."""

    links: list[str] = field(default_factory=list)
    loads: list[str] = field(default_factory=list)
    anchors: set[str] = field(default_factory=set)

    def __post_init__(self) -> None:
        super().__init__()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        told = {name: value or "" for name, value in attrs}
        self.anchors |= {told[name] for name in ("id", "name") if name in told}
        if tag == "a" and "href" in told:
            self.links.append(told["href"])
        elif _LOADED.get(tag, "") in told and told.get("rel") not in _NAMED_ONLY:
            self.loads.append(told[_LOADED[tag]])


def find_faults(site: Path) -> list[str]:
    """Every fault of the pages below a folder, a line each."""
    pages = {path: read_page(path) for path in sorted(site.rglob("*.html")) if path.name != "404.html"}
    return [f"{path.relative_to(site)}: {fault}" for path, page in pages.items() for fault in _faults(path, page)]


@cache
def read_page(path: Path) -> _Page:
    page, text = _Page(), path.read_text(encoding="utf-8")
    page.feed(text if path.name == "index.html" else _NAVIGATION.sub("", text))
    return page


def _faults(path: Path, page: _Page) -> Iterator[str]:
    for address in dict.fromkeys((*page.loads, *page.links)):
        parts = urlsplit(address)
        if parts.scheme or parts.netloc:
            if address in page.loads and parts.scheme != "data":
                yield f"loads {address} from another host"
        elif fault := _local_fault(path, unquote(parts.path), unquote(parts.fragment)):
            yield f"{fault}: {address}"


def _local_fault(path: Path, target: str, anchor: str) -> str:
    file = (path.parent / target).resolve() if target else path
    if not file.is_file():
        return "links to what is not there"
    if anchor and file.suffix == ".html" and anchor not in read_page(file).anchors:
        return "links to an anchor that is not there"
    return ""
