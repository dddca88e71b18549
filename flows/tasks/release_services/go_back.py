"""The way back of services that are released together, or not at all."""

from __future__ import annotations

from flows.runtime.external_task import external_task
from flows.tasks.release_services.find_changed import read_standing
from flows.tasks.release_services.service_runs import Order, ServiceSet, run_for, runs_of_set
from shipway.errors import FailError
from shipway.monorepo.outcome import Outcome

BY = "release-services"


async def go_back(
    of: ServiceSet, newest_last: list[str], because: str, until: str
) -> dict[str, Outcome]:
    """Roll back each service that runs of a release have brought to its revision, newest first.

    What somebody else released, before or since, is left alone.

    Args:
        of: The release.
        newest_last: The services, each after those that it needs.
        because: Why; it stands in the commits and holds.
        until: How far each rollback is followed.

    Returns:
        What became of those that were to go back.
    """
    outcomes = dict[str, Outcome]()
    reason = {"reason": because, "by": BY, "until": until}
    for app in reversed(newest_last):
        if not await is_brought(of, app):
            continue
        order = Order(of=of, app=app, what="back", parameters=reason)
        try:
            done = await run_for(order, "roll back")
        except FailError as error:
            run = error.facts["where"] or ""
            outcomes[app] = Outcome(what="not rolled back", why=error.what, run=run)
        else:
            outcomes[app] = Outcome(what="rolled back", why=because, run=done.run)
    return outcomes


@external_task("see whether this release has brought {app}")
async def is_brought(of: ServiceSet, app: str) -> bool:
    """Whether the environment has a service at this revision by a run of this release.

    Raises:
        RetryError: Git does not answer.
    """
    standing = (await read_standing(of.environment)).get(app)
    if standing is None or standing.revision != of.commit:
        return False
    return any(str(run.id) in standing.run for run in await runs_of_set(of, app))
