"""A second layout of a dataset's files: Ultralytics' for semantic segmentation, as links to the same bytes.

Seen in ultralytics 8.4.190: it looks for the mask of `images/<split>/a.jpg` in `masks/<split>/a.png`, reads the indices
of mode P unless the palette is grey, which VOC's is not, and takes 255 as ignore. Background is a class like others.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

import yaml

from formats.classes import ClassTable
from formats.console import say
from formats.dataset import image_path, mask_path
from formats.disk.whole_files import link_file, write_text
from prep.options import ULTRALYTICS


def link_ultralytics(root: Path, kept: Mapping[str, Sequence[str]], classes: ClassTable) -> None:
    """Write `ultralytics/` in a dataset: data.yaml, and the kept crops of each split."""
    folder = root / ULTRALYTICS
    for split, ids in kept.items():
        for name, path in (("images", image_path), ("masks", mask_path)):
            to = folder / name / split
            if ids:
                to.mkdir(parents=True)
            for row_id in ids:
                file = path(root, row_id)
                link_file(file, to / file.name)
    splits = {split: f"images/{split}" for split, ids in kept.items() if ids}
    if "val" not in splits:
        say(f"note: {ULTRALYTICS}/data.yaml: no validation images, without which Ultralytics does not train")
    content = {**splits, "masks_dir": "masks", "names": dict(enumerate(classes.names))}
    write_text(folder / "data.yaml", yaml.safe_dump(content, sort_keys=False, allow_unicode=True))
