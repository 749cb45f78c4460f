"""What an endpoint is to run on, from options that go together: instances, serverless containers, or a queue before
instances that come and go."""

from __future__ import annotations

from dataclasses import replace

from formats.errors import SagesegError
from jobs.contract.registry import is_builtin
from jobs.contract.serving_requests import (
    BUILTIN_CONCURRENT,
    MOST_CONCURRENT,
    SERVERLESS_MEMORY,
    Answers,
    Serverless,
    Serving,
    check_serving_instance,
)
from jobs.endpoints.options import SERVERLESS_AT_A_TIME, SERVERLESS_MB, SERVING_INSTANCE, DeployOptions
from jobs.endpoints.serverless_memory import check_memory
from jobs.endpoints.stores import ASYNC, beside_artefact
from jobs.tracking.trained_model import TrainedModel


def with_capacity(serving: Serving, options: DeployOptions, trained: TrainedModel, image: str) -> Serving:
    """The endpoint on what the options ask for. Raises SagesegError for options that do not go together, and for what
    AWS would refuse or could not serve."""
    _check_together(options)
    if options.serverless:
        return replace(serving, serverless=_serverless(options, trained))
    instance_type = options.instance_type or SERVING_INSTANCE
    check_serving_instance(instance_type, "endpoint")
    if options.instance_count < 1:
        raise SagesegError(f"--instance-count {options.instance_count}: expected 1 or more")
    serving = replace(serving, instance_type=instance_type, instance_count=options.instance_count)
    if not options.asynchronous:
        return serving
    if most_instances(options) < 1:
        raise SagesegError(f"--max-instances {options.max_instances}: expected 1 or more")
    at_a_time = BUILTIN_CONCURRENT if is_builtin(image) else None
    return replace(serving, answers=Answers(beside_artefact(trained, ASYNC, serving.name), at_a_time))


def most_instances(options: DeployOptions) -> int:
    return 1 if options.max_instances is None else options.max_instances


def serverless_of(options: DeployOptions) -> Serverless:
    memory, at_a_time = options.memory, options.max_concurrency
    return Serverless(
        SERVERLESS_MB if memory is None else memory, SERVERLESS_AT_A_TIME if at_a_time is None else at_a_time
    )


def _check_together(options: DeployOptions) -> None:
    if options.serverless and options.asynchronous:
        raise SagesegError("--serverless and --async: an endpoint is one of the two; leave one out (docs/serving.md)")
    if options.serverless and (options.instance_type or options.instance_count != 1):
        given = "--instance-type" if options.instance_type else "--instance-count"
        raise SagesegError(
            f"{given}: not with --serverless, which runs on processors that AWS chooses by --memory, never on a GPU; "
            "leave it out, or take --async for a GPU that sleeps"
        )
    if options.asynchronous and options.instance_count != 1:
        raise SagesegError(
            "--instance-count: not with --async, whose instances come and go; --max-instances N says how many at most"
        )
    if options.asynchronous and not options.wait:
        raise SagesegError(
            "--no-wait: not with --async, which learns to sleep when it is in service, and would cost until then; "
            "leave it out"
        )
    for name, belongs in (("memory", "serverless"), ("max_concurrency", "serverless"), ("max_instances", "async")):
        if getattr(options, name) is not None and not (options.serverless, options.asynchronous)[belongs == "async"]:
            raise SagesegError(f"--{name.replace('_', '-')}: only with --{belongs}; add that, or leave it out")


def _serverless(options: DeployOptions, trained: TrainedModel) -> Serverless:
    asked = serverless_of(options)
    if asked.memory_mb not in SERVERLESS_MEMORY:
        sizes = ", ".join(map(str, SERVERLESS_MEMORY[:-1]))
        raise SagesegError(f"--memory {asked.memory_mb}: expected {sizes} or {SERVERLESS_MEMORY[-1]} (MB)")
    if not 1 <= asked.max_concurrency <= MOST_CONCURRENT:
        raise SagesegError(f"--max-concurrency {asked.max_concurrency}: expected 1 to {MOST_CONCURRENT}")
    network = trained.network
    if network.subnets or network.isolated:
        what = "runs in a VPC" if network.subnets else "is kept from all networks"
        raise SagesegError(
            f"--serverless: {trained.name} {what}, and serverless endpoints know neither VPC nor network isolation; "
            "take --async, or an endpoint on instances"
        )
    check_memory(trained, asked.memory_mb)
    return asked
