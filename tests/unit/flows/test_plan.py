"""What a plan asks, and when it stops; Git is real, the tasks are called without Prefect."""

from __future__ import annotations

from pathlib import Path

import pytest

from flows import plan as module
from flows.tasks.rollout.preflight import Preflight
from shipway.app_environment import AppEnvironment
from shipway.code import Code
from shipway.config.pipeline import read_pipeline
from shipway.errors import RefuseError
from shipway.image_ref import ImageRef
from shipway.release import Cause, Release
from shipway.rollout.fence import check_release
from shipway.rollout.plan import ReleasePlan, StepPlan, plan_steps
from shipway.rollout.target import Target
from shipway.strategies.step import Step
from tests.support.app_environments import SHOP
from tests.support.blue_green_environment import BlueGreenEnvironment
from tests.support.code import code_of
from tests.support.origin import Origin
from tests.support.rolling_environment import image
from tests.support.run_contexts import run_context

PIPELINE = "app: shop\ntests: {layers: {unit: {command: [pytest]}}}\n"


class Asked:
    """What a plan asks, in its order, of a release whose rollback was cut off."""

    def __init__(self, shop: BlueGreenEnvironment) -> None:
        self.shop = shop
        self.unfinished = shop.roll_back().target.release
        self.names: list[str] = []

    async def find_image(self, _code: Code) -> ImageRef:
        self.names.append("registry")
        return image(2)

    async def preflight(
        self, _where: AppEnvironment, _release: Release, *, waits: bool
    ) -> Preflight:
        assert waits
        self.names.append("preflight")
        return Preflight(target=self.shop.target(), unfinished=self.unfinished)

    async def at_live_pods(self, target: Target, step: Step, _of: Release) -> tuple[Target, Step]:
        return target, step

    async def plan_steps(self, _target: Target, releases: list[Release]) -> list[StepPlan]:
        return plan_steps(self.shop.ops.fetch(SHOP), {}, releases)

    async def dry_run(self, _target: Target, step: Step, of: Release, *, built: bool) -> bool:
        assert built
        self.names.append(f"{step.name} of {of.title(SHOP)}")
        return True

    async def check_fence(self, _target: Target, release: Release) -> None:
        self.names.append("fence")
        shop = self.shop
        shop.ops.consult(
            SHOP, lambda folder, history: check_release(shop.source, folder, history, release)
        )


async def test_a_rollback_that_was_cut_off_is_planned_before_its_hold_refuses(
    origin: Origin, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    shop = BlueGreenEnvironment(origin, Origin(tmp_path / "app"))
    for number in (1, 2):
        shop.run = run_context(number)
        shop.release(number)
    asked = Asked(shop)
    for name in vars(Asked).keys() - {"__init__"}:
        if callable(vars(Asked)[name]) and hasattr(module, name):
            monkeypatch.setattr(module, name, getattr(asked, name))
    made = ReleasePlan(app="shop", environment="prod")
    code = code_of(read_pipeline(PIPELINE)).model_copy(update={"revision": shop.revisions[1]})
    tip = origin.tip()
    with pytest.raises(RefuseError, match="on hold"):
        await module.ask_release(made, SHOP, code, Cause())
    back = asked.unfinished.title(SHOP)
    assert made.unfinished == back == f"shop back to {shop.revisions[0].short} in prod"
    rest = ["2/3 switch to blue", "3/3 scale down green"]
    assert [(step.name, step.of) for step in made.steps if step.files] == [
        (one, back) for one in rest
    ]
    assert asked.names == ["registry", "preflight", f"{rest[0]} of {back}", "fence"]
    assert origin.tip() == tip
