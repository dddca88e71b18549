"""Another agent, asked by a rollout; clusters are in memory, tasks are called without Prefect."""

from __future__ import annotations

import logging
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from typing import Any

import pytest
from prefect.blocks.core import Block

from blocks.cluster import Cluster
from flows.tasks.agent import external_agent as module
from shipway.errors import RefuseError, RetryError
from shipway.rollout.target import Target
from shipway.strategies.step import Edit, FieldRef, Step
from tests.support.agents import FLUX_SERVED, git_repository, kustomization, ready
from tests.support.memory_cluster import MemoryCluster, Object, api_error
from tests.support.watched import target

NAMED = "external\nexternal_agent: {flux: {kustomization: shop, cluster: tools}}"
COMMIT = "0" * 40
EDIT = Edit(field=FieldRef(file="web.yaml", name="web"), value="shop:1")
STEP = Step(name="1/1 rolling", edits=(EDIT,))


class Clusters:
    """The clusters that blocks lead to, by name; one that is not here does not answer."""

    def __init__(self) -> None:
        self.there = {"tools": MemoryCluster("flux-system"), "prod": MemoryCluster("apps")}
        self.there["tools"].served |= FLUX_SERVED

    def put(self, *bodies: Object) -> None:
        for body in bodies:
            self.there["tools"].put(body, "flux-system")

    @asynccontextmanager
    async def client(self, name: str) -> AsyncGenerator[MemoryCluster]:
        if name not in self.there:
            raise RetryError("The cluster does not answer.")
        yield self.there[name]

    async def load_block(self, kind: type[Block], name: str = "default") -> Any:
        assert kind is Cluster

        class Named:
            client = staticmethod(lambda: self.client(name))

        return Named()


@pytest.fixture
def clusters(monkeypatch: pytest.MonkeyPatch) -> Clusters:
    clusters = Clusters()
    monkeypatch.setattr(module, "load_block", clusters.load_block)
    monkeypatch.setattr(module, "opened_run_log", logging.getLogger)
    for task in ("ask", "see_other_agents", "tell"):
        monkeypatch.setattr(module, task, getattr(module, task).fn)
    return clusters


async def test_what_the_agent_says_is_what_a_plan_shows(clusters: Clusters) -> None:
    clusters.put(kustomization(applied=COMMIT), git_repository())
    said = await module.ask_agent(target(NAMED), STEP, way_back=False)
    assert said == "Flux Kustomization/shop in namespace flux-system has applied 0000000"


@pytest.mark.parametrize(
    ("environment", "step"),
    [(target("external"), STEP), (target(), STEP), (target(NAMED), Step(name="1/1 rolling"))],
)
async def test_nobody_is_asked_where_there_is_nobody_or_nothing_to_commit(
    environment: Target, step: Step
) -> None:
    assert await module.ask_agent(environment, step, way_back=False) is None


async def test_a_suspended_agent_refuses_a_release_and_is_told_of_on_a_way_back(
    clusters: Clusters, caplog: pytest.LogCaptureFixture
) -> None:
    clusters.put(kustomization(applied=COMMIT, suspend=True), git_repository())
    with pytest.raises(RefuseError, match="would not apply"):
        await module.ask_agent(target(NAMED), STEP, way_back=False)
    said = await module.ask_agent(target(NAMED), STEP, way_back=True)
    assert said is not None
    assert "Kustomization/shop in namespace flux-system is suspended" in said
    assert said in caplog.messages


async def test_an_agent_that_waits_is_nudged_and_asked_again(clusters: Clusters) -> None:
    clusters.put(
        kustomization(applied=COMMIT), git_repository(ready("GitOperationFailed", "no route"))
    )
    with pytest.raises(RetryError, match="may not apply"):
        await module.ask_agent(target(NAMED), STEP, way_back=False)
    assert clusters.there["tools"].log == [
        "annotate GitRepository/ops",
        "annotate Kustomization/shop",
    ]


async def test_a_nudge_that_may_not_be_is_only_logged(
    clusters: Clusters, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)
    clusters.put(kustomization(), git_repository())
    clusters.there["tools"].refuses["ops"] = api_error(403, 'User "x" cannot patch resource')
    await module.nudge_agent(target(NAMED))
    (message,) = caplog.messages
    assert message.startswith("The agent looks at Git at its next turn: ")
    assert message.endswith('User "x" cannot patch resource')


async def test_an_agent_is_heard_while_a_step_waits(clusters: Clusters) -> None:
    clusters.put(kustomization(applied=COMMIT, suspend=True), git_repository())
    async with module.hear_agent(target(NAMED), COMMIT, print) as heard:
        trouble = await heard()
    assert trouble is not None
    assert trouble.words == "Kustomization/shop in namespace flux-system is suspended"


async def test_an_agent_that_cannot_be_heard_stops_nothing(clusters: Clusters) -> None:
    told: list[str] = []
    del clusters.there["tools"]
    async with module.hear_agent(target(NAMED), COMMIT, told.append) as heard:
        assert await heard() is None
    assert told == ["the agent cannot be asked: The cluster does not answer."]
    async with module.hear_agent(target("external"), COMMIT, told.append) as heard:
        assert await heard() is None
    assert len(told) == 1


@pytest.mark.parametrize("way_back", [False, True])
async def test_an_image_that_the_agent_has_from_elsewhere_stops_a_release_and_no_way_back(
    clusters: Clusters, *, way_back: bool
) -> None:
    images = [{"name": "shop", "newTag": "1"}]
    clusters.put(kustomization(applied=COMMIT, images=images), git_repository())
    there = target(NAMED).model_copy(update={"settings": (EDIT,)})
    if way_back:
        said = await module.ask_agent(there, STEP, way_back=True)
        assert str(said).startswith("Flux says as well which image runs. spec.images: shop")
        return
    with pytest.raises(RefuseError, match=r"spec\.images: shop"):
        await module.ask_agent(there, STEP, way_back=False)
