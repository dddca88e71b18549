"""Test commands in pods of a Kubernetes cluster: a Job for each."""

from __future__ import annotations

import asyncio
import itertools
import time
from collections.abc import Mapping
from typing import Any

from kubernetes_asyncio.client import ApiException, CoreV1Api
from pydantic import BaseModel, ConfigDict

from shipway.concurrency import shielded
from shipway.errors import FailError, RefuseError, RetryError
from shipway.kubernetes.client import KubeClient
from shipway.kubernetes.pods import hopeless
from shipway.kubernetes.refused import words_of
from shipway.runners.environment import EnvironmentSpec, Output, no_such_program
from shipway.runners.pod_job import FOLDER, TESTS, Manifest, files, job, job_name
from shipway.runners.pod_jobs import pods_of_job, remove_job
from shipway.runners.results import OutputWithResults
from shipway.test_tools.tool import Ended, Invocation

MANAGER = "shipway-tests"
POLL_SECONDS = 0.2
NEWEST_EVENTS = 3
LAST_LINES = 20
CHUNK_BYTES = 65536
# What an API server takes in one object.
MAX_FILES_BYTES = 1024 * 1024


class PodSettings(BaseModel):
    """What all pods of tests have in common.

    Attributes:
        template: The work pool's Job manifest.
        namespace: Where Jobs go.
        ready_seconds: How long pods and sidecars may take to start.
    """

    model_config = ConfigDict(frozen=True)

    template: Manifest
    namespace: str
    ready_seconds: float


class PodEnvironment:
    """Pods of one image, one an invocation, each with services of its own.

    Of what a command prints, a carriage return at the end of a line is lost: engines drop it.
    """

    folder = FOLDER

    def __init__(self, client: KubeClient, settings: PodSettings, spec: EnvironmentSpec) -> None:
        self._client = client
        self._settings = settings
        self._spec = spec
        self._core = CoreV1Api(client.api)
        self._numbers = itertools.count()

    @property
    def env(self) -> Mapping[str, str]:
        """The image's environment and the layer's."""
        return self._spec.env

    async def run(self, invocation: Invocation, output: Output) -> Ended:
        """Run a command in a new pod; it is gone when the call ends, however it does.

        Raises:
            RefuseError: The image has no such program, or the cluster does not take the pod.
            FailError: The pod does not start, a service does not get ready, or its results
                cannot be read.
        """
        name = job_name(f"{self._spec.name}-{next(self._numbers)}")
        _check_size(invocation)
        log = OutputWithResults(invocation, output)
        try:
            await self._create(name, log.invocation)
            pod = await self._started(name)
            await self._follow(pod, log)
            ended = await self._ended(pod)
        except ApiException as error:
            raise RefuseError(
                "The cluster does not take the pod of a shard.",
                where=f"{self._settings.namespace}/{name}",
                got=words_of(error),
                remedy="check the work pool's template, and what its account may do",
            ) from error
        finally:
            await shielded(remove_job(self._client, self._settings.namespace, name))
        if ended.get("reason") in {"StartError", "ContainerCannotRun"}:
            raise no_such_program(invocation.command, str(ended.get("message")))
        return log.ended(int(ended["exitCode"]))

    async def _create(self, name: str, invocation: Invocation) -> None:
        """The Job first, held back, so that it owns its files; they must be there as it starts."""
        settings = self._settings
        body = job(settings.template, name, self._spec, invocation, settings.ready_seconds)
        suspended = {**body, "spec": {**body["spec"], "suspend": True}}
        # Not by server-side apply: Prefect's own template holds a field that no Job has.
        created = await self._client.create(suspended, settings.namespace, MANAGER)
        content = files(name, created, invocation.files)
        await self._client.create(content, settings.namespace, MANAGER)
        resumed = {key: suspended[key] for key in ("apiVersion", "kind")}
        resumed |= {"metadata": {"name": name}, "spec": {"suspend": False}}
        await self._client.apply(resumed, settings.namespace, MANAGER)

    async def _started(self, name: str) -> str:
        """The Job's pod, once its tests run."""
        deadline = time.monotonic() + self._settings.ready_seconds
        while True:
            pods = await pods_of_job(self._client, self._settings.namespace, name)
            pod = next(iter(pods), None)
            if pod is not None:
                state = _state(pod)
                if "running" in state or "terminated" in state:
                    return str(pod["metadata"]["name"])
                await self._check(pod)
            if time.monotonic() > deadline:
                raise await self._does_not_start(name, pod)
            await asyncio.sleep(POLL_SECONDS)

    async def _check(self, pod: Manifest) -> None:
        """Raise where waiting for the pod is of no use."""
        if (problem := hopeless(pod)) is None:
            return
        container, reason = problem
        if container == TESTS or "Image" in reason:
            raise RefuseError(
                "The pod of a shard cannot start.",
                where=f"{pod['metadata']['name']}, container {container}",
                got=reason,
                remedy="check that the cluster may pull the image, and the work pool's template",
            )
        raise await self._not_ready(pod, container, reason)

    async def _not_ready(self, pod: Manifest, container: str, reason: str) -> FailError:
        log = await self._last_lines(str(pod["metadata"]["name"]), container)
        return FailError(
            f"The service {container!r} does not get ready.",
            where=self._spec.sidecars[container].image,
            expected=f"ready within {self._settings.ready_seconds:.0f} s",
            got=f"{reason}; its last words:\n{log}",
            remedy="check its image, env and ready command in pipeline.yaml",
        )

    async def _does_not_start(self, name: str, pod: Manifest | None) -> FailError:
        waiting = [] if pod is None else pod["status"].get("initContainerStatuses", [])
        for status in waiting:
            if status["name"] in self._spec.sidecars and not status.get("started"):
                assert pod is not None  # noqa: S101  # it has containers
                return await self._not_ready(pod, status["name"], "it has not become ready")
        about = name if pod is None else str(pod["metadata"]["name"])
        events = await self._core.list_namespaced_event(
            self._settings.namespace, field_selector=f"involvedObject.name={about}"
        )
        messages = [f"{event.reason}: {event.message}" for event in events.items[-NEWEST_EVENTS:]]
        return FailError(
            "The pod of a shard does not start.",
            where=f"{self._settings.namespace}/{about}",
            expected=f"running within {self._settings.ready_seconds:.0f} s",
            got="\n".join(messages) or "no event says why",
            remedy="see whether the cluster has room for it, and raise the runner's ready_seconds",
        )

    async def _follow(self, pod: str, log: OutputWithResults) -> None:
        answer: Any = await self._core.read_namespaced_pod_log(
            pod,
            self._settings.namespace,
            container=TESTS,
            follow=True,
            _preload_content=False,
            _request_timeout=self._spec.timeout_seconds + self._settings.ready_seconds,
        )
        async with answer:
            while chunk := await answer.content.read(CHUNK_BYTES):
                log.feed(chunk)

    async def _ended(self, pod: str) -> Manifest:
        """How the tests ended, which the log's end says are over."""
        deadline = time.monotonic() + self._settings.ready_seconds
        while True:
            body = await self._client.get("v1", "Pod", pod, self._settings.namespace) or {}
            # An evicted pod says so itself; one that somebody deletes is marked, and then gone.
            why = body.get("status", {}).get("reason")
            deleted = not body or "deletionTimestamp" in body["metadata"]
            if why or deleted or time.monotonic() > deadline:
                break
            if ended := _state(body).get("terminated"):
                return ended
            await asyncio.sleep(POLL_SECONDS)
        raise RetryError(
            "The pod of a shard was lost.",
            where=f"{self._settings.namespace}/{pod}",
            got=str(why or ("somebody deleted it" if deleted else "its log ended before it did")),
            untouched="the registry, the ops repository and the cluster",
            remedy="see what became of its node",
        )

    async def _last_lines(self, pod: str, container: str) -> str:
        try:
            return await self._core.read_namespaced_pod_log(
                pod, self._settings.namespace, container=container, tail_lines=LAST_LINES
            )
        except ApiException:
            return ""


def _check_size(invocation: Invocation) -> None:
    size = sum(map(len, invocation.files.values()))
    if size > MAX_FILES_BYTES:
        raise RefuseError(
            "The list of tests is too large for a pod.",
            expected=f"at most {MAX_FILES_BYTES} bytes",
            got=f"{size} bytes",
            remedy="run the layer in containers: runner: container",
        )


def _state(pod: Manifest) -> Manifest:
    """The state of the container that tests run in."""
    statuses = pod.get("status", {}).get("containerStatuses", [])
    return next((status["state"] for status in statuses if status["name"] == TESTS), {})
