"""What is to be predicted, as it was named: a dataset; or images, folders of them and videos, side by side."""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path

from formats.console import say
from formats.dataset import Dataset, info_path, open_dataset
from formats.errors import SagesegError
from formats.images import IMAGE_SUFFIXES
from formats.prepared.image_folder import ImageFolder, files_with, open_images
from formats.video.reading import VIDEO_SUFFIXES
from jobs.prediction.crops_to_predict import check_split
from jobs.prediction.options import PredictOptions

SPLIT = "val"
"""What is predicted of a dataset unless told."""


def open_sources(sources: Sequence[Path], frames: Path, options: PredictOptions) -> Dataset | ImageFolder:
    """What is to be predicted. The frames of videos are kept as images in the folder `frames`. Raises SagesegError
    where it is neither a dataset nor images, and for options of the other."""
    datasets = [source for source in sources if info_path(source).exists()]
    if datasets and len(sources) > 1:
        raise SagesegError(f"{datasets[0]}: a dataset, which is predicted by itself; name it alone")
    videos = [source for source in sources if source.suffix.lower() in VIDEO_SUFFIXES and source.is_file()]
    if not videos:
        _refuse_options_of_videos(sources, options)
    if datasets:
        return _open_dataset(datasets[0], options)
    _check_images(sources, options)
    if videos:
        from formats.video.kept_frames import keep_frames

        kept = keep_frames(videos, frames, options.every or 1, options.fps)
        places = [source for source in sources if source not in videos]
        opened = open_images([*places, *kept])
    else:
        opened = open_images(sources)
    if note := opened.note():
        say(note)
    if len(sources) > 1 or videos or sources[0].is_file():
        say(f"overlay, cutout and others find the images of these predictions in {opened.root}")
    return opened


def _open_dataset(path: Path, options: PredictOptions) -> Dataset:
    options.check_for_dataset(path)
    dataset = open_dataset(path)
    check_split(dataset, options.split or SPLIT, options.images)
    return dataset


def _refuse_options_of_videos(sources: Sequence[Path], options: PredictOptions) -> None:
    for name, given in {"every": options.every, "fps": options.fps}.items():
        if given is not None:
            raise SagesegError(f"--{name} {given:g}: only for a video, and {sources[0]} is none; leave it out")


def _check_images(sources: Sequence[Path], options: PredictOptions) -> None:
    for source in sources:
        if remote := re.match(r"(s3|https?):/", str(source)):  # Path has made one slash of two
            fetch = "aws s3 cp --recursive" if remote[1] == "s3" else "curl"
            raise SagesegError(
                f"{source}: images to predict are read from this machine; fetch them first, by {fetch}, and name that "
                "place"
            )
        if not source.exists():
            raise SagesegError(f"{source}: not found; expected a dataset, images, folders of images, or videos")
        inside = files_with(source, VIDEO_SUFFIXES, deep=False) if source.is_dir() else []
        if inside and not files_with(source, IMAGE_SUFFIXES, deep=True):
            raise SagesegError(f"{source}: holds a video, {inside[0].name}; name the video itself")
    for name, given in {"split": options.split, "images": options.images}.items():
        if given is not None:
            raise SagesegError(f"--{name}: only for a dataset; {sources[0]} is none, and all its images are predicted")
