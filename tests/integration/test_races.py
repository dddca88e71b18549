"""Many releases into one ops repository at once, each with a mirror of its own."""

from __future__ import annotations

from bench.gitops.races import race


def test_releases_of_many_apps_at_once_all_land(sandbox: dict[str, str]) -> None:
    found = race(apps=8, revisions=1, env=sandbox)
    assert [one.outcome for one in found.attempts] == ["landed"] * 8
    assert (found.lost, found.merges, found.wrong) == (0, 0, 0)


def test_of_many_revisions_of_one_app_at_once_the_newest_wins(sandbox: dict[str, str]) -> None:
    found = race(apps=1, revisions=8, env=sandbox)
    assert {one.outcome for one in found.attempts} <= {"landed", "stale"}
    assert found.newest_wins
    assert (found.lost, found.merges, found.wrong) == (0, 0, 0)
