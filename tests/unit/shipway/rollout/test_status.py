from __future__ import annotations

from datetime import timedelta

import pytest

from shipway.rollout.deployed import Deployed
from shipway.rollout.status import KNOWN_FOR, AppStatus, WhatRuns, read_summary
from tests.support.statuses import NOW, deployed, status


def known(*asked: Deployed) -> WhatRuns:
    return WhatRuns(statuses=tuple(map(status, asked)))


def test_health_is_that_of_what_was_looked_at_and_for_a_while() -> None:
    seen = known(deployed("a"))
    assert seen.status_of(deployed("a"), NOW + KNOWN_FOR).health == "healthy"
    for asked, now in ((deployed("b"), NOW), (deployed("a"), NOW + KNOWN_FOR + timedelta(0, 1))):
        assert seen.status_of(asked, now).health == "unknown"
    assert WhatRuns().status_of(deployed("a"), NOW).health == "unknown"


def test_of_two_looks_the_later_one_counts_whoever_is_the_last_to_write() -> None:
    early, late = status(deployed("a")), status(deployed("b"), at=NOW + timedelta(0, 1))
    there = [early.app_environment]
    for first, second in ((early, late), (late, early)):
        known = WhatRuns().after([first], there, "staging")
        assert known.after([second], there, "staging").statuses == (late,)


def test_a_look_at_one_environment_leaves_the_others_and_forgets_what_is_gone() -> None:
    before = known(deployed("a"), deployed("a", app="cart"), deployed("a", "production"))
    seen = status(deployed("b"))
    after = before.after([seen], [seen.app_environment], "staging")
    assert after == WhatRuns(statuses=(before.statuses[2], seen))
    assert before.after([seen], [seen.app_environment], None).statuses == (seen,)


def test_what_is_removed_is_shown_for_a_while_by_whoever_looks() -> None:
    cart = AppStatus(app="cart", environment="staging", health="removed", reason="gone", at=NOW)
    shop = deployed("a")
    there = [status(shop).app_environment]
    for later, kept in ((KNOWN_FOR, True), (KNOWN_FOR + timedelta(0, 1), False)):
        seen = status(shop, at=NOW + later)
        after = WhatRuns(statuses=(cart,)).after([seen], there, "staging")
        assert after.removed(None, None, NOW + later) == ([cart] if kept else [])
        assert (cart in after.statuses) == kept
    known = WhatRuns(statuses=(cart, status(shop)))
    assert known.removed("cart", "staging", NOW) == [cart]
    for app, environment in (("shop", None), (None, "prod")):
        assert known.removed(app, environment, NOW) == []


@pytest.mark.parametrize("text", [None, "[]", "[1]", '[{"app": "shop"}]'])
def test_a_summary_in_other_words_says_nothing(text: str | None) -> None:
    assert read_summary(text) == WhatRuns()


def test_programs_read_what_was_written() -> None:
    written = known(deployed("a", revision_at=NOW), deployed("b", "production"))
    assert read_summary(written.summary()) == written


def test_when_it_was_looked_at_is_the_oldest_look_of_what_is_still_known() -> None:
    looks = (NOW, NOW - timedelta(minutes=1), NOW - timedelta(hours=1))
    statuses = tuple(status(deployed(app=f"app{n}"), at=at) for n, at in enumerate(looks))
    assert WhatRuns(statuses=statuses).looked_at(NOW) == "Looked at 2026-11-29 13:59:00 UTC"
    assert WhatRuns().looked_at(NOW) == "Not looked at yet"
