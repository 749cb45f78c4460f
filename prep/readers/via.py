"""VGG Image Annotator (VIA) 2: a project, or an export of its annotations, as JSON.

VIA defines no raster; its own COCO export gives polygons, so polygons are drawn as COCO's, and a rectangle by its corners.
Of a circle or an ellipse the pixels whose centres lie within are drawn.
"""

from __future__ import annotations

import json
import math
import re
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from formats.errors import SagesegError
from formats.images import read_header
from formats.parallel import map_parallel
from prep.readers.annotations.canvas import Region
from prep.readers.annotations.class_names import NamedClasses, name_classes
from prep.readers.annotations.coco_raster import polygon_region
from prep.readers.annotations.drawn import DrawnMask, drawn_image
from prep.readers.annotations.json_spans import Span, find_parts, parse_span
from prep.readers.annotations.named_images import find_named
from prep.readers.annotations.notes import tell_lone_groups, tell_overlaps
from prep.readers.labelled_image import LabelledImage, LeftOut, Source
