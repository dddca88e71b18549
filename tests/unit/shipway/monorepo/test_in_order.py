from __future__ import annotations

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass, field

from shipway.monorepo.in_order import release_in_order
from shipway.monorepo.needs import needs_of
from shipway.monorepo.outcome import Outcome
from shipway.monorepo.service import Service

RELEASED = Outcome(what="released", why="")
RED = Outcome(what="failed", why="a red gate")
NEEDS = {"web": "cart", "cart": "money", "mail": "", "money": ""}


@dataclass
class Runs:
    """Releases that come to what they are told to."""

    red: str = ""
    began: list[str] = field(default_factory=list)
    ended: list[str] = field(default_factory=list)
    at_once: int = 0

    async def release(self, app: str) -> Outcome:
        self.began.append(app)
        self.at_once = max(self.at_once, len(self.began) - len(self.ended))
        for _ in range(3):
            await asyncio.sleep(0)
        self.ended.append(app)
        return RED if app in self.red.split() else RELEASED

    def of(
        self,
        needs: Mapping[str, str] = NEEDS,
        known: Mapping[str, Outcome] | None = None,
        *,
        all_or_nothing: bool = False,
    ) -> dict[str, str]:
        """What became of each, and why where it was not started."""
        services = [
            Service(app=app, folder=app, needs=tuple(needed.split()))
            for app, needed in needs.items()
        ]
        work = release_in_order(
            needs_of(services, (), "here"), known or {}, self.release, all_or_nothing=all_or_nothing
        )
        outcomes = asyncio.run(work)
        return {
            app: f"{one.what} {one.why}" if one.what == "not started" else one.what
            for app, one in outcomes.items()
        }


def test_each_is_released_after_what_it_needs_and_others_side_by_side() -> None:
    runs = Runs()
    assert set(runs.of().values()) == {"released"}
    assert runs.began.index("cart") > runs.ended.index("money")
    assert runs.began.index("web") > runs.ended.index("cart")
    assert runs.at_once == 2


def test_what_is_needed_and_not_released_is_not_waited_for() -> None:
    assert Runs().of({"cart": "", "web": ""}) == {"cart": "released", "web": "released"}


def test_what_needs_one_that_fails_is_not_started_and_others_go_on() -> None:
    runs = Runs(red="money")
    assert runs.of() == {
        "mail": "released",
        "money": "failed",
        "cart": "not started because of money",
        "web": "not started because of money",
    }


def test_what_failed_before_keeps_others_from_being_started() -> None:
    runs = Runs()
    assert runs.of(known={"cart": RED}) == {
        "mail": "released",
        "money": "released",
        "cart": "failed",
        "web": "not started because of cart",
    }
    assert sorted(runs.began) == ["mail", "money"]


def test_all_or_nothing_starts_none_after_the_first_that_failed() -> None:
    needs = {"a": "", "b": "a", "c": "b", "d": "c", "e": "a"}
    runs = Runs(red="b")
    outcomes = runs.of(needs, all_or_nothing=True)
    # The one beside it was under way, and ends as it does.
    assert outcomes == {
        "a": "released",
        "b": "failed",
        "c": "not started because of b",
        "d": "not started because of b",
        "e": "released",
    }
    assert Runs(red="a").of(needs | {"f": "e"}, all_or_nothing=True)["f"] == (
        "not started because of a"
    )
