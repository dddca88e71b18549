"""The night of each app: a schedule of `nightly` that its team may change or switch off."""

from __future__ import annotations

from collections.abc import Collection, Generator, Sequence
from contextlib import contextmanager
from http import HTTPStatus

from prefect import get_client
from prefect.client.schemas.actions import DeploymentScheduleCreate
from prefect.client.schemas.objects import DeploymentSchedule
from prefect.client.schemas.schedules import CronSchedule
from prefect.exceptions import ObjectNotFound, PrefectHTTPStatusError

NIGHTLY = "nightly/nightly"
# Where clocks are changed, a night may have this time twice or not at all.
NIGHT = CronSchedule(cron="30 1 * * *", timezone="UTC")
EVERY_NIGHT = "every-night"


async def keep_nights(apps: Collection[str]) -> None:
    """Have a schedule for each app that is registered, and none of ours for any other.

    Args:
        apps: The apps that are registered.
    """
    async with get_client() as client:
        try:
            deployment = await client.read_deployment_by_name(NIGHTLY)
        except ObjectNotFound:
            return
        nights = deployment.schedules
        for night in nights_of_none(nights, apps):
            with done_by_another():
                await client.delete_deployment_schedule(deployment.id, night.id)
        for night, app in nameless_nights(nights, apps):
            with done_by_another():
                await client.update_deployment_schedule(
                    deployment.id, night.id, parameters={**night.parameters, "app": app}
                )
        for night in missing_nights(nights, apps):
            with done_by_another():
                await client.create_deployment_schedules(deployment.id, [night])


@contextmanager
def done_by_another() -> Generator[None]:
    """Pass over a schedule that an agent, a bootstrap or a person has made or deleted since."""
    try:
        yield
    except ObjectNotFound:
        return
    except PrefectHTTPStatusError as error:
        if error.response.status_code != HTTPStatus.CONFLICT:
            raise


def missing_nights(
    nights: Sequence[DeploymentSchedule], apps: Collection[str]
) -> list[DeploymentScheduleCreate]:
    """A schedule for each app that has none; one that is changed, off or a person's own is one."""
    return [
        DeploymentScheduleCreate(schedule=NIGHT, parameters={"app": app}, slug=_slug(app))
        for app in apps
        if not any(_is_of(night, app) for night in nights)
    ]


def nights_of_none(
    nights: Sequence[DeploymentSchedule], apps: Collection[str]
) -> list[DeploymentSchedule]:
    """The schedules that were made here, and are of no app that is registered."""
    return [
        night
        for night in nights
        if (night.slug or "").startswith(EVERY_NIGHT)
        and not any(_is_of(night, app) for app in apps)
    ]


def nameless_nights(
    nights: Sequence[DeploymentSchedule], apps: Collection[str]
) -> list[tuple[DeploymentSchedule, str]]:
    """The schedules that have lost their app, with that app.

    Whoever switches a schedule on or off in Prefect 3.9 empties its parameters.
    """
    return [
        (night, app)
        for app in apps
        for night in nights
        if night.slug == _slug(app) and "app" not in night.parameters
    ]


def _slug(app: str) -> str:
    return f"{EVERY_NIGHT}-{app}"


def _is_of(night: DeploymentSchedule, app: str) -> bool:
    return night.slug == _slug(app) or night.parameters.get("app") == app
