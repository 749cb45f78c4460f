"""The option that was meant: by what other programs call it, by its parts, or by a slip of the finger."""

from __future__ import annotations

from collections.abc import Sequence
from difflib import get_close_matches

_OTHER_NAMES = {
    "arch": "algorithm",
    "architecture": "algorithm",
    "batch": "mini-batch-size",
    "batch-size": "mini-batch-size",
    "bs": "mini-batch-size",
    "classes": "labels",
    "dest": "out",
    "encoder": "backbone",
    "force": "overwrite",
    "image-size": "crop-size",
    "imgsz": "crop-size",
    "input-size": "crop-size",
    "instance": "instance-type",
    "instance-count": "instances",
    "l2": "weight-decay",
    "lr": "learning-rate",
    "max-run": "max-runtime",
    "model-type": "algorithm",
    "network": "algorithm",
    "num-epochs": "epochs",
    "num-workers": "workers",
    "optim": "optimizer",
    "output-dir": "out",
    "patience": "early-stopping-patience",
    "role-arn": "role",
    "scheduler": "lr-scheduler",
    "size": "crop-size",
    "test-size": "test",
    "timeout": "max-runtime",
    "use-spot-instances": "spot",
    "val-batch-size": "validation-mini-batch-size",
    "val-size": "val",
    "volume": "volume-size",
    "wd": "weight-decay",
}
"""What other programs of this field call what is called otherwise here: to be suggested where a verb has it."""
_OF_THE_DATASET = ("num-classes", "num-training-samples", "n-classes", "nclasses")

_OF_ALL = ("-q", "--quiet", "-v", "--verbose")
"""Those of the command itself, for all its verbs."""


def unknown_option(word: str, names: Sequence[str], command: str) -> str:
    """What to say of an option that there is not, `names` being those there are, without their hyphens."""
    asked = word.lstrip("-").replace("_", "-").lower()
    if asked in _OF_THE_DATASET and "crop-size" in names:
        return f"No such option: {word}; the number of classes and of images is the dataset's own, so leave it out"
    _, ours, verb = command.partition("sageseg ")
    if word in _OF_ALL and ours:
        return f"No such option: {word}; it stands before the verb: sageseg {word} {verb}"
    found = nearest_options(asked, names)
    if found:
        return f"No such option: {word}; did you mean {' or '.join(f'--{name}' for name in found)}?"
    return f"No such option: {word}; {command} --help lists those there are"


def nearest_options(asked: str, names: Sequence[str]) -> list[str]:
    """The options that a word may have meant, at most three: by what others call them, by their parts, or by a
    slip of the finger."""
    if asked in names:
        return [asked]
    meant = _OTHER_NAMES.get(asked, "")
    if meant in names:
        return [meant]
    parts = set(asked.split("-"))
    within = [name for name in names if not name.startswith("no-") and parts < set(name.split("-"))]
    if within:
        return within[:3]
    close = get_close_matches(asked, names, n=3, cutoff=0.75)
    return close[:1] if close and close[0][:1] == asked[:1] else close
