"""The order of a rollout's acts; Git is real, the tasks are called without Prefect."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from flows import rollout as module
from flows.tasks.rollout.preflight import Preflight
from shipway.app_environment import AppEnvironment
from shipway.release import Cause, Release
from shipway.rollout.commit import commit_release
from shipway.rollout.result import RolloutResult
from shipway.rollout.target import Target
from shipway.strategies.step import Step, first_with_edits
from tests.support.app_environments import SHOP
from tests.support.blue_green_environment import BlueGreenEnvironment
from tests.support.origin import Origin
from tests.support.rolling_environment import image
from tests.support.run_contexts import run_context

UNPATCHED = module.rollout


class Acts:
    """What a rollout does, in its order.

    Attributes:
        unfinished: A rollback that a run before did not live to finish.
        planned: Each plan that is run, with the environment as it was told.
    """

    def __init__(self, environment: BlueGreenEnvironment) -> None:
        self.environment = environment
        self.unfinished: Release | None = None
        self.names: list[str] = []
        self.planned: list[tuple[Target, list[Step]]] = []

    async def read_target(self, _where: AppEnvironment) -> Target:
        self.names.append("read")
        return self.environment.target()

    async def preflight(self, _where: AppEnvironment, _release: Release) -> Preflight:
        target, unfinished = self.environment.target(), self.unfinished
        self.unfinished = None
        self.names.append(f"preflight at {target.commit}")
        return Preflight(target=target, unfinished=unfinished)

    async def rollout(self, _where: AppEnvironment, release: Release) -> None:
        """The rest of the rollback, each step a commit."""
        self.names.append("roll back")
        shop, desired = self.environment, release.image
        while (step := first_with_edits(shop.target().plan(desired, rollback=True))).edits:
            commit_release(shop.ops, shop.source, shop.target(), step, release, {}, shop.run)

    async def check_gates(self, target: Target) -> None:
        self.names.append(f"gates at {target.commit}")

    async def run_plan(self, target: Target, plan: list[Step], _release: Release) -> RolloutResult:
        self.planned.append((target, plan))
        return RolloutResult(commits=(), served=None)


@pytest.fixture
def acts(origin: Origin, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Acts:
    environment = BlueGreenEnvironment(origin, Origin(tmp_path / "app"))
    for number in (1, 2):
        environment.run = run_context(number)
        environment.release(number)
    acts = Acts(environment)
    for name in (
        "read_target",
        "preflight",
        "rollout",
        "check_gates",
        "run_plan",
    ):
        monkeypatch.setattr(module, name, getattr(acts, name))
    return acts


async def roll_out(release: Release) -> None:
    unpatched: Any = UNPATCHED
    await unpatched.fn(SHOP, release)


async def test_the_plan_is_made_of_what_a_resumed_rollback_leaves(acts: Acts) -> None:
    shop = acts.environment
    shop.run = run_context(3)
    acts.unfinished = shop.roll_back().target.release
    before_it, before = shop.target().commit, shop.target().plan(image(2))
    await roll_out(shop.release_of(2))
    ((target, plan),) = acts.planned
    assert target.commit == shop.origin.tip()
    assert plan == shop.target().plan(image(2)) != before
    assert acts.names == [
        f"preflight at {before_it}",
        "roll back",
        f"preflight at {target.commit}",
        f"gates at {target.commit}",
    ]


async def test_without_an_unfinished_rollback_it_is_read_once(acts: Acts) -> None:
    shop = acts.environment
    await roll_out(shop.release_of(3))
    ((target, plan),) = acts.planned
    assert plan == target.plan(image(3))
    assert acts.names == [f"preflight at {target.commit}", f"gates at {target.commit}"]


async def test_a_rollback_looks_for_no_other_and_asks_no_fence(acts: Acts) -> None:
    shop = acts.environment
    release = shop.release_of(1).model_copy(update={"cause": Cause(rollback_from="f" * 40)})
    await roll_out(release)
    ((target, plan),) = acts.planned
    assert plan == target.plan(image(1), rollback=True)
    assert acts.names == ["read"]
