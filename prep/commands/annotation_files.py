"""Verbs for labels that are shapes in annotation files: `sageseg prep labelme`, `supervisely`, `yolo`, `via`, `cvat`,
`coco`, `labelstudio`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from prep.commands.given import reads_labels
from prep.commands.reading import Background, ImageSets, Labels, Out, SkipMissing, reading, write
from prep.options import PrepOptions
from prep.remote.awaited import Awaited
from prep.remote.local import local_file, local_folder
from prep.remote.places import parse_place


@reads_labels
def labelme(
    annotations: Annotated[list[str], typer.Argument(help="Folders of labelme's JSON files, beside their images.")],
    out: Out,
    options: PrepOptions,
    labels: Annotated[
        Path | None,
        typer.Option(
            help="labels.txt: one label per line; __ignore__ is mask value 255.  [default: the folder's, else what was "
            "drawn]",
            show_default=False,
        ),
    ] = None,
    images: Annotated[
        str | None, typer.Option(help="Folder of the images, where they lie elsewhere.", metavar="FOLDER")
    ] = None,
    background: Background = None,
) -> None:
    """Shapes drawn in labelme, of every version and type."""
    from prep.readers.labelme.reader import read_labelme
    from prep.remote.needs import all_images, labelme_folder

    awaited = Awaited()
    folders = [local_folder(folder, labelme_folder, awaited, all_images, heads=True) for folder in annotations]
    images_in = local_folder(images, all_images, awaited, heads=True) if images else None
    with reading("labelme", *folders):
        source = read_labelme(
            folders[0],
            labels,
            others=folders[1:],
            images=images_in,
            background=background,
            group_by=options.group_by,
            orientation=options.orientation,
            workers=options.workers,
        )
    write(source, out, options, awaited)


@reads_labels
def supervisely(
    project: Annotated[str, typer.Argument(help="Folder of a project, with meta.json and its datasets.")],
    out: Out,
    options: PrepOptions,
    labels: Labels = None,
    background: Background = None,
) -> None:
    """Supervisely's projects: polygons, bitmaps and rectangles."""
    from prep.readers.supervisely import read_supervisely
    from prep.remote.needs import all_images, with_json

    awaited = Awaited()
    root = local_folder(project, with_json, awaited, all_images)
    with reading("supervisely", root):
        source = read_supervisely(
            root,
            labels,
            background=background,
            group_by=options.group_by,
            workers=options.workers,
            awaited=awaited,
        )
    write(source, out, options, awaited)


@reads_labels
def yolo(
    folder: Annotated[str, typer.Argument(help="Folder with data.yaml, or with images and labels.")],
    out: Out,
    options: PrepOptions,
    labels: Labels = None,
    images: Annotated[
        str | None, typer.Option(help="Folder of the images, where they lie elsewhere.", metavar="FOLDER")
    ] = None,
    background: Background = None,
    skip_missing: SkipMissing = False,
) -> None:
    """YOLO's text files of polygons; the folders of data.yaml are the split."""
    from prep.readers.yolo.reader import read_yolo
    from prep.remote.needs import all_images, yolo_folder

    awaited = Awaited()
    root = local_folder(folder, yolo_folder, awaited, all_images, heads=True)
    images_in = local_folder(images, all_images, awaited, heads=True) if images else None
    with reading("yolo", root):
        source = read_yolo(
            root,
            labels,
            images=images_in,
            background=background,
            skip_missing=skip_missing,
            group_by=options.group_by,
            workers=options.workers,
        )
    write(source, out, options, awaited)


@reads_labels
def via(
    file: Annotated[str, typer.Argument(help="Project, or annotations exported as JSON.")],
    images: Annotated[str, typer.Argument(help="Folder of the images.")],
    out: Out,
    options: PrepOptions,
    labels: Labels = None,
    attribute: Annotated[str | None, typer.Option(help="The region attribute that is the class.")] = None,
    background: Background = None,
    skip_missing: SkipMissing = False,
) -> None:
    """VGG Image Annotator 2: polygons, rectangles, circles and ellipses."""
    from prep.readers.via.reader import read_via

    path, awaited = local_file(file), Awaited()
    with reading("via", path):
        source = read_via(
            path,
            parse_place(images),
            labels,
            attribute=attribute,
            background=background,
            skip_missing=skip_missing,
            group_by=options.group_by,
            orientation=options.orientation,
            workers=options.workers,
            awaited=awaited,
        )
    write(source, out, options, awaited)


@reads_labels
def cvat(
    file: Annotated[
        str, typer.Argument(metavar="FILE", help='annotations.xml: "CVAT for images 1.1", or "for video".')
    ],
    images: Annotated[str, typer.Argument(help="Folder of the images, or of the video's frames.")],
    out: Out,
    options: PrepOptions,
    labels: Labels = None,
    background: Background = None,
    image_set: ImageSets = None,
    skip_missing: SkipMissing = False,
) -> None:
    """Shapes and masks drawn in CVAT, from its own XML."""
    from prep.readers.cvat.reader import read_cvat
    from prep.readers.splits import parse_image_sets
    from prep.remote.needs import all_images

    path, awaited = local_file(file), Awaited()
    with reading("cvat", path):
        source = read_cvat(
            path,
            local_folder(images, all_images, awaited),
            labels=labels,
            background=background,
            skip_missing=skip_missing,
            image_sets=parse_image_sets(image_set or ()),
            group_by=options.group_by,
            workers=options.workers,
            awaited=awaited,
        )
    write(source, out, options, awaited)


@reads_labels
def coco(
    annotations: Annotated[str, typer.Argument(help="A JSON file of COCO, or a folder with one for each split.")],
    out: Out,
    options: PrepOptions,
    images: Annotated[
        str | None, typer.Argument(help="Folder of the images.  [default: where the annotations are]")
    ] = None,
    labels: Labels = None,
    background: Background = None,
    crowd: Annotated[
        str,
        typer.Option(help="What iscrowd makes of an outline: pixels of its category, or 255.", metavar="class|ignore"),
    ] = "class",
    boxes: Annotated[
        str | None,
        typer.Option(
            help="Draw the boxes of annotations that have no outline; else they are left out.", metavar="class|ignore"
        ),
    ] = None,
    skip_missing: SkipMissing = False,
    skip_empty: Annotated[bool, typer.Option("--skip-empty", help="Leave out images without an annotation.")] = False,
) -> None:
    """Polygons and run lengths of COCO, and of the tools that export to it."""
    from prep.readers.coco.document import declared_images
    from prep.readers.coco.reader import Choices, read_coco
    from prep.remote.needs import all_images, named, with_json

    is_file, awaited = annotations.lower().endswith(".json"), Awaited()
    path = local_file(annotations) if is_file else local_folder(annotations, with_json, awaited, all_images)
    with reading("coco", path):
        source = read_coco(
            path,
            local_folder(images, named(lambda: declared_images(path)), awaited) if images else None,
            labels=labels,
            background=background,
            choices=Choices(crowd, boxes),
            skip_missing=skip_missing,
            skip_empty=skip_empty,
            group_by=options.group_by,
            workers=options.workers,
            awaited=awaited,
        )
    write(source, out, options, awaited)


@reads_labels
def labelstudio(
    export: Annotated[str, typer.Argument(metavar="FILE", help="Label Studio's export, JSON or JSON-MIN.")],
    images: Annotated[str, typer.Argument(help="Folder of the images.")],
    out: Out,
    options: PrepOptions,
    labels: Labels = None,
    annotator: Annotated[
        str | None, typer.Option(help="Whose annotations to take; else each task's newest.", metavar="EMAIL|ID")
    ] = None,
    image_key: Annotated[
        str | None, typer.Option(help="The key of the tasks' data that holds the image, where several do.")
    ] = None,
    image_tag: Annotated[
        str | None, typer.Option(help="The name of the <Image> whose regions are meant, where there are several.")
    ] = None,
    use_predictions: Annotated[
        bool, typer.Option("--use-predictions", help="Read the tasks' predictions instead of their annotations.")
    ] = False,
    skip_missing: SkipMissing = False,
    background: Background = None,
) -> None:
    """Regions drawn in Label Studio: brushes, bitmasks, polygons, rectangles, ellipses."""
    from prep.readers.labelstudio.reader import read_labelstudio

    path, awaited = local_file(export), Awaited()
    with reading("labelstudio", path):
        source = read_labelstudio(
            path,
            parse_place(images),
            labels,
            annotator=annotator,
            image_key=image_key,
            image_tag=image_tag,
            use_predictions=use_predictions,
            skip_missing=skip_missing,
            background=background,
            group_by=options.group_by,
            workers=options.workers,
            awaited=awaited,
        )
    write(source, out, options, awaited)
