"""Notebooks as pages: their texts and code, and what their cells showed where they were run on this machine.

python -m docsite notebooks     # minutes: they train on this machine; SAGESEG_NOTEBOOK=short is quicker, and shows less
"""

from __future__ import annotations

import base64
import json
import os
import re
import tempfile
from datetime import UTC, datetime
from pathlib import Path, PurePosixPath
from typing import Any

from formats.console import say
from formats.disk.whole_files import write_text
from formats.errors import SagesegError
from formats.version import tool_version
from sageseg.notebook import COUNTING

_NOT_RUN = {"aws": "It asks AWS, so that it is shown without outputs."}
_HOW = "Its outputs are not here: `python -m docsite notebooks` makes them in minutes, and the next build shows them."
_TOLD = "docsite"
"""The member of a run notebook's metadata that tells when it was run."""
_COLOURS = re.compile(r"\x1b\[[0-9;]*m")


def notebook_page(content: str, ran: str | None, path: str) -> tuple[str, dict[str, bytes]]:
    """A notebook as a page in Markdown, and the pictures that it shows, as PNGs by their places. `ran`: the notebook
    with its outputs, which is passed over where its cells are others by now; `path`: the notebook's."""
    book = json.loads(content)
    place = PurePosixPath(path)
    told = _NOT_RUN.get(place.stem, _HOW)
    if ran is not None and shows(ran, content):
        book = json.loads(ran)
        told = book["metadata"][_TOLD]
    texts, pictures = list[str](), dict[str, bytes]()
    for cell in book["cells"]:
        source = _text(cell["source"]).strip()
        if source:
            texts.append(source if cell["cell_type"] == "markdown" else f"```python\n{source}\n```")
        said = ""
        for output in cell.get("outputs", []):
            drawn = output.get("data", {}).get("image/png")
            if drawn is None:
                said += _said(output)
                continue
            texts += _fenced(said)
            said, name = "", f"{place.stem}-{len(pictures) + 1}.png"
            pictures[f"{place.parent}/{name}"] = base64.b64decode(drawn)
            texts.append(f"![What the cell above draws]({name})")
        texts += _fenced(said)
    texts.insert(1, f"*The notebook is `{path}`.* {told}")
    return "\n\n".join(texts) + "\n", pictures


def shows(ran: str, content: str) -> bool:
    """Whether a notebook that was run has the cells of this one."""
    first, second = ([_text(cell["source"]) for cell in json.loads(each)["cells"]] for each in (ran, content))
    return first == second


def run_notebooks(folder: Path, into: Path) -> None:
    """Run a folder's notebooks and write each with its outputs under its name; those that are there with the same cells
    are not run again. Raises SagesegError where a cell fails."""
    for path in sorted(folder.glob("*.ipynb")):
        content, made = path.read_text(encoding="utf-8"), into / path.name
        if path.stem not in _NOT_RUN and not (made.exists() and shows(made.read_text(encoding="utf-8"), content)):
            say(f"running notebooks/{path.name}")
            write_text(made, _run(content, path))


def _run(content: str, path: Path) -> str:
    import nbclient
    import nbformat

    book = nbformat.reads(content, as_version=4)  # type: ignore[no-untyped-call]
    with tempfile.TemporaryDirectory() as work:
        client = nbclient.NotebookClient(book, timeout=None, kernel_name="python3")
        try:
            client.execute(cwd=work, env=os.environ | {"TMPDIR": work})
        except nbclient.exceptions.CellExecutionError as e:
            raise SagesegError(f"{path}: a cell ends with {e.ename}: {e.evalue}; run it in Jupyter") from e
    how = ", with SAGESEG_NOTEBOOK=short" if os.environ.get("SAGESEG_NOTEBOOK") == "short" else ""
    book.metadata[_TOLD] = f"Its outputs are of sageseg {tool_version()}, {datetime.now(UTC):%Y-%m-%d}{how}."
    written: str = nbformat.writes(book)  # type: ignore[no-untyped-call]
    return written.replace(work, tempfile.gettempdir())


def _said(output: dict[str, Any]) -> str:
    """What an output says, but for progress."""
    text = _text(output.get("text", output.get("data", {}).get("text/plain", "")))
    return COUNTING.sub("", _COLOURS.sub("", text))


def _fenced(said: str) -> list[str]:
    return [f"```text\n{said.rstrip()}\n```"] if said.strip() else []


def _text(source: str | list[str]) -> str:
    """A member of a notebook, which is a text or its lines."""
    return source if isinstance(source, str) else "".join(source)
