"""The order of a rollout's acts; Git is real, the tasks are called without Prefect."""

from __future__ import annotations

import time
from collections.abc import AsyncGenerator, Awaitable
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from flows import rollout as module
from flows.runtime.approval import DeclinedError
from flows.steps import run_steps
from flows.steps.take_step import take_step
from flows.tasks.rollout.preflight import Preflight
from shipway.app_environment import AppEnvironment
from shipway.errors import BadVersionError, FailError, RefuseError
from shipway.release import Cause, Release
from shipway.reports.timeline import Timeline
from shipway.rollout.commit import commit_release
from shipway.rollout.result import RolloutResult, StepCommit
from shipway.rollout.target import Target
from shipway.strategies.step import Step, first_with_edits
from tests.support.app_environments import SHOP
from tests.support.blue_green_environment import BlueGreenEnvironment
from tests.support.origin import Origin
from tests.support.rolling_environment import image
from tests.support.rollout_parts import replace
from tests.support.run_contexts import run_context

UNPATCHED = module.rollout
UNPATCHED_RUN_PLAN = module.run_plan


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

    async def preflight(
        self, _where: AppEnvironment, _release: Release, *, waits: bool = False
    ) -> Preflight:
        target, unfinished = self.environment.target(), self.unfinished
        self.unfinished = None
        self.names.append(f"preflight at {target.commit}")
        return Preflight(target=target, unfinished=unfinished)

    async def roll_out(self, _where: AppEnvironment, release: Release) -> None:
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
        "roll_out",
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


class Told:
    """What others hear of a plan that is run; nothing is committed, and no cluster is asked.

    Attributes:
        events: Their names.
        red: What the version turns out to be.
        went_back: By whom.
        before: The commits that the run has made before it was suspended.
    """

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.events: list[str] = []
        self.red: BadVersionError | None = None
        self.went_back: list[str] = []
        self.before: dict[str, StepCommit] = {}
        for name in (
            "commits_before",
            "take_step",
            "apply_and_watch",
            "judge_step",
            "go_back_from",
            "timeline",
            "unless_overtaken",
            "is_awaited",
            "announce",
            "record",
        ):
            replace(monkeypatch, name, getattr(self, name))

    def commits_before(self, _release: Release) -> dict[str, StepCommit]:
        return dict(self.before)

    async def take_step(self, _target: Target, planned: Step, *_: Any, **_more: Any) -> Any:
        new, at = bool(planned.edits), datetime.now(UTC)
        return planned, StepCommit(commit="c" * 40, new=new, link="", at=at)

    async def apply_and_watch(self, *_: Any) -> str:
        if self.red is not None:
            raise self.red
        return "2 of 2 run the image"

    async def unless_overtaken(
        self, _where: Any, _release: Any, work: Awaitable[Any], **_: Any
    ) -> Any:
        return await work

    async def judge_step(self, *_: Any) -> dict[str, str]:
        return {}

    async def is_awaited(self, *_: Any) -> bool:
        return False

    async def go_back_from(self, failure: FailError, *_: Any, by: str) -> FailError:
        self.went_back.append(by)
        return failure

    @asynccontextmanager
    async def timeline(self, *_: Any) -> AsyncGenerator[Timeline]:
        yield Timeline("shop")

    async def announce(self, target: Target, release: Release, what: str, words: str) -> None:
        self.record(target, release, what, words)

    def record(self, _target: Target, _release: Release, what: str, _words: str, **_: Any) -> None:
        self.events.append(what)


@pytest.fixture
def told(monkeypatch: pytest.MonkeyPatch) -> Told:
    return Told(monkeypatch)


@pytest.fixture
def shop(origin: Origin, tmp_path: Path) -> BlueGreenEnvironment:
    return BlueGreenEnvironment(origin, Origin(tmp_path / "app"))


class Judged:
    """Since when a step is judged; the cluster says that it has had it for an hour."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.since = 0.0
        replace(monkeypatch, "run_gates", self.run_gates)
        replace(monkeypatch, "in_force_since", self.in_force_since)

    async def run_gates(
        self, _target: Target, _step: Step, _image: Any, since: float, _tell: Any
    ) -> list[Any]:
        self.since = since
        return []

    async def in_force_since(self, *_: Any) -> float:
        return time.monotonic() - 3600

    async def judge(self, shop: BlueGreenEnvironment, *, new: bool) -> float:
        """For how many seconds the step is in force when the gates begin."""
        release, long_ago = shop.release_of(1), datetime.now(UTC) - timedelta(days=1)
        commit = StepCommit(commit="c" * 40, new=new, link="", at=long_ago)
        step = Step(name="1/1 rolling", gates="traffic")
        await run_steps.judge_step(shop.target(), step, release, commit, Timeline("shop"))
        return time.monotonic() - self.since


async def test_a_pause_counts_from_when_the_cluster_has_the_step(
    shop: BlueGreenEnvironment, monkeypatch: pytest.MonkeyPatch
) -> None:
    judged = Judged(monkeypatch)
    assert await judged.judge(shop, new=True) < 3600
    assert await judged.judge(shop, new=False) >= 3600


async def run(shop: BlueGreenEnvironment, release: Release) -> None:
    target = shop.target()
    plan = target.plan(release.image, rollback=release.cause.is_rollback)
    await UNPATCHED_RUN_PLAN(target, plan, release)


async def test_a_release_is_told_of_and_a_second_time_not(
    told: Told, shop: BlueGreenEnvironment
) -> None:
    await run(shop, shop.release_of(1))
    assert (told.events[0], {*told.events[1:-1]}, told.events[-1]) == ("start", {"step"}, "done")
    shop.release(1)
    told.events.clear()
    await run(shop, shop.release_of(1))
    assert told.events == []


async def test_the_end_of_a_way_back_is_told_whose_first_commit_was_its_last(
    told: Told, shop: BlueGreenEnvironment
) -> None:
    shop.release(1)
    back = shop.release_of(1).model_copy(update={"cause": Cause(rollback_from="f" * 40)})
    await run(shop, back)
    assert told.events == ["done"]


async def test_a_bad_version_is_never_done(told: Told, shop: BlueGreenEnvironment) -> None:
    told.red = BadVersionError("A gate is red.")
    with pytest.raises(BadVersionError):
        await run(shop, shop.release_of(1))
    assert told.events == ["start", "red", "failure"]


async def test_what_a_person_declines_goes_back_and_the_page_says_who(
    told: Told, shop: BlueGreenEnvironment
) -> None:
    page = Timeline("shop")
    with pytest.raises(DeclinedError):
        async with module.gone_back_if_bad(shop.target(), shop.release_of(1), page):
            raise DeclinedError("1/2 preview", "Ada", "too late")
    assert told.went_back == ["Ada"]
    assert "**Ada did not approve '1/2 preview'.** too late" in page.render()


async def test_what_a_run_has_done_before_it_waited_is_told_once_and_counted_once(
    told: Told, shop: BlueGreenEnvironment, monkeypatch: pytest.MonkeyPatch
) -> None:
    shop.release(1)
    release, target = shop.release_of(2), shop.target()
    first, *others = target.plan(release.image)
    assert others
    made = StepCommit(commit="a" * 40, new=True, link="", at=datetime.now(UTC))
    told.before = {first.name: made}
    monkeypatch.setattr(module, "has_begun", lambda of: of == release)
    result = await UNPATCHED_RUN_PLAN(target, [first, *others], release)
    assert told.events == ["step"] * len(others) + ["done"]
    assert [commit.commit[0] for commit in result.commits] == ["a", *["c"] * len(others)]


async def test_an_agent_that_would_not_apply_a_step_is_given_no_commit(
    acts: Acts, monkeypatch: pytest.MonkeyPatch
) -> None:
    shop, asked = acts.environment, list[bool]()
    target, release = shop.target(), shop.release_of(3)
    step = first_with_edits(target.plan(image(3)))

    async def at_live_pods(*_: Any) -> tuple[Target, Step]:
        return target, step

    async def ask_agent(*_: Any, way_back: bool) -> None:
        asked.append(way_back)
        raise RefuseError("The cluster's agent would not apply the release.")

    replace(monkeypatch, "at_live_pods", at_live_pods)
    replace(monkeypatch, "ask_agent", ask_agent)
    before = shop.origin.tip()
    with pytest.raises(RefuseError):
        await take_step(target, step, release, {}, Timeline("x"), {})
    assert shop.origin.tip() == before
    assert asked == [False]
