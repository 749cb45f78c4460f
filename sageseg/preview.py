"""`sageseg prep preview`: prep's page, with what jobs makes of the crops: how large objects are for a network, and with
`--augmented` what the open implementation sees."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from formats.console import result
from formats.errors import SagesegError

if TYPE_CHECKING:
    from jobs.contract.hyperparameters import Hyperparameters
    from prep.preview.augmented import Augmentation
    from prep.preview.sizes import NetworkView

LARGEST_SHOWN = 4096
"""Pixels of a side, of what a training sees."""


def preview(
    dataset: Annotated[Path, typer.Argument(help="Folder of a dataset that prep wrote.")],
    out: Annotated[Path, typer.Option(help="HTML page to write.")] = Path("preview.html"),
    label_map: Annotated[
        Path | None,
        typer.Option(help="A folder of label maps: masks are shown as a job with them reads them."),
    ] = None,
    augmented: Annotated[
        bool, typer.Option("--augmented", help="Show what training sees, too: random crops as they are drawn for it.")
    ] = False,
    images: Annotated[
        Path | None,
        typer.Option(help="The folder of images that prep read: dropped crops are shown with their pixels."),
    ] = None,
    base_size: Annotated[
        str | None,
        typer.Option(
            help="The job's base_size, for sizes of objects and --augmented; by default 520.", metavar="VALUE"
        ),
    ] = None,
    crop_size: Annotated[
        str | None,
        typer.Option(
            help="The job's crop_size, for sizes of objects and --augmented; by default 240.", metavar="VALUE"
        ),
    ] = None,
    augmentation: Annotated[
        str | None, typer.Option(help="With --augmented: the job's; default, or strong of unet.", metavar="VALUE")
    ] = None,
    seed: Annotated[int | None, typer.Option(help="With --augmented: of its chances; by default 0.")] = None,
    overwrite: Annotated[bool, typer.Option("--overwrite", help="Replace --out if it exists.")] = False,
    workers: Annotated[int | None, typer.Option(help="Processes; by default one per core.")] = None,
) -> None:
    """One HTML page: samples, class balance, sizes of objects, the split's certificate, crops kept and dropped."""
    from formats.dataset import open_dataset
    from formats.disk.whole_files import refuse_existing_file
    from formats.prepared.label_map import read_label_maps
    from prep.preview.page import Asked, write_preview

    refuse_existing_file(out, overwrite=overwrite)
    idle = {"--augmentation": augmentation, "--seed": seed}
    for name, value in idle.items():
        if value is not None and not augmented:
            raise SagesegError(f"{name}: is for --augmented; add that, or leave it out")
    given = {"base_size": base_size, "crop_size": crop_size, "augmentation": augmentation}
    settings = read_settings({name: value for name, value in given.items() if value is not None})
    opened = open_dataset(dataset)
    asked = Asked(
        label_maps=read_label_maps(label_map, len(opened.classes)) if label_map else None,
        augmentation=open_augmentation(settings, seed or 0) if augmented else None,
        network=view_of(settings, chosen=bool(base_size or crop_size)),
        images=images,
    )
    write_preview(opened, out, workers, asked)
    result(str(out))


def read_settings(given: dict[str, str]) -> Hyperparameters:
    """A job's settings. Raises SagesegError for a value that no job takes, or no page shows."""
    from jobs.contract.hyperparameters import parse_hyperparameters

    decided = {"algorithm": "unet", "num_classes": "2", "num_training_samples": "1"}  # none changes a crop
    settings = parse_hyperparameters({**given, **decided}, "open")
    for name, size in (("base-size", settings.base_size), ("crop-size", settings.crop_size)):
        if size > LARGEST_SHOWN:
            raise SagesegError(f"--{name} {size}: a page shows up to {LARGEST_SHOWN} pixels, and no GPU holds more")
    return settings


def view_of(settings: Hyperparameters, *, chosen: bool) -> NetworkView:
    """How large a network sees what is in a crop."""
    from jobs.contract.hyperparameters import STRIDE
    from prep.preview.sizes import NetworkView

    base, crop = settings.base_size, settings.rounded_crop_size
    whose = "A job with" if chosen else "A job without settings of its own has"
    told = (
        f"{whose} base_size {base} and crop_size {crop}: a crop's long side becomes {base} px, on average, {crop} × "
        f"{crop} of them are cut out, and fcn, psp and deeplab answer in cells of {STRIDE} × {STRIDE} px, with "
        "what is between interpolated. --base-size and --crop-size show another job's."
    )
    return NetworkView(base, crop, STRIDE, told)


def open_augmentation(settings: Hyperparameters, seed: int) -> Augmentation:
    """How the open implementation changes crops under these settings."""
    from jobs.algorithm.data.augment import SCALES, training_crop
    from prep.preview.augmented import Augmentation

    base, crop, strong = settings.base_size, settings.rounded_crop_size, settings.augmentation == "strong"
    turned = ", turned, sheared and shifted" if strong else ""
    return Augmentation(
        lambda image, mask, rng: training_crop(image, mask, base, crop, rng, strong=strong),
        seed,
        f"The long side becomes base_size {base} × {SCALES[0]} to {SCALES[1]}; {crop} × {crop} pixels are cut out, "
        f"half of them mirrored, half blurred{turned}. Where the image ends, black follows, which is ignored "
        f"(tinted here). Seed {seed}. So does this project's open implementation; that the built-in does the same "
        "is inferred from GluonCV's code, on which it is built.",
    )
