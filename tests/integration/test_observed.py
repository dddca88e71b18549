"""A turn looks at what another agent applies: a real Git server, Prefect server and cluster."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
import yaml
from git import Repo
from prefect import get_client
from prefect.events.filters import EventFilter
from prefect.states import Failed, Running

from examples import repositories
from flows.history import history
from flows.reconcile import reconcile
from flows.runtime import what_runs_page
from flows.runtime.what_runs_page import read_known
from shipway.git.record import write_record
from shipway.kubernetes.client import KubeClient
from shipway.rollout.status import AppStatus
from tests.support.events import events
from tests.support.own_ops import own_ops
from tests.support.team import Team, team

IMAGE = f"registry.example.org/shop@sha256:{'1' * 64}"
ROLLOUT = """\
strategy: rolling
namespace: {namespace}
cluster: {cluster}
images: [{{file: web.yaml, container: web}}]
agent: external
notify: [{block}]
"""
WEB = """\
apiVersion: apps/v1
kind: Deployment
metadata: {{name: {app}}}
spec:
  replicas: 0
  selector: {{matchLabels: {{app: {app}}}}}
  template:
    metadata: {{labels: {{app: {app}}}}}
    spec: {{containers: [{{name: web, image: "{image}"}}]}}
---
apiVersion: v1
kind: ConfigMap
metadata: {{name: {app}}}
data: {{colour: blue}}
"""
AGENT = "kustomize-controller"


@dataclass(frozen=True)
class Place:
    """An ops repository and a namespace of the test's own; the environment is named like it."""

    clone: Repo
    cluster: KubeClient
    namespace: str
    team: Team

    def put(self, app: str, run: UUID, cluster: str = "staging") -> None:
        """Commit the folder of an app, as a run has released it."""
        folder = f"{self.namespace}/{app}"
        said = {"Revision": "a" * 40, "Image": IMAGE, "Step": "1/1 rolling", "Run": str(run)}
        rollout = ROLLOUT.format(namespace=self.namespace, cluster=cluster, block=self.team.block)
        files = {
            f"{folder}/rollout.yaml": rollout,
            f"{folder}/web.yaml": WEB.format(app=app, image=IMAGE),
            f"{folder}/RELEASE": write_record(said).decode(),
        }
        repositories.commit(self.clone, "put", files)

    async def apply(self, app: str) -> None:
        """What the other agent does."""
        for body in yaml.safe_load_all(WEB.format(app=app, image=IMAGE)):
            await self.cluster.apply(body, self.namespace, AGENT)
        # The cluster's own controllers write too, until they have seen all of it.
        async with asyncio.timeout(60):
            while not await self.is_seen(app):  # noqa: ASYNC110  # only the cluster knows
                await asyncio.sleep(0.2)

    async def is_seen(self, app: str) -> bool:
        """Whether the cluster says how the workload is."""
        found = await self.cluster.get("apps/v1", "Deployment", app, self.namespace)
        status = found["status"] if found else {}
        told = {one["type"]: one["status"] for one in status.get("conditions") or []}
        return told == {"Available": "True", "Progressing": "True"}

    async def edit(self, app: str, colour: str) -> None:
        """What somebody does to the cluster."""
        body = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": app}}
        await self.cluster.apply({**body, "data": {"colour": colour}}, self.namespace, "Mallory")

    async def turn(self, app: str) -> AppStatus:
        """What the page says of an app after a turn, which changes nothing in the cluster."""
        before = await self.versions()
        state: Any = await reconcile(self.namespace, return_state=True)  # pyright: ignore
        assert state.is_completed(), state.message
        assert await self.versions() == before
        seen = (await read_known()).of(app, self.namespace)
        assert seen is not None
        return seen

    async def versions(self) -> dict[str, str]:
        """The resourceVersion of each object that an agent may write."""
        found = {
            f"{kind}/{body['metadata']['name']}": body["metadata"]["resourceVersion"]
            for version, kind in (("apps/v1", "Deployment"), ("v1", "ConfigMap"))
            for body in await self.cluster.list(version, kind, self.namespace, "")
        }
        # The cluster has its own, which it may write at any time.
        return {title: found[title] for title in found if not title.endswith("ca.crt")}


@pytest.fixture
async def place(
    cluster: KubeClient,
    namespace: str,
    sandbox: dict[str, str],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> AsyncIterator[Place]:
    clone, _ = own_ops(sandbox, tmp_path, monkeypatch)
    # The sandbox's own agent knows of no other ops repository than its own.
    for key in ("WHAT_RUNS", "SUMMARY"):
        monkeypatch.setattr(what_runs_page, key, f"{namespace}-{key.lower().replace('_', '-')}")
    async with team() as hears:
        yield Place(clone, cluster, namespace, hears)


async def test_what_comes_after_its_release_gave_up_is_watched_and_told_once(
    place: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    # What its agent has had for years, it has applied, for all that anybody here knows.
    monkeypatch.setenv("GIT_COMMITTER_DATE", "2020-01-01T00:00:00+0000")
    async with get_client() as client:
        run = await client.create_flow_run(history, state=Running())
        gone = await client.create_flow_run(history, state=Failed())
        place.put("shop", run.id)
        # A cluster that there is none of keeps nobody waiting.
        place.put("cart", gone.id, cluster="nowhere")

        seen = await place.turn("shop")
        assert (seen.health, seen.drift) == ("not applied", ())
        assert place.team.subjects == []
        assert await place.versions() == {}

        await client.set_flow_run_state(run.id, Failed(), force=True)
        seen = await place.turn("shop")
        assert place.team.subjects == [f"{place.namespace}/shop: environment.not_applied"]

        await place.apply("shop")
        for _ in range(2):
            seen = await place.turn("shop")
            assert (seen.health, seen.drift) == ("healthy", ())
        subject = f"{place.namespace}/shop: environment.healthy"
        assert place.team.subjects[1:] == [subject]
        assert (
            "healthy, though its release gave up: Deployment/shop: 0 of 0" in (place.team.bodies[1])
        )

        await place.edit("shop", "red")
        for _ in range(2):
            seen = await place.turn("shop")
            assert (seen.health, seen.drift) == ("healthy", ("ConfigMap/shop",))
        assert place.team.subjects[2:] == [f"{place.namespace}/shop: environment.drift"]
        words = place.team.bodies[2]
        assert 'data.colour is "red", Git says "blue"; written by Mallory at ' in words
        assert words.endswith(f"\n{run.id}")
        await place.edit("shop", "blue")
        assert (await place.turn("shop")).drift == ()
        assert len(place.team.subjects) == 3

        cart = (await read_known()).of("cart", place.namespace)
        assert cart is not None
        assert cart.health == "unknown"

    resource = f"shipway.environment.{place.namespace}.shop"
    those = EventFilter.model_validate({"resource": {"id": [resource]}})
    heard = await events(those, 3)
    assert [event.event for event in heard] == [
        f"shipway.environment.{kind}" for kind in ("not_applied", "healthy", "drift")
    ]
    assert [event.related[0].id for event in heard] == [f"prefect.flow-run.{run.id}"] * 3
    assert {event.payload["image"] for event in heard} == {IMAGE}


async def test_a_first_release_that_no_agent_has_applied_yet_is_not_there_yet(
    place: Place,
) -> None:
    async with get_client() as client:
        run = await client.create_flow_run(history, state=Failed())
    place.put("shop", run.id)
    seen = await place.turn("shop")
    assert (seen.health, seen.drift) == ("progressing", ())
    assert "the agent has not applied the commit yet" in seen.reason
    assert place.team.subjects == []
    # What only is another way of the same file is looked at, and is no drift yet.
    await place.apply("shop")
    await place.edit("shop", "red")
    seen = await place.turn("shop")
    assert (seen.health, seen.drift) == ("healthy", ())
