"""The ImageNet weights that a user names for a job under our own image: files' names, and the channel.

timm publishes those of GluonCV's ResNets on the Hugging Face hub, one model for each backbone.
"""

from __future__ import annotations

from pathlib import Path

from formats.errors import SagesegError
from jobs.aws.s3 import parse_s3_uri

MODELS = {"resnet-50": "resnet50s.gluon_in1k", "resnet-101": "resnet101s.gluon_in1k"}
"""timm's names by the hyperparameter `backbone`."""
WEIGHTS_FILE = "model.safetensors"
"""What the Hugging Face hub calls each of them."""


def weights_names(backbone: str) -> tuple[str, str]:
    """The names under which a folder may hold a backbone's weights: timm's, and the hub's."""
    return f"{MODELS[backbone]}.safetensors", WEIGHTS_FILE


def find_weights(folder: Path, backbone: str) -> Path:
    """The file of a backbone's weights in a folder such as the `pretrained` channel; timm's name goes
    before the hub's. Raises SagesegError where neither is there."""
    names = weights_names(backbone)
    found = [folder / name for name in names if (folder / name).is_file()]
    if not found:
        raise SagesegError(f"{folder}: holds neither {' nor '.join(names)}; expected the weights of {backbone} there")
    return found[0]


def weights_folder(named: str, backbone: str) -> Path:
    """The folder of a file or folder on this machine, which the emulator delivers as the channel.
    Raises SagesegError unless the training would read the file that was named."""
    path = Path(named)
    if "://" in named or not path.exists():
        raise SagesegError(f"--pretrained {named}: expected a file or folder of this machine, for --backend local")
    folder = path if path.is_dir() else path.parent
    try:
        found = find_weights(folder, backbone)
    except SagesegError as e:
        raise SagesegError(f"--pretrained {named}: {e}") from e
    if path.is_file() and found != path:
        raise SagesegError(f"--pretrained {named}: {found.name} beside it would be read; put it into a folder alone")
    return folder


def weights_uri(named: str, backbone: str) -> str:
    """The URI of the weights' object in S3, or of their folder with a slash at its end. Raises
    SagesegError for a place on this machine, and for a name that the training would not read."""
    if "://" not in named:
        raise SagesegError(
            f"--pretrained {named}: is on this machine; copy it to S3 (aws s3 cp) and name its s3:// URI"
        )
    name = parse_s3_uri(named).prefix.rstrip("/").rpartition("/")[2]
    if not name.endswith(".safetensors"):
        return f"{named.rstrip('/')}/"
    names = weights_names(backbone)
    if name not in names:
        raise SagesegError(f"--pretrained {named}: expected {' or '.join(names)} as the object's name; copy it to that")
    return named
