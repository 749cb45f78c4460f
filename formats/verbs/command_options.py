"""A settings dataclass as a command's options: one table gives the options, their help and the
typed value."""

from __future__ import annotations

import dataclasses
import functools
import inspect
import re
from collections.abc import Callable
from typing import Annotated, Any, TypeVar, get_type_hints

import typer

from formats.console import say
from formats.errors import SagesegError
from formats.limits import check_pixels
from formats.texts.told_numbers import parse_whole
from formats.verbs.completion import Completion

Command = TypeVar("Command", bound=Callable[..., Any])


def option(
    default: Any,
    help_text: str,
    *,
    parser: Callable[[str], Any] | None = None,
    metavar: str = "",
    flag: str = "",
    completes: Completion | None = None,
) -> Any:
    """A field of a settings dataclass that becomes an option. `parser` turns the typed text into
    the value; without it the field's type does. `flag` is for an option that no field can be named like, `completes`
    is what a shell offers."""
    told = {"help": help_text, "parser": parser, "metavar": metavar, "flag": flag, "completes": completes}
    return dataclasses.field(default=default, metadata=told)


def parse_crop(text: str) -> int | None:
    """`512` or `none`."""
    if text == "none":
        return None
    side = parse_whole(text)
    if not side:
        raise SagesegError(f"--crop {text}: expected a side in pixels, such as 512, or none")
    check_pixels(side, side, "--crop", "choose a smaller side")
    return side


def takes(settings: type, parameter: str) -> Callable[[Command], Command]:
    """Replace a command's `parameter`, a `settings` dataclass, by one option per field.

    Its method `idle`, where it has one, answers a sentence for each given option that the others make idle, to be told.
    """

    def decorate(command: Command) -> Command:
        @functools.wraps(command)
        def run(**given: Any) -> Any:
            values = {f.name: given.pop(f.name) for f in dataclasses.fields(settings)}
            settled = settings(**values)
            for sentence in settled.idle() if hasattr(settled, "idle") else ():
                say(f"note: {sentence}")
            return command(**given, **{parameter: settled})

        expand(run, command, parameter, [_option_of(settings, f) for f in dataclasses.fields(settings)])
        return run  # type: ignore[return-value]

    return decorate


def expand(
    run: Callable[..., Any], command: Callable[..., Any], parameter: str, added: list[inspect.Parameter]
) -> None:
    """Give `run` the signature of `command` with `added` in the place of `parameter`."""
    own = list(inspect.signature(command, eval_str=True).parameters.values())
    place = [p.name for p in own].index(parameter)
    parameters = [p.replace(kind=inspect.Parameter.KEYWORD_ONLY) for p in [*own[:place], *added, *own[place + 1 :]]]
    run.__signature__ = inspect.Signature(parameters)  # type: ignore[attr-defined]
    run.__annotations__ = {p.name: p.annotation for p in parameters}
    del run.__wrapped__  # type: ignore[attr-defined]  # or inspect would look through to the command


@functools.cache
def _kinds_of(settings: type) -> dict[str, Any]:
    """The fields' types. To read them is most of what it takes to start, so it is done once for each dataclass."""
    return get_type_hints(settings)


def _option_of(settings: type, field: dataclasses.Field[Any]) -> inspect.Parameter:
    parser, metavar = field.metadata["parser"], field.metadata["metavar"] or None
    kind = Any if parser else _kinds_of(settings)[field.name]
    declared = typer.Option(
        *filter(None, [field.metadata.get("flag")]),
        help=field.metadata["help"],
        parser=parser and _for_text(parser),
        metavar=metavar,
        autocompletion=field.metadata["completes"],
        show_default=field.default is not False,
        rich_help_panel=heading_of(settings),
    )
    return inspect.Parameter(
        field.name, inspect.Parameter.KEYWORD_ONLY, default=field.default, annotation=Annotated[kind, declared]
    )


def heading_of(settings: type) -> str:
    """The heading under which help shows these options: the first sentence of the docstring."""
    text = " ".join((settings.__doc__ or "").replace("`", "").split())
    return re.split(r"\.(?: |$)", text)[0]


def _for_text(parser: Callable[[str], Any]) -> Callable[[Any], Any]:
    """click passes defaults through the parser too; they are typed already."""
    return lambda value: parser(value) if isinstance(value, str) else value
