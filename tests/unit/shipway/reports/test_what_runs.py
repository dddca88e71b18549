from __future__ import annotations

from datetime import UTC, datetime, timedelta

from shipway.reports.what_runs import what_runs_page
from shipway.rollout.frozen import Frozen
from shipway.rollout.observation import LastChange, Observation
from shipway.rollout.status import KNOWN_FOR, AppStatus, WhatRuns
from tests.support.statuses import NOW, after, deployed, status

RUN = "https://prefect.example.org/runs/flow-run/1"


def page(*statuses: AppStatus, minutes: int = 0) -> str:
    return what_runs_page(
        WhatRuns(statuses=statuses),
        NOW + timedelta(minutes=minutes),
        lambda commit: f"<{commit[:7]}>",
        lambda key, text: f"[{text}](/artifacts/key/{key})",
    )


def test_each_app_stands_beside_its_environments_in_the_order_of_promotion() -> None:
    said = page(
        status(deployed("a", "production", promotion=after("staging"))),
        status(deployed("a", "eu", promotion=after("production"))),
        status(deployed("a")),
        status(deployed("b", app="cart")),
    )
    head, _, cart, shop = said.splitlines()[2:]
    assert head == "| App | staging | production | eu |"
    lines = (
        f"[bbbbbbb]({RUN}) healthy",
        "Change b",
        "2026-11-29 14:00",
        "Ada",
        "[report](/artifacts/key/cart-staging-report) <ccccccc>",
    )
    assert cart == f"| **cart** | {'<br>'.join(lines)} |  |  |"
    assert shop.count(f"[aaaaaaa]({RUN}) healthy<br>Change a") == 3
    assert "To look at" not in said
    assert "Waits" not in said


def test_what_is_not_as_it_should_be_stands_below() -> None:
    until = datetime(2027, 1, 4, 8, tzinfo=UTC)
    frozen = Frozen(file="staging/freeze.yaml", until=until, by="Ada", reason="the holidays")
    asked = deployed(step="2/7 canary 10%", held=("b" * 40,), frozen=frozen)
    said = page(
        status(asked, health="failed", reason="Deployment/web: it\n*crashes*", drift=("a/b",))
    )
    words = "**failed**<br>**2/7 canary 10%**<br>**drift**<br>**1 on hold**"
    words += "<br>**frozen until 2027-01-04 08:00 UTC**<br>Change a"
    assert f"| **shop** | [aaaaaaa]({RUN}) {words}<br>" in said
    assert "- **shop in staging**, failed: Deployment/web: it \\*crashes\\*\n" in said
    assert "- **shop in staging**, on its way: 2/7 canary 10%" in said
    assert "- **shop in staging**, differed from Git: a/b" in said
    assert "- **shop in staging**, on hold: bbbbbbb" in said


def test_what_another_agent_leaves_undone_stands_below() -> None:
    observation = Observation(
        change=LastChange(fingerprint="f", commit="c" * 40, at=NOW),
        agent="Flux is *suspended*",
        is_stopped=True,
        run="gave up",
        not_compared=("no `render`",),
    )
    said = page(status(deployed(step="2/7 canary 10%"), observed=observation))
    assert "<br>drift not known<br>**agent stopped**<br>" in said
    assert "- **shop in staging**, its agent applies nothing: Flux is \\*suspended\\*" in said
    assert "2/7 canary 10% was committed last; no run goes on with it" in said


def test_what_waits_for_its_promotion_is_told() -> None:
    said = page(
        status(deployed("b")), status(deployed("a", "production", promotion=after("staging")))
    )
    assert f"- **shop** [bbbbbbb]({RUN}) Change b: staging → production" in said


def test_how_far_a_group_of_waves_is() -> None:
    first = deployed("b", "eu", step="done")
    second = deployed("a", "us", promotion=after("eu", seconds=600, by_itself=True))
    third = deployed("a", "asia", promotion=after("eu", "us", by_itself=True))
    said = page(status(first), status(second), status(third))
    assert "| App | eu | us | asia |" in said
    way = f"- **shop** [bbbbbbb]({RUN}) Change b: eu → "
    assert f"{way}us, waits for eu: healthy until 2026\\-11\\-29 14:10:00 UTC" in said
    assert f"{way}asia, waits for us: not there yet" in said
    red = second.model_copy(update={"held": (first.revision,)})
    said = page(status(first), status(red), status(third))
    assert "→ us" not in said
    assert f"{way}asia, **halted: on hold in us**" in said


def test_what_nobody_knows_is_never_said_to_be_good() -> None:
    known = status(deployed())
    said = page(known, minutes=KNOWN_FOR.seconds // 60 + 1)
    assert f"[aaaaaaa]({RUN}) **unknown**<br>" in said
    assert "healthy" not in said
    unreadable = AppStatus(app="shop", environment="staging", reason="its folder …", at=NOW)
    assert "| **shop** | **unreadable** |" in page(unreadable)
    placeholder = deployed(image="shop", revision="unknown", step="", run="")
    untouched = status(placeholder, health="unknown", reason="nothing was released yet")
    assert "| **shop** | not released yet |" in page(untouched)
    assert "To look at" not in page(untouched)


def test_it_is_the_same_for_as_long_as_nothing_changes() -> None:
    later = status(deployed(), at=NOW + timedelta(minutes=1))
    assert page(status(deployed())) == page(later, minutes=1)
    assert page() == "# What runs where\n\nThe ops repository has no app yet."


def test_what_is_removed_says_so_with_its_commit() -> None:
    gone = AppStatus(
        app="shop",
        environment="staging",
        commit="c" * 40,
        health="removed",
        reason="removed from Git by ccccccc (Ada); goes at 2026-11-29 15:00 UTC",
        at=NOW,
    )
    said = page(gone)
    assert "| **shop** | **removed**<br><ccccccc> |" in said
    assert "- **shop in staging**, removed: removed from Git by ccccccc \\(Ada\\); goes at" in said
