"""The open implementation of the built-in algorithm, as the programs of its container.

    python -m jobs.algorithm train --root /opt/ml
    python -m jobs.algorithm serve --root /opt/ml

Only this package imports torch: `network` whole, and in the other rooms what computes. What is asked before does
without: `data` up to its batches, `machine` but for `device`, `training.members` and `schedules`,
`weights.parameter_names` and `serving.replies`.
"""
