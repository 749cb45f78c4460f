"""Masks as labelme draws them, for tests/prep/test_labelme_shapes.py.

    make oracles        # .venv/labelme/bin/python oracles/labelme_golden.py tests/data/golden

Runs in labelme's own environment (labelme is GPL-3.0 and no dependency); writes outputs only, one
file per version of labelme. The Pillow must be the one of constraints.txt: versions of Pillow fill
polygons differently.
"""

from __future__ import annotations

import base64
import io
import json
import sys
import zlib
from pathlib import Path

import labelme
import numpy as np
import PIL
from PIL import Image

try:
    from labelme._utils import shapes_to_label
except ImportError:  # before labelme 7
    from labelme.utils.shape import shapes_to_label

sys.path.insert(0, str(Path(__file__).parent.parent))
from tests.support.labelme_formula import COUNT, IDS, annotation


def draw(number: int) -> np.ndarray:
    content = annotation(number, labelme.__version__)
    shapes = [
        shape | {"mask": shape["mask"] and np.asarray(Image.open(io.BytesIO(base64.b64decode(shape["mask"])))) > 0}
        for shape in content["shapes"]
    ]
    size = content["imageHeight"], content["imageWidth"]
    drawn, _ = shapes_to_label(img_shape=size, shapes=shapes, label_name_to_value=IDS)
    return drawn.astype(np.uint8)


def main() -> None:
    masks = [base64.b64encode(zlib.compress(draw(number).tobytes(), 9)).decode() for number in range(COUNT)]
    golden = {"labelme": labelme.__version__, "pillow": PIL.__version__, "masks": masks}
    path = Path(sys.argv[1]) / f"labelme_{labelme.__version__}.json"
    path.write_text(json.dumps(golden, indent=0) + "\n")


if __name__ == "__main__":
    main()
