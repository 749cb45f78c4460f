"""The verbs of prep."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from formats.command_options import takes
from formats.console import result
from prep.frames.options import FrameOptions
from prep.options import PrepOptions

if TYPE_CHECKING:
    from prep.readers.labelled_image import Source

app = typer.Typer(
    no_args_is_help=True, rich_markup_mode=None, pretty_exceptions_enable=False, help="Raw labels to a dataset."
)

ClassListFile = Annotated[Path | None, typer.Option(help="One class per line, or a labelmap.txt; else the folder's.")]
Background = Annotated[
    str | None,
    typer.Option(help="The class that is the background, or none where all are objects.", metavar="NAME|none"),
]
Binary = Annotated[bool, typer.Option("--binary", help="Masks are black and white: white is the list's one class.")]
Out = Annotated[Path, typer.Option(help="Folder of the dataset to make.", show_default=False)]


@app.callback()
def prep() -> None:
    """Raw labels to a dataset."""


@app.command()
@takes(PrepOptions, "options")
def carvana(
    images: Annotated[Path, typer.Argument(help="Folder of <car>_<angle>.jpg")],
    masks: Annotated[Path, typer.Argument(help="Folder of <car>_<angle>_mask.gif, or .png: white is the car.")],
    out: Out,
    options: PrepOptions,
    metadata: Annotated[Path | None, typer.Option(help="Carvana's metadata.csv: make, model, year, trims.")] = None,
) -> None:
    """Carvana's car shots with masks of black and white."""
    from prep.readers.carvana import read_carvana

    _write(read_carvana(images, masks, metadata, options.group_by), out, options)


@app.command()
@takes(PrepOptions, "options")
def labelme(
    annotations: Annotated[Path, typer.Argument(help="Folder of labelme's JSON files, beside their images.")],
    labels: Annotated[Path, typer.Option(help="labels.txt: one label per line; __ignore__ is mask value 255.")],
    out: Out,
    options: PrepOptions,
    images: Annotated[Path | None, typer.Option(help="Folder of the images, where they lie elsewhere.")] = None,
    background: Background = None,
) -> None:
    """Shapes drawn in labelme, of every version and type."""
    from prep.readers.labelme.reader import read_labelme

    source = read_labelme(
        annotations,
        labels,
        images=images,
        background=background,
        group_by=options.group_by,
        orientation=options.orientation,
        workers=options.workers,
    )
    _write(source, out, options)


@app.command()
@takes(PrepOptions, "options")
def kitti(
    data_road: Annotated[Path, typer.Argument(help="KITTI's folder data_road, with training/image_2.")],
    out: Out,
    options: PrepOptions,
    target: Annotated[str, typer.Option(help="road, or lane (which KITTI has for um only).")] = "road",
    train_list: Annotated[Path | None, typer.Option(help="KittiSeg's list of training images, train3.txt.")] = None,
    val_list: Annotated[Path | None, typer.Option(help="KittiSeg's list of validation images, val3.txt.")] = None,
) -> None:
    """KITTI's road scenes; black pixels, which KITTI does not score, become ignore."""
    from prep.readers.kitti import read_kitti

    lists = {split: path for split, path in (("train", train_list), ("val", val_list)) if path}
    _write(read_kitti(data_road, target, lists=lists, group_by=options.group_by), out, options)


@app.command()
@takes(PrepOptions, "options")
def voc(
    folder: Annotated[Path, typer.Argument(metavar="VOC", help="Folder with JPEGImages and SegmentationClass.")],
    out: Out,
    options: PrepOptions,
    labels: ClassListFile = None,
    images: Annotated[Path | None, typer.Option(help="Folder of the images, where they are not in JPEGImages.")] = None,
    background: Background = None,
    binary: Binary = False,
    image_set: Annotated[
        list[str] | None,
        typer.Option(
            help="Split of a list in ImageSets whose name says none: train, val, test, none.", metavar="NAME=SPLIT"
        ),
    ] = None,
) -> None:
    """Datasets in Pascal VOC's layout, and those that CVAT and Datumaro write."""
    from prep.readers.voc import read_voc
    from prep.readers.voc_image_sets import parse_image_sets

    source = read_voc(
        folder,
        labels,
        images=images,
        background=background,
        binary=binary,
        image_sets=parse_image_sets(image_set or ()),
        group_by=options.group_by,
        workers=options.workers,
    )
    _write(source, out, options)


@app.command()
@takes(PrepOptions, "options")
def channels(
    folder: Annotated[
        Path, typer.Argument(metavar="CHANNELS", help="Folder with train, train_annotation, validation …")
    ],
    out: Out,
    options: PrepOptions,
    labels: ClassListFile = None,
    background: Background = None,
    binary: Binary = False,
) -> None:
    """The folders that SageMaker's sample notebooks train on; they are the split."""
    from prep.readers.sagemaker_channels import read_channels

    source = read_channels(
        folder,
        labels,
        background=background,
        binary=binary,
        group_by=options.group_by,
        workers=options.workers,
    )
    _write(source, out, options)


@app.command()
@takes(FrameOptions, "options")
def frames(
    source: Annotated[Path, typer.Argument(metavar="VIDEO_OR_FOLDER", help="A video, or a folder of its frames.")],
    out: Annotated[Path, typer.Option(help="Folder of the frames to make.", show_default=False)],
    options: FrameOptions,
) -> None:
    """Frames of a video to label: every N-th, without near-duplicates."""
    from prep.frames.write import write_frames

    counts = write_frames(source, out, options)
    result(f"{counts.kept} of {counts.looked_at} frames kept, in {counts.blocks} time block(s)")
    result(str(out))


@app.command()
def preview(
    dataset: Annotated[Path, typer.Argument(help="Folder of a dataset that prep wrote.")],
    out: Annotated[Path, typer.Option(help="HTML page to write.")] = Path("preview.html"),
    label_map: Annotated[
        Path | None,
        typer.Option(help="A folder of label maps: masks are shown as a job with them reads them."),
    ] = None,
    workers: Annotated[int | None, typer.Option(help="Processes; by default one per core.")] = None,
) -> None:
    """One HTML page: samples, class balance, the split's certificate, crops kept and dropped."""
    from formats.dataset import open_dataset
    from formats.prepared.label_map import read_label_maps
    from prep.preview.page import write_preview

    opened = open_dataset(dataset)
    maps = read_label_maps(label_map, len(opened.classes)) if label_map else None
    write_preview(opened, out, workers, maps)
    result(str(out))


def _write(source: Source, out: Path, options: PrepOptions) -> None:
    from prep.dataset.writer import write_dataset

    splits = write_dataset(source, out, options)
    result(f"{'split':7}{'groups':>8}{'images':>8}{'crops':>8}{'kept':>8}")
    for split, counts in splits.items():
        if counts.images:
            result(f"{split:7}{counts.groups:>8}{counts.images:>8}{counts.crops:>8}{counts.kept:>8}")
    result(str(out))
