"""What a new job starts from: an earlier one's hyperparameters (--like) or model (--model), or weights of
ImageNet (--pretrained)."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path

from aws.s3 import parse_s3_object
from formats.dataset import Dataset
from formats.errors import SagesegError
from jobs.contract.artefact import artefact_network, read_artefact
from jobs.contract.channels import find_weights, weights_names
from jobs.contract.file_uris import is_file_uri, named_path
from jobs.contract.hyperparameters import FROM_DATASET, TABLE, Hyperparameters, Rules, whole_number
from jobs.tracking.job_calls import FoundJob
from jobs.training.options import TrainOptions

_OF_THE_MODEL = ("algorithm", "backbone", "crop_size")
"""What must equal the earlier job's when its model is trained further, beside the number of classes
(developer guide, Incremental Training)."""


@dataclass(frozen=True)
class EarlierModel:
    """An artefact to train further, and the hyperparameters it was trained with, where known."""

    uri: str
    hyperparameters: Mapping[str, str]


def hyperparameters_like(job: FoundJob) -> dict[str, str]:
    """The hyperparameters of a job, without what its dataset decided."""
    given = job.record.request["HyperParameters"]
    return {name: value for name, value in given.items() if name not in FROM_DATASET}


def earlier_model(named: str, backend: str, find: Callable[[str], FoundJob]) -> EarlierModel:
    """The model of a completed job, of a model.tar.gz, or at a URI, as the `model` channel takes it.

    The emulator reads folders, so that there it is the artefact's folder.
    """
    if "://" in named and not is_file_uri(named):
        return EarlierModel(_for_backend(named, backend, named), {})
    path = named_path(named)
    if path.is_file():
        uri = _for_backend(path.absolute().as_uri(), backend, named)
        _check_alone(path)
        artefact = read_artefact(path)
        if artefact.onnx is not None:
            raise SagesegError(f"--model {path}: holds an ONNX model; name the artefact that it was exported from")
        network = asdict(artefact_network(artefact))
        return EarlierModel(uri, {name: str(value) for name, value in network.items()})
    if is_file_uri(named) or "/" in named or path.suffix == ".gz":
        raise SagesegError(f"--model {named}: not found; expected a model.tar.gz, its URI, or the name of a job")
    job = find(named)
    return EarlierModel(_for_backend(_artefact_uri(job), backend, named), job.record.request["HyperParameters"])


def _check_alone(artefact: Path) -> None:
    """Raise SagesegError where a training that is given the artefact's folder would not read it."""
    found = sorted(artefact.parent.rglob("*.tar.gz"))
    if found != [artefact]:
        others = ", ".join(path.name for path in found if path != artefact) or "nothing that ends in .tar.gz"
        raise SagesegError(
            f"--model {artefact}: the training reads its folder, which holds {others}; put model.tar.gz into a folder "
            "of its own"
        )


def _artefact_uri(job: FoundJob) -> str:
    status, artefacts = job.description["TrainingJobStatus"], job.description.get("ModelArtifacts", {})
    uri = artefacts.get("S3ModelArtifacts")
    if status != "Completed" or not uri:
        raise SagesegError(f"{job.record.name}: {status}, so it has no model to train further; name another job")
    return str(uri)


def _for_backend(uri: str, backend: str, named: str) -> str:
    scheme = uri.partition("://")[0]
    if backend == "aws" and scheme != "s3":
        raise SagesegError(f"--model {named}: is on this machine; copy it to S3 (aws s3 cp) and name its s3:// URI")
    if backend == "local" and scheme != "file":
        raise SagesegError(f"--model {named}: is in S3; copy it here (aws s3 cp) and name the file")
    if backend == "local":
        folder, _, name = uri.rpartition("/")
        return f"{folder}/" if name.endswith(".gz") else uri
    return uri


def with_earlier(given: Mapping[str, str], earlier: EarlierModel | None) -> Mapping[str, str]:
    """What the earlier model fixes, taken from it; a contradiction is refused."""
    if earlier is None or not earlier.hyperparameters:
        return given
    fixed = {name: earlier.hyperparameters.get(name, str(TABLE[name].default)) for name in _OF_THE_MODEL}
    for name, value in fixed.items():
        if given.get(name, value) != value:
            raise SagesegError(
                f"--{name.replace('_', '-')} {given[name]}: the model to train further has {value}, and both must be "
                "equal; leave it out, or train without --model"
            )
    if fixed["algorithm"] == "unet":
        del fixed["backbone"]  # unet has none
    return {**fixed, **given}


def check_classes(dataset: Dataset, earlier: EarlierModel | None) -> None:
    """Raise SagesegError unless the earlier model has the dataset's classes, as far as is known."""
    told = earlier.hyperparameters if earlier else {}
    known = whole_number(told, "num_classes") if "num_classes" in told else None
    if known not in (None, len(dataset.classes)):
        raise SagesegError(
            f"{dataset.root}: {len(dataset.classes)} classes, but the model to train further has {known}; "
            "use a dataset with the same classes, or train without --model"
        )


def pretrained_uri(
    options: TrainOptions, settled: Hyperparameters, rules: Rules, earlier: EarlierModel | None
) -> str | None:
    """What the channel `pretrained` reads, None without --pretrained. Raises SagesegError where the
    training would not read it."""
    named = options.data.pretrained
    if named is None:
        return None
    if rules == "builtin":
        raise SagesegError(
            f"--pretrained {named}: the built-in algorithm's image knows no such channel; leave it out, or name an "
            "--image of your own"
        )
    if earlier:
        raise SagesegError(
            f"--pretrained {named}: the model of --model is trained further, and ImageNet's weights would not be "
            "read; leave one of the two out"
        )
    if not settled.use_pretrained_model:
        other = "" if settled.algorithm == "unet" else ", or pass --use-pretrained-model True"
        raise SagesegError(f"--pretrained {named}: not read, use_pretrained_model is False; leave it out{other}")
    if options.start.backend == "local":
        return weights_folder(named, settled.backbone).absolute().as_uri()
    return weights_uri(named, settled.backbone)


def weights_folder(named: str, backbone: str) -> Path:
    """The folder of a file or folder on this machine, which the emulator delivers as the channel.
    Raises SagesegError unless the training would read the file that was named."""
    path = named_path(named)
    if not path.exists():
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
    name = parse_s3_object(named)[1]
    if not name.endswith(".safetensors"):
        return f"{named.rstrip('/')}/"
    names = weights_names(backbone)
    if name not in names:
        raise SagesegError(f"--pretrained {named}: expected {' or '.join(names)} as the object's name; copy it to that")
    return named
