#!/bin/sh
# A base image without a registry: Debian with its own Python, for oracles/image.py where python:3.11-slim cannot be pulled.
#
#     oracles/image_base.sh [SUITE]        # as root; needs mmdebstrap and podman, or ENGINE=docker
#
# Then: oracles/image.py --base sageseg-base. bookworm has Python 3.11, as python:3.11-slim; its size is another.
set -eu
suite=${1:-bookworm}
# PEP 668: Debian keeps pip out of its Python, in an image of one program nothing else is there to be broken
mmdebstrap --quiet --variant=minbase --include=ca-certificates,python3,python3-pip,python-is-python3 \
  --customize-hook='rm -f "$1"/usr/lib/python3*/EXTERNALLY-MANAGED' "$suite" - |
  "${ENGINE:-podman}" import - sageseg-base
