"""`sageseg init`: a first experiment file, of the labels that are there and a few answers."""

from __future__ import annotations

import json
import os
import shlex
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

import typer

from formats.console import ask, result, say
from formats.disk.whole_files import staged_file, write_text
from formats.errors import SagesegError
from sageseg.experiment.checks import check_experiment
from sageseg.experiment.command_lines import find_command, readers
from sageseg.experiment.schema import SCHEMA_NAME, TITLE, experiment_schema
from sageseg.experiment.steps import VERBS
from sageseg.first_experiment import BACKENDS, NETWORKS, UNET, Answers, Labels, experiment_text

if TYPE_CHECKING:
    from prep.recognise.recognised import Recognised

T = TypeVar("T")
_THERE = "exists already; name another file with --out, or run it: sageseg run {}"


@dataclass(frozen=True)
class Given:
    """What was said by options, None where it was not. With `yes` nothing is asked."""

    folder: str | None
    out: Path
    backend: str | None
    network: str | None
    crop: str | None
    data: str | None
    image: str | None
    yes: bool


class Asking:
    """Questions, each with the answer that is taken where nobody is asked or input has ended, which is said."""

    def __init__(self, *, yes: bool) -> None:
        self._yes = yes

    def __call__(self, what: str, default: str, parse: Callable[[str], T]) -> T:
        """A person's answer, asked for until it can be read; Enter alone takes the default. Raises SagesegError where
        that cannot be read."""
        while True:
            answer = None if self._yes else ask(f"{what} [{default}]", as_typed=True)
            if answer is None:
                say(f"note: {what}: {default} is taken")
            try:
                return parse(answer or default)
            except SagesegError as e:
                if not answer:
                    raise
                say(f"{e}")


def write_first(given: Given, app: typer.Typer) -> None:
    """Write the experiment file, and the schema that its first line names beside it.

    Raises SagesegError where a file is there, where no labels are known, and for answers that the experiment's own
    parsers refuse: then nothing is written.
    """
    if given.out.exists() or given.out.is_symlink():
        raise SagesegError(f"{given.out}: {_THERE.format(shlex.quote(str(given.out)))}")
    answers = _answers(given, app)
    with staged_file(given.out) as staged:
        staged.write_text(experiment_text(answers, given.out.name), encoding="utf-8")
        try:
            check_experiment(staged, app)
        except SagesegError as e:
            raise SagesegError(str(e).replace(str(staged), str(given.out))) from e
        _write_schema(given.out.with_name(SCHEMA_NAME), app)
    result(str(given.out))
    say(f"look at it, then: sageseg run {shlex.quote(str(given.out))}")


def _write_schema(path: Path, app: typer.Typer) -> None:
    """Write the schema, or renew an earlier one; what else bears its name is left as it is."""
    if path.exists() and TITLE not in path.read_text(encoding="utf-8", errors="replace"):
        say(f"note: {path}: is something else, so the schema is not written; sageseg schema --out FILE writes it")
        return
    write_text(path, schema_text(app))


def schema_text(app: typer.Typer) -> str:
    return json.dumps(experiment_schema(app), indent=1, ensure_ascii=False) + "\n"


def _answers(given: Given, app: typer.Typer) -> Answers:
    asking = Asking(yes=given.yes)

    def settle(option: str | None, what: str, default: str, parse: Callable[[str], T]) -> T:
        return parse(option) if option is not None else asking(what, default, parse)

    labels = _labels(given, asking, app)
    backend = settle(given.backend, "where to train, local or aws", BACKENDS[0], _one_of("--backend", BACKENDS))
    local = backend == BACKENDS[0]
    networks = NETWORKS if local or given.image else NETWORKS[1:]
    network = settle(
        given.network, f"network, {', '.join(networks)}", networks[0], _one_of("--network", networks, _of_unet(backend))
    )
    crop = None
    if not labels.dataset:
        crop = settle(given.crop, "side of the crops in pixels, or none", "256" if local else "512", _crop)
    elif given.crop is not None:
        raise SagesegError("--crop: a dataset has its crops already; leave it out")
    data = "" if local else settle(given.data, "where the dataset goes, s3://bucket/prefix", _data_default(), _place)
    if local and (given.data or given.image):
        raise SagesegError(f"{'--data' if given.data else '--image'}: is for --backend aws; leave it out")
    return Answers(labels, backend, network, crop, data, given.image or "")


def _of_unet(backend: str) -> str:
    return "" if backend == BACKENDS[0] else f"; {UNET} needs a container of your own there: name it with --image URI"


def _one_of(option: str, words: Sequence[str], more: str = "") -> Callable[[str], str]:
    def parse(text: str) -> str:
        if text not in words:
            raise SagesegError(f"{option} {text}: expected {', '.join(words)}{more}")
        return text

    return parse


def _crop(text: str) -> int | None:
    from formats.verbs.command_options import parse_crop

    return parse_crop(text)


def _data_default() -> str:
    bucket = os.environ.get("SAGESEG_BUCKET", "").removeprefix("s3://").strip("/")
    return f"s3://{bucket}/{Path.cwd().name}" if bucket else ""


def _place(text: str) -> str:
    from aws.s3 import parse_s3_uri

    if not text:
        raise SagesegError("--data: missing; pass --data s3://bucket/prefix, or export SAGESEG_BUCKET=BUCKET")
    parse_s3_uri(text)
    return text


def _labels(given: Given, asking: Asking, app: typer.Typer) -> Labels:
    """What lies in the folder, as prep auto finds it: one of several is asked for, or the surest is taken."""
    from prep.recognise.recognise import recognise_or_refuse

    if given.folder is not None:
        found = recognise_or_refuse(given.folder)
    else:
        found = asking("folder of labels, or a file of them", ".", lambda typed: recognise_or_refuse(_at_home(typed)))
    chosen = found[0]
    if len(found) > 1:
        for number, each in enumerate(found, start=1):
            say(f"{number}: {each.name} ({each.why})")
        chosen = found[asking("which of these", "1", _number_up_to(len(found))) - 1]
    if chosen.missing:
        raise SagesegError(
            f"{chosen.place}: {chosen.name}, but {chosen.missing}; then: {chosen.command}; and then: sageseg init "
            "DATASET"
        )
    return labels_of(chosen, app, given.out.absolute().parent)


def _at_home(typed: str) -> str:
    """A path that begins with ~, as shells read it, which see no answers."""
    return os.path.expanduser(typed) if typed.startswith("~") and not Path(typed).exists() else typed  # noqa: PTH111


def _number_up_to(most: int) -> Callable[[str], int]:
    def parse(text: str) -> int:
        if not text.isdecimal() or not 1 <= int(text) <= most:
            raise SagesegError(f"{text}: expected a number of 1 to {most}")
        return int(text)

    return parse


def labels_of(found: Recognised, app: typer.Typer, folder: Path) -> Labels:
    """What was found, with its paths relative to the folder of the experiment file. Raises SagesegError for what is
    first to be made into labels, with the command."""
    if found.verb == "check":
        return Labels(found.name, found.why, dataset=_beside(str(found.place), folder))
    if found.verb not in readers(app):
        raise SagesegError(
            f"{found.place}: {found.name}, of which no experiment can be made yet; first: {found.command}"
        )
    words = shlex.split(found.command)[1:]  # behind sageseg
    command, rest = find_command(app, words)
    operands, options = _parted(command, rest)
    del options["out"]
    told = {name: value if isinstance(value, bool) else _beside(value, folder) for name, value in options.items()}
    return Labels(
        found.name,
        found.why,
        reader=words[len(VERBS["prep"])],
        operands=tuple(_beside(each, folder) for each in operands),
        options=told,
    )


def _parted(command: typer.core.TyperCommand, words: Sequence[str]) -> tuple[list[str], dict[str, str | bool]]:
    """The operands and the options of a line, by their names."""
    flags = {name for each in command.params if getattr(each, "is_flag", False) for name in each.opts}
    operands, options, rest = list[str](), dict[str, str | bool](), iter(words)
    for word in rest:
        if word in flags:
            options[word[2:]] = True
        elif word.startswith("--"):
            options[word[2:]] = next(rest)
        else:
            operands.append(word)
    return operands, options


def _beside(value: str, folder: Path) -> str:
    """A path as it is named from another folder, never like an option; what is none stays as it is."""
    from prep.recognise.recognised import not_an_option

    try:
        is_path = Path(value).exists()
    except OSError:
        is_path = False
    return not_an_option(os.path.relpath(value, folder)) if is_path and not Path(value).is_absolute() else value
