from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from shipway.errors import RefuseError
from shipway.git.record import RECORD_FILE
from shipway.rollout.deployed import Deployed, deployed_in
from tests.support.app_environments import SHOP
from tests.support.origin import Origin
from tests.support.rolling_environment import RollingEnvironment, image


@pytest.fixture
def shop(origin: Origin, tmp_path: Path) -> RollingEnvironment:
    return RollingEnvironment(origin, Origin(tmp_path / "app"))


def now(shop: RollingEnvironment) -> Deployed:
    return deployed_in(shop.ops.fetch(SHOP))


def test_what_a_release_left_is_told_with_who_when_and_by_which_run(
    shop: RollingEnvironment,
) -> None:
    before = datetime.now(UTC) - timedelta(seconds=1)
    shop.release(shop.newer, image(1))
    found = now(shop)
    assert (found.app, found.environment, found.image) == ("shop", "prod", str(image(1)))
    assert (found.revision, found.subject) == (shop.newer.commit, shop.newer.subject)
    assert (found.by, found.run) == (shop.newer.author, shop.run.link)
    assert found.since is not None
    assert before <= found.since <= datetime.now(UTC)
    assert (found.step, found.is_under_way, found.held) == ("1/1 rolling", False, ())


def test_after_a_rollback_it_is_told_who_wanted_it_and_what_is_on_hold(
    shop: RollingEnvironment,
) -> None:
    shop.release(shop.older, image(1))
    shop.release(shop.newer, image(2))
    shop.roll_back()
    found = now(shop)
    assert (found.image, found.revision) == (str(image(1)), shop.older.commit)
    assert (found.by, found.held) == ("Ada", (shop.newer.commit,))


def test_an_image_that_somebody_put_there_by_hand_is_of_no_known_revision(
    shop: RollingEnvironment,
) -> None:
    shop.release(shop.older, image(1))
    web = shop.web().replace(str(image(1)).encode(), str(image(2)).encode())
    shop.origin.commit({"prod/shop/web.yaml": web})
    found = now(shop)
    assert (found.image, found.revision) == (str(image(2)), "unknown")
    assert (found.step, found.run, found.by, found.since) == ("", "", "", None)
    assert not found.is_under_way


@pytest.mark.parametrize("at", ["", "yesterday", None])
def test_a_record_without_a_time_tells_the_rest(shop: RollingEnvironment, at: str | None) -> None:
    shop.release(shop.newer, image(1))
    files = shop.ops.fetch(SHOP).files
    web, record = files["web.yaml"], files[RECORD_FILE].decode().splitlines(keepends=True)
    changed = "".join(line for line in record if not line.startswith("At: ")) + (
        f"At: {at}\n" if at is not None else ""
    )
    shop.origin.commit({f"prod/shop/{RECORD_FILE}": changed.encode(), "prod/shop/web.yaml": web})
    found = now(shop)
    assert (found.revision, found.since) == (shop.newer.commit, None)


@pytest.mark.parametrize(
    ("step", "under_way"),
    [("1/7 prepare canary", True), ("7/7 scale down canary", False), ("", False)],
)
def test_a_rollout_is_under_way_until_its_last_step(step: str, *, under_way: bool) -> None:
    text = dict.fromkeys(("app", "environment", "image", "revision", "subject", "by", "run"), "")
    one = Deployed.model_validate({**text, "step": step, "since": None, "held": ()})
    assert one.is_under_way == under_way


def test_a_folder_that_cannot_be_read_is_refused(shop: RollingEnvironment) -> None:
    shop.origin.commit({"prod/shop/rollout.yaml": b"strategy: none\n"})
    with pytest.raises(RefuseError):
        now(shop)
