"""A plan of steps, beside what the release then commits; Git is real."""

from __future__ import annotations

from collections.abc import Mapping
from itertools import count
from pathlib import Path

import pytest

from shipway.config.pipeline import read_pipeline
from shipway.rollout.commit import commit_release
from shipway.rollout.plan import (
    ReleasePlan,
    StagePlan,
    StepPlan,
    plan_stages,
    plan_steps,
    promotion_words,
)
from shipway.rollout.result import StepCommit
from shipway.strategies.step import first_with_edits
from tests.support import canary_folder, colours
from tests.support.app_environments import SHOP
from tests.support.code import code_of
from tests.support.origin import Origin
from tests.support.rolling_environment import ROLLOUT, WEB, image
from tests.support.run_contexts import run_context
from tests.support.shop_environment import ShopEnvironment
from tests.support.statuses import after

STAGES = b"""\
  - {weight: 1, pause_seconds: 30}
  - {weight: 10}
"""
STRATEGIES = {
    "rolling": {"rollout.yaml": ROLLOUT, "web.yaml": WEB},
    "blue-green": colours.folder(),
    "canary": canary_folder.folder(rollout_yaml=canary_folder.ROLLOUT.replace(STAGES, b"")),
}
Commits = list[tuple[str, str]]


class Planned:
    """An environment in which each release is planned before it is committed."""

    def __init__(self, folder: Path, ops: Origin, files: Mapping[str, bytes]) -> None:
        self.shop = ShopEnvironment(ops, Origin(folder / "app"), files, 5)
        self.runs = map(run_context, count(1))

    def plan(self, number: int) -> list[StepPlan]:
        folder = self.shop.ops.fetch(SHOP)
        return plan_steps(folder, {}, [self.shop.release_of(number)])

    def begin(self, number: int) -> StepCommit:
        """A run that ends after its first commit."""
        self.shop.run = next(self.runs)
        return self.shop.commit(
            number, first_with_edits(self.shop.target().plan(image(number))).name
        )

    def release(self, number: int) -> list[StepCommit]:
        self.shop.run = next(self.runs)
        return self.shop.release(number)

    def said(self, made: list[StepCommit]) -> Commits:
        """What commits say: the step, and what `git diff` shows of it."""
        git = self.shop.origin.bare.git
        where = ("--", "prod/shop", ":(exclude)prod/shop/RELEASE")
        return [
            (
                str(
                    git.log("-1", "--format=%(trailers:key=Step,valueonly,separator=)", one.commit)
                ),
                str(git.diff(f"{one.commit}^", one.commit, *where, strip_newline_in_stdout=False)),
            )
            for one in made
            if one.new
        ]


def commits(plan: list[StepPlan]) -> Commits:
    return [(step.name, step.diff) for step in plan if step.files]


@pytest.mark.parametrize("strategy", STRATEGIES)
def test_a_release_commits_what_was_planned(strategy: str, origin: Origin, tmp_path: Path) -> None:
    planned = Planned(tmp_path, origin, STRATEGIES[strategy])

    nothing_there = planned.plan(1)
    assert commits(nothing_there) == planned.said(planned.release(1)) != []

    assert commits(planned.plan(1)) == []

    older = planned.plan(2)
    begun = planned.said([planned.begin(2)])
    half_done = planned.plan(2)
    rest = planned.said(planned.release(2))
    assert commits(older) == begun + rest
    assert commits(half_done) == rest

    planned.begin(3)
    half_done_by_another = planned.plan(4)
    assert commits(half_done_by_another) == planned.said(planned.release(4)) != []

    files = planned.shop.ops.fetch(SHOP).files.items()
    by_hand = {name: text.replace(b"4" * 64, b"a" * 64) + b"# by hand\n" for name, text in files}
    origin.commit({f"prod/shop/{name}": text for name, text in by_hand.items()})
    edited_by_hand = planned.plan(5)
    assert commits(edited_by_hand) == planned.said(planned.release(5)) != []


@pytest.mark.parametrize("strategy", ["blue-green", "canary"])
def test_a_rollback_that_was_cut_off_comes_first(
    strategy: str, origin: Origin, tmp_path: Path
) -> None:
    planned = Planned(tmp_path, origin, STRATEGIES[strategy])
    shop = planned.shop
    planned.release(1)
    planned.begin(2)
    shop.run = next(planned.runs)
    unfinished = shop.roll_back().target.release
    releases = [unfinished, shop.release_of(3)]
    steps = plan_steps(shop.ops.fetch(SHOP), {}, releases)
    made = list[StepCommit]()
    while (step := first_with_edits(shop.target().plan(unfinished.image, rollback=True))).edits:
        target = shop.target()
        made.append(commit_release(shop.ops, shop.source, target, step, unfinished, {}, shop.run))
    assert commits(steps) == planned.said([*made, *planned.release(3)])
    assert {step.of for step in steps} == {each.title(SHOP) for each in releases}


def test_a_diff_shows_nothing_that_is_confidential(origin: Origin, tmp_path: Path) -> None:
    marked = b"name: shop, annotations: {shipway.dev/sensitive: /spec/template/spec/key}}"
    key, first = b"      key: token-of-the-shop\n", b"      initContainers:\n"
    web = WEB.replace(b"name: shop}", marked).replace(first, key + first)
    (step,) = Planned(tmp_path, origin, {"rollout.yaml": ROLLOUT, "web.yaml": web}).plan(1)
    assert step.files == ("prod/shop/web.yaml",)
    assert "       key: hidden\n" in step.diff
    assert f'+      - {{name: migrate, image: "{image(1)}"}}  # first\n' in step.diff


PIPELINE = """\
app: shop
tests:
  layers:
    unit: {command: [pytest, tests], runner: process}
    integration: {command: [pytest, more], runner: process}
    e2e: {command: [pytest, e2e]}
"""


def test_stages_say_what_is_done_already_and_why() -> None:
    code = code_of(read_pipeline(PIPELINE))
    to_do = plan_stages(code, {"unit": "run 7"}, built=False)
    assert [one.run for one in to_do] == [None, "run 7", None, None, None]
    assert [(one.name, one.is_done, one.why) for one in to_do] == [
        ("build", False, "the registry has no tag c"),
        ("unit", True, "green with the same inputs"),
        ("integration", False, "runs pytest more"),
        (
            "e2e",
            False,
            "runs pytest e2e, unless it was green with the same images, which are yet to be built",
        ),
        ("release", False, "pushes once all tests are green"),
    ]
    proof = "no image is pushed before all its tests are green"
    done = plan_stages(code, {}, built=True)
    assert all(one.is_done for one in done)
    assert [one.why for one in done[1:4]] == [proof] * 3
    assert done[0].why == done[4].why == "the registry has the tag c"


def stages(**done: bool) -> list[StagePlan]:
    return [StagePlan(name=name, is_done=is_done, why="") for name, is_done in done.items()]


@pytest.mark.parametrize(
    ("plan", "outcome", "sentence"),
    [
        (
            {"stages": stages(build=True, unit=True, release=True)},
            "no changes",
            "A release would change nothing: image and commit are there already",
        ),
        (
            {"stages": stages(build=False, unit=False, e2e=True, release=False)},
            "changes",
            "A release would build, run unit and push",
        ),
        (
            {"refusal": "It is on hold.\n  where: there", "unfinished": "shop back to 1 in prod"},
            "refused",
            "A release would see the rollback through that was cut off (shop back to 1 in prod) "
            "and then be refused: It is on hold.",
        ),
        (
            {"kind": "promotion", "promoted_from": "staging"},
            "no changes",
            "A promotion would change nothing: image and commit are there already",
        ),
    ],
)
def test_a_plan_comes_to_a_sentence(plan: dict[str, object], outcome: str, sentence: str) -> None:
    made = ReleasePlan.model_validate({"app": "shop", "environment": "prod", **plan})
    assert (made.outcome, made.sentence) == (outcome, sentence)


def test_a_promotion_names_each_environment_that_lets_its_version_go_on() -> None:
    assert promotion_words(after("eu", seconds=60)) == (
        "eu runs it, and has been healthy with it for 60 s or more"
    )
    assert promotion_words(after("eu", "us")) == (
        "eu, us run it, and have been healthy with it for 0 s or more"
    )
