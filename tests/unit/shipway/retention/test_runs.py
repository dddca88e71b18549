from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from shipway.retention.in_git import InGit
from shipway.retention.policy import Retention
from shipway.retention.runs import PastRun, why_run_stays

NOW = datetime(2026, 11, 30, tzinfo=UTC)
ID = "00000000-0000-0000-0000-000000000001"
NOTHING = InGit(ids=frozenset())


def past(**more: object) -> PastRun:
    facts = {"id": ID, "is_over": True, "ended": NOW - timedelta(days=91)}
    facts |= {"is_turn": False, "has_newest_page": False}
    return PastRun.model_validate({**facts, **more})


def test_what_is_over_for_long_goes() -> None:
    assert why_run_stays(past(), NOTHING, Retention(), NOW) is None


def test_turns_of_the_agent_go_sooner() -> None:
    turn = past(is_turn=True, ended=NOW - timedelta(days=3))
    assert why_run_stays(turn, NOTHING, Retention(), NOW) is None
    assert why_run_stays(turn, NOTHING, Retention(agent_run_days=4), NOW) == "younger than 4 days"


@pytest.mark.parametrize(
    ("run", "in_git", "why"),
    [
        (past(is_over=False), NOTHING, "goes on or waits"),
        (past(is_over=False, ended=None), NOTHING, "goes on or waits"),
        (past(ended=None), NOTHING, "nobody knows how old it is"),
        (past(ended=NOW - timedelta(days=89)), NOTHING, "younger than 90 days"),
        (past(has_newest_page=True), NOTHING, "it wrote the newest page of some kind"),
        (past(), InGit(ids=frozenset({ID})), "Git names it: an environment has or had lately "),
    ],
)
def test_what_somebody_may_look_at_or_wait_for_stays(run: PastRun, in_git: InGit, why: str) -> None:
    assert str(why_run_stays(run, in_git, Retention(), NOW)).startswith(why)
