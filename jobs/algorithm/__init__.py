"""The open implementation of the built-in algorithm, as the programs of its container.

    python -m jobs.algorithm train --root /opt/ml
    python -m jobs.algorithm serve --root /opt/ml

Only this package imports torch: all of `network`; of `machine` what is about the device, of `data` batches,
of `weights` all but their names, of `training` all but the schedule, of `serving` all but the replies. What is
left does without, so that channels, images and the machine are checked, and a missing torch is named, at once.
"""
