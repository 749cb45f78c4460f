#!/bin/sh
# segmentation-models-pytorch 0.6.0's SoftCrossEntropyLoss divides by the ignored pixels too.
#
# Guessed before: with ignore_index=255 and no smoothing it is the loss that torch's cross entropy gives, for which it is
# called a drop-in. Seen: ignored pixels add 0 to the sum, and count in the mean. Where half of a mask is ignored the
# loss, and with it each gradient, is half of torch's; without ignored pixels both agree.
# So crops that are mostly padding or void train at a fraction of the learning rate, and a weight against another loss
# means another thing in each crop: take torch's own, or divide by the share of the pixels that count.
#
# Needs Python 3.11 to 3.13, as $PYTHON or python3, and the network for the packages below; nothing stays behind.
set -eu
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
"${PYTHON:-python3}" -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --extra-index-url https://download.pytorch.org/whl/cpu \
    torch==2.13.0 numpy==2.4.6
"$folder/venv/bin/pip" install --quiet --no-deps segmentation-models-pytorch==0.6.0
"$folder/venv/bin/python" - <<'PY'
import importlib.metadata
import sys
from importlib.util import module_from_spec, spec_from_file_location
from pathlib import Path

import torch

# its losses by themselves: the package's own start wants its encoders, which are large
losses = Path(importlib.metadata.distribution("segmentation-models-pytorch").locate_file(""))
losses /= "segmentation_models_pytorch/losses"
spec = spec_from_file_location("losses", losses / "__init__.py", submodule_search_locations=[str(losses)])
sys.modules["losses"] = module_from_spec(spec)
spec.loader.exec_module(sys.modules["losses"])
from losses import SoftCrossEntropyLoss

print(*(f"{name} {importlib.metadata.version(name)}" for name in ("segmentation-models-pytorch", "torch")))
torch.manual_seed(0)
scores = torch.randn(1, 3, 4, 4)
for rows, seen in ((0, 1.0), (2, 0.5), (3, 0.25)):
    truth = torch.randint(0, 3, (1, 4, 4))
    truth[:, :rows] = 255
    plain = torch.nn.CrossEntropyLoss(ignore_index=255)(scores, truth).item()
    soft = SoftCrossEntropyLoss(smooth_factor=0.0, ignore_index=255)(scores, truth).item()
    print(f"{rows} of 4 rows ignored: torch {plain:.4f}, SoftCrossEntropyLoss {soft:.4f}, ratio {soft / plain:.4f}")
    assert abs(soft / plain - seen) < 1e-5, f"changed: {soft / plain} instead of {seen}"
PY
