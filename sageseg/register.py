"""`sageseg jobs register`: a model in the model registry, with the scores of its report."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from formats.console import result, result_json, say
from formats.verbs.completion import JOBS


def register(
    model: Annotated[
        str, typer.Argument(help="A job's name, a model.tar.gz here, or its s3:// URI.", autocompletion=JOBS)
    ],
    group: Annotated[str, typer.Option(help="The model package group; it is made where there is none.")],
    report: Annotated[Path | None, typer.Option(help="Folder of the model's report, whose scores go along.")] = None,
    approve: Annotated[bool, typer.Option("--approve", help="Approved at once; else it waits for a person.")] = False,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Print the request, register nothing.")] = False,
    region: Annotated[str | None, typer.Option(help="AWS region; by default the job's, or the environment's.")] = None,
) -> None:
    """Register a trained model as a version of a group, with the scores of its report and their intervals.

    It costs nothing. The same again finds the version that is there.
    """
    from jobs.contract.serving_requests import APPROVED, package_request
    from jobs.packages.register import Scored, plan_package
    from jobs.packages.register import register as register_model
    from jobs.tracking.trained_model import find_model
    from sageseg.told_report import open_report

    trained = find_model(model, region)
    told = open_report(report, trained.facts.job, trained.facts.artefact_sha256) if report else None
    scored = Scored(told.scores, told.level, told.groups, told.images) if told else None
    package, content = plan_package(trained, group, scored, approved=approve)
    if dry_run:
        result_json(package_request(package))
        return
    if scored is None:
        say("note: no --report, so the version tells no scores")
    done = register_model(trained, package, content)
    version = f"{group}:{done.arn.rpartition('/')[2]}"
    result(f"{version}: {'there already, ' if done.was_there else ''}{done.status}")
    result(done.arn)
    when = "" if done.status == APPROVED else " once it is approved"
    say(f"sageseg jobs deploy --model-package {version} serves it{when}; a version costs nothing")
