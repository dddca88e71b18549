"""Which jobs of a release are left, from each state of Git; the repository is in memory."""

from __future__ import annotations

import pytest

from shipway.errors import RefuseError
from shipway.git.history import History
from shipway.git.ops_folder import OpsFolder
from shipway.git.record import RECORD_FILE, record_in
from shipway.history.changes import changes_since
from shipway.release import Cause
from shipway.rollout.deployed import deployed_in
from shipway.rollout.promotion import released_in
from shipway.rollout.releases import Releases
from shipway.rollout.target import target_of
from tests.support.app_environments import SHOP
from tests.support.jobs import ShopWithJobs
from tests.support.memory_ops import START, revision
from tests.support.rolling_environment import image
from tests.support.run_contexts import run_context


@pytest.fixture
def shop() -> ShopWithJobs:
    return ShopWithJobs()


def test_what_git_records_is_not_left(shop: ShopWithJobs) -> None:
    assert shop.left(1) == ["migrate", "contract"]
    shop.commit(1, "migrate")
    assert shop.left(1) == ["contract"]
    shop.commit_after(1, "contract")
    assert shop.left(1) == []
    assert shop.left(2) == ["migrate", "contract"]


def test_a_release_that_is_there_already_runs_nothing_before_it(shop: ShopWithJobs) -> None:
    shop.commit(1)
    assert shop.left(1) == ["contract"]


def test_a_rollback_runs_no_job(shop: ShopWithJobs) -> None:
    shop.commit(1)
    shop.commit(2)
    assert shop.left(1, Cause(rollback_from=revision(2).commit)) == []


def test_what_ran_before_a_rollback_does_not_run_again_once_the_hold_is_cleared(
    shop: ShopWithJobs,
) -> None:
    shop.commit(1, "migrate")
    shop.commit(2, "migrate")
    shop.run = run_context(3)
    shop.roll_back()
    shop.clear_hold(revision(2).commit)
    assert shop.left(2) == ["contract"]


def test_a_job_that_is_mended_after_it_ran_does_not_run_again(shop: ShopWithJobs) -> None:
    shop.commit(1, "migrate")
    rollout = shop.memory.files["rollout.yaml"].replace(b"command: [migrate]", b"command: [up]")
    shop.memory.edit({"rollout.yaml": rollout})
    assert shop.left(1) == ["contract"]


def test_what_a_forge_has_squashed_counts(shop: ShopWithJobs) -> None:
    commit = shop.commit(1, "migrate").commit
    message, files = shop.memory.messages[commit], dict(shop.memory.files)
    del shop.memory.versions[0], files[RECORD_FILE]
    shop.memory.edit(files, f"Squashed (#7)\n\n* one\n\n{message}")
    assert shop.left(1) == ["contract"]


def test_the_end_of_a_release_is_a_commit_of_the_record_alone_and_made_once(
    shop: ShopWithJobs,
) -> None:
    shop.commit(1, "migrate")
    before = shop.memory.files
    assert shop.commit_after(1, "contract").new
    files = shop.memory.files
    assert {name for name in files if files[name] != before.get(name)} == {RECORD_FILE}
    said = record_in(files)
    assert (said["Step"], said["Jobs"]) == ("after contract", "contract: exit code 0")
    tip = shop.memory.tip
    again = shop.commit_after(1, "contract")
    assert (again.commit, again.new) == (tip, False)


def test_the_end_is_not_committed_of_what_another_release_has_overtaken(
    shop: ShopWithJobs,
) -> None:
    shop.commit(1, "migrate")
    shop.commit(2, "migrate")
    tip = shop.memory.tip
    with pytest.raises(RefuseError):
        shop.commit_after(1, "contract")
    assert shop.memory.tip == tip


def test_the_end_is_no_second_deployment_and_nothing_is_under_way(shop: ShopWithJobs) -> None:
    shop.commit(1, "migrate")
    shop.commit_after(1, "contract")

    def kinds(_folder: OpsFolder, history: History) -> list[str]:
        return [change.kind for change in changes_since(history, START)]

    assert shop.ops.consult(SHOP, kinds) == ["step", "deployment"]
    found = deployed_in(shop.memory.fetch(SHOP))
    assert (found.is_under_way, found.is_whole_release) == (False, True)


def test_a_rollback_after_the_end_leads_to_the_version_before(shop: ShopWithJobs) -> None:
    for number in (1, 2):
        shop.commit(number, "migrate")
        shop.commit_after(number, "contract")
    shop.run = run_context(3)
    back = shop.roll_back().target
    assert (back.image, back.from_image) == (image(1), str(image(2)))


def test_a_version_is_promoted_once_its_last_job_ran(shop: ShopWithJobs) -> None:
    def promoted(folder: OpsFolder, history: History) -> str:
        target = target_of(folder)
        releases = Releases(folder, target, history)
        return str(released_in(target, (ran.commit for ran in releases.newest_first)).image)

    shop.commit(1, "migrate")
    with pytest.raises(RefuseError, match="no release of 'shop' to promote") as caught:
        shop.ops.consult(SHOP, promoted)
    assert caught.value.facts["got"] == "still to come: the job contract"
    shop.commit_after(1, "contract")
    assert shop.ops.consult(SHOP, promoted) == str(image(1))
