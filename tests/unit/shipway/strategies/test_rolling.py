from __future__ import annotations

from shipway.strategies.rolling import Rolling
from shipway.strategies.step import FieldRef, Ready
from tests.support.plans import after

OLD, NEW = "shop@sha256:old", "shop@sha256:new"
WEB, JOB = FieldRef(file="web.yaml", name="web"), FieldRef(file="job.yaml", name="job")
ROLLING = Rolling(images=(WEB, JOB))


def test_rolling_sets_every_image_in_one_step() -> None:
    (step,) = ROLLING.plan({WEB: OLD, JOB: OLD}, NEW)
    assert step.name == "1/1 rolling"
    assert after({}, step) == {WEB: NEW, JOB: NEW}
    assert step.ready == (Ready(image=NEW),)
    assert step.pause_seconds == 0


def test_rolling_edits_only_what_differs_and_waits_for_all() -> None:
    (step,) = ROLLING.plan({WEB: NEW, JOB: OLD}, NEW)
    assert after({}, step) == {JOB: NEW}
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


def test_gates_measure_a_rolled_out_version_for_as_long_as_it_is_paused() -> None:
    strategy = ROLLING.model_copy(update={"pause_seconds": 60, "approval": True})
    (step,) = strategy.plan({WEB: OLD, JOB: OLD}, NEW)
    assert (step.pause_seconds, step.gates, step.approval, step.share) == (60, "traffic", True, 100)
    (back,) = strategy.rollback_plan({WEB: NEW, JOB: NEW}, OLD)
    assert (back.name, back.pause_seconds) == ("1/1 rolling", 0)
    assert (back.gates, back.approval) == (None, False)
    assert after({}, back) == {WEB: OLD, JOB: OLD}
