"""Notebooks as pages: their texts and their code, as they lie in the repository, without outputs."""

from __future__ import annotations

import json
from collections.abc import Iterator


def notebook_page(content: str, path: str) -> str:
    """A notebook's cells in Markdown, and where the notebook lies."""
    cells = json.loads(content)["cells"]
    texts = list(_texts(cells))
    first, rest = texts[0], texts[1:]
    return "\n\n".join([first, f"*The notebook is `{path}`.*", *rest]) + "\n"


def _texts(cells: list[dict[str, object]]) -> Iterator[str]:
    for cell in cells:
        source = cell["source"]
        text = ("".join(source) if isinstance(source, list) else str(source)).strip()
        if text:
            yield text if cell["cell_type"] == "markdown" else f"```python\n{text}\n```"
