"""All pages of the site in one folder: those of the repository where they belong, and those that the program tells."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path

import yaml

from docsite.errors.pages import error_pages
from docsite.links import moved
from docsite.notebooks import notebook_page
from docsite.reference.api import api_pages
from docsite.reference.commands import command_pages

ROOT = Path(__file__).parents[1]
BUILD = ROOT / "build" / "docsite"
NOTEBOOKS = ROOT / "build" / "notebooks"
"""Those that were run, with their outputs; git has neither."""
SETTINGS = Path(__file__).parent / "site.yaml"
_AT_THE_TOP = {
    "README.md": "index.md",
    "CONTEXT.md": "words.md",
    "CONTRIBUTING.md": "contributing.md",
    "SECURITY.md": "security.md",
    "CHANGELOG.md": "changelog.md",
}
_PICTURES = (".jpg", ".png", ".svg")


def stage(folder: Path) -> None:
    """Write the pages below `folder/pages` and the settings of the site generator beside them."""
    shutil.rmtree(folder, ignore_errors=True)
    pages = folder / "pages"
    for name, content in site_files():
        (pages / name).parent.mkdir(parents=True, exist_ok=True)
        (pages / name).write_bytes(content)
    told = yaml.safe_load(SETTINGS.read_text(encoding="utf-8"))
    told["nav"] = expanded(told["nav"], sorted(path.relative_to(pages).as_posix() for path in pages.rglob("*.md")))
    (folder / "mkdocs.yml").write_text(yaml.safe_dump(told, sort_keys=False, allow_unicode=True), encoding="utf-8")


def site_files() -> Iterator[tuple[str, bytes]]:
    """Every page, picture, style and script of the site by its place."""
    places = repository_places()
    for source, place in places.items():
        path = ROOT / source
        if path.suffix == ".md":
            yield place, moved(path.read_text(encoding="utf-8"), source, places).encode()
        elif path.suffix == ".ipynb":
            ran = NOTEBOOKS / path.name
            told = ran.read_text(encoding="utf-8") if ran.exists() else None
            page, pictures = notebook_page(path.read_text(encoding="utf-8"), told, source)
            yield place, moved(page, source, places).encode()
            yield from pictures.items()
        else:
            yield place, path.read_bytes()
    for each in sorted((Path(__file__).parent / "assets").iterdir()):
        yield f"assets/{each.name}", each.read_bytes()
    for place, text in (*command_pages(places), *api_pages(ROOT), *error_pages(ROOT)):
        yield place, text.encode()


def repository_places() -> dict[str, str]:
    """By path in the repository, where a file of it is on the site."""
    docs = sorted(path for path in (ROOT / "docs").rglob("*") if path.suffix in (".md", *_PICTURES))
    notebooks = sorted(path.relative_to(ROOT) for path in (ROOT / "notebooks").glob("*.ipynb"))
    return {
        **_AT_THE_TOP,
        **{path.relative_to(ROOT).as_posix(): path.relative_to(ROOT / "docs").as_posix() for path in docs},
        **{path.as_posix(): path.with_suffix(".md").as_posix() for path in notebooks},
    }


def expanded(navigation: list[object], pages: list[str]) -> list[object]:
    """A navigation whose words such as `reference/api/*` are the pages there. Raises SystemExit where a page is in it
    twice, or not at all, or is not there."""
    listed = [*_entries(navigation, pages)]
    named = sorted(_leaves(listed))
    wrong = [f"{page} is not in the navigation" for page in sorted(set(pages) - set(named))]
    wrong += [f"{page} is in the navigation, and not there" for page in sorted(set(named) - set(pages))]
    wrong += [
        f"{page} is in the navigation twice" for page in sorted({page for page in named if named.count(page) > 1})
    ]
    if wrong:
        raise SystemExit("\n".join(f"docsite/site.yaml: {each}" for each in wrong))
    return listed


def _entries(navigation: list[object], pages: list[str]) -> Iterator[object]:
    for entry in navigation:
        if isinstance(entry, str) and entry.endswith("/*"):
            yield from (page for page in pages if page.startswith(entry[:-1]) and not page.endswith("/index.md"))
        elif isinstance(entry, dict):
            yield {
                title: [*_entries(inner, pages)] if isinstance(inner, list) else inner for title, inner in entry.items()
            }
        else:
            yield entry


def _leaves(navigation: object) -> Iterator[str]:
    if isinstance(navigation, str):
        yield navigation
    elif isinstance(navigation, dict):
        for inner in navigation.values():
            yield from _leaves(inner)
    elif isinstance(navigation, list):
        for inner in navigation:
            yield from _leaves(inner)
