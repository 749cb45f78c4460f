"""What `sageseg analysis select` is worth: IoU by number of labels, chosen by it and drawn at random.

    python benchmarks/analysis_select.py --folder /somewhere/select [--shoot 2] [--seeds 3] [--rounds 3]

It draws an uneven pool as shoots are: 40 cars from 8 angles, of which 32 stand in the studio and 8 in the night, in the
street or in fog. Each seed begins with the same labels, drawn at random, for both ways of choosing; each round trains a
unet anew with as many steps, predicts the pool and chooses as many images again. What is held out, and never chosen
from, are other cars, each in all four conditions: the IoU over all of them, and over the pool's own mix. At the end it
tells how well the score orders the pool by what the first models get wrong, beside the mean of the pixels' entropy. Run
again with the same folder, it goes on where it was. `--shoot` draws other cars.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Sequence
from datetime import date
from pathlib import Path

import cv2
import numpy as np

from analysis.masks.bands import Band
from analysis.masks.blend import likeliest
from analysis.selection.uncertainty import outline_reach, sum_bands, uncertainty_of
from formats.console import result
from formats.images import Rgb, encode_image, read_image
from formats.masks import Mask, read_mask
from formats.predictions import read_probabilities
from jobs.contract.model_archive import pack_artefact
from sageseg.studio.shoot import draw_shoot

SIZE, ANGLES = (240, 160), 8
STUDIO, RARE = "studio", ("night", "street", "fog")
CARS = {STUDIO: 32, "night": 3, "street": 3, "fog": 2}
"""Cars of the pool, by condition."""
HELD_OUT_CARS, HELD_OUT_ANGLES, VALIDATION_ANGLES = 8, (1, 4, 6, 8), (2,)
BATCH, STEPS, LABELS = 4, 640, 16
"""Images of a step, steps of a training, and labels that each round adds."""
SETTINGS = {
    "algorithm": "unet",
    "num_classes": "2",
    "optimizer": "adam",
    "learning_rate": "0.003",
    "mini_batch_size": str(BATCH),
    "validation_mini_batch_size": "1",
    "base_size": "160",
    "crop_size": "112",
    "loss": "cross-entropy+dice",
}
_QUIET = {"OMP_NUM_THREADS": "1", "SAGESEG_PRECISION": "bfloat16", "SAGESEG_RESIZE": "none", "SAGESEG_CROP": "none"}
"""One core; and that images are seen whole, which a job's container is told alike."""

Choose = Callable[[Path, Path, int], list[str]]
"""From a run's folder, the dataset and a seed to the stems of the images to label next."""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--folder", type=Path, required=True)
    parser.add_argument("--shoot", type=int, default=2)
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--rounds", type=int, default=3)
    given = parser.parse_args()
    draw_all(given.folder, given.shoot)
    measured = {
        (way, seed): run(given.folder, way, choose, seed, given.rounds)
        for seed in range(given.seeds)
        for way, choose in (("random", at_random), ("select", by_select))
    }
    result(f"{date.today()}, shoot {given.shoot}, IoU of {given.seeds} seeds (mean, lowest to highest)")
    for way in ("random", "select"):
        for number in range(given.rounds):
            scores = [measured[way, seed][number] for seed in range(given.seeds)]
            told = "; ".join(f"{mix} {spread([score[mix] for score in scores])}" for mix in scores[0])
            result(f"{way:6} {LABELS * (number + 1):3} labels: {told}")
    ranks = [rank_pool(given.folder, seed) for seed in range(given.seeds)]
    for measure in ranks[0]:
        result(f"Spearman's ρ of {measure} and 1 - IoU, first models: {spread([rank[measure] for rank in ranks])}")


def spread(values: Sequence[float]) -> str:
    return f"{np.mean(values):.4f} ({min(values):.4f} to {max(values):.4f})"


def draw_all(folder: Path, shoot: int) -> None:
    """The pool, what is held out and the validation images, each with `images`, `masks` and conditions.json."""
    if (folder / "pool").exists():
        return
    total, first = sum(CARS.values()), 1000 * shoot
    draw_shoot(folder / "drawn", cars=total + HELD_OUT_CARS + len(CARS), angles=ANGLES, size=SIZE, seed=first)
    stems = sorted({path.stem.rpartition("_")[0] for path in (folder / "drawn/images").iterdir()})
    pool, held_out, validation = stems[:total], stems[total : total + HELD_OUT_CARS], stems[total + HELD_OUT_CARS :]
    of_cars = [condition for condition, cars in CARS.items() for _ in range(cars)]
    every = range(1, ANGLES + 1)
    _put(folder, "pool", [(car, angle, of) for car, of in zip(pool, of_cars, strict=True) for angle in every])
    _put(folder, "held-out", [(car, angle, of) for car in held_out for angle in HELD_OUT_ANGLES for of in CARS])
    _put(
        folder,
        "validation",
        [(car, angle, of) for car, of in zip(validation, CARS, strict=True) for angle in VALIDATION_ANGLES],
    )


def _put(folder: Path, part: str, shots: Sequence[tuple[str, int, str]]) -> None:
    stage = folder / f"{part}.partial"
    for name in ("images", "masks"):
        (stage / name).mkdir(parents=True, exist_ok=True)
    conditions = {}
    for number, (car, angle, condition) in enumerate(shots):
        drawn = f"{car}_{angle:02d}"
        stem = f"{car}{condition}_{angle:02d}" if part == "held-out" else drawn
        image, mask = read_image(folder / f"drawn/images/{drawn}.jpg"), folder / f"drawn/masks/{drawn}_mask.gif"
        seen = in_condition(image, read_mask(mask), condition, np.random.default_rng([7, number]))
        (stage / f"images/{stem}.jpg").write_bytes(encode_image(seen))
        shutil.copy(mask, stage / f"masks/{stem}_mask.gif")
        conditions[stem] = condition
    (stage / "conditions.json").write_text(json.dumps(conditions))
    stage.rename(folder / part)


def in_condition(image: Rgb, mask: Mask, condition: str, rng: np.random.Generator) -> Rgb:
    """A studio image as it would be elsewhere; the car's outline stays where it is."""
    seen = image.astype(np.float32)
    if condition == "night":
        seen = 255 * (seen / 255) ** 1.6 * 0.22 * np.array([0.8, 0.9, 1.2]) + rng.normal(0, 6, seen.shape)
    elif condition == "fog":
        seen = 175 + 0.22 * (cv2.GaussianBlur(seen, (0, 0), 1.2) - 175) + rng.normal(0, 2, seen.shape)
    elif condition == "street":
        soft = cv2.GaussianBlur(mask.astype(np.float32), (0, 0), 0.7)[..., None]
        seen = soft * seen + (1 - soft) * street(mask.shape, rng)
    return np.asarray(seen.clip(0, 255), np.uint8)


def street(shape: tuple[int, ...], rng: np.random.Generator) -> np.ndarray:
    """Blocks of many colours above a grey ground, as house fronts and parked cars are."""
    height, width = shape
    coarse = rng.uniform(20, 235, (7, 11, 3)).astype(np.float32)
    behind = cv2.resize(coarse, (width, height), interpolation=cv2.INTER_NEAREST)
    behind[int(0.72 * height) :] = rng.uniform(60, 130)
    return np.asarray(cv2.GaussianBlur(behind, (0, 0), 2) + rng.normal(0, 12, behind.shape))


def run(folder: Path, way: str, choose: Choose, seed: int, rounds: int) -> list[dict[str, float]]:
    """The scores of each round of one way of choosing."""
    place, pool = folder / "runs" / f"{way}-{seed}", sorted(path.stem for path in (folder / "pool/images").iterdir())
    place.mkdir(parents=True, exist_ok=True)
    done_path = place / "scores.json"
    done: list[dict[str, float]] = json.loads(done_path.read_text()) if done_path.exists() else []
    for number in range(len(done), rounds):
        labelled, step = place / f"labelled-{number}.json", place / str(number)
        if not labelled.exists():
            before = json.loads((place / f"labelled-{number - 1}.json").read_text()) if number else []
            further = (
                choose(folder / "pool", place / str(number - 1), 100 * seed + number) if number else draw(pool, seed)
            )
            labelled.write_text(json.dumps([*before, *further]))
        chosen = json.loads(labelled.read_text())
        first = folder / "runs" / f"random-{seed}" / "0"
        if number == 0 and way != "random" and first.exists():
            shutil.copytree(first, step, dirs_exist_ok=True)  # both ways begin alike
        else:
            shutil.rmtree(step, ignore_errors=True)
            train(folder, step, chosen)
        done.append(score(folder, step))
        result(f"{way}-{seed}, {len(chosen)} labels: {done[-1]}")
        done_path.write_text(json.dumps(done))
    return done


def train(folder: Path, step: Path, chosen: Sequence[str]) -> None:
    """Make a dataset of the chosen images and the validation images, and a model of it."""
    validation = [path.stem for path in sorted((folder / "validation/images").iterdir())]
    for part, stems in (("pool", chosen), ("validation", validation)):
        for name, ending in (("images", ".jpg"), ("masks", "_mask.gif")):
            (step / name).mkdir(parents=True, exist_ok=True)
            for stem in stems:
                os.link(folder / part / name / f"{stem}{ending}", step / name / f"{stem}{ending}")
    groups = {_car(stem): "train" for stem in chosen} | {_car(stem): "val" for stem in validation}
    (step / "split.json").write_text(json.dumps({"groups": groups}))
    dataset = step / "dataset"
    sizes = ["--crop", "none", "--split-file", str(step / "split.json")]
    sageseg("prep", "carvana", str(step / "images"), str(step / "masks"), "--out", str(dataset), *sizes)
    root, samples = step / "opt_ml", len(chosen)
    for place in ("input/config", "model"):
        (root / place).mkdir(parents=True)
    (root / "input/data").symlink_to((dataset / "channels").absolute(), target_is_directory=True)
    told = SETTINGS | {"epochs": str(STEPS * BATCH // samples), "num_training_samples": str(samples)}
    (root / "input/config/hyperparameters.json").write_text(json.dumps(told))
    command = [sys.executable, "-m", "jobs.algorithm", "train", "--root", str(root)]
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, env=os.environ | _QUIET)
    pack_artefact(root / "model", step / "model.tar.gz")


def _car(stem: str) -> str:
    return stem.rpartition("_")[0]


def score(folder: Path, step: Path) -> dict[str, float]:
    """IoU of the car over what is held out: every condition as often (even), and as often as in the pool (pool)."""
    predict(step, folder / "held-out/images", step / "held-out")
    shared, united = dict.fromkeys(CARS, 0), dict.fromkeys(CARS, 0)
    for stem, condition in json.loads((folder / "held-out/conditions.json").read_text()).items():
        truth = read_mask(folder / f"held-out/masks/{stem}_mask.gif") == 1
        predicted = read_mask(step / f"held-out/masks/{stem}.png") == 1
        shared[condition] += int(np.count_nonzero(truth & predicted))
        united[condition] += int(np.count_nonzero(truth | predicted))
    weighed = {"even": dict.fromkeys(CARS, 1), "pool": CARS, **{own: {own: 1} for own in CARS}}
    return {
        mix: sum(weight * shared[of] for of, weight in weights.items())
        / sum(weight * united[of] for of, weight in weights.items())
        for mix, weights in weighed.items()
    }


def rank_pool(folder: Path, seed: int) -> dict[str, float]:
    """How well measures of uncertainty order the pool's images by how wrong a seed's first model is on them."""
    step = folder / "runs" / f"random-{seed}" / "0"
    kept = step / "ranks.json"
    if kept.exists():
        return dict(json.loads(kept.read_text()))
    predict(step, folder / "pool/images", step / "predicted", "--probabilities")
    wrong: list[float] = []
    measured: dict[str, list[float]] = {"doubt": [], "mean entropy": []}
    for path in sorted((step / "predicted/probabilities").iterdir()):
        values = read_probabilities(path)
        labels, truth = likeliest(values), read_mask(folder / f"pool/masks/{path.stem}_mask.gif")
        wrong.append(1 - np.count_nonzero(labels & truth) / np.count_nonzero(labels | truth))
        measured["doubt"].append(uncertainty_of(sum_bands([Band(0, labels, values)], 2, outline_reach(*SIZE))).score)
        sure = values.astype(np.float64).clip(1e-6, 1)
        measured["mean entropy"].append(float(-(sure * np.log(sure)).sum(axis=0).mean()))
    ranks = {name: spearman(scores, wrong) for name, scores in measured.items()}
    kept.write_text(json.dumps(ranks))
    shutil.rmtree(step / "predicted")
    return ranks


def spearman(one: Sequence[float], other: Sequence[float]) -> float:
    places = [np.argsort(np.argsort(values, kind="stable")) for values in (one, other)]
    return float(np.corrcoef(*places)[0, 1])


def predict(step: Path, images: Path, out: Path, *more: str) -> None:
    sageseg("jobs", "predict", str(step / "model.tar.gz"), str(images), "--out", str(out), "--overwrite", *more)


def at_random(pool: Path, step: Path, seed: int) -> list[str]:
    labelled = {path.stem for path in (step / "images").iterdir()}
    rest = sorted(path.stem for path in (pool / "images").iterdir() if path.stem not in labelled)
    return draw(rest, 1000 + seed)


def draw(stems: Sequence[str], seed: int) -> list[str]:
    return [str(stem) for stem in np.random.default_rng(seed).choice(stems, LABELS, replace=False)]


def by_select(pool: Path, step: Path, _seed: int) -> list[str]:
    predict(step, pool / "images", step / "predicted", "--probabilities")
    words = ["--count", str(LABELS), "--labelled", str(step / "dataset"), "--images", str(pool / "images")]
    words += ["--group-by", "^(.+)_", "--out", str(step / "selected"), "--overwrite"]
    sageseg("analysis", "select", str(step / "predicted"), *words)
    return [Path(line).stem for line in (step / "selected/selected.txt").read_text().splitlines()]


def sageseg(*words: str) -> None:
    command = [sys.executable, "-m", "sageseg", *words]
    ran = subprocess.run(command, capture_output=True, text=True, env=os.environ | _QUIET, check=False)
    if ran.returncode:
        sys.exit(f"{' '.join(words)}\n{ran.stderr}")


if __name__ == "__main__":
    main()
