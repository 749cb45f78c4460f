"""The report's page of very many images in Chromium: first paint, a sort, a filter.

.venv/bin/python benchmarks/report_page.py                  # 10,000 small images through the report: minutes
.venv/bin/python benchmarks/report_page.py --times 10       # and their columns ten times over: 100,000
"""

from __future__ import annotations

import argparse
import json
import os
import re
import shutil
import statistics
from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
from playwright.sync_api import Page, sync_playwright

from analysis.options import ScoringOptions
from analysis.report.page.page_data import columns_script
from analysis.report.report import report
from analysis.report_files import PAGE
from formats import dataset as files
from formats.classes import ClassTable, write_labels
from formats.console import result
from formats.dataset import open_dataset
from formats.images import encode_image
from formats.manifest import ManifestRow, write_manifest
from formats.masks import Mask, encode_mask
from formats.predictions import mask_path, open_predictions, write_predictions_tables

SIZE, ANGLES, DRAWN, WORKERS, RUNS = (96, 64), 16, 64, 2, 5
CLASSES = ClassTable(("_background_", "car", "road"))
MAKES = ("Acura", "Audi", "BMW", "Ford", "Honda", "Kia", "Mazda", "Nissan", "Toyota", "Volvo")
ACTS = {
    "sort by name": "choose('sort', 'name')",
    "sort by an attribute": "choose('sort', 'attribute.serial')",
    "sort by the IoU of a class": "choose('sort', 'iou.road')",
    "sort the other way": "document.getElementById('direction').click()",
    "search": "type('search', 'volvo car1')",
    "search for nothing": "type('search', '')",
    "filter by a group": "document.querySelector('#groups [data-show]').click()",
    "filter by a pair of classes": "document.querySelector('[data-confused]').click()",
    "no filter": "document.getElementById('clear').click()",
    "show the table": "document.querySelector('[data-view=table]').click()",
    "sort the table": "document.querySelector('#image-table [data-sort=missed]').click()",
    "next page of it": "document.querySelector('#pager [data-page=\"1\"]').click()",
    "show cards": "document.querySelector('[data-view=cards]').click()",
    "choose all": "document.getElementById('choose-all').click()",
    "choose none": "document.querySelector('[data-do=clear]').click()",
}
TIMED = """async () => {
    const choose = (id, value) => {
        document.getElementById(id).value = value;
        document.getElementById(id).dispatchEvent(new Event("change"));
    };
    const type = (id, value) => {
        document.getElementById(id).value = value;
        document.getElementById(id).dispatchEvent(new Event("input"));
    };
    const changed = new Promise((done) => {
        new MutationObserver(done).observe(document.getElementById("images"), { childList: true, subtree: true });
    });
    const started = performance.now();
    ACT;
    await changed;
    await new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done)));
    return performance.now() - started;
}"""
PAINTED = """async () => {
    const [loading] = performance.getEntriesByType("navigation");
    const painted = () => performance.getEntriesByName("first-contentful-paint")[0];
    while (!painted()) await new Promise(requestAnimationFrame);
    return Math.max(loading.domContentLoadedEventEnd, painted().startTime);
}"""


def draw(seed: int) -> tuple[Mask, Mask]:
    """A car before a road, and a prediction that is off by some pixels."""
    rng = np.random.default_rng(seed)
    truth = np.zeros(SIZE[::-1], np.uint8)
    truth[40:] = 2
    left = int(rng.integers(5, 50))
    truth[20:50, left : left + 36] = 1
    return truth, np.roll(truth, int(rng.integers(0, 9)), axis=1) * (rng.random(truth.shape) < 0.995)


def make_samples(root: Path, many: int) -> None:
    """`many` images, hard links to a few, with the attributes of a shoot of cars."""
    dataset, predicted = root / "dataset", root / "predictions"
    drawn = root / "drawn"
    for folder in (dataset / "JPEGImages", dataset / "SegmentationClass", predicted / "masks", drawn):
        folder.mkdir(parents=True)
    for number in range(DRAWN):
        truth, prediction = draw(number)
        (drawn / f"{number}.jpg").write_bytes(encode_image(np.repeat((90 * truth + 40)[:, :, None], 3, axis=2)))
        (drawn / f"{number}_truth.png").write_bytes(encode_mask(truth))
        (drawn / f"{number}_prediction.png").write_bytes(encode_mask(prediction))
    rows = []
    for number in range(many):
        car, angle = divmod(number, ANGLES)
        row = ManifestRow(
            f"car{car:04d}_{angle:02d}", "val", f"car{car:04d}", f"{MAKES[car % 10]}/{number}.jpg", 0, 0, *SIZE, *SIZE
        )
        row.attributes.update(
            angle=f"{angle:02d}", make=MAKES[car % 10], year=str(2000 + car % 19), serial=str((number * 7919) % many)
        )
        rows.append(row)
        of = number * 13 % DRAWN
        os.link(drawn / f"{of}.jpg", files.image_path(dataset, row.id))
        os.link(drawn / f"{of}_truth.png", files.mask_path(dataset, row.id))
        os.link(drawn / f"{of}_prediction.png", mask_path(predicted, row.id))
    write_labels(files.labels_path(dataset), CLASSES)
    write_manifest(files.manifest_path(dataset), rows)
    files.info_path(dataset).write_text(json.dumps({"format_version": files.FORMAT_VERSION}))
    write_predictions_tables(predicted, rows, CLASSES, {})


def repeated(value: Any, images: int, times: int) -> Any:
    """The page's data with each column of images so many times over."""
    if isinstance(value, dict):
        return {key: repeated(each, images, times) for key, each in value.items()}
    if isinstance(value, list) and len(value) == images:
        return value * times
    return [repeated(each, images, times) for each in value] if isinstance(value, list) else value


def repeat_file(page: Path, name: str, images: int, times: int) -> str:
    """The name of the file beside the page that holds another's columns so many times over."""
    columns = json.loads((page.parent / name).read_text().removeprefix("takeColumns(").removesuffix(")\n"))
    made = name.replace(".js", "_repeated.js")
    (page.parent / made).write_text("".join(columns_script(repeated(columns, images, times))))
    return made


def write_repeated(page: Path, times: int) -> Path:
    text = page.read_text()
    found = re.search(r'<script type="application/json" id="data">(.*?)</script>', text, re.DOTALL)
    if found is None:
        raise ValueError("the page has no data")
    known = json.loads(found[1])
    images = known.get("count") or len(known["columns"]["stem"])
    if "count" in known:  # then the columns lie beside the page
        known |= {"count": images * times, "imagesBeside": repeat_file(page, known["imagesBeside"], images, times)}
        known["classesBeside"] = [repeat_file(page, name, images, times) for name in known["classesBeside"]]
    else:
        known = repeated(known, images, times)
    data = json.dumps(known, separators=(",", ":"))
    out = page.with_name("repeated.html")
    out.write_text(text.replace(found[1], data.replace("<", "\\u003c")))
    return out


def measure(page: Page, path: Path) -> Iterator[tuple[str, float]]:
    """What took how many milliseconds, once each."""
    page.goto("about:blank")
    page.goto(path.as_uri())
    yield "first paint, and the script done", page.evaluate(PAINTED)
    for name, act in ACTS.items():
        yield name, page.evaluate(TIMED.replace("ACT", act))


def tell(path: Path) -> None:
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=shutil.which("chromium"), args=["--no-sandbox"])
        page = browser.new_page(viewport={"width": 1280, "height": 900})
        page.on("console", lambda message: result(f"console: {message.text}"))
        page.on("pageerror", lambda error: result(f"error: {error}"))
        took: dict[str, list[float]] = {}
        for _ in range(RUNS):
            for name, milliseconds in measure(page, path):
                took.setdefault(name, []).append(milliseconds)
        browser.close()
    result(f"{path.name}: {path.stat().st_size / 1e6:.2f} MB; median and most of {RUNS} runs")
    for name, each in took.items():
        result(f"{name:34}{statistics.median(each):7.0f} ms {max(each):7.0f} ms")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--many", type=int, default=10_000)
    parser.add_argument("--times", type=int, default=1)
    parser.add_argument("--folder", type=Path, help="Where a report of an earlier run lies, or goes.")
    given = parser.parse_args()
    with TemporaryDirectory() as folder:
        root = given.folder or Path(folder)
        if not (root / "report").is_dir():
            make_samples(root, given.many)
            dataset, predictions = open_dataset(root / "dataset"), open_predictions(root / "predictions")
            report(predictions, dataset, root / "report", workers=WORKERS, scoring=ScoringOptions(draws=100))
        page = root / "report" / PAGE
        tell(page)
        if given.times > 1:
            tell(write_repeated(page, given.times))


if __name__ == "__main__":
    main()
