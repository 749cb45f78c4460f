"""Pages from templates: every text is escaped, and nothing is loaded or run that is not the page's own."""

from __future__ import annotations

import math
from base64 import b64encode
from collections.abc import Mapping, Sequence
from hashlib import sha256
from typing import Any

from jinja2 import ChoiceLoader, Environment, PackageLoader, StrictUndefined

from formats.texts import wording
from formats.texts.redaction import redact

_SHARED = ("elements.js", "tables.js", "table_files.js", "print_tables.js", "explain.js")


def render(package: str, template: str, scripts: Sequence[str], values: Mapping[str, Any]) -> str:
    """A page of the `templates` of a package, which fills the blocks of `base.html`, with the scripts that all pages
    share and after them those named, in their order.

    They are the only ones that a browser runs in it, but for those that they load themselves: the page's policy
    states their checksum (CSP level 3, 'strict-dynamic'), so that files of data beside the page can be read where
    it was opened from a disk, which no other way of reading allows.
    """
    loader = ChoiceLoader([PackageLoader(package), PackageLoader("formats.pages")])
    environment = Environment(
        loader=loader,
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.policies["json.dumps_kwargs"] = {"separators": (",", ":"), "ensure_ascii": False}
    environment.filters.update(
        score=wording.format_score,
        difference=wording.format_difference,
        percent=wording.format_share,
        raw=_raw,
        number=wording.format_number,
        interval=wording.format_interval,
        rgb=wording.format_colour,
        duration=wording.format_seconds,
    )
    script = "\n" + "\n".join(loader.get_source(environment, name)[0] for name in (*_SHARED, *scripts))
    return redact(environment.get_template(template).render(script=script, policy=_policy(script), **values))


def _raw(value: float | None) -> str:
    """A number for programs, in `data-value`: what a table is sorted by and saved with."""
    return "" if value is None or math.isnan(value) else f"{value:.9g}"


def _policy(script: str) -> str:
    checksum = b64encode(sha256(script.encode("utf-8")).digest()).decode("ascii")
    return (
        "default-src 'none'; base-uri 'none'; form-action 'none'; img-src 'self' data:;"
        f" style-src 'unsafe-inline'; script-src 'sha256-{checksum}' 'strict-dynamic'"
    )
