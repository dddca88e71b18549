"""What waits for its promotion, and for what: three waves, and a person who promotes."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from shipway.rollout.deployed import Deployed
from shipway.rollout.frozen import Frozen
from shipway.rollout.waves import waiting_for
from tests.support.statuses import NOW, after, deployed

OLD, NEW = deployed("a").revision, deployed("b").revision


@pytest.mark.parametrize(
    ("there", "here", "waits"),
    [
        ({}, {}, True),
        ({"step": "2/7 canary 10%"}, {}, False),
        ({"step": ""}, {}, False),
        ({"revision_at": NOW}, {"revision_at": NOW + timedelta(1)}, False),
        ({"revision_at": NOW}, {"revision_at": NOW - timedelta(1)}, True),
        ({"revision_at": NOW}, {}, True),
        ({}, {"held": (NEW,)}, False),
        ({}, {"revision": NEW}, False),
        ({}, {"promotion": None}, False),
        ({}, {"promotion": after("qa")}, False),
        ({}, {"promotion": after("staging", "qa")}, False),
    ],
)
def test_what_waits_for_a_person_is_newer_whole_and_not_on_hold(
    there: dict[str, Any], here: dict[str, Any], *, waits: bool
) -> None:
    source = deployed("b", **there)
    target = deployed("a", "production", **{"promotion": after("staging"), **here})
    found = waiting_for(target, [source, target], NOW)
    assert (found and (found.version, found.state, found.words)) == (
        (source, "by hand", "bbbbbbb waits") if waits else None
    )


def test_the_same_image_waits_for_nothing() -> None:
    target = deployed("a", "production", promotion=after("staging"), revision="unknown")
    assert waiting_for(target, [deployed("a"), target], NOW) is None


def test_a_person_promotes_what_all_sources_run() -> None:
    target = deployed("a", "production", promotion=after("eu", "us"))
    eu, us = deployed("b", "eu"), deployed("b", "us")
    assert waiting_for(target, [eu, us, target], NOW)
    assert waiting_for(target, [eu, deployed("c", "us"), target], NOW) is None


def ran(letter: str, environment: str = "staging", **more: Any) -> Deployed:
    """The same, of a revision that is as old as its letter."""
    at = NOW - timedelta(days=30 - ord(letter) + ord("a"))
    return deployed(letter, environment, **{"revision_at": at, **more})


def group(**places: Deployed) -> list[Deployed]:
    """A canary, then two regions side by side, then the last; all have the old version."""
    made = {
        "canary": ran("a", "canary", step="done"),
        "eu": ran("a", "eu", step="done", promotion=after("canary", by_itself=True)),
        "us": ran("a", "us", step="done", promotion=after("canary", by_itself=True)),
        "asia": ran("a", "asia", promotion=after("eu", "us", seconds=600, by_itself=True)),
    }
    for name, one in places.items():
        kept = {"environment": name, "promotion": made[name].promotion}
        made[name] = one.model_copy(update=kept)
    return [*made.values(), ran("c", "asia", app="cart"), ran("c", "canary", app="cart")]


def states(**places: Deployed) -> dict[str, str]:
    """What each environment waits for."""
    everywhere = group(**places)
    found = (waiting_for(one, everywhere, NOW) for one in everywhere)
    return {one.app_environment.environment: one.words for one in found if one}


DONE = ran("b", step="done", since=NOW - timedelta(seconds=601))


def test_a_version_goes_from_wave_to_wave() -> None:
    assert states() == {}
    begun = ran("a", revision=NEW, step="1/2 canary 10%")
    assert states(canary=begun) == {}
    undone = ran("b", step="1/1 rolling")
    waits = "bbbbbbb waits for "
    both = {"asia": f"{waits}eu: not there yet; us: not there yet"}
    first = dict.fromkeys(("eu", "us"), f"{waits}canary: not done yet")
    assert states(canary=undone) == first | both
    assert states(canary=DONE) == dict.fromkeys(("eu", "us"), "bbbbbbb is due") | both
    assert states(canary=DONE, eu=DONE, us=begun) == {"asia": f"{waits}us: 1/2 canary 10%"}
    young = DONE.model_copy(update={"since": NOW - timedelta(seconds=599)})
    end = "2026-11-29 14:00:01 UTC"
    assert states(canary=DONE, eu=DONE, us=young) == {"asia": f"{waits}eu, us: healthy until {end}"}
    assert states(canary=DONE, eu=DONE, us=DONE) == {"asia": "bbbbbbb is due"}
    assert states(canary=DONE, eu=DONE, us=DONE, asia=DONE) == {}


def test_what_is_on_hold_anywhere_in_the_group_is_halted() -> None:
    back = ran("a", held=(NEW,), step="1/1 rolling")
    halted = "bbbbbbb halted: on hold in "
    assert states(canary=DONE, eu=back, us=DONE) == {"asia": f"{halted}eu"}
    # One that is side by side has not begun yet: it does not either.
    assert states(canary=DONE, eu=back) == {"us": f"{halted}eu", "asia": f"{halted}eu"}
    assert states(canary=back, eu=DONE, us=DONE) == {"asia": f"{halted}canary"}


def test_what_halted_where_it_stands_goes_nowhere() -> None:
    red = ran("b", step="1/1 rolling", since=NOW - timedelta(1))
    assert states(canary=DONE, eu=red, us=DONE) == {"asia": "bbbbbbb waits for eu: not done yet"}


def test_what_has_come_further_is_not_kept_by_what_follows_it() -> None:
    newer = ran("d", step="done")
    assert states(canary=newer, eu=DONE, us=DONE)["asia"] == "bbbbbbb is due"
    assert states(canary=newer, eu=DONE)["asia"].startswith("ddddddd waits")


def test_a_group_elsewhere_and_another_app_halt_nothing() -> None:
    alone = ran("a", "load-test", held=(NEW,))
    everywhere = [*group(canary=DONE), alone, ran("a", "eu", app="cart", held=(NEW,))]
    found = waiting_for(everywhere[1], everywhere, NOW)
    assert found
    assert found.state == "due"


def test_a_source_that_cannot_be_read_keeps_the_version() -> None:
    everywhere = [one for one in group(canary=DONE, eu=DONE) if one.environment != "us"]
    found = waiting_for(everywhere[2], everywhere, NOW)
    assert found
    assert found.words == "bbbbbbb waits for us: not known"


def test_a_frozen_environment_waits() -> None:
    until = NOW + timedelta(days=1)
    frozen = Frozen(file="asia/freeze.yaml", until=until, by="Ada", reason="the holidays")
    asia = ran("a", frozen=frozen)
    said = states(canary=DONE, eu=DONE, us=DONE, asia=asia)
    assert said == {"asia": "bbbbbbb waits: frozen until 2026-11-30 14:00 UTC"}


def test_two_that_take_from_each_other_come_to_an_end() -> None:
    one = ran("a", "eu", promotion=after("us", by_itself=True))
    other = ran("b", "us", promotion=after("eu", by_itself=True))
    found = waiting_for(one, [one, other], NOW)
    assert found
    assert found.words == "bbbbbbb waits for us: not done yet"
