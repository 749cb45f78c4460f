"""What cfn-lint says about a template."""

from __future__ import annotations

from functools import cache

from cfnlint.api import lint
from cfnlint.config import ConfigMixIn, ManualArgs
from cfnlint.rules import RulesCollection
from cfnlint.runner import Runner


def lint_template(text: str, *regions: str) -> list[str]:
    """The id and the message of each finding, remarks included."""
    found = lint(text, rules=_all_rules(), config=ManualArgs(include_checks=["I"], regions=list(regions)))
    return [f"{match.rule.id} {match.message}" for match in found]


@cache
def _all_rules() -> RulesCollection:
    """cfn-lint reads them anew for every template otherwise, which takes longer than the template."""
    return Runner(ConfigMixIn()).rules
