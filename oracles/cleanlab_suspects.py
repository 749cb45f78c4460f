"""Which rank of suspicious labels finds planted errors best: `analysis suspects` or cleanlab's.

    .venv/bin/python oracles/cleanlab_suspects.py .venv/cleanlab/bin/python [--seeds 1 2 3 4 5]

For each seed it draws scenes and studio shots whose labels are partly wrong (oracles/planted_errors.py),
trains a small unet on some of them as they are, and predicts the others. Ours and cleanlab (in an
environment of its own, oracles/cleanlab_scores.py) rank the same labels by the same probabilities. Told is
the area under the curve of precision and recall, the mean of all seeds: of all errors, and of one kind
or of one class alone among the right labels. Fails where ours finds less than either of cleanlab's methods
as they come, by more than LEEWAY.
"""

from __future__ import annotations

import argparse
import subprocess
import sys
import tempfile
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from datetime import date
from pathlib import Path

import cv2
import numpy as np
import numpy.typing as npt
import torch
from sklearn.metrics import average_precision_score

ROOT = Path(__file__).resolve().parent.parent
sys.path[:0] = [str(ROOT)]

from analysis.scoring.suspects import doubts, suspect  # noqa: E402
from formats.console import result, say  # noqa: E402
from formats.images import Rgb  # noqa: E402
from formats.masks import Mask  # noqa: E402
from formats.predictions import Probabilities  # noqa: E402
from jobs.algorithm.network.normalisation import normalise  # noqa: E402
from jobs.algorithm.network.unet import UNet  # noqa: E402
from jobs.algorithm.training.losses import training_loss  # noqa: E402
from oracles.planted_errors import CLASSES, KINDS, Planted, draw_scenes, plant  # noqa: E402

TRAINED_ON, RANKED = 144, 256
EPOCHS, BATCH, RATE = 24, 4, 3e-3
OURS, LEARNT = "sageseg", "sageseg, images trained on"
AS_THEY_COME = ("softmin", "num_pixel_issues")
"""cleanlab's methods with their own settings; others are told, and decide nothing."""
LEEWAY = 0.01
"""A quarter of what seeds differ by: other processors train other networks of the same seed."""
Scores = npt.NDArray[np.float64]
Table = Mapping[str, Mapping[str, Sequence[float]]]
"""By method and column the areas, one per seed."""


def train(images: Rgb, labels: Mask, num_classes: int, seed: int) -> UNet:
    """A unet of images (N, H, W, 3) and their labels (N, H, W), half of the batches mirrored."""
    torch.manual_seed(seed)
    rng, network = np.random.default_rng([seed, 3]), UNet(num_classes)
    optimizer = torch.optim.Adam(network.parameters(), RATE)
    steps = EPOCHS * -(-len(images) // BATCH)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, RATE, total_steps=steps)
    for _ in range(EPOCHS):
        order = rng.permutation(len(images))
        for batch in np.split(order, range(BATCH, len(order), BATCH)):
            turn = slice(None, None, -1 if rng.random() < 0.5 else 1)
            seen = torch.from_numpy(np.ascontiguousarray(images[batch][:, :, turn]))
            truth = torch.from_numpy(labels[batch][:, :, turn].astype(np.int64))
            scores, _ = network(normalise(seen))
            optimizer.zero_grad()
            training_loss(scores, None, truth, "cross-entropy").backward()
            optimizer.step()
            schedule.step()
    return network.eval()


@torch.inference_mode()
def predict(network: UNet, images: Rgb) -> Probabilities:
    """Probabilities (N, C, H, W) as predictions hold them."""
    parts = [network(normalise(torch.from_numpy(each)))[0].softmax(1).numpy() for each in np.split(images, 8)]
    return np.concatenate(parts).astype(np.float16)


def suspicions(labels: Mask, probabilities: Probabilities) -> Scores:
    """Our suspicion of each label."""
    found = [suspect("", "", truth, doubts(truth, each)) for truth, each in zip(labels, probabilities, strict=True)]
    return np.array([each.suspicion if each else 0 for each in found])


def cleanlab_scores(python: str, labels: Mask, probabilities: Probabilities) -> dict[str, Scores]:
    """What cleanlab's methods make of the same labels; the more, the more suspicious."""
    with tempfile.TemporaryDirectory() as folder:
        given, answered = Path(folder) / "given.npz", Path(folder) / "answered.npz"
        np.savez(given, labels=labels, probabilities=probabilities)
        subprocess.run([python, str(ROOT / "oracles/cleanlab_scores.py"), str(given), str(answered)], check=True)
        with np.load(answered) as scores:
            return {name: scores[name] for name in scores.files}


def areas(planted: Sequence[Planted], scores: Scores) -> Iterator[tuple[str, float]]:
    """The area under precision and recall: of all errors, of each kind, of each class."""
    wrong = np.array([bool(each.kind) for each in planted])
    yield "all", float(average_precision_score(wrong, scores))
    kinds, classes = np.array([each.kind for each in planted]), np.array([each.class_id for each in planted])
    for values in (kinds, classes):
        for value in sorted(set(values[wrong].tolist())):
            asked = ~wrong | (values == value)
            yield str(value), float(average_precision_score(wrong[asked], scores[asked]))


def compare(drawn: str, seeds: Sequence[int], python: str) -> Table:
    """Each method's areas on one kind of drawing."""
    table: dict[str, dict[str, list[float]]] = defaultdict(lambda: defaultdict(list))
    for seed in seeds:
        planted = plant(draw_scenes(drawn, TRAINED_ON + RANKED, seed), drawn, seed)
        images, labels = np.stack([each.image for each in planted]), np.stack([each.label for each in planted])
        network = train(images[:TRAINED_ON], labels[:TRAINED_ON], len(CLASSES[drawn]), seed)
        probabilities = predict(network, images)
        new = slice(TRAINED_ON, None)
        ranked = {OURS: suspicions(labels[new], probabilities[new])}
        ranked |= cleanlab_scores(python, labels[new], probabilities[new])
        for method, scores in ranked.items():
            for column, area in areas(planted[new], scores):
                table[method][column].append(area)
        learnt = suspicions(labels[:TRAINED_ON], probabilities[:TRAINED_ON])
        for column, area in areas(planted[:TRAINED_ON], learnt):
            table[LEARNT][column].append(area)
        say(f"{drawn}, seed {seed}: {table[OURS]['all'][-1]:.3f}")
    return table


def tell(drawn: str, table: Table) -> None:
    """The table as Markdown: means, and of all errors the standard deviation over seeds."""
    names = {str(number): name for number, name in enumerate(CLASSES[drawn])}
    columns = ["all", *KINDS[drawn], *list(names)[1:]]
    result(f"\n| {drawn} | {' | '.join(names.get(each, each) for each in columns)} |")
    result("|---" * (len(columns) + 1) + "|")
    for method, found in table.items():
        cells = [f"{np.mean(found[each]):.3f}" for each in columns]
        cells[0] += f" ± {np.std(found['all']):.3f}"
        result(f"| {method} | {' | '.join(cells)} |")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("python", help="the Python of cleanlab's environment")
    parser.add_argument("--seeds", type=int, nargs="+", default=[1, 2, 3, 4, 5])
    given = parser.parse_args()
    torch.set_num_threads(1)
    cv2.setNumThreads(1)
    tables = {drawn: compare(drawn, given.seeds, given.python) for drawn in CLASSES}
    result(f"{date.today()}, seeds {', '.join(map(str, given.seeds))}")
    for drawn, table in tables.items():
        tell(drawn, table)
    for drawn, table in tables.items():
        ours = np.mean(table[OURS]["all"])
        for method in AS_THEY_COME:
            if ours + LEEWAY < np.mean(table[method]["all"]):
                sys.exit(f"{drawn}: {method} finds more than ours")


if __name__ == "__main__":
    main()
