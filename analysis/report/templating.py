"""Pages from templates: every text is escaped, and nothing is loaded or run that is not the page's own."""

from __future__ import annotations

from base64 import b64encode
from collections.abc import Mapping, Sequence
from hashlib import sha256
from importlib.resources import files
from typing import Any

from jinja2 import Environment, PackageLoader, StrictUndefined

from analysis.report import formatting


def render(template: str, scripts: Sequence[str], values: Mapping[str, Any]) -> str:
    """A page of `analysis/templates`, with the scripts named. They are the only ones that a browser
    runs in it: the page's policy states their checksum."""
    environment = Environment(
        loader=PackageLoader("analysis"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.policies["json.dumps_kwargs"] = {"separators": (",", ":"), "ensure_ascii": False}
    environment.filters.update(
        score=formatting.format_score,
        difference=formatting.format_difference,
        percent=formatting.format_share,
        number=formatting.format_number,
        interval=formatting.format_interval,
        rgb=formatting.format_colour,
        duration=formatting.format_seconds,
    )
    script = "\n" + "\n".join(_read(name) for name in scripts)
    return environment.get_template(template).render(script=script, policy=_policy(script), **values)


def _read(name: str) -> str:
    return files("analysis").joinpath("templates", name).read_text(encoding="utf-8")


def _policy(script: str) -> str:
    checksum = b64encode(sha256(script.encode("utf-8")).digest()).decode("ascii")
    return (
        "default-src 'none'; base-uri 'none'; form-action 'none'; img-src 'self' data:;"
        f" style-src 'unsafe-inline'; script-src 'sha256-{checksum}'"
    )
