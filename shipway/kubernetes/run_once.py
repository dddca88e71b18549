"""A Job that runs once, however often and by whomever it is asked for: its name is its identity."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from http import HTTPStatus

from kubernetes_asyncio.client import ApiException

from shipway.errors import RefuseError, RetryError
from shipway.kubernetes.client import NO_ANSWER, KubeClient, Object
from shipway.kubernetes.job import JOB_NAME, MANAGER, POLL_SECONDS, JobEnd, log_of
from shipway.kubernetes.objects import KubeObject
from shipway.kubernetes.pods import condition_of, hopeless, statuses_of, unschedulable
from shipway.kubernetes.refused import is_invalid, is_passing, refused, words_about

# Jobs that share a value run one after the other.
TURN = "shipway.dev/turn"
LOG_LINES = 20
KEPT_SECONDS = 24 * 60 * 60
# How much longer than its own deadline a Job may take to say how it ended.
_LATE_SECONDS = 60
# It is in every cluster, and stands in for a namespace that is not there yet.
_STAND_IN = "default"

Tell = Callable[[str], None]


async def check_job(
    client: KubeClient, job: KubeObject, namespace: str, *, admission: bool, may_come: bool
) -> JobEnd | None:
    """See that a Job could be made, and made none; return how it ended if it ran before.

    Args:
        client: The cluster.
        job: The Job.
        namespace: Where it is to run.
        admission: Whether what is valid may be refused, such as by a policy on images.
        may_come: Whether the namespace may be missing yet.

    Raises:
        RefuseError: The API server would refuse it, or a Service would send requests to its pods.
        RetryError: The API server is overloaded or fails.
    """
    try:
        live = await client.get(job.api_version, job.kind, job.name, namespace)
        if live is not None:
            return await _end_of(client, live, namespace)
        await _refuse_requests(client, job, namespace)
        await client.validate(job.body, namespace)
    except ApiException as error:
        if may_come and error.status == HTTPStatus.NOT_FOUND:
            await _check_elsewhere(client, job)
        elif is_passing(error) or is_invalid(error) or admission:
            raise refused(error, job) from error
    except NO_ANSWER as error:
        raise _no_answer(job, error) from error
    return None


async def run_once(client: KubeClient, job: KubeObject, namespace: str, tell: Tell) -> JobEnd:
    """Run a Job to its end, or follow one of its name that is there, whoever made it.

    It is left where it is. While another one is at work that has the same turn, it waits.

    Args:
        client: The cluster.
        job: The Job, with a deadline and the label of its turn.
        namespace: Where it runs.
        tell: Told what keeps it from running.

    Raises:
        RefuseError: The API server refuses it, or a Service would send requests to its pods.
        RetryError: The API server does not answer, is overloaded or fails.
    """
    try:
        if await client.get(job.api_version, job.kind, job.name, namespace) is None:
            await _wait_for_turn(client, job, namespace, tell)
            await _refuse_requests(client, job, namespace)
            await client.create(job.body, namespace, MANAGER)
    except ApiException as error:
        # Another run has just made it.
        if error.status != HTTPStatus.CONFLICT:
            raise refused(error, job) from error
    except NO_ANSWER as error:
        raise _no_answer(job, error) from error
    return await _follow(client, job, namespace, tell)


async def let_go(client: KubeClient, job: KubeObject, namespace: str) -> None:
    """Have Kubernetes delete a Job that is over, a day after its end.

    Raises:
        ApiException: It is gone already, or the API server does not do so.
    """
    spec = {"ttlSecondsAfterFinished": KEPT_SECONDS}
    head = {"apiVersion": job.api_version, "kind": job.kind, "metadata": {"name": job.name}}
    await client.apply({**head, "spec": spec}, namespace, f"{MANAGER}-clean-up")


async def _wait_for_turn(client: KubeClient, job: KubeObject, namespace: str, tell: Tell) -> None:
    """Wait until no other Job with the same turn is at work; each has a deadline of its own."""
    selector, told = f"{TURN}={job.body['metadata']['labels'][TURN]}", ""
    while True:
        others = await client.list(job.api_version, job.kind, namespace, selector)
        working = [each["metadata"]["name"] for each in others if not _is_over(each)]
        if not working:
            return
        if (words := f"{job.title} waits: Job/{working[0]} is still at work") != told:
            tell(told := words)
        await asyncio.sleep(POLL_SECONDS)


async def _refuse_requests(client: KubeClient, job: KubeObject, namespace: str) -> None:
    """Refuse pods that a Service would take for the app's: requests would be lost in them."""
    labels = (job.body["spec"]["template"].get("metadata") or {}).get("labels") or {}
    for service in await client.list("v1", "Service", namespace, ""):
        selector = service.get("spec", {}).get("selector") or {}
        if selector and selector.items() <= labels.items():
            raise RefuseError(
                f"Service/{service['metadata']['name']} would send requests to {job.title}.",
                where=job.file,
                expected="labels of the job's pods that no Service selects",
                got=", ".join(f"{key}: {value}" for key, value in selector.items()),
                untouched="the ops repository and the cluster",
                remedy="take these labels out of the job's template",
            )


async def _check_elsewhere(client: KubeClient, job: KubeObject) -> None:
    """See that a Job is valid where its own namespace is not there yet."""
    try:
        await client.validate(job.body, _STAND_IN)
    except ApiException as error:
        if is_invalid(error) or is_passing(error):
            raise refused(error, job) from error


async def _follow(client: KubeClient, job: KubeObject, namespace: str, tell: Tell) -> JobEnd:
    """Wait until a Job is over, as Kubernetes says it."""
    seconds = float(job.body["spec"]["activeDeadlineSeconds"]) + _LATE_SECONDS
    deadline, told, words = time.monotonic() + seconds, "", "it is at work"
    while time.monotonic() < deadline:
        try:
            live = await client.get(job.api_version, job.kind, job.name, namespace)
            if live is None:
                return JobEnd(exit_code=None, words="it was deleted before its end was seen")
            if (end := await _end_of(client, live, namespace)) is not None:
                return end
            words = await _obstacle(client, job, namespace)
        except ApiException as error:
            if not is_passing(error):
                raise refused(error, job) from error
            words = f"the API server fails: {words_about(error, job)}"
        except NO_ANSWER as error:
            words = f"the API server does not answer: {error or type(error).__name__}"
        if words and words != told:
            tell(f"{job.title} waits: {words}")
            told = words
        await asyncio.sleep(POLL_SECONDS)
    return JobEnd(exit_code=None, words=f"no end after {seconds:g} s: {words}")


async def _obstacle(client: KubeClient, job: KubeObject, namespace: str) -> str:
    """What keeps a Job's pod from running; empty where nothing does."""
    for pod in await _pods(client, job.name, namespace):
        if (failure := hopeless(pod)) is not None:
            return f"container {failure[0]}: {failure[1]}"
        if (reason := unschedulable(pod)) is not None:
            return f"no node takes its pod: {reason}"
    return ""


async def _end_of(client: KubeClient, live: Object, namespace: str) -> JobEnd | None:
    """How a Job ended; None while it has not.

    Its exit code is that of the container that failed, unless the pod was taken from it: a node
    that went says nothing of the command.
    """
    if not _is_over(live):
        return None
    pods = await _pods(client, live["metadata"]["name"], namespace)
    if _is_true(live, "Complete"):
        log = await _log(client, pods[0], _first_container(pods[0])) if pods else ""
        return JobEnd(exit_code=0, words=log)
    failed = condition_of(live, "Failed")
    for pod in pods:
        if _is_true(pod, "DisruptionTarget"):
            why = condition_of(pod, "DisruptionTarget").get("message", "")
            return JobEnd(exit_code=None, words=f"its pod was taken from it: {why}")
        for status in statuses_of(pod):
            if ended := _failure(status):
                # What could not be started has no log.
                log = await _log(client, pod, status["name"]) or str(ended.get("message", ""))
                return JobEnd(exit_code=int(ended["exitCode"]), words=log.strip())
    words = f"{failed.get('reason')}: {failed.get('message')}"
    return JobEnd(exit_code=None, words=words)


def _is_over(live: Object) -> bool:
    return _is_true(live, "Complete") or _is_true(live, "Failed")


def _is_true(body: Object, condition: str) -> bool:
    return condition_of(body, condition).get("status") == "True"


async def _pods(client: KubeClient, job: str, namespace: str) -> list[Object]:
    """The pods of a Job, the newest first."""
    pods = await client.list("v1", "Pod", namespace, f"{JOB_NAME}={job}")
    return sorted(pods, key=lambda pod: pod["metadata"]["creationTimestamp"], reverse=True)


def _first_container(pod: Object) -> str:
    return str(pod["spec"]["containers"][0]["name"])


def _failure(status: Object) -> Object:
    """How a container ended that failed; empty where it did not."""
    states: list[Object] = [status.get("state") or {}, status.get("lastState") or {}]
    ended = (state.get("terminated") or {} for state in states)
    return next((end for end in ended if end.get("exitCode", 0) != 0), {})


async def _log(client: KubeClient, pod: Object, container: str) -> str:
    """The end of a container's log; why it cannot be read where it cannot."""
    name, namespace = pod["metadata"]["name"], pod["metadata"]["namespace"]
    try:
        return await log_of(client, namespace, name, container, LOG_LINES)
    except ApiException as error:
        return f"its log cannot be read: {error.reason}"


def _no_answer(job: KubeObject, error: Exception) -> RetryError:
    return RetryError(
        "The cluster's API server does not answer.",
        where=job.title,
        got=f"{type(error).__name__}: {error}",
        untouched="the ops repository",
    )
