from __future__ import annotations

from datetime import UTC, datetime

from shipway.git.revision import Revision
from shipway.monorepo.outcome import Outcome, not_started
from shipway.reports.services import ServicesReport, render

REVISION = Revision(
    commit="3f2c1ab" + "0" * 33,
    tree="t",
    author="Ada",
    subject="A change",
    at=datetime(2026, 11, 24, tzinfo=UTC),
)
RUN = "https://prefect.example.org/runs/flow-run/1"
SAME = Outcome(what="unchanged", why="the same as in aaaaaaa")
RELEASED = Outcome(what="released", why="1 commit; 2/2 ready", run=RUN)
RED = Outcome(what="failed", why="The gate is red.\n  got: |5xx|", run=RUN)


def report(**outcomes: Outcome) -> ServicesReport:
    return ServicesReport(
        environment="staging", revision=REVISION, all_or_nothing=False, outcomes=outcomes
    )


def test_a_sentence_says_how_many_came_to_what() -> None:
    assert report(a=SAME, b=RELEASED, c=SAME).sentence == "2 unchanged, 1 released"
    assert report(a=SAME).sentence == "nothing to release: 1 unchanged"
    made = report(a=RELEASED, b=RED, c=not_started("b"))
    assert made.sentence == "1 released, 1 failed, 1 not started"
    assert report(b=RED).sentence == "1 failed"


def test_the_page_says_of_each_what_became_of_it_and_links_its_run() -> None:
    page = render(report(cart=RED, mail=RELEASED, money=SAME, web=not_started("cart")))
    assert page.splitlines()[0].startswith("# services 3f2c1ab → staging: 1 failed")
    assert "- **Rule** each on its own" in page
    assert f"| mail | [released]({RUN}) | 1 commit; 2/2 ready |" in page
    assert f"| cart | [failed]({RUN}) | The gate is red.   got: \\|5xx\\| |" in page
    assert "| money | unchanged | the same as in aaaaaaa |" in page
    assert "| web | not started | because of cart |" in page


def test_a_program_reads_what_is_not_as_it_is_to_be() -> None:
    good, bad = report(a=SAME, b=RELEASED), report(a=RED, b=RELEASED, c=not_started("a"))
    assert (good.is_good, good.row()["error"]) == (True, None)
    assert bad.row()["services"]["a"] == {"what": "failed", "why": RED.why, "run": RUN}
    assert bad.row()["error"].splitlines()[0] == bad.sentence
    assert "c not started: because of a" in bad.row()["error"]
    assert not bad.is_good
