"""The gateway: it splits requests by weight, and no change behind it costs a request."""

from __future__ import annotations

import asyncio
import time
import uuid
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from math import sqrt
from typing import Any

import httpx
import pytest

from shipway.kubernetes.client import KubeClient

MANAGER = "tests"
REQUESTS = 5000
CLIENTS = 8
SIDES = ("stable", "canary")
# Answers with its side, and counts what it answered. Told to go, it serves on until nobody asks any
# more, as every server in a cluster must: requests come until the endpoints have changed.
APP = """
import os, signal, threading, time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    answered, asked_at, lock = 0, 0, threading.Lock()

    def do_GET(self):
        Handler.asked_at = time.monotonic()
        body = os.environ["SIDE"]
        if self.path == "/metrics":
            body = "# TYPE answered_total counter\\nanswered_total %d\\n" % Handler.answered
        else:
            with self.lock:
                Handler.answered += 1
        self.send_response(200)
        self.send_header("Content-Type", "text/plain")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body.encode())

    def log_message(self, *_):
        pass

class Server(ThreadingHTTPServer):
    request_queue_size = 128

def end_when_quiet():
    time.sleep(5)
    while time.monotonic() - Handler.asked_at < 2:
        time.sleep(0.1)
    os._exit(0)

signal.signal(signal.SIGTERM, lambda *_: threading.Thread(target=end_when_quiet).start())
Server(("", 8080), Handler).serve_forever()
"""


@dataclass
class Split:
    """Two Deployments with a Service each, and the HTTPRoute that shares the requests out."""

    name: str
    gateway: str
    cluster: KubeClient
    image: str
    failed: list[str] = field(default_factory=list[str])
    answered: Counter[str] = field(default_factory=Counter[str])

    @property
    def host(self) -> str:
        """The name that a client asks for."""
        return f"{self.name}.test"

    async def weigh(self, stable: int, canary: int) -> None:
        """Give each side its weight."""
        backends = [
            {"name": side, "port": 80, "weight": weight}
            for side, weight in zip(SIDES, (stable, canary), strict=True)
        ]
        spec = {
            "parentRefs": [{"name": "public", "namespace": "gateway"}],
            "hostnames": [self.host],
            "rules": [{"backendRefs": backends}],
        }
        await self.apply("gateway.networking.k8s.io/v1", "HTTPRoute", "split", spec=spec)

    async def deploy(self, side: str, replicas: int, generation: int = 1) -> None:
        """Have the pods of a side, replaced where the generation is another, and wait for them."""
        container = {
            "name": "app",
            "image": self.image,
            "command": ["python3", "-c", APP],
            "env": [
                {"name": "SIDE", "value": side},
                {"name": "GENERATION", "value": str(generation)},
            ],
            "ports": [{"name": "http", "containerPort": 8080}],
            "readinessProbe": {"httpGet": {"path": "/ready", "port": "http"}, "periodSeconds": 1},
        }
        labels = {"app": self.name, "side": side}
        annotations = {"prometheus.io/scrape": "true"}
        template = {
            "metadata": {"labels": labels, "annotations": annotations},
            "spec": {"containers": [container]},
        }
        spec = {"replicas": replicas, "selector": {"matchLabels": labels}, "template": template}
        await self.apply("apps/v1", "Deployment", side, spec=spec)
        ports = [{"port": 80, "targetPort": "http"}]
        await self.apply("v1", "Service", side, spec={"selector": labels, "ports": ports})

        async def is_rolled_out() -> bool:
            found = await self.cluster.get("apps/v1", "Deployment", side, self.name)
            status: dict[str, Any] = found["status"] if found else {}
            if not found or status.get("observedGeneration") != found["metadata"]["generation"]:
                return False
            counts = [
                status.get(key, 0) for key in ("updatedReplicas", "availableReplicas", "replicas")
            ]
            return counts == [replicas] * 3

        await until(is_rolled_out)

    async def apply(self, version: str, kind: str, name: str, **content: Any) -> None:
        """Apply one object."""
        body = {"apiVersion": version, "kind": kind, "metadata": {"name": name}, **content}
        await self.cluster.apply(body, None if kind == "Namespace" else self.name, MANAGER)

    async def pods(self) -> list[str]:
        """The names of the pods that are not going away."""
        found = await self.cluster.list("v1", "Pod", self.name, f"app={self.name}")
        there = [pod["metadata"] for pod in found if "deletionTimestamp" not in pod["metadata"]]
        return [str(one["name"]) for one in there]

    def client(self) -> httpx.AsyncClient:
        """A client that keeps its connections."""
        headers = {"Host": self.host}
        return httpx.AsyncClient(
            base_url=self.gateway, headers=headers, timeout=10, trust_env=False
        )

    async def ask(self, client: httpx.AsyncClient) -> None:
        """Ask once, and note what became of it."""
        try:
            answer = await client.get("/")
        except httpx.HTTPError as error:
            self.failed.append(repr(error))
        else:
            if answer.is_success:
                self.answered[answer.text] += 1
            else:
                self.failed.append(f"{answer.status_code} {answer.text}")

    async def answers(self, count: int) -> None:
        """Wait for so many answers more."""
        enough = self.answered.total() + count

        async def are_there() -> bool:
            return self.answered.total() >= enough

        await until(are_there)

    @asynccontextmanager
    async def load(self) -> AsyncIterator[None]:
        """Ask again and again until the block is left; counts from zero."""
        self.failed.clear()
        self.answered.clear()
        over = asyncio.Event()

        async def keep_asking() -> None:
            async with self.client() as client:
                while not over.is_set():
                    await self.ask(client)
                    await asyncio.sleep(0.005)

        asking = [asyncio.create_task(keep_asking()) for _ in range(CLIENTS)]
        try:
            yield
        finally:
            over.set()
            await asyncio.gather(*asking)


async def until(happens: Callable[[], Awaitable[bool]], seconds: float = 60) -> None:
    """Wait until something is so."""
    deadline = time.monotonic() + seconds
    while not await happens():
        assert time.monotonic() < deadline, f"not within {seconds} s"
        await asyncio.sleep(0.1)


@pytest.fixture
async def split(gateway: str, sandbox: dict[str, str], cluster: KubeClient) -> AsyncIterator[Split]:
    """Two pods a side, and every request to stable."""
    name = f"split-{uuid.uuid4().hex[:6]}"
    made = Split(name, gateway, cluster, sandbox["SHIPWAY_PYTHON_IMAGE"])
    await made.apply("v1", "Namespace", name)
    try:
        await asyncio.gather(*(made.deploy(side, 2) for side in SIDES))
        await made.weigh(100, 0)

        async def answers() -> bool:
            async with made.client() as client:
                return (await client.get("/")).is_success

        await until(answers)
        yield made
    finally:
        await cluster.delete("v1", "Namespace", name, None)


async def share_is(split: Split, stable: int, canary: int) -> None:
    """Wait until a change of the weights has arrived."""

    async def is_so() -> bool:
        split.answered.clear()
        async with split.client() as client:
            for _ in range(100):
                await split.ask(client)
        return split.answered["canary"] == canary

    await split.weigh(stable, canary)
    await until(is_so)


async def test_each_side_gets_its_weight_of_the_requests(split: Split) -> None:
    await share_is(split, 90, 10)
    split.answered.clear()
    async with split.client() as client:

        async def ask(count: int) -> None:
            for _ in range(count):
                await split.ask(client)

        await asyncio.gather(*(ask(REQUESTS // CLIENTS) for _ in range(CLIENTS)))
    assert split.failed == []
    assert split.answered.total() == REQUESTS
    expected, error = REQUESTS * 0.1, sqrt(REQUESTS * 0.1 * 0.9)
    assert abs(split.answered["canary"] - expected) <= 4 * error


async def test_changing_weights_loses_no_request(split: Split) -> None:
    async with split.load():
        for canary in (1, 10, 50, 90, 100, 50, 0):
            await split.weigh(100 - canary, canary)
            await split.answers(200)
    assert split.failed == []
    assert min(split.answered[side] for side in SIDES) > REQUESTS // 100


async def test_replacing_pods_loses_no_request(split: Split) -> None:
    await split.weigh(50, 50)
    before = await split.pods()
    async with split.load():
        for generation in (2, 3):
            await asyncio.gather(*(split.deploy(side, 2, generation) for side in SIDES))
        await split.deploy("canary", 4, 3)
        await split.deploy("canary", 1, 3)
    assert split.failed == []
    assert not {*before} & {*await split.pods()}


async def test_prometheus_counts_the_requests_of_each_pod_and_each_backend(
    split: Split, sandbox: dict[str, str]
) -> None:
    await share_is(split, 50, 50)
    pods = await split.pods()
    async with httpx.AsyncClient(base_url=sandbox["SHIPWAY_PROMETHEUS"], trust_env=False) as asked:

        async def values(query: str, label: str) -> dict[str, float]:
            answer = await asked.get("/api/v1/query", params={"query": query})
            found = answer.raise_for_status().json()["data"]["result"]
            return {one["metric"][label]: float(one["value"][1]) for one in found}

        of_pods = f'answered_total{{namespace="{split.name}"}}'

        async def all_are_known() -> bool:
            return {*await values(of_pods, "pod")} == {*pods}

        await until(all_are_known)
        before = await values(of_pods, "pod")
        split.answered.clear()
        async with split.client() as client:
            for _ in range(400):
                await split.ask(client)

        async def each_has_its_share() -> bool:
            now = await values(of_pods, "pod")
            # Every pod answers its readiness probe too.
            return all(now[pod] - before[pod] >= 100 for pod in pods)

        await until(each_has_its_share, 10)
        services = f'traefik_service_requests_total{{code="200",service=~"{split.name}-.+"}}'
        counted = await values(services, "service")
    # Between two requests, others' changes may have the round robin begin anew.
    assert split.answered.total() == 400
    assert abs(split.answered["canary"] - 200) <= 4
    for side in SIDES:
        assert counted[f"{split.name}-{side}-http-80@kubernetesgateway"] >= 200
