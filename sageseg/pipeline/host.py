"""What the instances of a pipeline's processing steps run: command lines of this project, one after the other, and what
they made put whole where the job's outputs are taken from.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from formats.console import say
from formats.dataset import open_dataset
from formats.disk.whole_files import write_text
from formats.errors import SagesegError
from formats.prepared.preparation import ENVIRONMENT, dataset_preparation
from formats.shards.shard import OPT_ML
from formats.texts.json_text import format_json
from jobs.pipelines.steps import unchained
from sageseg.experiment.checks import check_dataset
from sageseg.process_host import leave_message, run_line

_GATE = ["analysis", "gate"]


def run_lines(root: Any, words: Sequence[str]) -> None:
    """Run command lines; what they leave below `made` goes to the outputs of the same names."""
    tree = Path(os.environ.get(OPT_ML, "/opt/ml"))
    made = tree / "processing" / "made"
    made.mkdir(parents=True, exist_ok=True)
    for line in unchained(words):
        try:
            run_line(root, line)
        except SagesegError as e:
            if line[:2] != _GATE or not _verdict(line).exists():
                leave_message(tree, str(e).replace(f"{tree}/", ""))
                raise
            say(f"note: {e}")  # the pipeline's own condition reads the verdict
    for output in sorted((tree / "processing" / "output").iterdir()):
        for path in sorted((made / output.name).iterdir()):
            shutil.move(path, output / path.name)


def _verdict(line: Sequence[str]) -> Path:
    """The file that a gate writes, whether it passes or not."""
    return Path(line[line.index("--out") + 1])


def tell_facts(folder: Path, into: Path, split: str, scores: Sequence[str] = (), *, images: bool = False) -> None:
    """Leave in a folder what steps read of a dataset: `facts` with what hyperparameters must say of it, and the
    `images` of the split that is predicted, where a transform is sent them; of a dataset that was made in there
    `dataset`, and the `channels` that are trained on, apart.

    Raises SagesegError for what would be found only after the training: a split without images, and a score of the
    gate whose class is none.
    """
    dataset = open_dataset(folder)
    check_dataset(dataset, split, scores)
    if images:
        (into / "images").mkdir()
        for row in dataset.kept(
            split
        ):  # a dataset that is given may lie on another disk, from which nothing can be linked
            shutil.copyfile(dataset.image_path(row.id), into / "images" / f"{row.id}.jpg")
    facts = {"num_classes": str(len(dataset.classes)), "num_training_samples": str(len(dataset.kept("train")))}
    prepared = dataset_preparation(dataset.info)
    told = prepared.to_strings(ENVIRONMENT) if prepared else {}
    write_text(into / "facts" / "facts.json", format_json({**facts, **told}) + "\n")
    if folder.parent == into:
        (folder / "channels").rename(into / "channels")
        folder.rename(into / "dataset")
