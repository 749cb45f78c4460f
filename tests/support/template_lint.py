"""What cfn-lint says about a template."""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from cfnlint.rules import RulesCollection


def lint_template(text: str, *regions: str) -> list[str]:
    """The id and the message of each finding, remarks included."""
    from cfnlint.api import lint  # which few of those who collect this run
    from cfnlint.config import ManualArgs

    found = lint(text, rules=_all_rules(), config=ManualArgs(include_checks=["I"], regions=list(regions)))
    return [f"{match.rule.id} {match.message}" for match in found]


@cache
def _all_rules() -> RulesCollection:
    """cfn-lint reads them anew for every template otherwise, which takes longer than the template."""
    from cfnlint.config import ConfigMixIn
    from cfnlint.runner import Runner

    return Runner(ConfigMixIn()).rules
