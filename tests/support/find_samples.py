"""A report whose images are searched: equal names in folders, two classes, attributes. How its page is used."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
from playwright import sync_api

from analysis.options import Scale, ScoringOptions
from analysis.report.report import report
from formats import dataset as dataset_files
from formats.classes import ClassTable
from formats.dataset import Dataset, open_dataset
from formats.images import encode_image
from formats.manifest import write_manifest
from tests.support.dataset_samples import disc_image, make_dataset, make_predictions, write_shares
from tests.support.page_visits import Visit

CLASSES = ClassTable(("_background_", "car", "road"))
FOLDERS = ("2024", "2025", "2026")
STEMS = tuple(f"{folder}_{name}" for folder in FOLDERS for name in "abcdefghij")
SAMPLES = {stem: disc_image(60, 40, seed=number) for number, stem in enumerate(STEMS)}
CLEAN = {"2024_a", "2026_j"}
AS_ROAD = {"2024_c", "2025_d"}
WITHOUT = "2026_e"
SHIFT = {stem: 1 + number for number, stem in enumerate(STEMS)}


def path_of(stem: str) -> str:
    """Images of equal stem in several folders, as prep calls them."""
    return stem.replace("_", "/") + ".jpg"


def predicted(stem: str) -> np.ndarray[tuple[int, ...], np.dtype[np.uint8]]:
    mask = SAMPLES[stem][1]
    if stem in CLEAN:
        return mask
    shifted = np.roll(mask, SHIFT[stem] % 9 + 1, axis=1)
    if stem in AS_ROAD:
        shifted[:, 30:] *= 2
    return shifted


def dataset_of(root: Path) -> Dataset:
    made = make_dataset(
        root,
        {stem: (image, mask * (stem != WITHOUT)) for stem, (image, mask) in SAMPLES.items()},
        classes=CLASSES,
        groups={stem: f"group {stem[-1]}" for stem in STEMS},
        splits={stem: "test" if stem.startswith("2026") else "val" for stem in STEMS},
    )
    more = [{"year": row.source_stem[:4], "serial": str(SHIFT[row.source_stem])} for row in made.rows]
    rows = [
        replace(row, source=path_of(row.source_stem), attributes=told)
        for row, told in zip(made.rows, more, strict=True)
    ]
    write_manifest(dataset_files.manifest_path(root), rows)
    return open_dataset(root)


def make_found_report(root: Path) -> None:
    """The folder of a report, of its predictions with probabilities, and of the images that were predicted."""
    dataset = dataset_of(root / "dataset")
    predictions = make_predictions(root / "predictions", dataset, {stem: predicted(stem) for stem in STEMS})
    write_shares(predictions, 0.8)
    report(predictions, dataset, root / "report", workers=1, scoring=ScoringOptions(scale=Scale(0.5, "m"), draws=0))
    for stem, (image, _) in SAMPLES.items():
        (root / "images" / path_of(stem)).parent.mkdir(parents=True, exist_ok=True)
        (root / "images" / path_of(stem)).write_bytes(encode_image(image))


def go(visit: Visit, made: Path, address: str = "") -> None:
    visit.page.goto("about:blank")
    visit.page.goto((made / "report" / "index.html").as_uri() + address)


def found(visit: Visit) -> set[str]:
    """The stems of all that match, and what the page says of their number."""
    visit.page.evaluate("() => { const more = document.getElementById('more'); while (!more.hidden) more.click(); }")
    names = set(visit.names())
    assert visit.page.text_content("#shown") in (f"{len(names)} of {len(STEMS)}", str(len(names)))
    return names


def field(visit: Visit, label: str) -> sync_api.Locator:
    if not visit.page.is_visible("#filters"):
        visit.page.click("#filter")
    return visit.page.get_by_role("combobox", name=label, exact=True)


def rows(visit: Visit, column: str) -> list[str]:
    headings = visit.page.locator("#image-table thead th").all_text_contents()
    place = headings.index(column) + 1
    return list(visit.page.locator(f"#image-table tbody tr > :nth-child({place})").all_text_contents())
