"""Since when the real cluster has a step: a pause counts from then, whoever applies, and when."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress
from datetime import datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from typing import Any

import pytest

from examples.killed import RELEASE, kill
from shipway.image_ref import without_tag
from shipway.kubernetes.client import KubeClient
from shipway.kubernetes.objects import KubeObject, read_objects
from shipway.kubernetes.startup import Startup
from shipway.kubernetes.workloads import health_of, rolled_out_since
from shipway.kubernetes.written import written_at
from tests.support.project import Project
from tests.support.runs import run_release

WORKLOAD = """\
apiVersion: apps/v1
kind: {kind}
metadata: {{name: web}}
spec:
  {more}
  selector: {{matchLabels: {{app: web}}}}
  template:
    metadata: {{labels: {{app: web}}}}
    spec:
      terminationGracePeriodSeconds: 0
      containers:
        - name: web
          image: "{image}"
          command: [sh, -c, "sleep {starts}; touch /up; sleep 10000"]
          readinessProbe: {{exec: {{command: [test, -e, /up]}}, periodSeconds: 1}}
"""
MORE = {"Deployment": "replicas: {}", "StatefulSet": "serviceName: web", "DaemonSet": ""}
SCALE = "/apis/apps/v1/namespaces/{}/deployments/web/scale"
ROUTE = """\
apiVersion: v1
kind: Service
metadata: {{name: web}}
spec: {{selector: {{app: web}}, ports: [{{port: 80}}]}}
---
apiVersion: gateway.networking.k8s.io/v1
kind: HTTPRoute
metadata: {{name: web}}
spec:
  parentRefs: [{{name: public, namespace: gateway}}]
  rules: [{{backendRefs: [{{name: web, port: 80, weight: {weight}}}]}}]
"""
GATED = """\
rolling: {{pause_seconds: {pause}}}
gates:
  - {{name: page, interval_seconds: 1, http: {{url: "{url}"}}}}
"""
PAUSE, LONGER = 10, 600


async def until(happens: Callable[[], Awaitable[bool]], seconds: float = 120) -> None:
    """Wait until something is so."""
    deadline = time.monotonic() + seconds
    while not await happens():
        assert time.monotonic() < deadline, f"not within {seconds} s"
        await asyncio.sleep(0.2)


class Place:
    """A workload in a namespace, applied by an agent of the test's own."""

    def __init__(self, cluster: KubeClient, namespace: str, image: str, kind: str) -> None:
        self.cluster = cluster
        self.namespace = namespace
        self.image = image
        self.kind = kind

    async def apply(self, starts: int, replicas: int = 1) -> None:
        """Apply a version by the seconds that it needs to start, and wait until it is healthy."""
        more = MORE[self.kind].format(replicas)
        text = WORKLOAD.format(kind=self.kind, more=more, image=self.image, starts=starts)
        (self.workload,) = read_objects({"web.yaml": text.encode()}, "prod/web")
        await self.cluster.apply(self.workload.body, self.namespace, "agent")
        await self.wait(replicas)

    async def wait(self, pods: int) -> None:
        """Wait until it is healthy with some pods, and has no others."""
        images = {"web": without_tag(self.image)}

        async def is_healthy() -> bool:
            health = await health_of(self.cluster, self.workload, self.namespace, images)
            return health.state == "healthy" and len(await self.ready()) == pods

        await until(is_healthy)

    async def scale(self, pods: int) -> None:
        """What an autoscaler does."""
        path, metadata = SCALE.format(self.namespace), {"name": "web", "namespace": self.namespace}
        body = {"apiVersion": "autoscaling/v1", "kind": "Scale", "metadata": metadata}
        await self.cluster.call("PUT", path, body={**body, "spec": {"replicas": pods}})
        await self.wait(pods)

    async def ready(self) -> list[datetime]:
        """When each of its pods became ready, as the node tells."""
        pods = await self.cluster.list("v1", "Pod", self.namespace, "app=web")
        conditions = [each for pod in pods for each in pod["status"].get("conditions", [])]
        return [
            datetime.fromisoformat(each["lastTransitionTime"])
            for each in conditions
            if each["type"] == "Ready"
        ]

    async def since(self) -> datetime:
        found = await rolled_out_since(self.cluster, self.workload, self.namespace, Startup())
        assert found is not None
        return found


@pytest.mark.parametrize("kind", MORE)
async def test_a_workload_has_its_version_since_the_last_of_its_pods_was_ready(
    cluster: KubeClient, namespace: str, python_image: str, kind: str
) -> None:
    place = Place(cluster, namespace, python_image, kind)
    await place.apply(2)
    first = await place.since()
    assert first >= max(await place.ready())
    # An agent applies again and again.
    await place.apply(2)
    assert await place.since() == first
    await place.apply(3)
    assert await place.since() >= max(await place.ready()) > first


async def test_pods_that_an_autoscaler_adds_or_a_node_loses_restart_nothing(
    cluster: KubeClient, namespace: str, python_image: str
) -> None:
    place = Place(cluster, namespace, python_image, "Deployment")
    await place.apply(2)
    first = await place.since()
    await place.scale(2)
    assert await place.since() == first
    before = await cluster.list("v1", "Pod", namespace, "app=web")
    for pod in before:
        await cluster.delete("v1", "Pod", pod["metadata"]["name"], namespace)

    async def are_gone() -> bool:
        now = await cluster.list("v1", "Pod", namespace, "app=web")
        return not {pod["metadata"]["uid"] for pod in now} & {
            pod["metadata"]["uid"] for pod in before
        }

    await until(are_gone)
    await place.wait(2)
    assert await place.since() <= first


async def test_pods_that_come_up_again_without_another_template_count(
    cluster: KubeClient, namespace: str, python_image: str
) -> None:
    place = Place(cluster, namespace, python_image, "Deployment")
    await place.apply(2)
    first = await place.since()
    await place.apply(2, replicas=0)
    await place.apply(2)
    assert await place.since() >= max(await place.ready()) > first


async def test_a_route_has_its_weights_since_its_gateway_said_so(
    gateway: str, cluster: KubeClient, namespace: str
) -> None:
    async def apply(weight: int) -> tuple[datetime, datetime]:
        """When the weights were written, and when the gateway said that it has them."""
        text = ROUTE.format(weight=weight)
        for each in read_objects({"all.yaml": text.encode()}, "prod/web"):
            await cluster.apply(each.body, namespace, "agent")
        route: dict[str, Any] = {}

        async def is_told() -> bool:
            version = "gateway.networking.k8s.io/v1"
            route.update(await cluster.get(version, "HTTPRoute", "web", namespace) or {})
            parents = route.get("status", {}).get("parents", [])
            return any(
                condition.get("observedGeneration") == route["metadata"]["generation"]
                for parent in parents
                for condition in parent["conditions"]
            )

        await until(is_told)
        rules = ("spec", "rules", "0", "backendRefs", "0", "weight")
        written, said = written_at(route, rules), written_at(route, ("status", "parents"))
        assert written is not None
        assert said is not None
        return written, said

    first, said = await apply(1)
    assert said >= first
    await asyncio.sleep(1.1)
    again, said = await apply(2)
    assert said >= again > first


class Page:
    """What a gate asks: it is well for some answers, and ill from then on."""

    def __init__(self) -> None:
        self.asked = 0
        self.well = 10**6
        page = self

        class Answer(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                page.asked += 1
                self.send_response(200 if page.asked <= page.well else 500)
                self.end_headers()

            def log_message(self, *_: Any) -> None:
                """Say nothing."""

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Answer)
        Thread(target=self.server.serve_forever, daemon=True).start()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server.server_port}/"


@asynccontextmanager
async def late_agent(project: Project, cluster: KubeClient, late: float) -> AsyncIterator[None]:
    """Another agent, which applies what was released some seconds after it was committed."""

    async def apply_late() -> None:
        while "@sha256:" not in project.ops_file("deployment.yaml"):
            await asyncio.sleep(0.5)
            await asyncio.to_thread(project.pull_ops)
        await asyncio.sleep(late)
        for each in objects_of(project):
            namespaced = None if each.kind == "Namespace" else project.app
            await cluster.apply(each.body, namespaced, "another-agent")

    applying = asyncio.create_task(apply_late())
    try:
        yield
    finally:
        applying.cancel()
        with suppress(asyncio.CancelledError):
            await applying


def objects_of(project: Project) -> list[KubeObject]:
    text = project.ops_file("deployment.yaml").encode()
    return read_objects({"deployment.yaml": text}, project.folder)


async def test_a_version_that_is_applied_late_is_judged_for_all_of_its_pause(
    cluster_project: Project, cluster: KubeClient
) -> None:
    project, app, page = cluster_project, cluster_project.app, Page()
    text = project.ops_file("rollout.yaml").replace("agent: reconcile", "agent: external")
    gated = text + GATED.format(pause=PAUSE, url=page.url)
    file = f"{project.folder}/rollout.yaml"
    project.change_ops({file: gated})
    async with late_agent(project, cluster, late=PAUSE + 1):
        # A run that counted from the commit would look once, and be done.
        await kill(RELEASE, app, lambda: page.asked > 1)
    # Nor is the pause over for a run that takes over, however long that takes to begin.
    project.change_ops({file: gated.replace(f"seconds: {PAUSE}", f"seconds: {LONGER}")})
    page.well = page.asked + 1
    state = await run_release(app, until="healthy")
    page.server.shutdown()
    assert state.is_failed()
    assert "The gate 'page' is red" in str(state.message)
