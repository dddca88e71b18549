"""A plan beside what the release then commits, from each state that Git may be in, byte by byte.

The repository is in memory, so that many states cost little; `test_plan` asks real Git.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from typing import cast

import pytest

from flows.tasks.rollout import live_pods
from flows.tasks.rollout.live_pods import at_live_pods
from shipway.app_environment import AppEnvironment
from shipway.git.record import RECORD_FILE
from shipway.git.source_repository import SourceRepository
from shipway.release import Release
from shipway.rollout import plan
from shipway.rollout.commit import commit_release
from shipway.rollout.target import Target, target_of
from shipway.strategies.app_folder import REPLICAS
from shipway.strategies.step import Step
from tests.support import canary_folder, colours
from tests.support.app_environments import SHOP
from tests.support.autoscaled import autoscaler, without_replicas
from tests.support.memory_ops import MemoryShop, revision
from tests.support.rolling_environment import ROLLOUT, WEB, image
from tests.support.run_contexts import run_context

Files = Mapping[str, bytes]
LivePods = Mapping[str, int]
Commit = tuple[str, str]

BLUE, STABLE = colours.deployment("blue", 2), canary_folder.deployment("shop", "stable", 3)
BY_PODS = canary_folder.ROLLOUT.replace(b"  router: {http_route: shop}\n", b"")
STRATEGIES: dict[str, tuple[Files, LivePods]] = {
    "rolling": ({"rollout.yaml": ROLLOUT, "web.yaml": WEB}, {}),
    "blue-green": (colours.folder(), {}),
    "canary": (canary_folder.folder(), {}),
    "canary by pods": (canary_folder.folder(rollout_yaml=BY_PODS), {}),
    "autoscaled blue-green": (
        colours.folder(
            blue_yaml=without_replicas(BLUE),
            hpa_yaml=autoscaler("shop-blue") + autoscaler("shop-green"),
        ),
        {"Deployment/shop-blue": 7},
    ),
    "autoscaled canary": (
        canary_folder.folder(
            stable_yaml=without_replicas(STABLE),
            hpa_yaml=autoscaler("shop", 2, 30),
        ),
        {"Deployment/shop": 25},
    ),
}


class AnySource:
    """An app's repository in which each revision contains all others."""

    def is_ancestor(self, _old: str, _new: str) -> bool:
        return True

    def changes(self, _old: str, _new: str, _uses: Sequence[str]) -> None:
        return None


def without_pods(shop: MemoryShop) -> None:
    shop.release(1)
    scaled = {
        name: text.replace(b"replicas: 2", b"replicas: 0").replace(b"replicas: 3", b"replicas: 0")
        for name, text in shop.memory.files.items()
    }
    shop.memory.edit(scaled)


def edited_by_hand(shop: MemoryShop) -> None:
    shop.release(1)
    edited = {
        name: text.replace(b"1" * 64, b"a" * 64) + b"# by hand\r\n"
        for name, text in shop.memory.files.items()
        if name != RECORD_FILE
    }
    shop.memory.edit(edited)


def rolled_back(shop: MemoryShop) -> None:
    shop.release(1, 3)
    shop.roll_back()


def cleared(shop: MemoryShop) -> None:
    shop.release(1, 2)
    shop.roll_back()
    shop.run = run_context(4)
    shop.clear_hold(revision(2).commit)


# How an environment came to where it is when revision 2 is released.
STATES: dict[str, Callable[[MemoryShop], object]] = {
    "nothing yet": lambda _: None,
    "the same": lambda shop: shop.release(1, 2),
    "a version before": lambda shop: shop.release(1),
    "a newer version": lambda shop: shop.release(1, 3),
    "no pods": without_pods,
    "edited by hand": edited_by_hand,
    "a rollback that was cut off": rolled_back,
    "a hold that was cleared": cleared,
}


class Cluster:
    """How many pods there are: those that Git says once a step is applied."""

    def __init__(self, shop: MemoryShop, live: LivePods) -> None:
        self.shop, self.live = shop, dict(live)

    async def ask(self, _target: Target) -> LivePods:
        return self.live

    async def read(self, whose: AppEnvironment) -> Target:
        return target_of(self.shop.memory.fetch(whose))

    def planned(self, number: int) -> list[Commit]:
        """What a plan says that is committed."""
        release = Release(revision=revision(number), image=image(number))
        steps = plan.plan_steps(self.shop.memory.fetch(SHOP), self.live, [release])
        return [(step.name, step.diff) for step in steps if step.files]

    async def release(self, number: int) -> AsyncIterator[Commit]:
        """What a release commits; each step is planned again once the one before is applied."""
        release = Release(revision=revision(number), image=image(number))
        target, source = await self.read(SHOP), cast("SourceRepository", AnySource())
        run = run_context(9)
        for planned in target.plan(image(number)):
            before = self.shop.memory.files
            current, step = await at_live_pods(target, planned, release)
            done = commit_release(self.shop.ops, source, current, step, release, {}, run)
            if done.new:
                self.live |= _pods(step)
                yield step.name, _bytes(before, self.shop.memory.files)


def _pods(step: Step) -> LivePods:
    """How many pods a step leaves each Deployment that it scales."""
    scaled = (edit for edit in step.edits if edit.field.name == REPLICAS)
    return {edit.field.title: int(edit.value) for edit in scaled}


def _bytes(before: Files, after: Files) -> str:
    """What changed, whole files."""
    changed = {
        name.rpartition("/")[2]: (before[name], after[name])
        for name in after
        if name != RECORD_FILE and before[name] != after[name]
    }
    return repr(sorted(changed.items()))


@pytest.fixture(params=STRATEGIES)
def cluster(
    request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch
) -> Callable[[], Cluster]:
    """Makes environments of a strategy, never released; all of a file stands for its diff."""
    files, live = STRATEGIES[request.param]

    def make() -> Cluster:
        made = Cluster(MemoryShop(files), live)
        monkeypatch.setattr(live_pods, "read_target", made.read)
        monkeypatch.setattr(live_pods, "ask_for_live_pods", made.ask)
        return made

    monkeypatch.setattr(plan, "git_diff", _bytes)
    return make


@pytest.mark.parametrize("state", STATES)
async def test_a_release_commits_what_was_planned(
    cluster: Callable[[], Cluster], state: str
) -> None:
    made = cluster()
    STATES[state](made.shop)
    planned = made.planned(2)
    assert planned == [commit async for commit in made.release(2)]
    assert (planned == []) == (state == "the same")


async def test_what_is_planned_at_each_step_is_the_rest(cluster: Callable[[], Cluster]) -> None:
    made = cluster()
    made.shop.release(1)
    rest = made.planned(2)
    async for commit in made.release(2):
        assert commit == rest.pop(0)
        assert made.planned(2) == rest
    assert rest == []


async def test_from_each_step_that_another_release_left_half_done(
    cluster: Callable[[], Cluster],
) -> None:
    other = cluster()
    other.shop.release(1)
    steps = [name async for name, _ in other.release(3)]
    for done in range(1, len(steps)):
        made = cluster()
        made.shop.release(1)
        for name in steps[:done]:
            made.shop.step(3, name)
        planned = made.planned(2)
        assert planned == [commit async for commit in made.release(2)] != []
