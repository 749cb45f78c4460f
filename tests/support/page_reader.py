"""What a page would load, run and say, for the tests of report and comparison."""

from __future__ import annotations

import json
import re
from base64 import b64encode
from hashlib import sha256
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

_SVG = "http://www.w3.org/2000/svg"
"""The name of SVG's elements in scripts, which nothing is asked of."""


class Page(HTMLParser):
    """A page read without a browser."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.text = text
        self.addresses: list[str] = []
        self.links: list[str] = []
        self.policy = ""
        self.scripts: list[str] = []
        self.said: list[str] = []
        self._script = False
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        known = dict(attrs)
        assert not any(name.startswith("on") for name in known), (tag, known)
        self._script = tag == "script"
        if tag == "meta" and known.get("http-equiv") == "Content-Security-Policy":
            self.policy = known["content"] or ""
        for name, value in attrs:
            if name in ("src", "srcset", "data", "poster") or (tag == "link" and name == "href"):
                self.addresses.append(value or "")
            elif name == "href":
                self.links.append(value or "")

    def handle_endtag(self, tag: str) -> None:
        self._script = self._script and tag != "script"

    def handle_data(self, data: str) -> None:
        (self.scripts if self._script else self.said).append(data)

    @property
    def words(self) -> str:
        return " ".join(" ".join(self.said).split())

    @property
    def data(self) -> dict[str, Any]:
        """What the report's script reads."""
        found = json.loads(self.scripts[0])
        assert isinstance(found, dict)
        return found

    def check_whole(self) -> None:
        """Nothing comes from elsewhere, and only the page's own script may run."""
        assert all(address.startswith("data:image/") for address in self.addresses)
        for forbidden in ("url(", "@import", "http://", "https://", "eval(", "innerHTML"):
            assert forbidden not in self.text.replace(_SVG, ""), forbidden
        checksum = b64encode(sha256(self.scripts[-1].encode()).digest()).decode()
        assert f"script-src 'sha256-{checksum}'" in self.policy
        assert "default-src 'none'" in self.policy
        assert "unsafe-inline" not in self.policy.split("script-src")[1]


_MADE = re.compile(rb'"made": \{.*?\n  \}|<dl class="made">.*?</dl>|<pre>.*?</pre>', re.DOTALL)


def without_made(path: Path) -> bytes:
    """A file of a report without when and how it was made, which no two have alike."""
    return _MADE.sub(b"", path.read_bytes())
