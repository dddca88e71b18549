from __future__ import annotations

from pathlib import Path

import pytest

from shipway.errors import RefuseError
from shipway.git.history import History
from shipway.git.ops_folder import OpsFolder
from shipway.rollback.target import (
    RollbackTarget,
    image_to_leave,
    rollback_in_progress,
    rollback_target,
)
from shipway.rollout.releases import Releases
from shipway.rollout.target import target_of
from tests.support.app_environments import SHOP
from tests.support.blue_green_environment import BlueGreenEnvironment
from tests.support.colours import deployment
from tests.support.origin import Origin
from tests.support.rolling_environment import image
from tests.support.run_contexts import run_context


@pytest.fixture
def environment(origin: Origin, tmp_path: Path) -> BlueGreenEnvironment:
    return BlueGreenEnvironment(origin, Origin(tmp_path / "app"))


def test_a_rollback_before_the_scale_down_switches_back_in_one_commit(
    environment: BlueGreenEnvironment,
) -> None:
    environment.release(1)
    environment.run = run_context(2)
    environment.commit(2, "1/3 prepare green")
    tip = environment.commit(2, "2/3 switch to green").commit
    environment.run = run_context(3)
    rollback = environment.roll_back()
    leads = (rollback.target.image, rollback.target.from_revision)
    assert leads == (image(1), environment.revisions[1].commit)
    assert environment.origin.changed(tip, rollback.commit.commit) == [
        "M\tprod/shop/RELEASE",
        "A\tprod/shop/holds.yaml",
        "M\tprod/shop/service.yaml",
    ]
    assert environment.says()[0] == "blue"
    # What is left of the rollback is the plan's.
    assert [
        step.name for step in environment.target().plan(rollback.target.image, rollback=True)
    ] == [
        "2/3 switch to blue",
        "3/3 scale down green",
    ]
    with pytest.raises(RefuseError, match="on hold"):
        environment.release(2)


def test_a_rollback_that_has_steps_left_is_gone_on_with_by_the_next_one(
    environment: BlueGreenEnvironment,
) -> None:
    environment.release(1)
    environment.run = run_context(2)
    environment.release(2)
    environment.run = run_context(3)
    environment.release(3)
    found = []
    for run in (4, 5):
        environment.run = run_context(run)
        found.append(environment.roll_back())
    assert [rollback.target.image for rollback in found] == [image(2), image(2)]
    assert [rollback.commit.new for rollback in found] == [True, False]


def test_a_rollback_from_what_somebody_put_there_is_a_new_one(
    environment: BlueGreenEnvironment,
) -> None:
    environment.release(1)
    environment.run = run_context(2)
    environment.release(2)
    environment.run = run_context(3)
    environment.roll_back()
    by_hand = deployment("green", 2, str(image(9)))
    environment.origin.commit({"prod/shop/green.yaml": by_hand})
    rollback = environment.ops.consult(
        SHOP,
        lambda folder, history: rollback_in_progress(
            folder, target_of(folder), history, None, run_context(4)
        ),
    )
    assert rollback is None


def test_a_rollback_after_it_brings_the_version_before_up_first(
    environment: BlueGreenEnvironment,
) -> None:
    environment.release(1)
    environment.run = run_context(2)
    environment.release(2)
    environment.run = run_context(3)
    rollback = environment.roll_back()
    assert environment.says() == (
        "green",
        {"blue": str(image(1)), "green": str(image(2))},
        {"blue": 2, "green": 2},
    )
    assert environment.target().plan(rollback.target.image)[1].name == "2/3 switch to blue"


def test_a_rollback_in_mid_rollout_leads_away_from_what_is_coming_and_not_from_what_serves(
    environment: BlueGreenEnvironment,
) -> None:
    environment.release(1)
    environment.run = run_context(2)
    tip = environment.commit(2, "1/3 prepare green").commit
    environment.run = run_context(3)
    rollback = environment.roll_back()
    leads = (rollback.target.image, rollback.target.from_revision)
    assert leads == (image(1), environment.revisions[1].commit)
    assert environment.origin.changed(tip, rollback.commit.commit) == [
        "M\tprod/shop/RELEASE",
        "M\tprod/shop/green.yaml",
        "A\tprod/shop/holds.yaml",
    ]
    assert environment.says()[2] == {"blue": 2, "green": 0}


def test_a_run_leads_back_from_what_it_released_itself(environment: BlueGreenEnvironment) -> None:
    environment.release(1)
    environment.commit(2, "1/3 prepare green")
    for _ in range(2):
        rollback = environment.roll_back("red", "shipway").target
        assert (rollback.image, rollback.from_revision) == (
            image(1),
            environment.revisions[1].commit,
        )
    assert len([one for one in environment.history() if "Held" in one.trailers]) == 1


def test_an_image_that_somebody_put_there_is_what_a_rollback_leads_away_from(
    environment: BlueGreenEnvironment,
) -> None:
    environment.release(1)
    files = dict(environment.ops.fetch(SHOP).files)

    def leave(folder: OpsFolder, history: History) -> str:
        current = target_of(folder)
        return image_to_leave(current, Releases(folder, current, history).last)

    def image_to_leave_with(**changed: bytes) -> str:
        files.update({f"{name}.yaml": content for name, content in changed.items()})
        environment.origin.commit({f"prod/shop/{name}": text for name, text in files.items()})
        return environment.ops.consult(SHOP, leave)

    # The idle colour still has the release's image: that one is under way.
    assert image_to_leave_with(blue=deployment("blue", 2, str(image(9)))) == str(image(1))
    assert image_to_leave_with(green=deployment("green", 0, str(image(8)))) == str(image(9))


def test_where_a_rollback_leads_is_known_before_it_is_taken(
    environment: BlueGreenEnvironment,
) -> None:
    environment.release(1)
    environment.run = run_context(2)
    environment.release(2)
    ops, run = environment.ops, run_context(3)

    def leads_to(to: str | None) -> RollbackTarget:
        return ops.consult(
            SHOP,
            lambda folder, history: rollback_target(folder, target_of(folder), history, to, run),
        )

    assert leads_to(None).image == image(1)
    with pytest.raises(RefuseError, match="no release to go back to of 1234567"):
        leads_to("1234567")
