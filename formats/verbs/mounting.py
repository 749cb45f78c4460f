"""How all verbs are mounted: help in groups, an unknown option answered with the nearest one, and `--profile`
wherever there is `--region`."""

from __future__ import annotations

import functools
import inspect
import os
import textwrap
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from difflib import get_close_matches
from pathlib import Path
from typing import Annotated, Any

import typer
import typer.core
from typer.main import get_command_name

from formats.verbs.command_options import expand
from formats.verbs.completion import closed_choice, one_of
from formats.verbs.nearest import unknown_option
from formats.verbs.windows_paths import check_path

PROFILE_HELP = "Profile of the AWS configuration whose credentials and region are used."
_OTHERS = "Options"
_WORDS = "words"
_TYPED: ContextVar[tuple[str, ...]] = ContextVar("_TYPED", default=())


class Verb(typer.core.TyperCommand):
    """A command whose help stands under headings, and which says what an unknown option may have meant."""

    def format_options(self, ctx: Any, formatter: Any) -> None:
        """The arguments, then the options: under the heading of their group, those of none last."""
        groups: dict[str, list[tuple[str, str]]] = {"Arguments": []}
        for parameter in self.get_params(ctx):
            shown = parameter.get_help_record(ctx)
            if shown is not None:
                groups.setdefault(_heading(parameter), []).append(shown)
        groups[_OTHERS] = groups.pop(_OTHERS)
        for heading, rows in groups.items():
            if rows:
                with formatter.section(heading):
                    formatter.write_dl(rows)

    def format_epilog(self, ctx: Any, formatter: Any) -> None:  # noqa: ARG002
        """The examples, each a line that can be typed, continued where it is long."""
        if not self.epilog:
            return
        width = formatter.width - 4
        with formatter.section("Examples"):
            for line in self.epilog.splitlines():
                parts = textwrap.wrap(
                    line, width, subsequent_indent="    ", break_on_hyphens=False, break_long_words=False
                )
                formatter.write("".join(f"  {part} \\\n" for part in parts[:-1]) + f"  {parts[-1]}\n")

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        given = [*args]  # what is parsed is taken from the list
        ctx.meta[_WORDS] = (str(ctx.info_name), *given)
        for parameter in self.params:
            declared = getattr(getattr(parameter, "type_descriptor", None), "parameter_info", None)
            if declared is not None:
                declared.readable = False  # whoever reads it says so, with the next step
        with _nearest_option(self.params, given, ctx.command_path):
            rest = super().parse_args(ctx, args)
        for parameter in self.params:
            check_paths(ctx.params.get(parameter.name), is_argument=parameter.param_type_name == "argument")
        return rest

    def invoke(self, ctx: Any) -> Any:
        before = _TYPED.set(ctx.meta[_WORDS])
        try:
            return super().invoke(ctx)
        finally:
            _TYPED.reset(before)


class House(typer.core.TyperGroup):
    """Verbs, or rooms of them; a verb that another room has is found there for who typed it."""

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        with _nearest_option(self.get_params(ctx), [*args], ctx.command_path):
            return super().parse_args(ctx, args)

    def resolve_command(self, ctx: Any, args: list[str]) -> Any:
        try:
            return super().resolve_command(ctx, args)
        except typer.TyperException as e:
            elsewhere = _verbs_like(args[0], ctx.find_root())
            near = get_close_matches(args[0], [name for name, each in self.commands.items() if not each.hidden])
            if elsewhere and (args[0] in elsewhere[0].split() or not near):
                near = elsewhere
            meant = f"did you mean {' or '.join(near)}?" if near else f"{ctx.command_path} --help lists those there are"
            vars(e)["message"] = f"No such command: {args[0]}; {meant}"
            raise


def _verbs_like(name: str, root: Any) -> list[str]:
    """The verbs of this name, below all rooms, as they are typed; where there is none, those of the nearest name."""
    command = root.command
    rooms = {"": command, **{room: each for room, each in command.commands.items() if hasattr(each, "commands")}}
    verbs = [(room, verb) for room, each in rooms.items() for verb in each.commands if not each.commands[verb].hidden]
    near = (
        [name]
        if any(verb == name for _, verb in verbs)
        else get_close_matches(name, sorted({v for _, v in verbs}), n=1)
    )
    return [" ".join(filter(None, (root.info_name, room, verb))) for room, verb in verbs if verb in near]


@contextmanager
def _nearest_option(parameters: Iterable[Any], given: Sequence[str], command: str) -> Iterator[None]:
    """Say of an unknown option among the words that were given what it may have meant."""
    try:
        yield
    except typer.TyperException as e:
        asked = getattr(e, "option_name", None)
        if not hasattr(e, "possibilities") or asked is None:
            raise
        word = next((word for word in given if word.split("=")[0] == asked), None)
        word = word or next((word for word in given if word.startswith(asked)), asked)
        vars(e).update(possibilities=None)
        e.message = unknown_option(word.split("=")[0], _long_names(parameters), command)
        raise


def typed_words() -> tuple[str, ...]:
    """The verb that runs, and the words behind it as they were typed; empty where none runs."""
    return _TYPED.get()


def check_paths(value: Any, *, is_argument: bool) -> None:
    """Raise SagesegError for a path of another system in what was given: in paths, and in what is no option."""
    for one in value if isinstance(value, list | tuple) else (value,):
        if isinstance(one, Path) or (is_argument and isinstance(one, str)):
            check_path(str(one))


def _heading(parameter: Any) -> str:
    if parameter.param_type_name == "argument":
        return "Arguments"
    return getattr(parameter, "rich_help_panel", None) or _OTHERS


def _long_names(parameters: Iterable[Any]) -> list[str]:
    return [name[2:] for one in parameters for name in (*one.opts, *one.secondary_opts) if name.startswith("--")]


def use_profile(name: str) -> None:
    """Have everything that this process, and what it starts, asks of AWS be asked with this profile. As with the AWS
    CLI, a profile that is named goes before keys in the environment."""
    os.environ["AWS_PROFILE"] = name
    for key in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN"):
        os.environ.pop(key, None)


def _with_profile(command: Callable[..., Any]) -> Callable[..., Any]:
    """A command that has --region, with --profile behind it."""

    @functools.wraps(command)
    def run(**given: Any) -> Any:
        profile = given.pop("profile")
        if profile is not None:
            use_profile(profile)
        return command(**given)

    region = inspect.signature(command, eval_str=True).parameters["region"]
    declared = typer.Option(help=PROFILE_HELP, metavar="NAME", rich_help_panel=_panel(region))
    profile = inspect.Parameter(
        "profile", inspect.Parameter.KEYWORD_ONLY, default=None, annotation=Annotated[str | None, declared]
    )
    expand(run, command, "region", [region, profile])
    return run


def _panel(parameter: inspect.Parameter) -> str | None:
    metadata = getattr(parameter.annotation, "__metadata__", ())
    return next((one.rich_help_panel for one in metadata if hasattr(one, "rich_help_panel")), None)


def _complete_choices(command: Callable[..., Any]) -> None:
    """Have the shell complete what an option's metavar says that it takes."""
    parameters = list(inspect.signature(command, eval_str=True).parameters.values())
    for parameter in parameters:
        for declared in getattr(parameter.annotation, "__metadata__", ()):
            words = closed_choice(getattr(declared, "metavar", None) or "")
            if words and getattr(declared, "autocompletion", None) is None:
                declared.autocompletion = one_of(words)
    # annotations that are text would be made anew, without this
    command.__signature__ = inspect.Signature(parameters)  # type: ignore[attr-defined]
    command.__annotations__ = {parameter.name: parameter.annotation for parameter in parameters}


class _Verbs(typer.Typer):
    def command(self, name: str | None = None, **settings: Any) -> Any:
        """A decorator, as typer's own; it makes a `Verb`."""
        mount = super().command(name, **{"cls": Verb, **settings})

        def decorate(command: Callable[..., Any]) -> Callable[..., Any]:
            _complete_choices(command)
            has_region = "region" in inspect.signature(command).parameters
            mount(_with_profile(command) if has_region else command)
            return command

        return decorate


def show_examples(app: typer.Typer, examples: Mapping[str, Sequence[str]], typed: str) -> None:
    """Give each verb below `app` its examples: by its words, what may be typed behind them. Lines begin by `typed`."""
    for info in app.registered_commands:
        words = f"{typed} {info.name or get_command_name(info.callback.__name__)}"  # type: ignore[union-attr]
        lines = examples.get(words.partition(" ")[2], ())
        info.epilog = "\n".join(f"{words} {line}".rstrip() for line in lines)
    for group in app.registered_groups:
        if group.typer_instance is not None:
            show_examples(group.typer_instance, examples, f"{typed} {group.name}")


def make_app(help_text: str) -> typer.Typer:
    """A house of verbs. Plain text: off a terminal nothing wraps or draws."""
    return _Verbs(
        cls=House, no_args_is_help=True, rich_markup_mode=None, pretty_exceptions_enable=False, help=help_text
    )
