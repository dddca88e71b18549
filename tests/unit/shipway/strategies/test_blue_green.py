from __future__ import annotations

import itertools
from typing import Literal

import pytest

from shipway.kubernetes.autoscaler import Autoscaler
from shipway.strategies.blue_green import BlueGreen
from shipway.strategies.step import FieldRef, FieldValues, Ready
from shipway.strategies.variant import Variant
from tests.support.plans import after, walk

ZERO, OLD, NEW, OTHER = (
    "shop:unreleased",
    *(f"shop@sha256:{name}" for name in ("old", "new", "other")),
)
COUNT = 3


def variant(colour: str) -> Variant:
    file = f"{colour}.yaml"
    title = f"Deployment/shop-{colour}"
    return Variant(
        name=colour,
        workload=title,
        images=(FieldRef(file=file, name="web"), FieldRef(file=file, name="proxy")),
        replicas=FieldRef(file=file, kind="field", name="/spec/replicas", title=title),
    )


BLUE, GREEN = variant("blue"), variant("green")
SELECTOR = FieldRef(
    file="service.yaml", kind="field", name="/spec/selector/colour", title="Service/a"
)
STRATEGY = BlueGreen(variants=(BLUE, GREEN), selector=SELECTOR, scale_down_delay_seconds=300)


def git(
    active: Literal["blue", "green"], blue: tuple[str, int], green: tuple[str, int]
) -> dict[FieldRef, str | int]:
    """What Git says: the colour that is selected, and image and replicas of each."""
    current: dict[FieldRef, str | int] = {SELECTOR: active}
    for colour, (image, replicas) in ((BLUE, blue), (GREEN, green)):
        current |= {**colour.on(image), colour.replicas: replicas}
    return current


def names(current: FieldValues, desired: str = NEW) -> list[str]:
    return [step.name for step in STRATEGY.plan(current, desired)]


FRESH = git("blue", (OLD, COUNT), (ZERO, 0))
PREPARED = git("blue", (OLD, COUNT), (NEW, COUNT))
SWITCHED = git("green", (OLD, COUNT), (NEW, COUNT))
DONE = git("green", (OLD, 0), (NEW, COUNT))


def test_the_new_version_comes_up_beside_the_old_one_before_the_switch() -> None:
    prepare, switch, down = STRATEGY.plan(FRESH, NEW)
    assert walk(STRATEGY, FRESH, NEW) == [FRESH, PREPARED, SWITCHED, DONE]
    assert [step.name for step in (prepare, switch, down)] == [
        "1/3 prepare green",
        "2/3 switch to green",
        "3/3 scale down blue",
    ]
    ready = (Ready(image=NEW, workload="Deployment/shop-green"),)
    assert [step.ready for step in (prepare, switch, down)] == [ready] * 3
    assert [step.pause_seconds for step in (prepare, switch, down)] == [0, 300, 0]


def test_the_switch_is_one_value() -> None:
    _, switch, _ = STRATEGY.plan(FRESH, NEW)
    assert [(edit.field, edit.value) for edit in switch.edits] == [(SELECTOR, "green")]


def test_before_the_first_release_there_is_nothing_to_switch_from() -> None:
    start = git("blue", (ZERO, COUNT), (ZERO, 0))
    (step,) = STRATEGY.plan(start, NEW)
    assert step.name == "1/1 first"
    assert after(start, step) == git("blue", (NEW, COUNT), (NEW, 0))
    assert step.ready == (Ready(image=NEW, workload="Deployment/shop-blue"),)
    assert names(after(start, step)) == ["3/3 scale down green"]
    assert STRATEGY.plan(after(start, step), NEW)[0].edits == ()


@pytest.mark.parametrize(
    ("current", "left"),
    [
        (FRESH, ["1/3 prepare green", "2/3 switch to green", "3/3 scale down blue"]),
        (PREPARED, ["1/3 prepare green", "2/3 switch to green", "3/3 scale down blue"]),
        (SWITCHED, ["2/3 switch to green", "3/3 scale down blue"]),
        (DONE, ["3/3 scale down blue"]),
    ],
    ids=["fresh", "prepared", "switched", "done"],
)
def test_a_run_that_was_killed_goes_on_from_what_git_says(
    current: FieldValues, left: list[str]
) -> None:
    assert names(current) == left
    assert walk(STRATEGY, current, NEW)[-1] == DONE
    # What is done is only waited for.
    position = [FRESH, PREPARED, SWITCHED, DONE].index(current)
    undone = [step.name for step in STRATEGY.plan(current, NEW) if step.edits]
    assert len(undone) == 3 - position


@pytest.mark.parametrize(
    "current",
    [
        git("blue", (OLD, COUNT), (OTHER, COUNT)),
        git("blue", (OLD, COUNT), (OTHER, 0)),
        git("green", (OLD, COUNT), (OTHER, COUNT)),
        git("green", (OLD, 0), (OTHER, COUNT)),
        git("blue", (OTHER, COUNT), (OLD, COUNT)),
    ],
    ids=["prepared", "scaled down", "switched", "done", "switched the other way"],
)
def test_what_another_release_left_half_done_takes_no_traffic_from_what_serves(
    current: FieldValues,
) -> None:
    states = walk(STRATEGY, current, NEW)
    serving = [STRATEGY.serving_image(state) for state in states]
    assert serving == [serving[0], serving[0], NEW, NEW]
    idle = BLUE if states[-1][SELECTOR] == "green" else GREEN
    assert states[-1][idle.replicas] == 0


STATES = [
    git(active, (blue, blues), (green, greens))
    for active in ("blue", "green")
    for blue, green in itertools.product((OLD, NEW, OTHER), repeat=2)
    for blues, greens in itertools.product((0, COUNT), repeat=2)
    # What is selected runs.
    if (blues if active == "blue" else greens)
]


@pytest.mark.parametrize("current", STATES)
def test_from_every_state_the_desired_image_serves_and_nothing_else_is_left(
    current: FieldValues,
) -> None:
    states = walk(STRATEGY, current, NEW)
    assert STRATEGY.serving_image(states[-1]) == NEW
    assert sorted(str(states[-1][colour.replicas]) for colour in (BLUE, GREEN)) == ["0", str(COUNT)]
    for state, next_state in itertools.pairwise(states):
        selected = BLUE if state[SELECTOR] == "blue" else GREEN
        # What takes the traffic is never touched: neither its image nor its replicas.
        same = state[SELECTOR] == next_state[SELECTOR]
        fields = (*selected.images, selected.replicas)
        assert [state[field] for field in fields] == [
            next_state[field] for field in fields
        ] or not same
        if not same:
            other = GREEN if selected is BLUE else BLUE
            assert state[other.replicas] == COUNT
    assert [step.edits for step in STRATEGY.plan(states[-1], NEW)] == [()]


def autoscaled(live_pods: int | None) -> BlueGreen:
    """The strategy where autoscalers have made another number of pods of Git's."""
    bounds = Autoscaler(title="HorizontalPodAutoscaler/a", minimum=2, maximum=9)
    scaled = {"autoscaler": bounds, "live_pods": live_pods}
    variants = tuple(colour.model_copy(update=scaled) for colour in (BLUE, GREEN))
    return STRATEGY.model_copy(update={"variants": variants})


@pytest.mark.parametrize("current", STATES)
def test_whatever_autoscalers_make_of_the_number_the_plan_at_each_state_is_the_rest(
    current: FieldValues,
) -> None:
    plan, states = autoscaled(5).plan(current, NEW), walk(autoscaled(5), current, NEW)
    assert STRATEGY.serving_image(states[-1]) == NEW
    for position, state in enumerate(states):
        left = [step.name for step in plan[position:] if step.edits]
        for live_pods in (None, 1, 8):
            rest = autoscaled(live_pods).plan(state, NEW)
            assert [step.name for step in rest if step.edits] == left


def test_a_rollback_is_one_commit_while_the_version_before_is_up() -> None:
    plan = STRATEGY.plan(SWITCHED, OLD)
    assert [bool(step.edits) for step in plan] == [False, True, True]
    assert plan[1].name == "2/3 switch to blue"


def test_and_three_once_it_was_scaled_down() -> None:
    plan = STRATEGY.plan(DONE, OLD)
    assert [bool(step.edits) for step in plan] == [True, True, True]


def test_a_rollback_has_no_pause_and_requires_what_it_switches_to() -> None:
    plan = STRATEGY.rollback_plan(SWITCHED, OLD)
    assert [(step.pause_seconds, step.gates, step.approval) for step in plan] == [
        (0, None, False)
    ] * 3
    blue = (Ready(image=OLD, workload="Deployment/shop-blue"),)
    assert [step.requires for step in plan] == [(), blue, ()]
    # What is brought up first is waited for on the way; nothing has to be there.
    assert [step.requires for step in STRATEGY.rollback_plan(DONE, OLD)] == [(), (), ()]


def test_a_bad_version_without_traffic_is_only_scaled_down() -> None:
    plan = STRATEGY.rollback_plan(PREPARED, OLD)
    assert [(step.name, bool(step.edits), step.requires) for step in plan] == [
        ("2/3 switch to blue", False, ()),
        ("3/3 scale down green", True, ()),
    ]


def test_gates_measure_the_idle_colour_first_and_then_at_its_traffic() -> None:
    plan = STRATEGY.model_copy(update={"approval": True}).plan(FRESH, NEW)
    assert [step.gates for step in plan] == ["preview", "traffic", None]
    assert [step.baseline for step in plan] == ["Deployment/shop-blue"] * 2 + [None]
    assert [step.share for step in plan] == [0, 100, 100]
    assert [step.approval for step in plan] == [False, True, False]


PREVIEW = SELECTOR.model_copy(update={"title": "Service/preview"})


def test_the_preview_service_leads_to_what_is_brought_up() -> None:
    strategy = STRATEGY.model_copy(update={"preview": PREVIEW})
    states = walk(strategy, {**FRESH, PREVIEW: "blue"}, NEW)
    assert [state[PREVIEW] for state in states] == ["blue", "green", "green", "green"]
    assert PREVIEW in strategy.fields
    start = {**git("blue", (ZERO, COUNT), (ZERO, 0)), PREVIEW: "green"}
    assert walk(strategy, start, NEW)[-1][PREVIEW] == "blue"


@pytest.mark.parametrize(
    "current", [PREPARED, SWITCHED, DONE], ids=["prepared", "switched", "done"]
)
def test_a_rollback_waits_for_no_preview_which_follows_in_the_end(current: FieldValues) -> None:
    strategy = STRATEGY.model_copy(update={"preview": PREVIEW})
    plan = strategy.rollback_plan({**current, PREVIEW: "green"}, OLD)
    *before, last = ([edit.field for edit in step.edits] for step in plan)
    assert all(PREVIEW not in fields for fields in before)
    assert PREVIEW in last
    without = [step.edits for step in STRATEGY.rollback_plan(current, OLD)]
    assert [bool(edits) for edits in without[:-1]] == [bool(fields) for fields in before]
