from __future__ import annotations

import pytest
from pydantic import ValidationError

from shipway.strategies.rolling import Rolling
from shipway.strategies.step import FieldRef, FieldValues, Ready, Step, first_with_edits, with_edits
from shipway.strategies.strategy import Strategy

OLD, NEW = "shop@sha256:old", "shop@sha256:new"
WEB, JOB = FieldRef(file="web.yaml", name="web"), FieldRef(file="job.yaml", name="job")
ROLLING = Rolling(images=(WEB, JOB))


def made(current: FieldValues, step: Step) -> FieldValues:
    """What Git says once a step is committed."""
    return {**current, **{one.field: one.value for one in step.edits}}


def walk(strategy: Strategy, current: FieldValues, desired: str) -> list[FieldValues]:
    """What Git says after each step of a plan."""
    states = [current]
    for step in strategy.plan(current, desired):
        states.append(made(states[-1], step))
    return states


def test_rolling_sets_every_image_in_one_step() -> None:
    (step,) = ROLLING.plan({WEB: OLD, JOB: OLD}, NEW)
    assert step.name == "1/1 rolling"
    assert made({}, step) == {WEB: NEW, JOB: NEW}
    assert step.ready == (Ready(image=NEW),)
    assert step.pause_seconds == 0


def test_rolling_edits_only_what_differs_and_waits_for_all() -> None:
    (step,) = ROLLING.plan({WEB: NEW, JOB: OLD}, NEW)
    assert made({}, step) == {JOB: NEW}
    assert step.ready == (Ready(image=NEW),)


def test_a_release_that_git_already_holds_is_waited_for_without_edits() -> None:
    (step,) = ROLLING.plan({WEB: NEW, JOB: NEW}, NEW)
    assert (step.edits, step.ready) == ((), (Ready(image=NEW),))


def test_the_image_that_takes_the_traffic_is_the_first_one() -> None:
    assert ROLLING.serving_image({WEB: OLD, JOB: NEW}) == OLD


def test_a_plan_leaves_what_it_is_made_from_as_it_was() -> None:
    current = {WEB: OLD, JOB: OLD}
    ROLLING.plan(current, NEW)
    assert current == {WEB: OLD, JOB: OLD}


def test_a_step_cannot_be_changed_once_it_is_planned() -> None:
    (step,) = ROLLING.plan({WEB: OLD, JOB: OLD}, NEW)
    with pytest.raises(ValidationError, match="Instance is frozen"):
        step.name = "2/2 rolling"


def test_the_first_step_with_edits_is_where_a_rollback_begins() -> None:
    done, left = Step(name="1/2 a"), Step(name="2/2 b", edits=ROLLING.plan({}, NEW)[0].edits)
    assert first_with_edits([done, left]) == left
    assert first_with_edits([done, done]) == done


def test_gates_look_at_a_rolled_out_version_for_as_long_as_it_is_held() -> None:
    strategy = ROLLING.model_copy(update={"pause_seconds": 60, "approval": True})
    (step,) = strategy.plan({WEB: OLD, JOB: OLD}, NEW)
    assert (step.pause_seconds, step.gates, step.approval, step.share) == (60, "traffic", True, 100)
    (rollback_plan,) = strategy.rollback_plan({WEB: NEW, JOB: NEW}, OLD)
    assert (
        rollback_plan.name,
        rollback_plan.pause_seconds,
        rollback_plan.gates,
        rollback_plan.approval,
    ) == ("1/1 rolling", 0, None, False)
    assert made({}, rollback_plan) == {WEB: OLD, JOB: OLD}


def test_each_step_has_the_edits_that_those_before_it_left() -> None:
    first, second, third = with_edits(
        {WEB: OLD, JOB: OLD},
        [
            (Step(name="1/3"), {WEB: NEW}),
            (Step(name="2/3"), {WEB: NEW, JOB: NEW}),
            (Step(name="3/3"), {WEB: OLD}),
        ],
    )
    assert [made({}, step) for step in (first, second, third)] == [
        {WEB: NEW},
        {JOB: NEW},
        {WEB: OLD},
    ]
