"""Channels in Pipe mode: what an augmented manifest names, streamed through a FIFO.

SageMaker sends each line's attributes as RecordIO records in the order of AttributeNames, here an
image and its mask, through `input/data/<channel>_<epoch>` (developer guide, Augmented Manifest File
Format for Pipe Mode Training; How Amazon SageMaker Provides Training Information). Epoch 0 is read
to its end into files, from which training goes as in File mode: shuffled, resumable, and with the
same result for the same images in the same order. Whether the built-in reads each epoch anew is not
known.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TypedDict

from formats.channels import CHANNELS, masks_channel
from formats.disk.whole_files import write_errors
from formats.errors import SagesegError
from formats.texts.typed_json import parse_told
from jobs.contract.recordio import read_records

STREAMED = tuple(CHANNELS.values())
"""The channels that an augmented manifest may fill; masks come with the images."""


class _Channel(TypedDict):
    TrainingInputMode: str


@contextmanager
def channel_files(given: Path) -> Iterator[Path]:
    """The folder of all channels for `given`, `/opt/ml/input`: its `data`, or where channels are
    streamed a folder of the same shape, which goes with the block."""
    piped = _piped_channels(given / "config/inputdataconfig.json")
    if not piped:
        yield given / "data"
        return
    with TemporaryDirectory(prefix="sageseg-channels-") as folder:
        for channel in sorted(path for path in (given / "data").iterdir() if path.is_dir()):
            (Path(folder) / channel.name).symlink_to(channel.resolve(), target_is_directory=True)
        for name in piped:
            _bring(given / f"data/{name}_0", Path(folder), name)
        yield Path(folder)


def _piped_channels(config: Path) -> list[str]:
    """The channels in Pipe mode. Raises SagesegError for one that must be files."""
    if not config.is_file():
        return []
    try:
        content = config.read_bytes()
    except OSError as e:
        raise SagesegError(f"{config}: cannot be read ({e.strerror}); expected the job's channels by name") from e
    channels = parse_told(content, dict[str, _Channel], config, "expected the job's channels, as SageMaker writes them")
    piped = [name for name, channel in channels.items() if channel["TrainingInputMode"] == "Pipe"]
    for name in piped:
        if name not in STREAMED:
            raise SagesegError(f"channel {name}: in Pipe mode; expected File, only {' and '.join(STREAMED)} may stream")
    return piped


def _bring(pipe: Path, folder: Path, channel: str) -> None:
    """Read a stream to its end: images into the channel's folder, masks into that of its masks, numbered
    from 1 in their order."""
    places = (folder / channel, ".jpg"), (folder / masks_channel(channel), ".png")
    for place, _ in places:
        if place.exists():
            raise SagesegError(f"channel {place.name}: stands beside the augmented manifest of {channel}; leave it out")
        place.mkdir()
    count = 0
    try:
        with pipe.open("rb") as stream:
            for count, content in enumerate(read_records(stream, str(pipe)), 1):
                place, suffix = places[(count - 1) % 2]
                path = place / f"{(count + 1) // 2:08}{suffix}"
                with write_errors(path):
                    path.write_bytes(content)
    except FileNotFoundError as e:
        raise SagesegError(f"{pipe}: not found; expected the FIFO of a channel in Pipe mode") from e
    if count % 2 or not count:
        raise SagesegError(f"{pipe}: holds {count} records; expected an image and a mask for each line")
