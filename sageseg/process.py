"""`sageseg jobs process`: a verb of prep or analysis on many instances, which jobs does not know."""

from __future__ import annotations

import shlex
from collections.abc import Iterator
from pathlib import Path
from typing import Annotated, Any

import typer

from formats.console import say
from formats.errors import SagesegError
from formats.verbs.command_options import takes
from jobs.processing.options import ProcessOptions

WORDS_LAST = {"allow_interspersed_args": False, "ignore_unknown_options": False}
"""What stands behind the first word of the verb is the verb's own."""
_ANALYSIS = ("report", "stitch")
Words = Annotated[
    list[str],
    typer.Argument(
        metavar="VERB…", help="prep and its reader, report or stitch, with their own options.", show_default=False
    ),
]


@takes(ProcessOptions, "options")
def process(context: typer.Context, words: Words, options: ProcessOptions) -> None:
    """A verb's work shared among the instances of one processing job, and what they make put together.

    The job's own options stand before the verb: sageseg jobs process --instances 4 prep carvana train masks --out cars
    """
    from jobs.processing.given import take_out
    from jobs.processing.start import Work
    from jobs.processing.start import process as make_shards

    root = context.find_root().command
    verb = _verb(words)
    command, rest = command_of(root, verb, words)
    texts = frozenset(texts_of(command, rest))
    typed = take_out(words[len(words) - len(rest) :])
    shards = options.shards or shards_of(typed.out)
    if options.shards and typed.out.startswith("s3://"):
        raise SagesegError(
            f"--shards {shards}: goes with an --out of this machine; in S3 the shards go to --out itself"
        )
    if not typed.out.startswith("s3://"):
        from formats.disk.whole_folders import refuse_existing

        refuse_existing(Path(typed.out), overwrite=typed.overwrite, reads=[Path(shards)])
    done = make_shards(Work("-".join(verb), (*verb, *typed.words), texts, shards), options)
    if done:
        _merge(root, verb, shards, typed.out, overwrite=typed.overwrite)


def shards_of(out: str) -> str:
    """Where the shards go of what is made at `--out`: beside it; in S3 they are all that there is."""
    if out.startswith("s3://"):
        return out
    return str(Path(out).with_name(f"{Path(out).name}-shards"))


def _verb(words: list[str]) -> tuple[str, ...]:
    """The words that name the verb, as the command knows it."""
    if words[0] in _ANALYSIS:
        return ("analysis", words[0])
    if words[0] == "prep" and len(words) > 1:
        return ("prep", words[1])
    raise SagesegError(
        f"{words[0]}: no verb that works by shards; expected prep and its reader, {' or '.join(_ANALYSIS)}; options of "
        "the job stand before it"
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


def texts_of(command: Any, rest: list[str]) -> Iterator[str]:
    """What the verb's own parser, which refuses what it does not know, takes as mere texts: values of options, which
    may be called like a file that there happens to be."""
    try:
        given = command.make_context(command.name, list(rest))
    except typer.TyperException as e:
        before = "; options of the job stand before the verb" if hasattr(e, "possibilities") else ""
        raise SagesegError(f"{command.name}: {e}{before}") from e
    for parameter in command.params:
        value = given.params.get(parameter.name)
        if parameter.param_type_name == "option":
            yield from (one for one in (value if isinstance(value, list | tuple) else (value,)) if isinstance(one, str))


def _merge(root: Any, verb: tuple[str, ...], shards: str, out: str, *, overwrite: bool) -> None:
    """Put the shards together on this machine, where they lie here; of those in S3 say what does."""
    merge = [verb[0], "merge"]
    if out.startswith("s3://"):
        name = out.rstrip("/").rpartition("/")[2]
        say(
            f"all shards, with their crops or masks, lie in {out}; next: aws s3 sync {out} {name}-shards && "
            f"sageseg {' '.join(merge)} {name}-shards --out {name}"
        )
        return
    words = [*merge, shards, "--out", out, *(["--overwrite"] if overwrite else [])]
    say(f"$ sageseg {shlex.join(words)}")
    root.main(words, "sageseg", standalone_mode=False)


def process_host(
    context: typer.Context,
    words: Annotated[list[str], typer.Argument(metavar="VERB…", show_default=False)],
    shard: Annotated[str, typer.Option(help="The shards of the job's hosts, in their order.", metavar="I/N[,I/N…]")],
) -> None:
    """What each instance of `process` runs."""
    from sageseg.process_host import process_host as make_shard

    make_shard(context.find_root().command, shard, words)
