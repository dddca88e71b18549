"""An app's folder is removed with one commit that says why, unless somebody needs it."""

from __future__ import annotations

from pathlib import Path

import pytest

from shipway.app_environment import AppEnvironment
from shipway.config.holds import Hold, Holds, write_holds
from shipway.decommission import Decommission, commit_decommission, look_at_folder
from shipway.errors import RefuseError
from shipway.git.record import RECORD_FILE, write_record
from shipway.rollback.commit import Reason
from shipway.rollout.removed import removal_of
from shipway.rollout.result import StepCommit
from tests.support.app_environments import SHOP
from tests.support.origin import Origin
from tests.support.rolling_environment import ROLLOUT, WEB, RollingEnvironment, image
from tests.support.run_contexts import LINK, run_context

REASON = Reason(why="replaced by the store", by="Grace")


@pytest.fixture
def environment(origin: Origin, tmp_path: Path) -> RollingEnvironment:
    made = RollingEnvironment(origin, Origin(tmp_path / "app"))
    origin.commit({"prod/shop/patches/web.yaml": WEB, "prod/cart/rollout.yaml": ROLLOUT})
    return made


def decommission(environment: RollingEnvironment, override_freeze: str | None = None) -> StepCommit:
    return commit_decommission(environment.ops, SHOP, REASON, override_freeze, environment.run)


def look(environment: RollingEnvironment, override_freeze: str | None = None) -> Decommission:
    seen, _ = look_at_folder(environment.ops, SHOP, override_freeze)
    return seen


def write(environment: RollingEnvironment, files: dict[str, bytes]) -> str:
    """Commit files on top of what was released since."""
    environment.origin.work.checkout("main", "--", ".")
    return environment.origin.commit(files)


def test_the_whole_folder_goes_with_one_commit_that_says_who_and_why(
    environment: RollingEnvironment,
) -> None:
    before = environment.origin.tip()
    done = decommission(environment)
    assert done.new
    assert environment.origin.tip() == done.commit
    assert environment.origin.changed(before, done.commit) == [
        "D\tprod/shop/patches/web.yaml",
        "D\tprod/shop/rollout.yaml",
        "D\tprod/shop/web.yaml",
    ]
    commit = environment.origin.bare.commit(done.commit)
    assert commit.message == (
        "shop leaves prod\n"
        "\n"
        "App: shop\n"
        "Environment: prod\n"
        "Decommissioned: prod/shop\n"
        "Reason: replaced by the store\n"
        "By: Grace\n"
        f"Run: {LINK}1\n"
    )
    assert "shop" not in [tree.name for tree in commit.tree["prod"].trees]
    removal = environment.ops.consult(SHOP, removal_of)
    assert removal is not None
    assert removal.is_meant


def test_again_it_is_gone_already_and_nothing_is_committed(
    environment: RollingEnvironment,
) -> None:
    done = decommission(environment)
    environment.run = run_context(2)
    again = decommission(environment)
    assert (again.commit, again.new) == (done.commit, False)
    assert environment.origin.tip() == done.commit
    seen = look(environment)
    assert (seen.is_done, seen.sentence) == (True, "nothing to do, its folder is gone already")


def test_the_last_folder_takes_its_environment_along(environment: RollingEnvironment) -> None:
    environment.origin.work.rm("-r", "--quiet", "prod/cart")
    environment.origin.commit_tree()
    done = decommission(environment)
    assert [*environment.origin.bare.commit(done.commit).tree.traverse()] == []


def test_what_somebody_removed_by_hand_is_not_said_to_be_meant(
    environment: RollingEnvironment,
) -> None:
    environment.origin.work.rm("-r", "--quiet", "prod/shop")
    commit = environment.origin.commit_tree()
    with pytest.raises(RefuseError) as caught:
        decommission(environment)
    assert caught.value.what == "shop in prod is gone already, and nobody says that it is meant."
    assert f"`git revert {commit[:7]}`" in str(caught.value.facts["remedy"])
    assert look(environment).refusal == str(caught.value)


def test_an_app_that_was_never_there_is_not_known(environment: RollingEnvironment) -> None:
    other = AppEnvironment(app="none", environment="prod")
    with pytest.raises(RefuseError, match="'prod' does not know 'none'"):
        commit_decommission(environment.ops, other, REASON, None, environment.run)


REFUSED = {
    "a rollout that is under way": (
        {
            f"prod/shop/{RECORD_FILE}": write_record(
                {"Image": str(image(1)), "Revision": "a" * 40, "Step": "2/7 canary 10%"}
            ),
            "prod/shop/web.yaml": WEB.replace(b"shop:0", str(image(1)).encode()),
        },
        "A rollout of shop in prod is under way.",
        "2/7 canary 10%: by hand",
    ),
    "an environment that takes its versions from here": (
        {
            "live/shop/rollout.yaml": ROLLOUT + b"promotion: {source: prod}\n",
            "live/shop/web.yaml": WEB,
        },
        "Another environment takes its versions of shop from prod.",
        "live/shop",
    ),
    "another environment that cannot be read": (
        {"live/shop/rollout.yaml": b"strategy: none\n"},
        "live/shop/rollout.yaml",
        "",
    ),
}


@pytest.mark.parametrize(("files", "what", "got"), REFUSED.values(), ids=REFUSED.keys())
def test_what_is_needed_stays_and_the_plan_says_so(
    environment: RollingEnvironment, files: dict[str, bytes], what: str, got: str
) -> None:
    tip = environment.origin.commit(files)
    with pytest.raises(RefuseError) as caught:
        decommission(environment)
    assert what in str(caught.value)
    assert got in str(caught.value.facts["got"])
    seen = look(environment)
    assert (seen.refusal, seen.sentence) == (str(caught.value), "refused")
    assert environment.origin.tip() == tip


def test_an_environment_that_takes_its_versions_from_elsewhere_is_no_hindrance(
    environment: RollingEnvironment,
) -> None:
    elsewhere = ROLLOUT + b"promotion: {source: staging}\n"
    environment.origin.commit({"live/shop/rollout.yaml": elsewhere, "live/shop/web.yaml": WEB})
    assert decommission(environment).new


def test_a_freeze_is_overridden_with_a_reason_alone(environment: RollingEnvironment) -> None:
    tip = environment.freeze()
    with pytest.raises(RefuseError, match="shop in prod is frozen"):
        decommission(environment, " ")
    assert environment.origin.tip() == tip
    assert look(environment, "it leaks").refusal == ""
    done = decommission(environment, "it leaks")
    assert environment.trailer(done.commit, "Freeze-Override") == ["it leaks"]


def test_a_freeze_that_begins_meanwhile_is_found_at_the_commit(
    environment: RollingEnvironment,
) -> None:
    assert look(environment).refusal == ""
    tip = environment.freeze()
    with pytest.raises(RefuseError, match="shop in prod is frozen"):
        decommission(environment)
    assert environment.origin.tip() == tip


def test_holds_and_files_that_go_along_are_told(environment: RollingEnvironment) -> None:
    held = Hold(image=str(image(1)), revision="b" * 40, reason="5xx", by="Ada", at="2026-11-29")
    write(environment, {"prod/shop/holds.yaml": write_holds(Holds(holds=[held])) or b""})
    seen, target = look_at_folder(environment.ops, SHOP, None)
    assert (seen.held, seen.agent) == (("b" * 40,), "reconcile")
    assert seen.files == ("holds.yaml", "rollout.yaml", "web.yaml")
    assert target is not None


def test_with_another_agent_the_cluster_is_not_asked(environment: RollingEnvironment) -> None:
    write(environment, {"prod/shop/rollout.yaml": ROLLOUT + b"agent: external\n"})
    seen, target = look_at_folder(environment.ops, SHOP, None)
    assert target is None
    assert seen.sentence == "1 commit; what the cluster has is up to Argo CD or Flux"
