"""A command in a pod of its own, once: a Job that is gone afterwards."""

from __future__ import annotations

import asyncio
import time
from typing import Any

from kubernetes_asyncio.client import CoreV1Api
from pydantic import BaseModel, ConfigDict

from shipway.concurrency import shielded
from shipway.kubernetes.client import KubeClient, Object
from shipway.kubernetes.pods import hopeless

MANAGER = "shipway"
POLL_SECONDS = 0.5
LAST_LINES = 5
_CONTAINER = "gate"
# The label by which the pods of a Job are known.
JOB_NAME = "batch.kubernetes.io/job-name"


class JobEnd(BaseModel):
    """What a command came to.

    Attributes:
        exit_code: None where it did not run to its end.
        words: The end of its log, or why it did not run.
    """

    model_config = ConfigDict(frozen=True)

    exit_code: int | None
    words: str


async def run_job(
    client: KubeClient,
    namespace: str,
    *,
    name: str,
    image: str,
    command: list[str],
    env: dict[str, str],
    timeout_seconds: float,
) -> JobEnd:
    """Run a command in a new pod, which is gone when the call ends, however it does.

    Args:
        client: The cluster.
        namespace: Where.
        name: Beginning of the Job's name.
        image: Its image.
        command: Program and arguments.
        env: Its environment.
        timeout_seconds: How long it may take, its start included.
    """
    body = _job(name, image, command, env, timeout_seconds)
    made = (await client.create(body, namespace, MANAGER))["metadata"]["name"]
    try:
        return await _end_of(client, namespace, made, timeout_seconds)
    finally:
        await shielded(client.delete("batch/v1", "Job", made, namespace))


async def _end_of(client: KubeClient, namespace: str, name: str, seconds: float) -> JobEnd:
    """Wait until a Job's pod ends, cannot start, or takes too long."""
    deadline, words = time.monotonic() + seconds, "no pod was made"
    while time.monotonic() < deadline:
        for pod in await client.list("v1", "Pod", namespace, f"{JOB_NAME}={name}"):
            statuses = pod.get("status", {}).get("containerStatuses") or [{}]
            state: Object = statuses[0].get("state", {})
            if (ended := state.get("terminated")) is not None:
                log = await log_of(client, namespace, pod["metadata"]["name"], _CONTAINER)
                return JobEnd(exit_code=int(ended["exitCode"]), words=log)
            if (failure := hopeless(pod)) is not None:
                return JobEnd(exit_code=None, words=failure[1])
            words = f"it is still {pod['status'].get('phase', 'Unknown').lower()}"
        await asyncio.sleep(POLL_SECONDS)
    return JobEnd(exit_code=None, words=f"{words} after {seconds:g} s")


async def log_of(
    client: KubeClient, namespace: str, pod: str, container: str, lines: int = LAST_LINES
) -> str:
    """The last lines of a container's log."""
    core = CoreV1Api(client.api)
    log = await core.read_namespaced_pod_log(pod, namespace, container=container, tail_lines=lines)
    return str(log).strip()


def _job(
    name: str, image: str, command: list[str], env: dict[str, str], seconds: float
) -> dict[str, Any]:
    """The Job, without a retry, which deletes itself in the end."""
    container = {
        "name": _CONTAINER,
        "image": image,
        "command": command,
        "env": [{"name": key, "value": value} for key, value in env.items()],
    }
    return {
        "apiVersion": "batch/v1",
        "kind": "Job",
        "metadata": {"generateName": f"gate-{name}-"},
        "spec": {
            "backoffLimit": 0,
            # Should nobody be left to delete it.
            "activeDeadlineSeconds": max(1, round(seconds)),
            "ttlSecondsAfterFinished": 600,
            "template": {"spec": {"restartPolicy": "Never", "containers": [container]}},
        },
    }
