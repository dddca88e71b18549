from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from shipway.config.freeze import Freezes, read_freezes
from shipway.errors import RefuseError

WHO = "by: Ada, reason: the holidays"
HOLIDAYS = "{from: 2026-12-19T18:00:00+01:00, until: 2027-01-04T08:00:00+01:00, " + WHO + "}"
WEEKENDS = '{schedule: "0 16 * * fri", hours: 64, time_zone: Europe/Berlin, ' + WHO + "}"

HOURLY = '{schedule: "0 * * * *", hours: 2, ' + WHO + "}"


def freezes(*entries: str) -> Freezes:
    return read_freezes(f"freezes: [{', '.join(entries)}]".encode(), "prod/freeze.yaml")


def releases(now: str, *entries: str) -> tuple[str, str]:
    """What counts then: what it does to releases, and until when."""
    found = freezes(*entries).of("shop", datetime.fromisoformat(now))
    assert found is not None
    return found[0].releases, found[1].isoformat()


def end(entry: str, now: str, app: str = "shop") -> str | None:
    found = freezes(entry).of(app, datetime.fromisoformat(now))
    return found[1].isoformat() if found else None


@pytest.mark.parametrize(
    ("entry", "now", "until"),
    [
        (HOLIDAYS, "2026-12-19T16:59:59+00:00", None),
        (HOLIDAYS, "2026-12-19T17:00:00+00:00", "2027-01-04T08:00:00+01:00"),
        (HOLIDAYS, "2027-01-04T06:59:59+00:00", "2027-01-04T08:00:00+01:00"),
        (HOLIDAYS, "2027-01-04T07:00:00+00:00", None),
        (WEEKENDS, "2026-11-27T14:59:59+00:00", None),
        (WEEKENDS, "2026-11-27T15:00:00+00:00", "2026-11-30T08:00:00+01:00"),
        (WEEKENDS, "2026-11-27T15:00:30+00:00", "2026-11-30T08:00:00+01:00"),
        (WEEKENDS, "2026-11-30T06:59:59+00:00", "2026-11-30T08:00:00+01:00"),
        (WEEKENDS, "2026-11-30T07:00:00+00:00", None),
        # The clocks go forward on that Sunday, and back on this one: it is 8 on Monday as always.
        (WEEKENDS, "2026-03-30T05:59:59+00:00", "2026-03-30T08:00:00+02:00"),
        (WEEKENDS, "2026-03-30T06:00:00+00:00", None),
        (WEEKENDS, "2026-10-26T06:59:59+00:00", "2026-10-26T08:00:00+01:00"),
        (WEEKENDS, "2026-10-26T07:00:00+00:00", None),
        # One that lasts until the next one begins, and longer.
        (HOURLY, "2026-11-27T14:30:00+00:00", "2026-11-27T16:00:00+00:00"),
    ],
)
def test_a_freeze_goes_on_from_its_beginning_to_before_its_end(
    entry: str, now: str, until: str | None
) -> None:
    assert end(entry, now) == until


def test_a_freeze_is_for_the_apps_that_it_names() -> None:
    entry = HOLIDAYS.replace("{", "{apps: [cart, shop], ")
    assert end(entry, "2026-12-24T00:00:00+00:00") is not None
    assert end(entry, "2026-12-24T00:00:00+00:00", "blog") is None


def test_of_several_the_last_to_end_counts() -> None:
    later = HOLIDAYS.replace("2027-01-04", "2027-01-05")
    now = datetime(2026, 12, 24, tzinfo=UTC)
    found = freezes(WEEKENDS, later, HOLIDAYS).of("shop", now)
    assert found is not None
    assert found[1].day == 5
    assert found[0].by == "Ada"
    assert freezes(HOLIDAYS).of("shop", now - timedelta(days=30)) is None


def test_without_a_file_nothing_is_frozen() -> None:
    assert read_freezes(None, "prod/freeze.yaml") == Freezes()


ONE_OF = "`from` and `until`, or `schedule` and `hours`"


@pytest.mark.parametrize(
    ("entry", "expected"),
    [
        ("{" + WHO + "}", ONE_OF),
        ("{from: 2026-12-19T18:00:00Z, " + WHO + "}", ONE_OF),
        # It would never end, or never begin.
        ("{from: 2026-12-19T18:00:00Z, until: null, " + WHO + "}", ONE_OF),
        ("{from: 2026-12-19T18:00:00Z, until: , " + WHO + "}", ONE_OF),
        ('{schedule: "0 16 * * fri", until: 2026-12-19T18:00:00Z, ' + WHO + "}", ONE_OF),
        ('{schedule: "0 16 * * fri", ' + WHO + "}", ONE_OF),
        (HOLIDAYS.replace("{", "{time_zone: Europe/Berlin, "), ONE_OF),
        (HOLIDAYS.replace("2027", "2025"), "an `until` that is later than `from`"),
        ("{from: 2026-12-19, until: 2026-12-20, " + WHO + "}", "Input should have timezone info"),
        (WEEKENDS.replace("Europe/Berlin", "Berlin"), "a time zone such as Europe/Berlin"),
        (WEEKENDS.replace("0 16 * * fri", "16 * * fri"), "five fields of cron: "),
        (WEEKENDS.replace("fri", "fry"), "five fields of cron: "),
        (WEEKENDS.replace("64", "0"), "Input should be greater than 0"),
        (HOLIDAYS.replace("{", "{apps: [], "), "List should have at least 1 item"),
    ],
)
def test_a_freeze_that_could_be_misread_is_refused(entry: str, expected: str) -> None:
    with pytest.raises(RefuseError) as caught:
        freezes(entry)
    assert str(caught.value.facts["expected"]).startswith(expected)


@pytest.mark.parametrize("said", ["by: Ada", "reason: the holidays"])
def test_a_freeze_says_who_wants_it_and_why(said: str) -> None:
    with pytest.raises(RefuseError, match="is missing"):
        freezes(HOLIDAYS.replace(said, "apps: [shop]"))


def test_releases_are_refused_unless_it_has_them_wait() -> None:
    waits = HOLIDAYS.replace("{", "{releases: wait, ")
    weekend = WEEKENDS.replace("{", "{releases: wait, ")
    december, friday = "2026-12-24T12:00:00+00:00", "2026-12-25T16:00:00+00:00"
    assert releases(december, HOLIDAYS) == ("refuse", "2027-01-04T08:00:00+01:00")
    assert releases(december, waits) == ("wait", "2027-01-04T08:00:00+01:00")
    # What refuses counts before what ends later; of those that wait, the last to end.
    assert releases(friday, waits, WEEKENDS) == ("refuse", "2026-12-28T08:00:00+01:00")
    assert releases(friday, weekend, waits) == ("wait", "2027-01-04T08:00:00+01:00")


def test_what_a_freeze_does_not_do_to_releases_is_refused() -> None:
    with pytest.raises(RefuseError, match=r"releases"):
        freezes(HOLIDAYS.replace("{", "{releases: queue, "))
