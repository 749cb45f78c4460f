"""The life of an endpoint: its container started, kept, replaced and ended."""

from __future__ import annotations

import shutil
import threading
import time
import uuid
from collections import deque
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from formats.errors import SagesegError
from jobs.contract.log_lines import endpoint_logs
from jobs.emulator.endpoints.capacity import Now, can_sleep, is_wanted
from jobs.emulator.endpoints.record import Deployment, deployment_of, failed, fell_asleep, in_service, lease_end
from jobs.emulator.endpoints.scaling import scaling_of
from jobs.emulator.endpoints.waiting import AT_A_TIME, Waiting, WaitingRequests, Worker
from jobs.emulator.host.container import kill_survivor
from jobs.emulator.host.rehearsal import EndpointTrouble
from jobs.emulator.host.runs import Halt
from jobs.emulator.host.serving_container import ServingContainer, ServingPlan, start_serving
from jobs.emulator.host.workplace import BUG, Workplace
from jobs.emulator.store.collection import Collection
from jobs.emulator.store.log_events import forget_streams

_LOOK_SECONDS = 60.0
MAX_RESTARTS = 3
"""A container that dies in service is started again so often."""
_CAPACITY = (
    "Unable to provision requested ML compute capacity due to InsufficientInstanceCapacity error. "
    "Please retry using a different ML instance type or after some time."
)
_PING = (
    "The primary container for production variant {variant} did not pass the ping health check. "
    "Please check CloudWatch logs for this endpoint."
)


def endpoint_folder(folder: Path, name: str) -> Path:
    return folder / "endpoints" / name


class EndpointRun:
    """One endpoint. `run` is the thread's work, the rest comes from others.

    `_changed` guards which container serves which deployment and whether the endpoint has failed, on which
    invocations wait.
    """

    def __init__(self, place: Workplace, endpoints: Collection, name: str, trouble: EndpointTrouble) -> None:
        self._place, self._endpoints, self._trouble = place, endpoints, trouble
        self.name = name
        self._folder = endpoint_folder(place.folder, name)
        self._answers = deque(trouble.answers)
        self._changed = threading.Condition()
        self._wake = threading.Event()
        self._halted = threading.Event()
        self._deleted = self._failed = False
        self._serving: ServingContainer | None = None
        self._deployed: Deployment | None = None
        self._restarts = self._in_hand = 0
        self._asked = time.monotonic()
        worker = Worker(self.wait_serving, self._count, self._halted.is_set, lambda: endpoints.find(name))
        self._waiting = WaitingRequests(self._folder / "waiting", place.storage, worker)

    def run(self) -> None:
        try:
            self._waiting.take_up(self._at_a_time())
            while not self._has_ended():
                self._settle()
                self._wake.wait(self._seconds_to_wait())
                self._wake.clear()
        finally:
            self._leave()

    def _has_ended(self) -> bool:
        """Whether it was halted, or its lease is over, which deletes it as DeleteEndpoint would."""
        resource = self._endpoints.find(self.name)
        until = None if resource is None else lease_end(resource)
        if until is not None and until <= time.time() and not self._halted.is_set():
            self._endpoints.change(self.name, lambda record, _: record.update(EndpointStatus="Deleting"))
            self.halt("stop")
        return self._halted.is_set()

    def _seconds_to_wait(self) -> float | None:
        """How long nothing changes of itself; a machine that slept meanwhile is looked at again."""
        resource = self._endpoints.find(self.name)
        until = None if resource is None else lease_end(resource)
        waits = [] if until is None else [min(max(until - time.time(), 0), _LOOK_SECONDS)]
        if self._serving is None:
            waits += [_LOOK_SECONDS] * (self._in_hand > 0)  # what was to answer did not start
        elif self._can_sleep() and (left := self._seconds_to_quiet()) > 0:
            waits.append(left)
        return min(waits, default=None)

    def _can_sleep(self) -> bool:
        return self._deployed is not None and can_sleep(self._deployed)

    def _seconds_to_quiet(self) -> float:
        """After which it may sleep, if nothing is asked."""
        return self._trouble.sleeps_after_seconds - (time.monotonic() - self._asked)

    def halt(self, why: Halt) -> None:
        """End it: for good, or until the next server brings it back."""
        self._deleted = self._deleted or why == "stop"
        self._halted.set()
        self._wake.set()

    def settle(self) -> None:
        """Let it look at its record again, which asks for another deployment."""
        self._wake.set()

    def next_answer(self) -> str:
        """What the rehearsal wants the next invocation to meet."""
        try:
            return self._answers.popleft()
        except IndexError:
            return "ok"

    @contextmanager
    def in_hand(self, most: int | None) -> Iterator[bool]:
        """Count a request while the block runs; False, and it is not counted, where `most` are in hand already."""
        with self._changed:
            admitted = most is None or self._in_hand < most
        if not admitted:
            yield False
            return
        self._count(1)
        try:
            yield True
        finally:
            self._count(-1)

    def _count(self, change: int) -> None:
        with self._changed:
            self._in_hand += change
            self._asked = time.monotonic()
            to_be_looked_at = self._serving is None or (self._in_hand == 0 and self._can_sleep())
        if to_be_looked_at:
            self._wake.set()

    def put(self, request: Waiting) -> None:
        """Queue a request of an asynchronous endpoint."""
        self._waiting.put(request, self._at_a_time())

    def _at_a_time(self) -> int:
        """Requests that its container is sent at a time."""
        resource = self._endpoints.find(self.name)
        told = deployment_of(resource.record).answers if resource else None
        most: int = (told or {}).get("ClientConfig", {}).get("MaxConcurrentInvocationsPerInstance", AT_A_TIME)
        return most

    @property
    def has_waiting(self) -> bool:
        """Whether requests wait in its queue, or are worked on."""
        return self._in_hand > 0

    def wait_serving(self, seconds: float) -> ServingContainer | None:
        """The container, as soon as one serves; None when there is none after so many seconds."""

        def settled() -> bool:
            return self._failed or self._halted.is_set() or (self._serving is not None and self._serving.alive)

        with self._changed:
            self._changed.wait_for(settled, seconds)
            return self._serving

    def _settle(self) -> None:
        """Bring about what the record asks for."""
        resource = self._endpoints.find(self.name)
        if self._failed or resource is None:
            return
        wanted = deployment_of(resource.record)
        if wanted != self._deployed:
            self._deploy(wanted)
        elif self._serving is None:
            if self._is_wanted(wanted):
                self._deploy(wanted)
        elif not self._serving.alive:
            self._restart()
        elif self._can_sleep() and not self._is_wanted(wanted):
            self._sleep()
        elif resource.status == "Updating":  # to what it runs already
            self._endpoints.change(self.name, lambda record, now: in_service(record, wanted, now))

    def _is_wanted(self, deployed: Deployment) -> bool:
        scaling = scaling_of(self._place.state, self.name, deployed.variant)
        with self._changed:
            quiet = self._in_hand == 0 and self._seconds_to_quiet() <= 0
            now = Now(self._serving is not None, self._in_hand, quiet)
        return is_wanted(deployed, scaling, now)

    def _sleep(self) -> None:
        """End the container; the next request starts another."""
        before = self._serving
        with self._changed:
            if self._in_hand:  # asked meanwhile
                return
            self._serving = None
        self._endpoints.change(self.name, fell_asleep)
        if before is not None:
            before.kill()

    def _restart(self) -> None:
        self._restarts += 1
        deployed = self._deployed
        self._show(None, None)
        if deployed is None or self._restarts > MAX_RESTARTS:
            self._fail(_PING.format(variant=deployed.variant if deployed else ""))
        else:
            self._deploy(deployed)

    def _deploy(self, wanted: Deployment) -> None:
        """Start a deployment and put it in the place of the one before."""
        try:
            serving = self._start(wanted)
        except SagesegError as e:
            self._fail(str(e))
            return
        except BaseException:  # a bug: its traceback goes to the server's log
            self._fail(BUG)
            raise
        if serving is None:
            return  # halted meanwhile
        before = self._serving
        self._show(serving, wanted)
        self._endpoints.change(self.name, lambda record, now: in_service(record, wanted, now))
        if before is not None:
            before.kill()

    def _start(self, wanted: Deployment) -> ServingContainer | None:
        """A healthy container; None when the endpoint was halted. Raises SagesegError with the
        reason why there is none."""
        self._halted.wait(self._trouble.start_seconds)
        if self._halted.is_set():
            return None
        if self._trouble.capacity_error:
            raise SagesegError(_CAPACITY)
        serving = start_serving(self._place, self._plan(wanted), self._wake.set)
        healthy = not self._trouble.ping_fails and serving.wait_healthy(wanted.startup_seconds, self._halted)
        if healthy and not self._halted.is_set():
            return serving
        serving.kill()
        if self._halted.is_set():
            return None
        raise SagesegError(_PING.format(variant=wanted.variant))

    def _plan(self, wanted: Deployment) -> ServingPlan:
        number = len(list(self._folder.glob("*.jsonl"))) + 1
        return ServingPlan(
            folder=self._folder / f"container-{number}",
            image=wanted.image,
            model_uri=wanted.model_uri,
            log_group=endpoint_logs(self.name),
            log_stream=f"{wanted.variant}/i-{uuid.uuid4().hex[:17]}",
            environment=wanted.environment,
        )

    def _show(self, serving: ServingContainer | None, deployed: Deployment | None) -> None:
        with self._changed:
            self._serving, self._deployed = serving, deployed
            self._changed.notify_all()

    def _fail(self, reason: str) -> None:
        """Without a container the endpoint has Failed; with one, the update is rolled back to it."""
        deployed = self._deployed
        if deployed is not None:
            self._endpoints.change(self.name, lambda record, now: in_service(record, deployed, now, reason))
            if self._serving is None:  # it did not wake
                self._endpoints.change(self.name, fell_asleep)
            return
        with self._changed:
            self._failed = True
            self._changed.notify_all()
        self._endpoints.change(self.name, lambda record, _: failed(record, reason))

    def _leave(self) -> None:
        serving = self._serving
        self._show(None, None)
        if serving is not None:
            serving.kill()
        self._waiting.close()
        if self._deleted:
            forget_endpoint(self._place, self._endpoints, self.name)


def forget_endpoint(place: Workplace, endpoints: Collection, name: str) -> None:
    """Remove an endpoint whose container has ended, with its log."""
    shutil.rmtree(endpoint_folder(place.folder, name), ignore_errors=True)
    forget_streams(place.state, endpoint_logs(name), "")
    endpoints.remove(name)


def clear_endpoint(folder: Path) -> None:
    """End what an earlier server left running in an endpoint's folder; its logs stay."""
    for lock in folder.glob("*/container.lock"):
        kill_survivor(lock.parent)
        shutil.rmtree(lock.parent, ignore_errors=True)
