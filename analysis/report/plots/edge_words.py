"""What errors near crops' edges tell a person."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from formats.texts.wording import format_number, format_share


def crop_edge_words(edges: Mapping[str, Any] | None) -> str:
    """What errors near crops' edges tell, and what would mend them; nothing where no crop has such an edge."""
    if edges is None:
        return ""
    images, rim = edges["images"], edges["rim_pixels"]
    of = f"{format_share(edges['error_rate'])} of the pixels are wrong at all distances (dashed)"
    empty = next((each["from_pixels"] for each in edges["bins"] if each["pixels"]), 0)
    kept = f" The crops' overlap keeps the {empty} pixels next to their edges out." if empty else ""
    where = "" if images == 1 else f", over {format_number(images)} images that were predicted by crops"
    if rim is None:
        return f"{of}{where}.{kept} All that was judged lies at one distance."
    if rim == 0:
        return f"{of}{where}, and no more near the edges.{kept}"
    return (
        f"{of}{where}; more within {rim} px of an edge, where the network sees less of what is around.{kept} prep's "
        f"--overlap {2 * rim} would keep that out, for neighbours meet halfway; with probabilities, stitch --by blend "
        "weighs a crop's rim less. What lies there may also be harder for other reasons."
    )
