"""The commented text of a first experiment file, of what labels there are and what was answered."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from formats.texts.yaml_text import parse_yaml
from sageseg.experiment.schema import SCHEMA_NAME

NETWORKS = ("unet", "fcn", "psp", "deeplab")
UNET = NETWORKS[0]
BACKENDS = ("local", "aws")
_PLAIN = re.compile(r"[\w./+-][\w./+ -]*(?<! )")


@dataclass(frozen=True)
class Labels:
    """What is read: a reader of prep with its operands and options, paths as the file has them; or a dataset that is
    there already. `name` and `why` are what is said of them."""

    name: str
    why: str
    reader: str = ""
    operands: tuple[str, ...] = ()
    options: Mapping[str, str | bool] | None = None
    dataset: str = ""


@dataclass(frozen=True)
class Answers:
    """What else the file says. `data` is the place in S3 of a training at AWS, `image` that of a container of one's
    own, which unet needs there."""

    labels: Labels
    backend: str = BACKENDS[0]
    network: str = UNET
    crop: int | None = 256
    data: str = ""
    image: str = ""


def experiment_text(answers: Answers, name: str) -> str:
    """The whole file, which is called `name`."""
    blocks = (_head(name), _labels(answers), _train(answers), _rest(answers))
    return "\n".join("\n".join(block) + "\n" for block in blocks)


def _head(name: str) -> Iterator[str]:
    yield f"# yaml-language-server: $schema={SCHEMA_NAME}"
    yield f"# An experiment, from labels to a report. It runs, as often as it is changed, by:  sageseg run {name}"
    yield "# Each section is one command, its lines are that command's options, and paths are relative to this file."
    yield "# What is done and unchanged is passed over. A line with # before it says what could be said."
    yield ""
    yield "out: results # the dataset, and for each run a folder results/runs/N with predictions and report"


def _labels(answers: Answers) -> Iterator[str]:
    labels = answers.labels
    if labels.dataset:
        yield f"dataset: {written(labels.dataset)} # {_remark(labels)}"
        return
    yield f"# {_remark(labels)}; all options: sageseg prep {labels.reader} --help"
    yield "prep:"
    yield f"  {labels.reader}: [{', '.join(map(written, labels.operands))}]"
    for option, value in (labels.options or {}).items():
        yield f"  {option.replace('-', '_')}: {written(value)}"
    side = "none" if answers.crop is None else answers.crop
    yield f"  crop: {side} # images are cut into squares of so many pixels; none keeps them whole"
    yield "  # val: 0.2 # this part of the groups validates, where the labels have no split of their own"
    yield "  # group_by: '^(.+)_' # what of a name says which images belong together, so that no split divides them"


def _remark(labels: Labels) -> str:
    """What was found, as one line: names of files may hold anything."""
    text = " ".join(f"{labels.name} ({labels.why})".split())
    return "".join(each if each.isprintable() else "?" for each in text)


def _train(answers: Answers) -> Iterator[str]:
    local = answers.backend == BACKENDS[0]
    side = answers.crop or 256
    yield "# all options: sageseg jobs train --help"
    yield "train:"
    yield f"  backend: {answers.backend} # local: this machine; aws: SageMaker, which costs"
    yield f"  algorithm: {answers.network} # fcn, psp or deeplab of the built-in algorithm; unet is small"
    yield "  epochs: 20 # passes over the training images"
    if answers.network == UNET:
        yield "  optimizer: adam"
        yield "  learning_rate: 0.003"
    else:
        yield "  backbone: resnet-50 # or resnet-101"
    yield f"  base_size: {side} # the long side, before training scales it by half to double"
    yield f"  crop_size: {side} # what training sees of an image, a square"
    yield "  mini_batch_size: 8 # images a step: fewer where memory is short, and no more than there are"
    yield "  validation_mini_batch_size: 8"
    if not local:
        yield f"  data: {written(answers.data)} # where the dataset is uploaded to"
        if answers.image:
            yield f"  image: {written(answers.image)} # a container of your own"
        yield "  # role: arn:aws:iam::123456789012:role/sageseg # else $SAGESEG_ROLE; sageseg doctor looks"
        yield "  # instance_type: ml.g5.2xlarge"
        yield "  # max_cost: 20 # refuse what may cost more dollars, and do not ask"


def _rest(answers: Answers) -> Iterator[str]:
    yield "predict:"
    yield "  split: val # the images that training did not see"
    if answers.labels.dataset or answers.crop is not None:
        yield ""
        yield "stitch: {} # crops put back together, so that whole images are scored"
    yield ""
    yield "report:"
    yield "  colors: default # green right, red wrong, blue missed; others: sageseg analysis report --help"
    yield ""
    yield "# gate: {least: [mean_iou=0.8]} # ends with exit code 1 where the score's lower bound is below"


def written(value: str | bool) -> str:
    """A value as YAML: bare where it is read back as it was, in quotes elsewhere."""
    if isinstance(value, bool):
        return "true" if value else "false"
    bare = _PLAIN.fullmatch(value) is not None and parse_yaml(value) == value
    return value if bare else json.dumps(value, ensure_ascii=False)
