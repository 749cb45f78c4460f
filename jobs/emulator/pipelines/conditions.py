"""The conditions of a Condition step: what they may be, and whether they hold."""

from __future__ import annotations

import operator
from collections.abc import Callable, Mapping
from typing import Any

from formats.errors import SagesegError
from jobs.emulator.pipelines.expressions import Values, resolve, unparsable

_COMPARED: dict[str, Callable[[Any, Any], Any]] = {
    "Equals": operator.eq,
    "GreaterThan": operator.gt,
    "GreaterThanOrEqualTo": operator.ge,
    "LessThan": operator.lt,
    "LessThanOrEqualTo": operator.le,
}
_MEMBERS = {
    **{name: {"LeftValue", "RightValue"} for name in _COMPARED},
    "In": {"QueryValue", "Values"},
    "Not": {"Condition"},
    "Or": {"Conditions"},
}
"""The members of each type, beside Type."""


def check_condition(condition: Any, where: str) -> None:
    """Raise ServiceError for what is no condition."""
    kind = condition.get("Type") if isinstance(condition, Mapping) else None
    if not isinstance(kind, str) or kind not in _MEMBERS:
        raise unparsable(f"{where}: a condition of Type {kind!r}; expected one of {', '.join(_MEMBERS)}")
    if condition.keys() != {"Type", *_MEMBERS[kind]}:
        raise unparsable(
            f"{where}: {kind} with {sorted(condition)}; expected Type, {', '.join(sorted(_MEMBERS[kind]))}"
        )
    if kind == "Not":
        check_condition(condition["Condition"], where)
    elif kind in ("Or", "In"):
        inner = condition["Conditions" if kind == "Or" else "Values"]
        if not isinstance(inner, list) or not inner:
            raise unparsable(f"{where}: {kind} of {inner!r}; expected a list of at least one")
        for each in inner if kind == "Or" else ():
            check_condition(each, where)


def holds(condition: Mapping[str, Any], values: Values) -> bool:
    """Whether a condition that was checked holds. Raises SagesegError for values that cannot be compared."""
    kind = condition["Type"]
    if kind == "Not":
        return not holds(condition["Condition"], values)
    if kind == "Or":
        held = [holds(each, values) for each in condition["Conditions"]]  # what leads nowhere is told of each
        return any(held)
    if kind == "In":
        wanted = resolve(condition["QueryValue"], values)
        found = [_compare("Equals", wanted, resolve(each, values)) for each in condition["Values"]]
        return any(found)
    return _compare(kind, resolve(condition["LeftValue"], values), resolve(condition["RightValue"], values))


def _compare(kind: str, left: Any, right: Any) -> bool:
    if _sort_of(left) != _sort_of(right) or _sort_of(left) == "none":
        raise SagesegError(f"{kind}: {left!r} and {right!r} cannot be compared; expected two numbers or two texts")
    return bool(_COMPARED[kind](left, right))


def _sort_of(value: Any) -> str:
    if isinstance(value, bool):
        return "truth value"
    if isinstance(value, int | float):
        return "number"
    return "text" if isinstance(value, str) else "none"
