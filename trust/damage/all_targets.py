"""All parsers of the project as targets."""

from __future__ import annotations

from trust.damage.analysis_targets import TARGETS as ANALYSIS
from trust.damage.engine import Builder
from trust.damage.image_targets import TARGETS as IMAGES
from trust.damage.jobs_targets import TARGETS as JOBS
from trust.damage.prep_targets import TARGETS as PREP
from trust.damage.shard_targets import TARGETS as SHARDS
from trust.damage.wire_targets import TARGETS as WIRE

TARGETS: dict[str, Builder] = {**PREP, **SHARDS, **IMAGES, **JOBS, **ANALYSIS, **WIRE}
