"""The services of a repository in one go: those that changed, in the order of what needs what."""

from __future__ import annotations

import asyncio

from prefect import flow
from prefect.artifacts import acreate_markdown_artifact, acreate_table_artifact
from prefect.client.schemas.objects import State
from prefect.states import Completed

from flows.rollout import Until
from flows.runtime.beside import finish_beside
from flows.runtime.run_link import known_root_run
from flows.runtime.run_name import name_this_run, run_name
from flows.runtime.tag_run import add_tags, tags_of
from flows.runtime.told_to_end import ended_when_told
from flows.tasks.release_services.find_changed import find_changed
from flows.tasks.release_services.go_back import go_back
from flows.tasks.release_services.read_services import Services, read_services
from flows.tasks.release_services.service_runs import (
    Order,
    ServiceSet,
    cancel_runs,
    run_for,
    was_completed,
)
from shipway.errors import FailError
from shipway.monorepo.changed import Choice
from shipway.monorepo.in_order import release_in_order
from shipway.monorepo.outcome import Outcome
from shipway.parameters import check_names
from shipway.reports.services import ServicesReport, render

NAME = "release-services"


@flow(
    name=NAME,
    flow_run_name=run_name("services of {app} {revision} → {environment}"),
    on_completion=[finish_beside],
    on_failure=[finish_beside],
    on_cancellation=[cancel_runs],
)
async def release_services(
    app: str,
    revision: str | None = None,
    environment: str = "staging",
    all_or_nothing: bool = False,
    until: Until = "healthy",
) -> State[None]:
    """Release the services of a repository that changed; a second time changes nothing.

    Args:
        app: Any app of the repository, as its Source Repository block is named.
        revision: Branch, tag or commit id; the tip of the default branch if empty.
        environment: Environment, as its folder in the ops repository is named.
        all_or_nothing: Where one fails, lead those back that were released, and start no other.
        until: Stop each at its GitOps commit, or see its rollout through until healthy.
    """
    check_names(app=app, environment=environment)
    with known_root_run(), ended_when_told():
        found = await read_services(app, revision)
        this = ServiceSet(environment=environment, commit=found.revision.commit)
        stood = await was_completed(this, NAME)
        await add_tags([this.tag, *tags_of(None, environment)])
        choices = await find_changed(app, found, environment)
        outcomes = await release_each(this, found, choices, until, all_or_nothing=all_or_nothing)
        failed = [app for app, outcome in outcomes.items() if outcome.what == "failed"]
        if failed and all_or_nothing and not stood:
            because = f"{failed[0]} failed at {found.revision.short}, and it is all or nothing"
            # Those that failed do as their rollout.yaml says: they went back, or halted.
            others = [app for app in outcomes if app not in failed]
            outcomes |= await go_back(this, others, because, until)
        return await tell(
            ServicesReport(
                environment=environment,
                revision=found.revision,
                all_or_nothing=all_or_nothing,
                outcomes={**outcomes, **left_alone(choices)},
            )
        )


async def release_each(
    this: ServiceSet,
    found: Services,
    choices: dict[str, Choice],
    until: Until,
    *,
    all_or_nothing: bool,
) -> dict[str, Outcome]:
    """Build, test and push all that changed; once that is done, release it in order.

    Returns:
        What became of each that is to be released, each after what it needs.
    """

    async def attempt(app: str, until: str, doing: str) -> Outcome:
        parameters = {"revision": this.commit, "until": until}
        order = Order.model_validate(
            {"of": this, "app": app, "what": until, "parameters": parameters}
        )
        try:
            return await run_for(order, doing)
        except FailError as error:
            return Outcome(what="failed", why=error.what, run=error.facts["where"] or "")

    changed = [app for app in found.needs if choices[app].what == "changed"]
    images = await asyncio.gather(*(attempt(app, "image", "build") for app in changed))
    red = {app: image for app, image in zip(changed, images, strict=True) if not image.is_good}
    needs = {app: needed for app, needed in found.needs.items() if choices[app].is_released}
    return await release_in_order(
        needs, red, lambda app: attempt(app, until, "release"), all_or_nothing=all_or_nothing
    )


def left_alone(choices: dict[str, Choice]) -> dict[str, Outcome]:
    """What becomes of those that are not released."""
    return {
        app: Outcome.model_validate(choice.model_dump())
        for app, choice in sorted(choices.items())
        if not choice.is_released
    }


async def tell(report: ServicesReport) -> State[None]:
    """Name the run by what it released, and keep its page.

    Raises:
        FailError: A service is not as it is to be.
    """
    key = f"{report.environment}-services"
    await asyncio.gather(
        name_this_run(report.title),
        acreate_markdown_artifact(render(report), key=f"{key}-report", description=report.title),
        acreate_table_artifact([report.row()], key=f"{key}-summary", description=report.title),
    )
    if report.is_good:
        return Completed(message=report.sentence)
    raise FailError(
        f"Not every service is released: {report.sentence}.",
        where=report.environment,
        got="\n".join(report.lines),
        remedy="release a revision that mends it; or start this one again, which goes on from what "
        "is there",
    )
