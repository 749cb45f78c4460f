"""Cost: rates and where they come from, quotes, limits, agreement, what was spent in the end."""

import json
import re
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from io import StringIO
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from formats.errors import SagesegError
from jobs.contract.instances import GPU_INSTANCES
from jobs.cost import prices
from jobs.cost.agreement import agree_on_training, check_max_cost
from jobs.cost.prices import Rate, find_rate, listed_rate, parse_max_cost, table_rate
from jobs.cost.quotes import EndpointQuote, TrainingQuote
from jobs.cost.spent import billed_usd, usd_so_far

RATE = Rate(3.6, "a test")
UNKNOWN = Rate(None, "nobody")


def product(usage: str, usd: str, terms: str = "OnDemand") -> str:
    """A product as GetProducts answers it, reduced to what counts."""
    dimension = {"unit": "Hrs", "pricePerUnit": {"USD": usd}}
    return json.dumps(
        {
            "product": {"attributes": {"usagetype": usage, "instanceName": "ml.g5.2xlarge"}},
            "terms": {terms: {"SKU.TERM": {"priceDimensions": {"SKU.TERM.X": dimension}}}},
        }
    )


LISTED = [
    product("USE1-Train:ml.g5.2xlarge", "1.5150000000"),
    product("USE1-Host:ml.g5.2xlarge", "1.6"),
    product("USE1-Tsform:ml.g5.2xlarge", "1.7"),
    product("USE1-Notebk:ml.g5.2xlarge", "1.8"),
    product("USE1-Train:ml.g5.24xlarge", "10.18"),
    product("USE1-Train:ml.g5.2xlarge", "0.9", terms="Reserved"),
]


def test_each_component_has_a_price_of_its_own_in_the_list() -> None:
    found = [listed_rate(LISTED, "ml.g5.2xlarge", component) for component in ("Train", "Host", "Tsform")]
    assert found == [1.515, 1.6, 1.7]
    assert listed_rate(LISTED, "ml.g5.xlarge", "Train") is None


def answering(answer: Callable[[], list[str]]) -> Callable[..., list[str]]:
    return lambda *_: answer()


def test_aws_own_list_comes_first(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("jobs.cost.prices._ask", answering(lambda: LISTED))
    assert find_rate("us-east-1", "ml.g5.2xlarge", "Train") == Rate(1.515, "AWS's price list")
    missing = find_rate("us-east-1", "ml.p3.2xlarge", "Train")
    assert missing.usd_per_hour is None  # AWS says that there is none: the table is not asked then
    assert "AWS's price list has no Train rate of ml.p3.2xlarge" in missing.source


def test_the_dated_table_stands_in_and_says_why(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse() -> list[str]:
        raise SagesegError("asking for the price: AccessDeniedException: not authorized")

    monkeypatch.setattr("jobs.cost.prices._ask", answering(refuse))
    found = find_rate("us-east-1", "ml.p3.2xlarge", "Train")
    assert found.usd_per_hour == 3.825
    assert found.source == f"this project's table of {prices.TABLE_DATE}"
    assert "AccessDeniedException" in found.note
    assert find_rate("eu-west-1", "ml.p3.2xlarge", "Train").usd_per_hour is None


def test_the_table_holds_documented_types_only_and_never_guesses() -> None:
    for region, rates in prices.TABLE.items():
        assert all(usd > 0 for usd in rates.values())
        gpus = {name for name in rates if not name.startswith(("ml.c", "ml.m"))}
        assert gpus <= set(GPU_INSTANCES)
        assert table_rate(region, "ml.g5.8xlarge").usd_per_hour is None
    assert "no price of ml.p3.2xlarge in eu-west-1" in table_rate("eu-west-1", "ml.p3.2xlarge").source


def test_a_quote_says_rate_source_and_worst_case() -> None:
    quote = TrainingQuote("ml.p3.2xlarge", RATE, 7200)
    assert quote.worst_usd == 7.2
    assert quote.describe() == ("ml.p3.2xlarge: $3.6 per hour (a test); at worst $7.20, if it runs all 2 h allowed")
    tuned = TrainingQuote("ml.p3.2xlarge", RATE, 3600, jobs=20, parallel=2, spot=True)
    assert tuned.worst_usd == 72
    assert "all 20 jobs of 1 h, 2 at a time, allowed; spot capacity costs less" in tuned.describe()
    assert TrainingQuote("ml.x", UNKNOWN, 3600).describe() == "ml.x: price unknown (nobody)"


def test_storage_is_part_of_the_quote() -> None:
    quote = TrainingQuote("ml.p3.2xlarge", Rate(0.0, "free"), 730 * 3600, volume_gb=100, storage_rate=0.14)
    assert quote.worst_usd == pytest.approx(14)  # a month of 100 GB


def test_an_endpoint_is_quoted_for_an_hour_a_day_and_a_month() -> None:
    quote = EndpointQuote("ml.c5.xlarge", Rate(0.2, "a test"), instances=2)
    assert quote.describe() == (
        "ml.c5.xlarge: $0.4 per hour, $9.60 per day, $292.00 per month until it is deleted (a test)"
    )
    assert "it is billed until it is deleted" in EndpointQuote("ml.x", UNKNOWN).describe()


@given(st.floats(0.01, 100), st.integers(1, 10**6), st.integers(1, 50), st.floats(0, 5000))
def test_max_cost_refuses_exactly_what_may_cost_more(usd: float, seconds: int, jobs: int, limit: float) -> None:
    worst = TrainingQuote("ml.x", Rate(usd, ""), seconds, jobs=jobs).worst_usd
    assert worst == pytest.approx(usd * seconds / 3600 * jobs)
    if worst is not None and worst > limit:
        with pytest.raises(SagesegError, match="more than --max-cost"):
            check_max_cost(worst, limit, "ml.x")
    else:
        check_max_cost(worst, limit, "ml.x")


def test_an_unknown_price_cannot_keep_a_limit() -> None:
    with pytest.raises(SagesegError, match="ml.x: its price is unknown, so --max-cost 5 cannot be kept"):
        check_max_cost(None, 5, "ml.x")
    check_max_cost(None, None, "ml.x")


class Terminal(StringIO):
    def isatty(self) -> bool:
        return True


def agree(monkeypatch: pytest.MonkeyPatch, stdin: StringIO, **options: Any) -> None:
    monkeypatch.setattr("sys.stdin", stdin)
    quotes = [TrainingQuote("ml.p3.2xlarge", RATE, 3600), TrainingQuote("ml.g5.2xlarge", Rate(1.0, "a test"), 3600)]
    agree_on_training(quotes, **{"max_cost": None, "yes": False, **options})


def test_on_a_terminal_a_person_is_asked(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    agree(monkeypatch, Terminal("y\n"))
    said = capsys.readouterr().err.splitlines()
    assert said[0].startswith("ml.p3.2xlarge: $3.6 per hour")
    assert said[1].startswith("if it moves on: ml.g5.2xlarge: $1 per hour")
    for answer in ("\n", "n\n", ""):
        with pytest.raises(SagesegError, match="not started"):
            agree(monkeypatch, Terminal(answer))


@pytest.mark.parametrize("answer", ["yse\n", "no\n", "\n", ""])
def test_the_question_says_what_each_answer_does_and_what_was_made_of_another(
    answer: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(
        SagesegError, match="not started, as the answer was no; run it again and answer y, or add --yes"
    ):
        agree(monkeypatch, Terminal(answer))
    said = capsys.readouterr().err.splitlines()
    assert "start it? [y/N] (y: yes; Enter, or anything else: no)" in said
    assert ("note: yse is taken as no" in said) == (answer == "yse\n")


def test_off_a_terminal_it_takes_an_option(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(SagesegError, match="nobody is there to ask; add --yes, or --max-cost USD"):
        agree(monkeypatch, StringIO("y\n"))
    agree(monkeypatch, StringIO(), yes=True)
    agree(monkeypatch, StringIO(), max_cost=3.6)
    with pytest.raises(SagesegError, match=r"ml.p3.2xlarge: may cost \$3.60, more than --max-cost 3"):
        agree(monkeypatch, StringIO(), max_cost=3.0, yes=True)


@given(st.lists(st.floats(0.01, 100), min_size=1, max_size=3), st.integers(1, 20), st.floats(0.1, 500))
def test_a_refusal_names_the_longest_runtime_that_fits(rates: list[float], jobs: int, limit: float) -> None:
    def quotes(seconds: int) -> list[TrainingQuote]:
        return [TrainingQuote("ml.x", Rate(rate, "a test"), seconds, jobs=jobs) for rate in rates]

    try:
        agree_on_training(quotes(86400), max_cost=limit, yes=True)
    except SagesegError as e:
        found = re.search(r"lower (--max-jobs or )?--max-runtime( to (\d+))?, choose", str(e))
        assert found
        fits = int(found[3] or 0)
        assert (fits == 0) == (limit / (max(rates) * jobs / 3600) < 60)
        if fits:
            agree_on_training(quotes(fits), max_cost=limit, yes=True)
            with pytest.raises(SagesegError):
                agree_on_training(quotes(fits + 2), max_cost=limit, yes=True)


def test_what_was_spent_is_the_billed_seconds_at_the_rate() -> None:
    assert billed_usd({"BillableTimeInSeconds": 865}, 3.825) == pytest.approx(0.919, abs=1e-3)
    assert billed_usd({"BillableTimeInSeconds": 865}, None) is None
    assert billed_usd({}, 3.825) is None


def test_money_so_far_runs_from_each_machines_start() -> None:
    began = datetime(2026, 11, 21, tzinfo=UTC)
    running, ended, waiting = (began, None), (began, began + timedelta(seconds=50)), (None, None)
    now = began.timestamp() + 100
    assert usd_so_far([running], 3.6, now) == pytest.approx(0.1)
    assert usd_so_far([running, ended, waiting], 3.6, now) == pytest.approx(0.15)
    assert usd_so_far([running], 3.6, began.timestamp() - 5) == 0  # two clocks
    assert usd_so_far([running], None, now) is None


@pytest.mark.parametrize("text", ["nan", "inf", "-1", "ten"])
def test_a_limit_is_dollars(text: str) -> None:
    with pytest.raises(SagesegError, match="expected"):
        parse_max_cost(text)
    assert (parse_max_cost("0"), parse_max_cost("9.5")) == (0, 9.5)
