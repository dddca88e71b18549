from __future__ import annotations

from typing import Any

from prefect.client.schemas.objects import DeploymentSchedule
from prefect.client.schemas.schedules import CronSchedule

from flows.runtime.nights import NIGHT, missing_nights, nameless_nights, nights_of_none


def schedule(slug: str | None, app: str | None = None, **fields: Any) -> DeploymentSchedule:
    noon = CronSchedule(cron="0 12 * * *")
    parameters = {"app": app} if app else {}
    return DeploymentSchedule(slug=slug, parameters=parameters, schedule=noon, **fields)


def test_an_app_without_a_night_gets_one() -> None:
    (night,) = missing_nights([schedule("every-night-cart", "cart")], ["cart", "shop"])
    assert (night.slug, night.parameters) == ("every-night-shop", {"app": "shop"})
    assert (night.schedule, night.active) == (NIGHT, True)


def test_one_that_is_changed_off_or_a_persons_own_is_kept() -> None:
    changed = schedule("every-night-shop", "shop")
    off = schedule("every-night-cart", "cart", active=False)
    own = schedule(None, "till")
    assert missing_nights([changed, off, own], ["cart", "shop", "till"]) == []
    assert nights_of_none([changed, off, own], ["cart", "shop", "till"]) == []


def test_only_what_was_made_here_goes_with_its_app() -> None:
    gone = schedule("every-night-shop", "shop")
    of_nobody = schedule("every-night")
    own = [schedule(None, "shop"), schedule("noon", "shop"), schedule("noon-of-all")]
    assert nights_of_none([gone, of_nobody, *own], ["cart"]) == [gone, of_nobody]


def test_a_night_that_lost_its_app_is_still_that_apps() -> None:
    off = schedule("every-night-shop", active=False)
    assert missing_nights([off], ["shop"]) == []
    assert nights_of_none([off], ["shop"]) == []
    assert nameless_nights([off, schedule("every-night-till", "cart")], ["shop", "till"]) == [
        (off, "shop")
    ]
