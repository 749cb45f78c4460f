"""The viewer's scripts, which every page that shows images takes."""

from __future__ import annotations

BESIDE = "viewer/beside.js"
"""Reads files beside a page; before all that may need some."""
VIEWER = tuple(
    f"viewer/{name}.js"
    for name in (
        "pairs",
        "layers",
        "probability",
        "view",
        "detail",
        "panes",
        "objects",
        "values",
        "address",
        "viewer",
        "pointers",
        "keys",
    )
)
"""In the order in which they build on one another. Before them comes one that says what is shown: `viewed`, as
templates/viewer/viewer.js describes it."""
