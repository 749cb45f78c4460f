"""Questions that the site's own search must answer among its first hits: asked in Chromium, of pages that are files."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from docsite.browser import started_browser

FIRST = 3
QUESTIONS = {
    "masks mode P": ["questions.html#what-are-masks-of-mode-p"],
    "ml.p3 not available quota": ["quotas.html", "questions.html#mlp3"],
    "CreateTrainingJob access denied role": ["questions.html#createtrainingjob", "aws-account.html"],
    "label 255 ignore": ["questions.html#what-does-label-255-mean"],
    "split leak same car": ["prep.html#the-split", "questions.html#can-the-split-leak"],
    "GIF masks carvana": ["sources/carvana.html", "tutorials/cars-to-report.html", "questions.html#how-are-carvanas"],
    "labelme polygons to masks": ["questions.html#labelme-how-to-get", "sources/labelme.html"],
    "stitch crops full image": ["analysis.html#full-size-masks", "questions.html#how-are-crops-stitched"],
    "endpoint still running cost": ["questions.html#is-an-endpoint", "serving.html#delete-and-leftovers"],
    "load model.tar.gz without mxnet": ["tutorials/model-home.html", "questions.html#how-do-i-load"],
    "export onnx": [
        "reference/commands/jobs-export.html",
        "algorithm.html#elsewhere",
        "questions.html#how-do-i-export",
    ],
    "false positives per image": ["metrics.html#false-positives", "questions.html#how-many-false-positives"],
    "dice confidence interval": ["questions.html#how-sure-is-a-dice", "metrics.html#intervals"],
    "remove background": ["questions.html#how-do-i-remove", "reference/commands/analysis-cutout.html"],
    "spot training checkpoint": ["questions.html#does-a-spot-training", "jobs.html#start"],
    "tuning range learning_rate": ["tuning.html", "questions.html#which-tuning-range"],
    "emulator boto3 endpoint_url": ["questions.html#how-is-boto3", "emulator.html#who-may-ask"],
    "several machines shards merge": ["questions.html#how-do-several-machines", "scale.html"],
    "compare two models": ["questions.html#how-do-i-compare", "report.html#reports-side-by-side"],
    "every crop is empty no foreground so none is kept": ["reference/errors/prep.html#e-", "questions.html#every-crop"],
}
"""What a reader types, and the beginnings of places that answer it; the last is an error line."""
PASTED = {
    "error: train: every crop is empty (no foreground), so none is kept; check the masks, or raise --keep-empty": (
        "prep.html#e-"
    ),
    "error: /data/shots/a.jpg: not found; expected an image": ".html#e-",
    "error: masks/12.png: value 7 at (3, 4) is not in classes.csv; add a line 7,NAME, or one *,NAME for all others": (
        "prep-readers.html#e-"
    ),
}
"""Lines as commands print them, pasted into the page of errors, and a part of the place that is the first hit."""


def unanswered(site: Path) -> list[str]:
    """The questions of which no answer is among the first hits, a line each. Raises SagesegError without Chromium."""
    with started_browser() as browser:
        return [*_of_search(browser.new_page(), site), *_of_errors(browser.new_page(), site)]


def _of_search(page: Any, site: Path) -> Iterator[str]:
    page.goto((site / "index.html").resolve().as_uri())
    page.keyboard.press("/")
    asked = page.locator("input[type=text]:visible, input:not([type]):visible, input[type=search]:visible").first
    asked.wait_for(timeout=60_000)
    for question, answers in QUESTIONS.items():
        asked.fill(question)
        # every hit carries what was asked for
        page.locator(f'a[href*="?h={question.split()[0]}"]').first.wait_for(timeout=60_000, state="attached")
        hits = _places(site, page.locator('a[href*="?h="]').evaluate_all("links => links.map(link => link.href)"))
        if not any(hit.startswith(answer) for hit in hits[:FIRST] for answer in answers):
            yield f"{question}: {', '.join(hits[:FIRST]) or 'no hit'}; expected one of {', '.join(answers)}"


def _places(site: Path, addresses: Sequence[str]) -> list[str]:
    """Addresses as places of the site, without what was asked for."""
    root = site.resolve().as_uri() + "/"
    parts = (address.removeprefix(root).partition("?") for address in addresses)
    return [f"{path}{'#' + rest.partition('#')[2] if '#' in rest else ''}" for path, _, rest in parts]


def _of_errors(page: Any, site: Path) -> Iterator[str]:
    page.goto((site / "reference" / "errors" / "index.html").resolve().as_uri())
    for line, place in PASTED.items():
        page.locator("#error-line").fill(line)
        hits = page.locator("#error-hits a").evaluate_all("links => links.map(link => link.getAttribute('href'))")
        if not hits or place not in hits[0]:
            yield f"{line}: {hits[0] if hits else 'no hit'}; expected {place}"
