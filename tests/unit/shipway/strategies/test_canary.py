"""The canary's plan from every state that Git may be in, with weights and with replicas."""

from __future__ import annotations

import itertools

import pytest

from shipway.kubernetes.autoscaler import Autoscaler
from shipway.strategies.canary import Canary, Stage
from shipway.strategies.routers.replicas import Replicas
from shipway.strategies.routers.weights import Backends, Weights
from shipway.strategies.step import FieldRef, FieldValues, Ready, Value
from shipway.strategies.variant import Variant
from tests.support.plans import after, walk

ZERO, OLD, NEW, OTHER = (
    "shop:unreleased",
    *(f"shop@sha256:{name}" for name in ("old", "new", "other")),
)
COUNT = 20


def variant(name: str) -> Variant:
    file, title = f"{name}.yaml", f"Deployment/shop-{name}"
    return Variant(
        name=name,
        workload=title,
        images=(FieldRef(file=file, name="web"), FieldRef(file=file, name="proxy")),
        replicas=FieldRef(file=file, kind="field", name="/spec/replicas", title=title),
    )


def weight(rule: int, backend: int) -> FieldRef:
    pointer = f"/spec/rules/{rule}/backendRefs/{backend}/weight"
    return FieldRef(file="route.yaml", kind="field", name=pointer, title="HTTPRoute/shop")


STABLE, CANARY = variant("stable"), variant("canary")
RULES = tuple(Backends(stable=weight(rule, 0), canary=weight(rule, 1)) for rule in (0, 1))
STAGES = tuple(Stage(weight=percent, pause_seconds=60) for percent in (1, 10, 50))
COUNTS = {"stable": STABLE.replicas, "canary": CANARY.replicas}
BY_WEIGHT = Canary(
    stable=STABLE, canary=CANARY, router=Weights(rules=RULES, **COUNTS), stages=STAGES
)
BY_PODS = Canary(stable=STABLE, canary=CANARY, router=Replicas(**COUNTS), stages=STAGES)
READY_STABLE = (Ready(image=NEW, workload="Deployment/shop-stable"),)
READY_CANARY = (Ready(image=NEW, workload="Deployment/shop-canary"),)


def git(stable: str, canary: str, pods: int, share: int | None = 0) -> dict[FieldRef, Value]:
    """What Git says: both images, the canary's pods, and its weight where there are weights."""
    current: dict[FieldRef, Value] = {**STABLE.on(stable), **CANARY.on(canary)}
    current |= {STABLE.replicas: COUNT, CANARY.replicas: pods}
    if share is not None:
        for rule in RULES:
            current |= {rule.stable: 100 - share, rule.canary: share}
    return current


STATES_BY_WEIGHT = [
    git(OLD, OLD, 0, 0),
    git(OLD, NEW, 1, 0),
    git(OLD, NEW, 2, 1),
    git(OLD, NEW, 10, 10),
    git(OLD, NEW, 10, 50),
    git(NEW, NEW, 10, 50),
    git(NEW, NEW, 10, 0),
    git(NEW, NEW, 0, 0),
]
NAMES = [
    "1/7 prepare canary",
    "2/7 canary 1%",
    "3/7 canary 10%",
    "4/7 canary 50%",
    "5/7 promote",
    "6/7 all to stable",
    "7/7 scale down canary",
]
STATES_BY_PODS = [
    git(OLD, OLD, 0, None),
    git(OLD, NEW, 0, None),
    git(OLD, NEW, 1, None),
    git(OLD, NEW, 2, None),
    git(OLD, NEW, COUNT, None),
    git(NEW, NEW, COUNT, None),
    git(NEW, NEW, 0, None),
    git(NEW, NEW, 0, None),
]


def test_the_share_grows_stage_by_stage_and_pods_are_up_before_their_requests() -> None:
    assert walk(BY_WEIGHT, STATES_BY_WEIGHT[0], NEW) == STATES_BY_WEIGHT
    plan = BY_WEIGHT.plan(STATES_BY_WEIGHT[0], NEW)
    assert [step.name for step in plan] == NAMES
    assert [step.share for step in plan] == [0, 1, 10, 50, 100, 100, 100]
    assert [step.pause_seconds for step in plan] == [0, 60, 60, 60, 0, 0, 0]
    assert [step.gates for step in plan] == ["preview", *["traffic"] * 3, None, None, None]
    assert [step.ready for step in plan] == [*[READY_CANARY] * 4, *[READY_STABLE] * 3]


def test_without_a_router_the_number_of_pods_is_the_share() -> None:
    assert walk(BY_PODS, STATES_BY_PODS[0], NEW) == STATES_BY_PODS
    assert [step.name for step in BY_PODS.plan(STATES_BY_PODS[0], NEW)] == NAMES


@pytest.mark.parametrize("position", range(len(STATES_BY_WEIGHT)))
def test_a_run_that_was_killed_goes_on_from_what_git_says(position: int) -> None:
    current = STATES_BY_WEIGHT[position]
    left = BY_WEIGHT.plan(current, NEW)
    # The step that Git has come to is there again, without edits: what it waits for is to be seen.
    assert [step.name for step in left] == NAMES[max(0, position - 1) :]
    assert [step.name for step in left if step.edits] == NAMES[position:]
    assert walk(BY_WEIGHT, current, NEW)[-1] == STATES_BY_WEIGHT[-1]


@pytest.mark.parametrize("position", range(len(STATES_BY_PODS)))
def test_and_so_it_does_by_pods(position: int) -> None:
    current = STATES_BY_PODS[position]
    left = [step.name for step in BY_PODS.plan(current, NEW) if step.edits]
    # All to stable is no pods: the last step has nothing left to do.
    assert left == NAMES[position:6]
    assert walk(BY_PODS, current, NEW)[-1] == STATES_BY_PODS[-1]


def test_a_stage_that_git_is_between_is_the_next_one() -> None:
    left = BY_WEIGHT.plan(git(OLD, NEW, 4, 7), NEW)
    assert [step.name for step in left] == NAMES[2:]
    assert [step.name for step in BY_WEIGHT.plan(git(OLD, NEW, 20, 90), NEW)] == NAMES[3:]


def test_before_the_first_release_there_is_nothing_to_compare_with() -> None:
    start = git(ZERO, ZERO, 0, 0)
    (step,) = BY_WEIGHT.plan(start, NEW)
    assert (step.name, step.ready, step.gates) == ("1/1 first", READY_STABLE, None)
    assert after(start, step) == STATES_BY_WEIGHT[-1]
    assert BY_WEIGHT.plan(STATES_BY_WEIGHT[-1], NEW)[0].edits == ()


@pytest.mark.parametrize("position", range(1, 5))
def test_anothers_half_done_canary_gives_its_requests_back_before_it_becomes_ours(
    position: int,
) -> None:
    current = {**STATES_BY_WEIGHT[position], **CANARY.on(OTHER)}
    states = walk(BY_WEIGHT, current, NEW)
    plan = BY_WEIGHT.plan(current, NEW)
    if position > 1:
        undo = plan[0]
        assert (undo.name, undo.share) == ("0/7 all to stable", 0)
        assert undo.ready == (Ready(image=OLD, workload="Deployment/shop-stable"),)
        assert states[1] == {**current, **{rule.stable: 100 for rule in RULES}} | {
            rule.canary: 0 for rule in RULES
        }
    assert [step.name for step in plan[-7:]] == NAMES
    assert states[-1] == STATES_BY_WEIGHT[-1]


def share_of(current: FieldValues) -> int:
    return int(current[RULES[0].canary])


ALL_STATES = [
    git(stable, canary, pods, share)
    for stable, canary in itertools.product((OLD, NEW, OTHER), repeat=2)
    for pods, share in ((0, 0), (1, 0), (2, 1), (10, 10), (10, 50), (20, 90))
]


@pytest.mark.parametrize("current", ALL_STATES)
def test_from_every_state_the_desired_image_is_all_there_is_in_the_end(
    current: FieldValues,
) -> None:
    states = walk(BY_WEIGHT, current, NEW)
    assert states[-1] == STATES_BY_WEIGHT[-1]
    for state, next_state in itertools.pairwise(states):
        assert next_state[STABLE.replicas] == COUNT
        if share_of(state) and share_of(next_state):
            # What takes requests is never made another version.
            assert CANARY.is_at(state, str(next_state[CANARY.images[0]]))
        if int(next_state[CANARY.replicas]) < int(state[CANARY.replicas]):
            assert share_of(next_state) == 0
        if not CANARY.is_at(state, NEW):
            assert STABLE.is_at(state, str(next_state[STABLE.images[0]]))
    left = BY_WEIGHT.plan(states[-1], NEW)
    assert [step.edits for step in left] == [()]


@pytest.mark.parametrize("current", ALL_STATES)
def test_the_plan_at_each_state_is_the_rest_of_the_plan(current: FieldValues) -> None:
    plan, states = BY_WEIGHT.plan(current, NEW), walk(BY_WEIGHT, current, NEW)
    for position, state in enumerate(states):
        names = [step.name for step in BY_WEIGHT.plan(state, NEW) if step.edits]
        assert names == [step.name for step in plan[position:] if step.edits]


BOUNDS = Autoscaler(title="HorizontalPodAutoscaler/a", minimum=2, maximum=9)


@pytest.mark.parametrize("current", ALL_STATES)
@pytest.mark.parametrize("names", [("stable",), ("canary",), ("stable", "canary")])
def test_and_so_it_is_whatever_autoscalers_make_of_the_numbers(
    current: FieldValues, names: tuple[str, ...]
) -> None:
    def autoscaled(live_pods: int | None) -> Canary:
        scaled = {"autoscaler": BOUNDS, "live_pods": live_pods}
        variants = {name: getattr(BY_WEIGHT, name).model_copy(update=scaled) for name in names}
        return BY_WEIGHT.model_copy(update=variants)

    plan, states = autoscaled(5).plan(current, NEW), walk(autoscaled(5), current, NEW)
    assert states[-1] == STATES_BY_WEIGHT[-1]
    for position, state in enumerate(states):
        left = [step.name for step in plan[position:] if step.edits]
        for live_pods in (None, 1, 40):
            rest = autoscaled(live_pods).plan(state, NEW)
            assert [step.name for step in rest if step.edits] == left


@pytest.mark.parametrize("position", range(2, 5))
def test_a_rollback_is_one_commit_while_stable_still_runs_it(position: int) -> None:
    bad = {**STATES_BY_WEIGHT[position]}
    back, down = BY_WEIGHT.rollback_plan(bad, OLD)
    assert {edit.field for edit in back.edits} == {
        field for rule in RULES for field in (rule.stable, rule.canary)
    }
    assert share_of(after(bad, back)) == 0
    assert back.requires == (Ready(image=OLD, workload="Deployment/shop-stable"),)
    assert after(after(bad, back), down) == STATES_BY_WEIGHT[0]
    assert (back.pause_seconds, back.gates, back.approval) == (0, None, False)


@pytest.mark.parametrize("position", range(5, 8))
def test_after_the_promotion_stable_is_rolled_back_and_needs_nothing_that_runs(
    position: int,
) -> None:
    bad = {**STATES_BY_WEIGHT[position]}
    back, down = BY_WEIGHT.rollback_plan(bad, OLD)
    assert back.requires == ()
    assert STABLE.is_at(after(bad, back), OLD)
    assert share_of(after(bad, back)) == 0
    assert after(after(bad, back), down) == STATES_BY_WEIGHT[0]


def test_a_canary_without_requests_is_only_scaled_down() -> None:
    back, down = BY_WEIGHT.rollback_plan(STATES_BY_WEIGHT[1], OLD)
    assert (back.edits, back.requires) == ((), ())
    assert after(STATES_BY_WEIGHT[1], down) == STATES_BY_WEIGHT[0]


def test_by_pods_a_rollback_is_one_commit_too() -> None:
    back, down = BY_PODS.rollback_plan(STATES_BY_PODS[3], OLD)
    assert after(STATES_BY_PODS[3], back)[CANARY.replicas] == 0
    assert back.requires == (Ready(image=OLD, workload="Deployment/shop-stable"),)
    assert after(after(STATES_BY_PODS[3], back), down) == STATES_BY_PODS[0]


def test_what_takes_the_traffic_is_what_stable_runs() -> None:
    assert [BY_WEIGHT.serving_image(current) for current in STATES_BY_WEIGHT] == [OLD] * 5 + [
        NEW
    ] * 3
