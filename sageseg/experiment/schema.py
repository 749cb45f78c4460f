"""The JSON schema of experiment files, by which editors complete and check them: made from the very options that the
sections become, so that it says what `sageseg run` takes.

It knows single lines and which sections go together. What only their parsers can tell, such as whether a file is there,
it lets pass. Draft 7, which editors' YAML servers read.
"""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from enum import Enum
from typing import Any, get_args, get_origin

import typer

from formats.verbs.completion import closed_choice
from formats.version import tool_version
from jobs.contract.hyperparameter_options import describe
from jobs.contract.hyperparameters import KINDS, TABLE, choices_of, limits_of
from sageseg.experiment.command_lines import find_command, readers
from sageseg.experiment.steps import PROCESSED, REPEATED, STEPS, TRAININGS, VERBS, has_line

Schema = dict[str, Any]
SCHEMA_NAME = "experiment.schema.json"
TITLE = "An experiment of sageseg"
_SCALAR: Schema = {"type": ["string", "number"]}
_INTEGER: Schema = {"type": ["integer", "string"], "pattern": r"^[+-]?[0-9]+$"}
_NUMBER: Schema = {"type": ["number", "string"], "pattern": r"^[+-]?([0-9]+\.?[0-9]*|\.[0-9]+)([eE][+-]?[0-9]+)?$"}
_YES, _NO = "[Yy][Ee][Ss]|[Oo][Nn]", "[Nn][Oo]|[Oo][Ff][Ff]"
_SWITCH: Schema = {"type": ["boolean", "string"], "pattern": f"^({_YES}|{_NO})$"}
_ON: Schema = {"anyOf": [{"const": True}, {"type": "string", "pattern": f"^({_YES})$"}]}
_TRUTH = ("True", "False", "true", "false", "TRUE", "FALSE")


def experiment_schema(app: typer.Typer) -> Schema:
    """The schema of the files that `sageseg run` takes, by the verbs of `app`."""
    sections = {name: _section(_options(app, VERBS[name])) for name in STEPS if name != "prep"}
    process = _section(_options(app, VERBS["process"]))
    process["properties"]["steps"] = _one_or_several({"enum": list(PROCESSED)}) | {
        "description": f"Which steps processing jobs make; by default {', '.join(PROCESSED)}."
    }
    whole = {
        "$schema": "http://json-schema.org/draft-07/schema#",
        "$comment": f"by sageseg {tool_version()}: sageseg schema --out {SCHEMA_NAME} --overwrite makes it anew",
        "title": TITLE,
        "type": "object",
        "properties": {
            "out": {**_SCALAR, "description": "Where results go, below the file's folder; by default beside it."},
            "dataset": {"type": "string", "description": "A dataset that is there already, in the place of prep."},
            "mlflow": {
                "type": "string",
                "description": "An MLflow server's URI, or an ARN, where the job is written down.",
            },
            "prep": _prep(app),
            **{name: sections[name] | {"description": _help(app, name)} for name in sections},
            "process": process | {"description": "Has prep, stitch and report made by processing jobs."},
        },
        "additionalProperties": False,
        "anyOf": [{"required": [name]} for name in STEPS],
        "not": {"anyOf": [{"required": list(TRAININGS)}, {"required": ["prep", "dataset"]}]},
        "dependencies": {"gate": ["report"], "process": {"anyOf": [{"required": [name]} for name in PROCESSED]}},
    }
    return _with_definitions(whole)


def _with_definitions(schema: Schema) -> Schema:
    """The same with each value that several lines have, as options of all readers are, told once."""
    counts = Counter(json.dumps(value) for value in _values(schema))
    names: dict[str, str] = {}

    def shared(value: Any, name: str = "") -> Any:
        if isinstance(value, list):
            return [shared(each) for each in value]
        if not isinstance(value, dict):
            return value
        text = json.dumps(value)
        if name and counts[text] > 1:
            names.setdefault(text, f"{name}-{len(names)}")
            return {"$ref": f"#/definitions/{names[text]}"}
        lines = ("properties", "patternProperties")
        return {
            key: {line: shared(each, re.sub(r"\W+", "", line)) for line, each in inner.items()}
            if key in lines
            else shared(inner)
            for key, inner in value.items()
        }

    told: Schema = shared(schema)
    return told | {"definitions": {name: json.loads(text) for text, name in names.items()}}


def _values(schema: Any) -> Iterator[Schema]:
    """The values of all lines of all sections."""
    if isinstance(schema, list):
        for each in schema:
            yield from _values(each)
    elif isinstance(schema, dict):
        for key, inner in schema.items():
            if key in ("properties", "patternProperties"):
                yield from inner.values()
                yield from _values([*inner.values()])
            else:
                yield from _values(inner)


def _help(app: typer.Typer, step: str) -> str:
    command, _ = find_command(app, VERBS[step])
    return _first_line(command.help)


def _prep(app: typer.Typer) -> Schema:
    """One reader, whose line lists what it reads, and that reader's options."""
    named, chosen = {}, []
    for reader in readers(app):
        command, _ = find_command(app, (*VERBS["prep"], reader))
        operands = [each for each in command.params if each.param_type_name == "argument"]
        named[reader] = _operands(operands) | {"description": _first_line(command.help)}
        then = _section(_options(app, (*VERBS["prep"], reader)))
        then["properties"][reader] = named[reader]
        chosen.append({"if": {"required": [reader]}, "then": then})
    return {
        "type": "object",
        "description": "Raw labels to a dataset: one reader with a list of what it reads, and its options.",
        "properties": named,
        "oneOf": [{"required": [reader]} for reader in named],
        "allOf": chosen,
    }


def _operands(operands: Iterable[Any]) -> Schema:
    least = sum(each.required for each in operands)
    most = {} if any(each.nargs == -1 for each in operands) else {"maxItems": len(list(operands))}
    return {"type": "array", "items": _SCALAR, "minItems": least, **most}


def _options(app: typer.Typer, verb: tuple[str, ...]) -> list[Any]:
    """The options of a verb that a section may have as lines."""
    command, _ = find_command(app, verb)
    return [each for each in command.params if each.param_type_name == "option" and has_line(_name(each))]


def _name(option: Any) -> str:
    """An option's long name, `mini-batch-size`."""
    return str(next(name for name in option.opts if name.startswith("--")))[2:]


def _section(options: Iterable[Any]) -> Schema:
    """Lines are written with hyphens or with underscores; the second are offered."""
    values = {_name(option): _value(option) for option in options}
    negated = [name[2:] for option in options for name in option.secondary_opts]
    required = [_name(option).replace("-", "_") for option in options if option.required]
    hyphens = {_spelled(name): value for name, value in values.items() if "-" in name}
    return {
        "type": "object" if required else ["object", "null"],
        "properties": {name.replace("-", "_"): value for name, value in values.items()},
        "patternProperties": hyphens | {_spelled(name): _ON for name in negated},
        "additionalProperties": False,
        **({"required": required} if required else {}),
    }


def _spelled(name: str) -> str:
    return f"^{name.replace('-', '[-_]')}$"


def _value(option: Any) -> Schema:
    name = _name(option).replace("-", "_")
    if name in TABLE:
        return _hyperparameter(name) | {"description": describe(name)}
    told: Schema = {"description": _first_line(option.help)}
    if isinstance(option.default, int | float | str) and option.default is not False:
        told["default"] = option.default.value if isinstance(option.default, Enum) else option.default
    value = _plain_value(option)
    repeats = option.multiple or _name(option) in REPEATED or "[," in (option.metavar or "")
    return (_one_or_several(value) if repeats else value) | told


def _plain_value(option: Any) -> Schema:
    kind, metavar = option.type_descriptor.annotation, option.metavar or ""
    if kind is bool:
        return _SWITCH if option.secondary_opts else _ON
    if isinstance(kind, type) and issubclass(kind, Enum):
        return {"enum": [each.value for each in kind]}
    if metavar.startswith("[") and metavar.endswith("]"):  # with a value, or by its name alone
        return {"anyOf": [_ON, _SCALAR]}
    if words := closed_choice(metavar):
        return {"enum": words}
    kinds: Mapping[Any, Schema] = {int: _INTEGER, float: _NUMBER}
    return kinds.get(kind, _SCALAR) if get_origin(kind) is None else kinds.get(get_args(kind)[0], _SCALAR)


def _hyperparameter(name: str) -> Schema:
    limits, kind = limits_of(name), KINDS[name]
    if kind is bool:
        return {"enum": [True, False, *_TRUTH]}
    if kind is str:
        return {"enum": list(choices_of(name, "open"))}
    if kind not in (int, float):
        return _one_or_several(_INTEGER, _SCALAR)
    bounds = {
        "exclusiveMinimum" if limits.low_open else "minimum": limits.low,
        "exclusiveMaximum" if limits.high_open else "maximum": limits.high,
    }
    finite = {bound: value for bound, value in bounds.items() if abs(value) != float("inf")}
    return (_INTEGER if kind is int else _NUMBER) | finite


def _one_or_several(value: Schema, alone: Schema | None = None) -> Schema:
    return {"anyOf": [alone or value, {"type": "array", "items": value, "minItems": 1}]}


def _first_line(text: str | None) -> str:
    return " ".join((text or "").partition("\n\n")[0].split())
