"""The open implementation of the built-in algorithm, as the programs of a training container.

    python -m jobs.algorithm train --root /opt/ml

Only this package imports torch; `artefact` and `params` do without it.
"""
