"""A look at what another agent applies; the cluster is in memory, and Prefect is not there."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from flows.tasks.agent import look
from flows.tasks.agent import observe as module
from shipway.agents.verdict import Says, Verdict
from shipway.app_environment import AppEnvironment
from shipway.errors import RetryError
from shipway.git.ops_folder import OpsFolder
from shipway.kubernetes.objects import read_objects
from shipway.rollout.look import InGit
from shipway.rollout.observation import LastChange, RunEnd
from shipway.rollout.render import Manifests
from shipway.rollout.status import AppStatus, WhatRuns
from shipway.rollout.target import target_of
from tests.support.memory_cluster import MemoryCluster
from tests.support.statuses import deployed, status

STAGING = AppEnvironment(app="shop", environment="staging")
ROLLOUT = b"""\
strategy: rolling
namespace: shop
images: [{file: web.yaml, container: web}]
agent: external
external_agent: {flux: {kustomization: shop}}
"""
WEB = b"""\
apiVersion: apps/v1
kind: Deployment
metadata: {name: web}
spec:
  replicas: 2
  template: {spec: {containers: [{name: web, image: "shop@sha256:%s"}]}}
""" % (b"1" * 64)
COMMIT = "c" * 40


def folder(more: bytes = b"") -> OpsFolder:
    files = {"rollout.yaml": ROLLOUT, "web.yaml": WEB + more}
    return OpsFolder(app_environment=STAGING, commit=COMMIT, files=files)


class Place:
    """A cluster and its agent, Git and Prefect, as a look finds them."""

    def __init__(self) -> None:
        self.cluster = MemoryCluster("shop")
        self.says: Says = "applied"
        self.has_applied = True
        self.tip = folder()
        self.run: RunEnd = "gave up"
        self.health: dict[str, Any] = {"health": "healthy", "reason": "2 of 2"}
        self.told: list[str] = []
        self.known: AppStatus | None = None

    def put(self, manager: str, replicas: int) -> None:
        """Have the workload there, as a manager of fields has left it."""
        (web,) = read_objects({"web.yaml": WEB}, "staging/shop")
        fields = {"f:spec": {"f:replicas": {}}}
        held = [{"manager": manager, "time": "10:00", "fieldsV1": fields}]
        metadata = {"name": "web", "managedFields": held}
        self.cluster.put(
            {**web.body, "metadata": metadata, "spec": {**web.body["spec"], "replicas": replicas}}
        )

    async def look(self) -> AppStatus:
        found = folder()
        change = LastChange(
            fingerprint=found.fingerprint, commit=COMMIT, at=datetime.now(UTC) - timedelta(days=1)
        )
        asked = status(deployed(), health="unknown")
        target = target_of(found)
        seen, news = await module.observe(self.cluster, asked, target, found, change, self.known)
        self.known = seen
        self.told += [one.kind for one in news]
        return seen


@pytest.fixture
def place(monkeypatch: pytest.MonkeyPatch) -> Place:
    place = Place()

    class Ops:
        def fetch(self, _: AppEnvironment) -> OpsFolder:
            return place.tip

    async def load_block(*_: object) -> Any:
        return Ops()

    async def manifests(_: object, __: object, of: OpsFolder) -> Manifests:
        objects = tuple(read_objects(of.files, of.path))
        return Manifests(objects=objects, fingerprint=of.fingerprint)

    async def said_of(_: object, __: object, commit: str) -> Verdict:
        assert commit == COMMIT
        if place.says == "unknown":
            raise RetryError("The cluster does not answer about its agent.", got="no route")
        words = f"Flux: {place.says}"
        return Verdict(says=place.says, words=words, has_applied=place.has_applied)

    async def look_at(_: object, asked: AppStatus, __: object) -> AppStatus:
        return asked.model_copy(update=place.health)

    async def end_of(_: str) -> RunEnd:
        return place.run

    monkeypatch.setattr(module, "load_block", load_block)
    monkeypatch.setattr(module, "load_manifests", manifests)
    monkeypatch.setattr(module, "said_of", said_of)
    monkeypatch.setattr(module, "look_at", look_at)
    monkeypatch.setattr(module, "end_of_run", end_of)
    return place


@pytest.mark.parametrize(
    ("manager", "drift"), [("kubectl-edit", ("Deployment/web",)), ("kustomize-controller", ())]
)
async def test_drift_is_what_somebody_else_than_the_agent_has_written(
    place: Place, manager: str, drift: tuple[str, ...]
) -> None:
    place.put(manager, 5)
    place.run = "completed"
    for _ in range(2):
        assert (await place.look()).drift == drift
    assert place.told == (["drift"] if drift else [])
    assert place.cluster.log == []


async def test_what_the_agent_has_not_applied_yet_is_not_compared(place: Place) -> None:
    place.has_applied, place.says = False, "failing"
    place.health = {"health": "progressing", "reason": "…", "is_applied": False}
    seen = await place.look()
    assert (seen.health, seen.reason, seen.drift) == ("not applied", "Flux: failing", ())
    assert seen.observed is not None
    assert (seen.observed.is_stopped, seen.observed.is_compared) == (True, False)
    assert place.told == ["not_applied"]
    assert place.cluster.requests == []


@pytest.mark.parametrize("seen_as", ["drift", "not applied"])
async def test_git_that_has_moved_on_meanwhile_says_nothing_of_this_look(
    place: Place, seen_as: str
) -> None:
    place.put("kubectl-edit", 5)
    if seen_as == "not applied":
        place.health = {"health": "progressing", "reason": "…", "is_applied": False}
    place.tip = folder(b"# another line\n")
    seen = await place.look()
    assert (seen.health, seen.reason) == ("progressing", "Git has changed a moment ago")
    assert (seen.drift, place.told) == ((), [])


async def test_an_agent_that_cannot_be_asked_is_given_its_time(place: Place) -> None:
    place.put("kubectl-edit", 5)
    place.says = "unknown"
    seen = await place.look()
    assert seen.observed is not None
    assert seen.observed.agent == "The cluster does not answer about its agent. no route"
    assert seen.drift == ("Deployment/web",)


async def test_a_cluster_that_hangs_is_asked_about_no_further_app(
    place: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    place.put("kubectl-edit", 2)
    heard = await place.look()
    assert place.told == ["healthy"]
    asked: list[str] = []

    class Hangs:
        @asynccontextmanager
        async def client(self) -> AsyncGenerator[MemoryCluster]:
            yield place.cluster

    async def load_block(*_: object) -> Any:
        return Hangs()

    async def hang(_: object, one: InGit, __: object) -> AppStatus:
        asked.append(one.status.app)
        raise TimeoutError

    monkeypatch.setattr(look, "load_block", load_block)
    monkeypatch.setattr(look, "_look_at", hang)
    found = folder()
    apps = ("shop", "cart")
    in_git = [
        InGit(status(deployed(app=app), health="unknown"), target_of(found), found) for app in apps
    ]
    known = WhatRuns(statuses=(heard,))
    seen = await look.ask.fn("staging", in_git, known)
    assert asked == ["shop"]
    assert [(one.app, one.health) for one in seen] == [("shop", "unknown"), ("cart", "unknown")]
    # What the team has heard is not told again once the cluster answers.
    place.known = seen[0]
    await place.look()
    assert place.told == ["healthy"]
