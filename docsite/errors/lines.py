"""The error lines as a reader meets them: each text once, divided into what happened and what helps."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from docsite.errors.cures import cure_for
from docsite.errors.names import literal
from docsite.errors.program import Module
from docsite.errors.reach import Place
from docsite.errors.sites import FEWEST_LETTERS, INNER, Site

_EXPECTED = re.compile(r"(?:^|: |, |; )(?=expected )")
_ORDER = re.compile(
    r"(?:: |, )(?=(?:or )?(?:ask|bring|choose|copy|correct|draw|export|free|give|look|lower|make|move|name|pass|pip|"
    r"predict|prepare|put|raise|remove|rename|replace|run|say|set|start|train|try|use|wait|write)\b)"
)


@dataclass(frozen=True)
class ErrorLine:
    """One text. `cause` and `cure` are wordings; `told`: the line itself holds the cure, else it is Markdown; `verbs`:
    those that may meet it; `is_reason`: it stands inside another line."""

    module: Module
    text: str
    cause: str
    cure: str
    told: bool
    verbs: tuple[str, ...]
    is_reason: bool

    @property
    def anchor(self) -> str:
        """Where its page has it; the same as long as its words are."""
        return f"e-{hashlib.sha256(literal(self.text).encode()).hexdigest()[:10]}"

    @property
    def is_thin(self) -> bool:
        return sum(letter.isalpha() for letter in literal(self.text)) < FEWEST_LETTERS


def error_lines(sites: Iterable[Site], reached: Mapping[Place, Sequence[str]]) -> list[ErrorLine]:
    """Every text of the sites once, by the words that are always the same; where several places say it, the first."""
    verbs: dict[str, set[str]] = {}
    first: dict[str, tuple[Site, str]] = {}
    for site in sites:
        for text in site.texts:
            key = literal(text)
            first.setdefault(key, (site, text))
            verbs.setdefault(key, set()).update(reached.get((site.module.name, site.top.partition(".")[0]), ()))
    return [_line(site, text, tuple(sorted(verbs[key]))) for key, (site, text) in first.items()]


def _line(site: Site, text: str, verbs: tuple[str, ...]) -> ErrorLine:
    cause, cure = divide(text)
    given = cure or cure_for(site.module.name, text)
    return ErrorLine(site.module, text, cause, given, bool(cure), verbs, site.kind in INNER)


def divide(text: str) -> tuple[str, str]:
    """What happened, and the next step; without one, the text and nothing."""
    cause, found, cure = text.partition("; ")
    if found and cure.strip(" ;"):
        return cause, cure
    for mark in (_EXPECTED, _ORDER):
        parted = mark.search(text)
        if parted:
            return text[: parted.start()], text[parted.end() :]
    return text, ""
