"""A pipeline's parameters: as a definition declares them, and the values that an execution is started with."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from jobs.emulator.api.faults import invalid
from jobs.emulator.pipelines.expressions import unparsable
from jobs.emulator.store.state import Record

_TYPES: dict[str, type] = {"String": str, "Integer": int, "Float": float, "Boolean": bool}
_MEMBERS = {"Name", "Type", "DefaultValue", "EnumValues"}


@dataclass(frozen=True)
class Parameter:
    """`default` is None where there is none; `allowed` is empty where all values are."""

    type: str
    default: Any
    allowed: Sequence[Any]


def parse_parameters(declared: Any) -> dict[str, Parameter]:
    """The parameters of a definition by their names. Raises ServiceError."""
    found: dict[str, Parameter] = {}
    if not isinstance(declared, list):
        raise unparsable(f"Parameters is {type(declared).__name__}; expected a list")
    for each in declared:
        if not isinstance(each, Mapping) or not isinstance(each.get("Name"), str) or not each.keys() <= _MEMBERS:
            raise unparsable(f"Parameters: {each!r}; expected the members {', '.join(sorted(_MEMBERS))}")
        name, kind = each["Name"], each.get("Type")
        if not isinstance(kind, str) or kind not in _TYPES:
            raise unparsable(f"Parameter {name} is of Type {kind!r}; expected one of {', '.join(_TYPES)}")
        if name in found:
            raise unparsable(f"Parameter {name} is declared twice")
        default, allowed = each.get("DefaultValue"), each.get("EnumValues", [])
        if default is not None and not _is_of(kind, default):
            raise unparsable(f"Parameter {name}: DefaultValue {default!r} is no {kind}")
        if not isinstance(allowed, list) or (default is not None and allowed and default not in allowed):
            raise unparsable(f"Parameter {name}: DefaultValue {default!r} is none of EnumValues {allowed!r}")
        found[name] = Parameter(kind, default, allowed)
    return found


def _is_of(kind: str, value: Any) -> bool:
    if kind == "Float":
        return isinstance(value, int | float) and not isinstance(value, bool)
    return isinstance(value, _TYPES[kind]) and not (kind == "Integer" and isinstance(value, bool))


def settle_parameters(declared: Mapping[str, Parameter], given: Sequence[Record]) -> dict[str, Any]:
    """The value of each parameter. Raises ServiceError for one that is not declared, given twice, missing, of another
    type or not allowed."""
    texts: dict[str, str] = {}
    for each in given:
        name = each["Name"]
        if name not in declared:
            raise invalid(
                f"Parameter {name!r} is not in the pipeline's definition; it has: {', '.join(declared) or '-'}"
            )
        if name in texts:
            raise invalid(f"Parameter {name!r} is given twice")
        texts[name] = each["Value"]
    return {name: _settle(name, parameter, texts.get(name)) for name, parameter in declared.items()}


def _settle(name: str, parameter: Parameter, text: str | None) -> Any:
    if text is None:
        if parameter.default is None:
            raise invalid(f"Parameter {name!r} has no default value and must be given")
        return parameter.default
    if not text:
        raise invalid(f'Parameter {name!r}: [string "" is too short (length: 0, required minimum: 1)]')
    value = _read(parameter.type, text)
    if value is None:
        raise invalid(f"Parameter {name!r} is {text!r}; expected {_EXPECTED[parameter.type]}")
    if parameter.allowed and value not in parameter.allowed:
        raise invalid(f"Parameter {name!r} is {text!r}; expected one of {parameter.allowed}")
    return value


_EXPECTED = {"Integer": "a whole number", "Float": "a number", "Boolean": "true or false"}


def _read(kind: str, text: str) -> Any:
    """None for a text that is none of the type's."""
    if kind == "Boolean":
        return {"true": True, "false": False}.get(text.lower())
    try:
        return _TYPES[kind](text)
    except ValueError:
        return None
