from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import pytest

from shipway.config.rollout import ReleaseRule
from shipway.errors import RefuseError
from shipway.git.revision import Revision
from shipway.git.source_refs import Ahead, Ref
from shipway.rollout.frozen import Frozen
from shipway.rollout.new_revisions import (
    Follower,
    Left,
    Next,
    follower_in,
    last_known,
    next_of,
    was_released,
)
from tests.support.app_environments import SHOP
from tests.support.origin import Origin
from tests.support.rolling_environment import ROLLOUT, RollingEnvironment, image


def ref(number: int) -> Ref:
    return Ref(commit=str(number) * 40, names=(f"refs/tags/v{number}",))


def follower(*held: str, frozen: Frozen | None = None) -> Follower:
    return Follower(
        app_environment=SHOP, rule=ReleaseRule(), recorded="0" * 40, held=held, frozen=frozen
    )


def left(ahead: Ahead, *held: str) -> str:
    found = next_of(follower(*held), ahead)
    assert isinstance(found, Left)
    return found.why


def test_the_newest_is_next_with_what_it_supersedes() -> None:
    ahead = Ahead(newest=(ref(3),), superseded=(ref(2), ref(1)), beside=(ref(4),))
    expected = Next(app_environment=SHOP, ref=ref(3), superseded=(ref(2), ref(1)))
    assert next_of(follower(), ahead) == expected


def test_where_nothing_is_new_nothing_is_next() -> None:
    assert next_of(follower(), Ahead()) is None


def test_what_is_on_hold_is_left_and_nothing_older_comes_in_its_place() -> None:
    ahead = Ahead(newest=(ref(3),), superseded=(ref(2),))
    assert left(ahead, ref(3).commit) == (
        "v3 was rolled back and is on hold: clear the hold, or mend it"
    )
    assert isinstance(next_of(follower(ref(2).commit), ahead), Next)


def test_while_the_environment_is_frozen_the_newest_waits() -> None:
    until = datetime(2027, 1, 4, 8, tzinfo=UTC)
    frozen = Frozen(file="prod/freeze.yaml", until=until, by="Ada", reason="the holidays")
    found = next_of(follower(frozen=frozen), Ahead(newest=(ref(3),), superseded=(ref(2),)))
    assert isinstance(found, Left)
    assert found.why == ("v3 is released after 2027-01-04 08:00 UTC: frozen by Ada, the holidays")


def test_of_several_lines_none_is_chosen() -> None:
    assert left(Ahead(newest=(ref(2), ref(3)))) == (
        "none of v2, v3 contains all others: release one of them"
    )


def test_what_leads_elsewhere_is_left_and_a_long_list_is_cut() -> None:
    assert left(Ahead(beside=(ref(1),))) == (
        "what was released last, 0000000, is not in v1: release one of them if that is meant"
    )
    assert " v1, v2, v3, v4, v5 and 3 more: " in left(Ahead(beside=tuple(map(ref, range(1, 9)))))


class TestFolder:
    """What a folder of a real ops repository says."""

    @pytest.fixture
    def shop(self, origin: Origin, tmp_path: Path) -> RollingEnvironment:
        shop = RollingEnvironment(origin, Origin(tmp_path / "app"))
        origin.commit({"prod/shop/rollout.yaml": ROLLOUT + b"releases: {}\n"})
        return shop

    def told(self, shop: RollingEnvironment) -> Follower:
        found = follower_in(shop.ops.fetch(SHOP))
        assert found is not None
        return found

    def test_who_does_not_say_so_takes_nothing(self, shop: RollingEnvironment) -> None:
        shop.origin.commit({"prod/shop/rollout.yaml": ROLLOUT})
        assert follower_in(shop.ops.fetch(SHOP)) is None

    def test_a_folder_that_cannot_be_read_is_refused(self, shop: RollingEnvironment) -> None:
        shop.origin.commit({"prod/shop/rollout.yaml": ROLLOUT + b"releases: {tag: v1}\n"})
        with pytest.raises(RefuseError, match=r"rollout\.yaml"):
            follower_in(shop.ops.fetch(SHOP))

    def test_before_the_first_release_nothing_is_recorded(self, shop: RollingEnvironment) -> None:
        assert self.told(shop) == Follower(
            app_environment=SHOP, rule=ReleaseRule(), recorded=None, held=(), frozen=None
        )
        assert shop.ops.consult(SHOP, last_known) is None

    def test_what_was_released_and_what_is_on_hold_is_known(self, shop: RollingEnvironment) -> None:
        shop.release(shop.older, image(1))
        shop.release(shop.newer, image(2))
        assert self.told(shop).recorded == shop.newer.commit
        shop.roll_back()
        told = self.told(shop)
        assert (told.recorded, told.held) == (shop.older.commit, (shop.newer.commit,))

    def test_a_freeze_that_goes_on_is_known(self, shop: RollingEnvironment) -> None:
        shop.freeze()
        frozen = self.told(shop).frozen
        assert frozen is not None
        assert (frozen.file, frozen.by) == ("prod/freeze.yaml", "Ada")

    def test_what_somebody_edited_by_hand_is_explained_by_the_history_alone(
        self, shop: RollingEnvironment
    ) -> None:
        shop.release(shop.older, image(1))
        web = shop.web().replace(str(image(1)).encode(), str(image(2)).encode())
        shop.origin.commit({"prod/shop/web.yaml": web})
        assert self.told(shop).recorded is None
        assert shop.ops.consult(SHOP, last_known) == shop.older.commit

    def test_what_was_released_before_is_known_after_somebody_went_back(
        self, shop: RollingEnvironment
    ) -> None:
        def was(revision: Revision) -> bool:
            return shop.ops.consult(SHOP, lambda _, history: was_released(revision.commit, history))

        shop.release(shop.older, image(1))
        assert (was(shop.older), was(shop.newer)) == (True, False)
        shop.release(shop.newer, image(2))
        shop.release(shop.older, image(1), downgrade=True)
        assert (was(shop.newer), was(shop.beside)) == (True, False)
