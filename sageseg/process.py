"""`sageseg jobs process`: a verb of prep or analysis, or predict, on many instances, which jobs does not know."""

from __future__ import annotations

import shlex
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any

import typer

from formats.console import say
from formats.errors import SagesegError
from formats.verbs.command_options import takes
from jobs.processing.options import ProcessOptions
from jobs.training.options import SecurityOptions
from prep.commands.given import PLACES
from sageseg.process_predict import check_predict

WORDS_LAST = {"allow_interspersed_args": False, "ignore_unknown_options": False}
"""What stands behind the first word of the verb is the verb's own."""
_ALONE = {"report": "analysis", "stitch": "analysis", "predict": "jobs"}
"""Verbs that are typed without their room, by which it is found."""
EXTRAS = {"prep": ("coco", "geo", "video"), "jobs": ("geo", "local", "onnx", "video"), "analysis": ("geo",)}
"""Of setup.cfg, what a room's verbs may need on an instance that installs the project's wheel."""
EVERY_EXTRA = tuple(sorted({extra for extras in EXTRAS.values() for extra in extras}))
Words = Annotated[
    list[str],
    typer.Argument(
        metavar="VERB…",
        help="prep and its reader, report, stitch or predict, with their own options.",
        show_default=False,
    ),
]


@takes(ProcessOptions, "options")
@takes(SecurityOptions, "security")
def process(context: typer.Context, words: Words, options: ProcessOptions, security: SecurityOptions) -> None:
    """A verb's work shared among the instances of one processing job, and what they make put together.

    The job's own options stand before the verb: sageseg jobs process --instances 4 prep carvana train masks --out cars
    """
    from jobs.processing.given import take_out
    from jobs.processing.start import Work
    from jobs.processing.start import process as make_shards

    root = context.find_root().command
    verb = _verb(words)
    command, rest = command_of(root, verb, words)
    parsed = parse_words(verb, command, rest, isolated=security.network_isolation)
    if command.name == "predict":
        check_predict(parsed.given, options.backend)
    typed = take_out(words[len(words) - len(rest) :])
    if typed.overwrite and typed.out.startswith("s3://"):
        raise SagesegError(f"--overwrite: nothing is put together in {typed.out}; leave it out, or name a new prefix")
    shards = shards_of(typed.out, options)
    if not typed.out.startswith("s3://"):
        from formats.disk.whole_folders import refuse_existing

        refuse_existing(Path(typed.out), overwrite=typed.overwrite, reads=[Path(shards)])
    done = make_shards(
        Work(verb, typed.words, parsed.texts, parsed.from_s3, shards, EXTRAS[verb[0]]), options, security
    )
    if done:
        _merge(root, verb, shards, typed.out, overwrite=typed.overwrite)


def shards_of(out: str, options: ProcessOptions) -> str:
    """Where the shards go of what is made at `--out`: where `--shards` says, else beside it; in S3 they are all that
    there is."""
    if out.startswith("s3://"):
        if options.shards is not None:
            raise SagesegError(
                f"--out {out}: the shards themselves go there; leave out --shards, or name a folder of this machine, "
                "in which they are put together"
            )
        return out
    if options.shards is not None:
        return options.shards
    if options.backend == "aws":
        raise SagesegError(
            f"--out {out}: the machines of AWS leave their shards in S3; add --shards s3://bucket/prefix before the "
            "verb, or --backend local"
        )
    if not Path(out).name:
        raise SagesegError(f"--out {out}: exists already; name a folder that is to be made")
    return str(Path(out).with_name(f"{Path(out).name}-shards"))


def _verb(words: list[str]) -> tuple[str, ...]:
    """The words that name the verb, as the command knows it."""
    if words[0] in _ALONE:
        return (_ALONE[words[0]], words[0])
    if words[0] == "prep" and len(words) > 1:
        return ("prep", words[1])
    raise SagesegError(
        f"{words[0]}: no verb that works by shards; expected prep and its reader, {', '.join(_ALONE)}; options of the "
        "job stand before it"
    )


def command_of(root: Any, verb: tuple[str, ...], words: list[str]) -> tuple[Any, list[str]]:
    """The verb's command, and the words behind its name. Raises SagesegError for one that does not work by shards."""
    command = root
    for name in verb:
        if name not in command.commands:
            raise SagesegError(f"{name}: not known; expected one of {', '.join(command.commands)}")
        command = command.commands[name]
    if all("--shard" not in parameter.opts for parameter in command.params):
        raise SagesegError(f"sageseg {' '.join(verb)}: does not work by shards; run it on one machine")
    return command, words[len(verb) if verb[0] == "prep" else 1 :]


@dataclass(frozen=True)
class Parsed:
    """Of a verb's words what its parser makes of them; those that are mere texts, values of options which may be
    called like a file that there happens to be; and the places that the verb itself reads from S3."""

    given: Mapping[str, Any]
    texts: frozenset[str]
    from_s3: frozenset[str]


def parse_words(verb: tuple[str, ...], command: Any, rest: list[str], *, isolated: bool = False) -> Parsed:
    """What the verb's own parser, which refuses what it does not know, takes the words for. An `isolated` container
    reads nothing from S3 itself."""
    try:
        given: dict[str, Any] = command.make_context(command.name, list(rest)).params
    except typer.TyperException as e:
        before = "; options of the job stand before the verb" if hasattr(e, "possibilities") else ""
        raise SagesegError(f"{command.name}: {e}{before}") from e
    found: dict[bool, list[str]] = {True: [], False: []}
    for parameter in command.params:
        value = given.get(parameter.name)
        values = value if isinstance(value, list | tuple) else [value]
        is_place = parameter.param_type_name == "argument" or parameter.name in PLACES
        found[is_place] += [one for one in values if isinstance(one, str)]
    fetched = found[True] if verb[0] == "prep" else [given["model"]] if verb[-1] == "predict" else []
    from_s3 = (one for one in fetched if one.startswith("s3://") and not isolated)
    return Parsed(given, frozenset(found[False]), frozenset(from_s3))


def _merge(root: Any, verb: tuple[str, ...], shards: str, out: str, *, overwrite: bool) -> None:
    """Put the shards together on this machine; those in S3 are fetched. Where they are to stay there, say what does."""
    merge = [verb[0], "merge"]
    if out.startswith("s3://"):
        name = out.rstrip("/").rpartition("/")[2]
        say(
            f"all shards, with their crops or masks, lie in {out}; next: aws s3 sync {out} {name}-shards && "
            f"sageseg {' '.join(merge)} {name}-shards --out {name}"
        )
        return
    more = ["--out", out, *(["--overwrite"] if overwrite else [])]
    if shards.startswith("s3://"):
        folder = _fetched(shards)
        say(f"putting the shards of {shards} together in {out}")
    else:
        folder = shards
        say(f"$ sageseg {shlex.join([*merge, folder, *more])}")
    if code := root.main([*merge, folder, *more], "sageseg", standalone_mode=False):
        raise typer.Exit(code)  # typer answers an interrupt so; the shards stay


def _fetched(shards: str) -> str:
    """The shards as files of this machine: only what is not here already, or is another there, is fetched."""
    from formats.disk.whole_files import MARK
    from prep.remote.local import local_folder

    folder = local_folder(shards, lambda names: [name for name in names if MARK not in name])
    return str(folder)


def process_host(
    context: typer.Context,
    words: Annotated[list[str], typer.Argument(metavar="VERB…", show_default=False)],
    shard: Annotated[str, typer.Option(help="The shards of the job's hosts, in their order.", metavar="I[,I-I…]/N")],
) -> None:
    """What each instance of `process` runs."""
    from sageseg.process_host import process_host as make_shard

    make_shard(context.find_root().command, shard, words)
