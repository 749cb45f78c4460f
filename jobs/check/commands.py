"""`sageseg prep check`"""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import Annotated

import typer

from formats.console import result, result_json, say
from formats.errors import SagesegError
from formats.texts.told_numbers import parse_whole
from jobs.contract.hyperparameter_options import takes_hyperparameters
from jobs.contract.instances import DEFAULT_GPUS, check_builtin_instance, parse_instance_types


def parse_volume(text: str) -> int:
    """`30`: a disk in GB."""
    size = parse_whole(text)
    if not size:
        raise SagesegError(f"--volume-size {text}: expected a whole number, at least 1")
    return size


@takes_hyperparameters
def check(
    dataset: Annotated[Path, typer.Argument(help="Folder that prep made.")],
    hyperparameters: dict[str, str],
    num_classes: Annotated[
        str | None, typer.Option(help="Classes, if not those of labels.txt.", metavar="VALUE", show_default=False)
    ] = None,
    instance_type: Annotated[
        str, typer.Option(help="Instances whose GPUs are looked at, as train tries them.", metavar="TYPE[,TYPE…]")
    ] = ",".join(DEFAULT_GPUS),
    volume_size: Annotated[
        int | None, typer.Option(help="Training volume in GB.", parser=parse_volume, metavar="GB")
    ] = None,
    label_map: Annotated[
        Path | None, typer.Option(help="The folder of label maps that the job will get; its masks are read by them.")
    ] = None,
    workers: Annotated[int | None, typer.Option(help="Processes; by default one per core.")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="The findings as JSON.")] = False,
) -> None:
    """What a training on this dataset would fail or suffer from; exit code 1 where there is an error."""
    from formats.dataset import open_dataset
    from formats.prepared.label_map import read_label_maps
    from jobs.check.dataset_check import check_dataset, describe, errors_among
    from jobs.check.evidence import Machine
    from jobs.contract.hyperparameters import Rules, parse_hyperparameters, without_effect

    opened = open_dataset(dataset)
    decided = {
        "num_classes": str(len(opened.classes)) if num_classes is None else num_classes,
        "num_training_samples": str(max(len(opened.kept("train")), 1)),  # that there are none is a finding
    }
    rules: Rules = "open" if hyperparameters.get("algorithm") == "unet" else "builtin"
    settings = parse_hyperparameters({**hyperparameters, **decided}, rules)
    for line in without_effect(hyperparameters, settings):
        say(f"note: {line}")
    maps = read_label_maps(label_map, len(opened.classes)) if label_map else None
    types = parse_instance_types(instance_type)
    if rules == "builtin":
        for name in types:
            check_builtin_instance(name)
    findings = check_dataset(opened, settings, Machine(types, volume_size, rules), maps, workers=workers)
    if as_json:
        result_json([asdict(finding) for finding in findings])
    else:
        result("\n".join(map(describe, findings)) or "no finding")
    if errors_among(findings):
        raise typer.Exit(1)
