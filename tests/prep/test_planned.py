"""What plan.json tells of a dataset is what was settled."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from formats.prepared.resize import Resize
from formats.prepared.value_range import ValueRange
from formats.shards.shard import Shard
from formats.shards.work_plan import read_plan, settle_plan
from formats.texts.json_text import format_json, parse_json
from prep.dataset.again import Typed
from prep.dataset.plan import Recorded, parse_options, recorded_options
from prep.dataset.planned import KIND, draft_of, plan_of
from prep.dataset.writer import settle
from prep.options import PrepOptions
from tests.support.prep_samples import make_source

OPTIONS = {
    "defaults": PrepOptions(),
    "long side": PrepOptions(crop=None, resize=Resize(900), seed=-3, val=0.25, test=2.0, stratify=True),
    "both sides": PrepOptions(resize=Resize(900, 600), range=ValueRange(((0, 0.1), (1, 4095.0))), also="ultralytics"),
    "focus": PrepOptions(focus="region", focus_share=0.5, group_by=re.compile(r"^(\w+?)_"), orientation="stored"),
    "regions": PrepOptions(focus=Path("elsewhere/regions.json"), workers=3, overwrite=True, shard=Shard(1, 2)),
}


@pytest.mark.parametrize("name", OPTIONS)
def test_options_are_read_as_they_are_recorded(name: str) -> None:
    recorded = parse_json(format_json(recorded_options(OPTIONS[name])))
    assert recorded_options(parse_options(recorded)) == recorded
    assert set(recorded) == set(Recorded.__annotations__)


@pytest.mark.parametrize(
    "change",
    [{"crop": "512"}, {"resize": "wide"}, {"range": ["0:1"]}, {"group_by": "("}, {"seed": None}, {"stratify": 1}],
)
def test_options_that_nobody_recorded_are_refused(change: dict[str, object]) -> None:
    with pytest.raises(ValueError, match="option|expected|unterminated"):
        parse_options(recorded_options(PrepOptions()) | change)


def test_a_plan_comes_back(tmp_path: Path) -> None:
    source = make_source(tmp_path / "labels", {"b": 2, "a": 1, 'ü, "quoted"': 1})
    told = Typed(("pairs", "photos", "--labels", "names.txt"), {"names.txt": "0" * 64})
    settled = settle(source, PrepOptions(val=1.0, workers=1), told)
    settle_plan(tmp_path / "by", draft_of(settled.plan, settled.images), Shard(1, 1))
    work, _ = read_plan(tmp_path / "by", KIND)
    plan = plan_of(tmp_path / "by", work)
    assert (plan.images, list(plan.groups.items())) == (settled.plan.images, list(settled.plan.groups.items()))
    assert recorded_options(plan.options) == recorded_options(settled.plan.options)
    kept = (plan.format, plan.classes, plan.unit, plan.left_out, plan.typed)
    assert kept == ("sample", source.classes, source.unit, {}, told)
