"""The docs as a site:

python -m docsite build       # into build/docsite/site; faults end it
python -m docsite check       # the same, and the site's own search is asked what it must answer
python -m docsite serve       # the same, at http://127.0.0.1:8000
python -m docsite notebooks   # runs the notebooks, so that the next build shows their outputs: minutes
python -m docsite house       # docs/pictures/house.svg, from CONTRIBUTING.md's order
python -m docsite pictures    # all of docs/pictures, by Chromium
"""

from __future__ import annotations

import os
import sys
from contextlib import suppress
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer

from docsite.browser import find_chromium
from docsite.building import build
from docsite.house import write_house
from docsite.notebooks import run_notebooks
from docsite.pictures import make_pictures
from docsite.questions import unanswered
from docsite.staging import NOTEBOOKS, ROOT
from formats.console import result, say
from formats.errors import SagesegError

_PORT = 8000


def check() -> None:
    site = build()
    if find_chromium() is None and os.environ.get("CI") != "true":
        say("note: no Chromium, so the docs' search was not asked; install it, or name it in CHROMIUM")
        return
    missing = unanswered(site)
    if missing:
        raise SystemExit("\n".join(f"the docs' search: {each}" for each in missing))


def serve() -> None:
    site = build()
    handler = partial(SimpleHTTPRequestHandler, directory=str(site))
    try:
        server = ThreadingHTTPServer(("127.0.0.1", _PORT), handler)
    except OSError as e:
        raise SagesegError(f"127.0.0.1:{_PORT}: {e.strerror}; end what serves there") from e
    with server, suppress(KeyboardInterrupt):
        result(f"http://127.0.0.1:{_PORT}/index.html (Ctrl-C ends it)")
        server.serve_forever()


def main(words: list[str]) -> None:
    match words:
        case ["build"]:
            result(str(build() / "index.html"))
        case ["check"]:
            check()
        case ["serve"]:
            serve()
        case ["notebooks"]:
            run_notebooks(ROOT / "notebooks", NOTEBOOKS)
        case ["house"]:
            write_house(ROOT)
        case ["pictures"]:
            write_house(ROOT)
            make_pictures()
        case _:
            raise SystemExit(__doc__)


if __name__ == "__main__":
    try:
        main(sys.argv[1:])
    except SagesegError as e:
        raise SystemExit(f"error: {e}") from e
