"""The open implementation of the built-in algorithm, as the programs of its container.

    python -m jobs.algorithm train --root /opt/ml
    python -m jobs.algorithm serve --root /opt/ml

Only this package imports torch; `artefact` and `params` do without it.
"""
