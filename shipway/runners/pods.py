"""Test commands in pods of a Kubernetes cluster: a Job for each."""

from __future__ import annotations

import asyncio
import base64
import gzip
import itertools
import secrets
import time
from collections.abc import Mapping
from typing import Any

from kubernetes_asyncio.client import ApiException, CoreV1Api
from pydantic import BaseModel, ConfigDict

from shipway.concurrency import shielded
from shipway.errors import FailError, RefuseError, RetryError
from shipway.kubernetes.client import KubeClient
from shipway.kubernetes.health import hopeless
from shipway.runners.containers import OWNER_LABEL, RUN_LABEL, Sidecar
from shipway.runners.environment import Output
from shipway.runners.pod_job import FOLDER, TESTS, Manifest, files, job, job_name
from shipway.runners.process import no_such_program
from shipway.test_tools.tool import Ended, Invocation

MANAGER = "shipway-tests"
POLL_SECONDS = 0.2
GONE_SECONDS = 60.0
NEWEST_EVENTS = 3
LAST_LINES = 20
CHUNK = 65536
CANNOT_EXECUTE = {126, 127}
# What an API server takes in one object.
MOST_FILES_BYTES = 1024 * 1024


class PodSettings(BaseModel):
    """What the pods of a shard have in common.

    Attributes:
        template: The work pool's Job manifest.
        namespace: Where the Job goes.
        run: The flow run.
        name: A name for people.
        image: Reference of the test image, by digest.
        env: The image's environment and the layer's.
        sidecars: What runs beside the tests.
        ready_seconds: How long pods and sidecars may take to start.
        deadline_seconds: How long a Job may take in all.
    """

    model_config = ConfigDict(frozen=True)

    template: Manifest
    namespace: str
    run: str
    name: str
    image: str
    env: dict[str, str]
    sidecars: dict[str, Sidecar]
    ready_seconds: float
    deadline_seconds: float


class PodEnvironment:
    """Pods of one image, one an invocation, each with services of its own.

    Of what a command prints, a carriage return at the end of a line is lost: engines drop it.
    """

    folder = FOLDER

    def __init__(self, client: KubeClient, settings: PodSettings) -> None:
        self._client = client
        self._settings = settings
        self._core = CoreV1Api(client.api)
        self._numbers = itertools.count()

    @property
    def env(self) -> Mapping[str, str]:
        """The image's environment and the layer's."""
        return self._settings.env

    async def run(self, invocation: Invocation, output: Output) -> Ended:
        """Run a command in a new pod; it is gone when the call ends, however it does.

        Raises:
            RefuseError: The image has no such program, or the cluster does not take the pod.
            FailError: The pod does not start, a service does not get ready, or the log is cut off.
        """
        name, mark = job_name(f"{self._settings.name}-{next(self._numbers)}"), secrets.token_hex(8)
        _check_size(invocation)
        try:
            await self._create(name, invocation, mark)
            pod = await self._started(name)
            log = Log(mark, output)
            await self._follow(pod, log)
            ended = await self._ended(pod)
        except ApiException as error:
            raise RefuseError(
                "The cluster does not take the pod of a shard.",
                where=f"{self._settings.namespace}/{name}",
                got=str(error.body or error.reason),
                remedy="check the work pool's template, and what its account may do",
            ) from error
        finally:
            await shielded(remove_job(self._client, self._settings.namespace, name))
        status, results = int(ended["exitCode"]), log.results()
        if ended.get("reason") in {"StartError", "ContainerCannotRun"}:
            raise no_such_program(invocation.command, str(ended.get("message")))
        if status in CANNOT_EXECUTE and results is None:
            raise no_such_program(invocation.command, log.last.decode("utf-8", "replace"))
        return Ended(status=status, results=results)

    async def _create(self, name: str, invocation: Invocation, mark: str) -> None:
        """The Job first, held back, so that it owns its files; they must be there as it starts."""
        one = self._settings
        body = job(
            one.template,
            name,
            one.run,
            one.image,
            one.env,
            one.sidecars,
            invocation,
            mark,
            one.ready_seconds,
            one.deadline_seconds,
        )
        held = {**body, "spec": {**body["spec"], "suspend": True}}
        # Not by server-side apply: Prefect's own template holds a field that no Job has.
        created = await self._client.create(held, one.namespace, MANAGER)
        content = files(name, created, invocation.files)
        await self._client.create(content, one.namespace, MANAGER)
        go = {key: held[key] for key in ("apiVersion", "kind")}
        go |= {"metadata": {"name": name}, "spec": {"suspend": False}}
        await self._client.apply(go, one.namespace, MANAGER)

    async def _started(self, name: str) -> str:
        """The Job's pod, once its tests run."""
        deadline = time.monotonic() + self._settings.ready_seconds
        while True:
            pod = next(iter(await self._pods(name)), None)
            if pod is not None:
                state = _state(pod)
                if "running" in state or "terminated" in state:
                    return str(pod["metadata"]["name"])
                await self._check(pod)
            if time.monotonic() > deadline:
                raise await self._does_not_start(name, pod)
            await asyncio.sleep(POLL_SECONDS)

    async def _check(self, pod: Manifest) -> None:
        """See whether waiting is of no use."""
        if (found := hopeless(pod)) is None:
            return
        container, reason = found
        if container == TESTS or "Image" in reason:
            raise RefuseError(
                "The pod of a shard cannot start.",
                where=f"{pod['metadata']['name']}, container {container}",
                got=reason,
                remedy="check that the cluster may pull the image, and the work pool's template",
            )
        raise await self._not_ready(pod, container, reason)

    async def _not_ready(self, pod: Manifest, container: str, reason: str) -> FailError:
        words = await self._words(str(pod["metadata"]["name"]), container)
        return FailError(
            f"The service {container!r} does not get ready.",
            where=self._settings.sidecars[container].image,
            expected=f"ready within {self._settings.ready_seconds:.0f} s",
            got=f"{reason}; its last words:\n{words}",
            remedy="check its image, env and ready command in pipeline.yaml",
        )

    async def _does_not_start(self, name: str, pod: Manifest | None) -> FailError:
        waiting = [] if pod is None else pod["status"].get("initContainerStatuses", [])
        for one in waiting:
            if one["name"] in self._settings.sidecars and not one.get("started"):
                assert pod is not None  # noqa: S101  # it has containers
                return await self._not_ready(pod, one["name"], "it has not become ready")
        about = name if pod is None else str(pod["metadata"]["name"])
        events = await self._core.list_namespaced_event(
            self._settings.namespace, field_selector=f"involvedObject.name={about}"
        )
        said = [f"{one.reason}: {one.message}" for one in events.items[-NEWEST_EVENTS:]]
        return FailError(
            "The pod of a shard does not start.",
            where=f"{self._settings.namespace}/{about}",
            expected=f"running within {self._settings.ready_seconds:.0f} s",
            got="\n".join(said) or "no event says why",
            remedy="see whether the cluster has room for it, and raise the runner's ready_seconds",
        )

    async def _follow(self, pod: str, log: Log) -> None:
        answer: Any = await self._core.read_namespaced_pod_log(
            pod,
            self._settings.namespace,
            container=TESTS,
            follow=True,
            _preload_content=False,
            _request_timeout=self._settings.deadline_seconds,
        )
        async with answer:
            while chunk := await answer.content.read(CHUNK):
                log.feed(chunk)

    async def _ended(self, pod: str) -> Manifest:
        """How the tests ended, which the log's end says are over."""
        deadline = time.monotonic() + self._settings.ready_seconds
        while True:
            found = await self._client.get("v1", "Pod", pod, self._settings.namespace) or {}
            # An evicted pod says so itself; one that somebody deletes is marked, and then gone.
            why = found.get("status", {}).get("reason")
            deleted = not found or "deletionTimestamp" in found["metadata"]
            if why or deleted or time.monotonic() > deadline:
                break
            if ended := _state(found).get("terminated"):
                return ended
            await asyncio.sleep(POLL_SECONDS)
        raise RetryError(
            "The pod of a shard was lost.",
            where=f"{self._settings.namespace}/{pod}",
            got=str(why or ("somebody deleted it" if deleted else "its log ended before it did")),
            untouched="the registry, the ops repository and the cluster",
            remedy="see what became of its node",
        )

    async def _words(self, pod: str, container: str) -> str:
        try:
            return await self._core.read_namespaced_pod_log(
                pod, self._settings.namespace, container=container, tail_lines=LAST_LINES
            )
        except ApiException:
            return ""

    async def _pods(self, name: str) -> list[Manifest]:
        return await _pods_of(self._client, self._settings.namespace, name)


class Log:
    """What a pod prints; the file that its command left is cut off its end."""

    def __init__(self, mark: str, output: Output) -> None:
        self._begin, self._end = (f"\x1e{mark}{kind}\n".encode() for kind in "+.")
        self._output = output
        self._rest = b""
        self._file: list[bytes] | None = None
        self.last = b""

    def feed(self, chunk: bytes) -> None:
        """Pass on what is printed, but for what may be the begin of the mark."""
        if self._file is not None:
            self._file.append(chunk)
            return
        text, mark, file = (self._rest + chunk).partition(self._begin)
        if mark:
            self._file, self._rest = [file], b""
        else:
            begin = text.rfind(b"\x1e")
            cut = begin if begin >= 0 and self._begin.startswith(text[begin:]) else len(text)
            text, self._rest = text[:cut], text[cut:]
        self._tell(text)

    def results(self) -> bytes | None:
        """The file, once the log is at its end.

        Raises:
            FailError: A part of it is missing.
        """
        self._tell(self._rest)
        if self._file is None:
            return None
        content, end, _ = b"".join(self._file).partition(self._end)
        if not end:
            raise FailError(
                "The results in the pod's log are cut off.",
                expected="the file, packed by the image's gzip and base64",
                got=f"{len(content)} bytes of a log that ends before",
                remedy="see that the image has gzip and base64, and whether its node turned over "
                "the log (containerLogMaxSize)",
            )
        return gzip.decompress(base64.b64decode(content))

    def _tell(self, text: bytes) -> None:
        if text:
            self.last = (self.last + text)[-CHUNK:]
            self._output(text)


async def owners_of_jobs(client: KubeClient, namespace: str) -> dict[str, set[str]]:
    """The flow runs that Jobs in a namespace belong to, and their processes."""
    owners: dict[str, set[str]] = {}
    for one in await client.list("batch/v1", "Job", namespace, RUN_LABEL):
        metadata = one["metadata"]
        owner = metadata.get("annotations", {}).get(OWNER_LABEL, "")
        owners.setdefault(metadata["labels"][RUN_LABEL], set()).add(owner)
    return owners


async def remove_jobs(client: KubeClient, namespace: str, run: str) -> int:
    """Remove every Job of a flow run and its pods; return how many."""
    found = await client.list("batch/v1", "Job", namespace, f"{RUN_LABEL}={run}")
    for one in found:
        await remove_job(client, namespace, one["metadata"]["name"])
    return len(found)


async def remove_job(client: KubeClient, namespace: str, name: str) -> None:
    """Remove a Job, and wait until its pods are gone."""
    try:
        await client.delete("batch/v1", "Job", name, namespace)
    except ApiException as error:
        if error.status != 404:
            raise
    deadline = time.monotonic() + GONE_SECONDS
    while await _pods_of(client, namespace, name):
        if time.monotonic() > deadline:
            raise FailError(
                "The pods of a Job do not go away.",
                where=f"{namespace}/{name}",
                expected=f"gone within {GONE_SECONDS:.0f} s",
                remedy="see whether their node answers",
            )
        await asyncio.sleep(POLL_SECONDS)


def _check_size(invocation: Invocation) -> None:
    size = sum(map(len, invocation.files.values()))
    if size > MOST_FILES_BYTES:
        raise RefuseError(
            "The list of tests is too large for a pod.",
            expected=f"at most {MOST_FILES_BYTES} bytes",
            got=f"{size} bytes",
            remedy="run the layer in containers: runner: container",
        )


def _state(pod: Manifest) -> Manifest:
    """The state of the container that tests run in."""
    statuses = pod.get("status", {}).get("containerStatuses", [])
    return next((one["state"] for one in statuses if one["name"] == TESTS), {})


async def _pods_of(client: KubeClient, namespace: str, name: str) -> list[Manifest]:
    return await client.list("v1", "Pod", namespace, f"batch.kubernetes.io/job-name={name}")
