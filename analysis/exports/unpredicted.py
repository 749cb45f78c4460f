"""What other programs cannot know: where there is background only because nothing was predicted."""

from __future__ import annotations

from collections.abc import Sequence

from analysis.masks.sources import Source
from formats.console import say
from formats.texts.wording import format_share


def tell_unpredicted(sources: Sequence[Source], so: str = "are background here") -> None:
    """Say, where it is not all, which share of the images was not predicted, and what is made of it."""
    missing = [sum(box.width * box.height for box in source.unpredicted) for source in sources]
    if any(missing):
        share = format_share(sum(missing) / sum(source.width * source.height for source in sources))
        images = sum(map(bool, missing))
        say(
            f"note: {share} of the pixels, in {images} of {len(sources)} images, were not predicted and {so};"
            " sageseg jobs predict --images predicts all crops of a dataset"
        )
