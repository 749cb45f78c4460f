"""Verbs for labels that are mask files: `sageseg prep pairs`, `carvana`, `kitti`, `voc`, `channels`, `manifest`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from prep.commands.given import reads_labels
from prep.commands.reading import (
    Background,
    Binary,
    ClassListFile,
    ImageSets,
    Labels,
    Out,
    SkipMissing,
    reading,
    write,
)
from prep.options import PrepOptions
from prep.remote.awaited import Awaited
from prep.remote.local import have_lists_above, local_file, local_folder
from prep.remote.places import parse_place


@reads_labels
def pairs(
    images: Annotated[str, typer.Argument(help="Folder of the images.")],
    masks: Annotated[str, typer.Argument(help="Folder of their masks, which may be the same.")],
    out: Out,
    options: PrepOptions,
    image_name: Annotated[
        str | None,
        typer.Option(
            help="What names of images are, such as '{stem}_leftImg8bit', or with {split}.", metavar="PATTERN"
        ),
    ] = None,
    mask_name: Annotated[
        str | None,
        typer.Option(
            help="What names of masks are, such as '{stem}_mask', '{class}/{stem}', or with {split} or {file}.",
            metavar="PATTERN",
        ),
    ] = None,
    labels: ClassListFile = None,
    colors: Annotated[
        Path | None, typer.Option(help="name,red,green,blue in each line, or a labelmap.txt: masks hold colours.")
    ] = None,
    value_map: Annotated[
        Path | None,
        typer.Option(
            "--map",
            help="value,name in each line: several values may have one name, ignore is 255, * all others. Or the word "
            "cityscapes: the classes of Cityscapes and of KITTI's semantic benchmark, by ids or by colours.",
            metavar="FILE|cityscapes",
        ),
    ] = None,
    coding: Annotated[
        str | None, typer.Option(help="How colours are the numbers of --map: ade20k.", metavar="ade20k")
    ] = None,
    background: Background = None,
    binary: Binary = False,
) -> None:
    """Images and masks in folders, paired by their names."""
    from prep.readers.pairs.reader import read_pairs
    from prep.readers.pairs.truth import PairOptions
    from prep.remote.needs import all_images, images_and_lists

    asked = PairOptions(image_name, mask_name, labels, colors, value_map, coding, background, binary)
    awaited = Awaited()
    images_in = local_folder(images, images_and_lists) if images == masks else local_folder(images, all_images, awaited)
    masks_in = local_folder(masks, images_and_lists)
    have_lists_above(masks)
    with reading("pairs", masks_in, images_in):
        source = read_pairs(images_in, masks_in, asked, group_by=options.group_by, workers=options.workers)
    write(source, out, options, awaited)


@reads_labels
def carvana(
    images: Annotated[str, typer.Argument(help="Folder of <car>_<angle>.jpg")],
    masks: Annotated[
        str, typer.Argument(help="Folder of <car>_<angle>_mask.gif, .png, .bmp or .tif: white is the car.")
    ],
    out: Out,
    options: PrepOptions,
    metadata: Annotated[Path | None, typer.Option(help="Carvana's metadata.csv: make, model, year, trims.")] = None,
) -> None:
    """Carvana's car shots with masks of black and white."""
    from formats.images import IMAGE_SUFFIXES
    from prep.readers.carvana import MASK_SUFFIXES, read_carvana
    from prep.remote.needs import at_top_or_below

    awaited = Awaited()
    images_in = local_folder(images, at_top_or_below(IMAGE_SUFFIXES), awaited)
    masks_in = local_folder(masks, at_top_or_below(MASK_SUFFIXES), awaited)
    with reading("carvana", images_in):
        source = read_carvana(images_in, masks_in, metadata, options.group_by)
    write(source, out, options, awaited)


@reads_labels
def kitti(
    data_road: Annotated[str, typer.Argument(help="KITTI's folder data_road, with training/image_2.")],
    out: Out,
    options: PrepOptions,
    target: Annotated[str, typer.Option(help="road, or lane (which KITTI has for um only), or road,lane.")] = "road",
    train_list: Annotated[Path | None, typer.Option(help="KittiSeg's list of training images, train3.txt.")] = None,
    val_list: Annotated[Path | None, typer.Option(help="KittiSeg's list of validation images, val3.txt.")] = None,
) -> None:
    """KITTI's road scenes; black pixels, which KITTI does not score, become ignore."""
    from prep.readers.kitti import read_kitti
    from prep.remote.needs import all_png, kitti_folder

    lists = {split: path for split, path in (("train", train_list), ("val", val_list)) if path}
    awaited = Awaited()
    root = local_folder(data_road, kitti_folder, awaited, all_png)
    with reading("kitti", root):
        source = read_kitti(root, target, lists=lists, group_by=options.group_by)
    write(source, out, options, awaited)


@reads_labels
def voc(
    folder: Annotated[str, typer.Argument(metavar="VOC", help="Folder with JPEGImages and SegmentationClass.")],
    out: Out,
    options: PrepOptions,
    labels: ClassListFile = None,
    images: Annotated[
        str | None, typer.Option(help="Folder of the images, where they are not in JPEGImages.", metavar="FOLDER")
    ] = None,
    background: Background = None,
    binary: Binary = False,
    image_set: ImageSets = None,
) -> None:
    """Datasets in Pascal VOC's layout, and those that CVAT and Datumaro write."""
    from prep.readers.splits import parse_image_sets
    from prep.readers.voc.reader import read_voc
    from prep.remote.needs import all_images, voc_folder, voc_images

    awaited = Awaited()
    root = local_folder(folder, voc_folder, awaited, voc_images)
    images_in = local_folder(images, all_images, awaited) if images else None
    with reading("voc", root):
        source = read_voc(
            root,
            labels,
            images=images_in,
            background=background,
            binary=binary,
            image_sets=parse_image_sets(image_set or ()),
            group_by=options.group_by,
            workers=options.workers,
        )
    write(source, out, options, awaited)


@reads_labels
def channels(
    folder: Annotated[
        str, typer.Argument(metavar="CHANNELS", help="Folder with train, train_annotation, validation …")
    ],
    out: Out,
    options: PrepOptions,
    labels: ClassListFile = None,
    background: Background = None,
    binary: Binary = False,
) -> None:
    """The folders that SageMaker's sample notebooks train on; they are the split."""
    from prep.readers.sagemaker_channels import read_channels
    from prep.remote.needs import channel_images, channels_folder

    awaited = Awaited()
    root = local_folder(folder, channels_folder, awaited, channel_images)
    with reading("channels", root):
        source = read_channels(
            root,
            labels,
            background=background,
            binary=binary,
            group_by=options.group_by,
            workers=options.workers,
        )
    write(source, out, options, awaited)


@reads_labels
def manifest(
    file: Annotated[str, typer.Argument(help="Augmented manifest, such as output.manifest; a path or s3://…")],
    out: Out,
    options: PrepOptions,
    images: Annotated[
        str | None, typer.Option(help="Folder of the images, where they are not in S3.", metavar="FOLDER")
    ] = None,
    masks: Annotated[
        str | None, typer.Option(help="Folder of the masks, where they are not in S3.", metavar="FOLDER")
    ] = None,
    job: Annotated[
        str | None, typer.Option(help="The labelling job whose masks are meant, where lines have several.")
    ] = None,
    leave_out: Annotated[
        list[str] | None,
        typer.Option(help="Leave out images of which a verification job said this.", metavar="VERDICT"),
    ] = None,
    labels: Labels = None,
    background: Background = None,
    skip_missing: SkipMissing = False,
) -> None:
    """Output manifests of Ground Truth, and datasets of Lookout for Vision and DDA."""
    from prep.readers.manifest.reader import read_manifest_file

    awaited = Awaited()
    path = local_file(file)
    with reading("manifest", path):
        source = read_manifest_file(
            path,
            place=parse_place(file),
            images=parse_place(images) if images else None,
            masks=parse_place(masks) if masks else None,
            job=job,
            leave_out=leave_out or (),
            labels=labels,
            background=background,
            skip_missing=skip_missing,
            group_by=options.group_by,
            workers=options.workers,
            awaited=awaited,
        )
    write(source, out, options, awaited)
