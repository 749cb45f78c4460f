"""What helps where the line itself does not say it: by where it is made and by its words."""

from __future__ import annotations

import re

_AWS = (
    "The words behind the colon are AWS's own, or another line of these pages; for those that are known a next step "
    "follows. [AWS's refusals](aws-refusals.md) lists them."
)
_INSIDE = "What stands behind the colon is another line of these pages: look for its words."
_CURES = (
    (
        r"analysis\.areas\.scales",
        r"reference system|degrees|Mercator",
        "Give the side of a pixel with `--scale` or `--scales`.",
    ),
    (r"formats\.crops", r"the overlap must be", "Pass such an `--overlap`, or a larger `--crop`."),
    (r"formats\.classes", r"^classes: ", "Correct the list of classes that the line names."),
    (
        r"jobs\.account\.lambda_handler",
        r"the body cannot be read",
        "Send a JPEG as the body, or JSON with `bucket` and `key`.",
    ),
    (r"jobs\.algorithm\.serving\.http_server", "", "The client went away; it asks again by itself, or ask again."),
    (
        r"jobs\.contract\.artefact",
        r"model_best\.params",
        "Train again: the artefact is damaged, or of another network.",
    ),
    (r"jobs\.contract\.artefact", r"hyperparams\.json", "Train again, or take the artefact as its training left it."),
    (
        r".*",
        r"validation errors? detected",
        "Correct the options that the members are made of; `--dry-run` shows the request.",
    ),
    (
        r"jobs\.endpoints\.deploy",
        "",
        "`sageseg jobs logs` tells what the container said; `sageseg jobs delete` removes what is left.",
    ),
    (
        r"jobs\.tracking\.follow_(training|tuning)",
        "",
        "For what is known to go wrong [a cure](aws-refusals.md#failed-trainings) follows the reason.",
    ),
    (
        r"jobs\.tracking\.find_jobs",
        "",
        "`sageseg jobs list` shows what there is; look in the folder, or with the region, where it was started.",
    ),
    (r"jobs\.tracking\.pipelines\.found", r"never started", "Nothing need be done."),
    (
        r"prep\.readers\.(via|supervisely)",
        r"(VIA|Supervisely) \(",
        "Correct or delete the shape that the line names, and export again.",
    ),
    (r"prep\.readers\.regions", "", "Correct the points of the region, and export again."),
    (
        r"prep\.readers\.classes\.class_masks",
        "",
        "Write name:red,green,blue:: of each class into a labelmap.txt beside the masks.",
    ),
    (r"analysis\.report\.commands", "", "Pass one of the two."),
    (r"jobs\.prediction\.batch_folder", "", "Nobody should meet it: report it as a bug."),
    (r"jobs\.account\.lambda_handler", "", "Send such a body."),
    (r"sageseg\.preview", "", "Pass a smaller value."),
    # the emulator speaks as SageMaker does, whose words hold no next step
    (
        r"jobs\.emulator\.endpoints\.(run|invocations)",
        "",
        "`sageseg jobs logs` of the endpoint's model tells what its container said; ask again where it was busy.",
    ),
    (
        r"jobs\.emulator\.api\.(signature|app)",
        "",
        'Run `eval "$(sageseg jobs emulator --env)"` in the shell of the client, in the emulator\'s folder.',
    ),
    (r"jobs\.emulator\.server", "", "Use the emulator that runs, or set `SAGESEG_HOME` to another folder."),
    (
        r"jobs\.emulator",
        r"is not emulated|read-only",
        "Leave the member out; [the emulator](../../emulator.md) lists what it does.",
    ),
    (
        r"jobs\.emulator",
        "",
        "The emulator refuses as SageMaker would: correct the member or the name that the line tells.",
    ),
    (r"aws\.|jobs\.|formats\.", r"^[^:]*\b(\w+ing)\b[^:]*: .?REASON.?$", _AWS),
    (r"aws\.", "", _AWS),
    (r".*", r": .?(REASON|WHERE).?$", _INSIDE),
)
"""By a pattern of the module and one of the line's words, in Markdown; the first that fits."""


def cure_for(module: str, text: str) -> str:
    """What helps against a line that a module makes; empty where nothing is known."""
    found = (cure for where, words, cure in _CURES if re.match(where, module) and re.search(words, text))
    return next(found, "")
