"""What starts by itself where rollout.yaml says so: releases of what is new, and promotions."""

from __future__ import annotations

import asyncio

from prefect import flow
from prefect.artifacts import acreate_table_artifact
from prefect.client.schemas.objects import State
from prefect.logging import get_run_logger
from prefect.states import Completed

from blocks.source_repository import SourceRepository
from flows.runtime.load_block import load_block
from flows.tasks.release_new.find_followers import find_followers
from flows.tasks.release_new.find_waiting import find_waiting
from flows.tasks.release_new.look_ahead import look_ahead
from flows.tasks.release_new.start_promotion import start_promotion
from flows.tasks.release_new.start_release import start_release
from shipway.errors import FailError, ShipwayError
from shipway.reports.started import Promoted, Started, started_rows, started_sentence
from shipway.rollout.new_revisions import Follower, Left
from shipway.rollout.waves import Waiting


@flow(name="release-new", flow_run_name="release what is new")
async def release_new() -> State[None]:
    """Start a release of each new tag or branch tip, and each promotion, that comes by itself.

    Who does not answer keeps none of the others waiting; the run fails at the end.
    """
    failed = dict[str, ShipwayError]()
    by_url = await group_by_repository(await find_followers(), failed)
    looks = [release_from(url, followers, failed) for url, followers in by_url.items()]
    looked = await asyncio.gather(promote_due(failed), *looks)
    found = [each for some in looked for each in some]
    if rows := started_rows(found):
        await acreate_table_artifact(
            rows, key="released-by-itself", description="What was new, and what became of it"
        )
    sentence = started_sentence(found)
    if failed:
        raise _not_all_seen(failed, sentence)
    return Completed(message=sentence)


async def group_by_repository(
    followers: list[Follower], failed: dict[str, ShipwayError]
) -> dict[str, list[Follower]]:
    """The environments by the address of their app's repository; apps of a monorepo share it."""
    by_url = dict[str, list[Follower]]()
    for follower in followers:
        app = follower.app_environment.app
        try:
            source = await load_block(SourceRepository, app)
        except ShipwayError as error:
            failed[app] = error
            continue
        by_url.setdefault(source.url, []).append(follower)
    return by_url


async def release_from(
    url: str, followers: list[Follower], failed: dict[str, ShipwayError]
) -> list[Started | Left]:
    """Look at a repository, and start what is new there, as far as it is not left to people."""
    log, found = get_run_logger(), list[Started | Left]()
    try:
        for each in await look_ahead(url, followers):
            if isinstance(each, Left):
                log.info("%s: %s", each.app_environment.title, each.why)
                found.append(each)
            elif started := await start_release(each):
                found.append(started)
    except ShipwayError as error:
        failed[url] = error
        log.error("%s: %s", url, error)
    return found


async def promote_due(failed: dict[str, ShipwayError]) -> list[Promoted | Left]:
    """Start the promotions that are due, as far as they neither wait nor are left to people."""
    log, found = get_run_logger(), list[Promoted | Left]()
    for waiting in await find_waiting():
        title = waiting.app_environment.title
        try:
            each = await promote(waiting)
        except ShipwayError as error:
            failed[title] = error
            log.error("%s: %s", title, error)
            continue
        if isinstance(each, Left):
            log.info("%s: %s", title, each.why)
        if each is not None:
            found.append(each)
    return found


async def promote(waiting: Waiting) -> Promoted | Left | None:
    """Start a promotion that is due."""
    if waiting.state == "due":
        return await start_promotion(waiting)
    if waiting.state == "halted":
        return Left(app_environment=waiting.app_environment, why=waiting.words)
    get_run_logger().info("%s: %s", waiting.app_environment.title, waiting.words)
    return None


def _not_all_seen(failed: dict[str, ShipwayError], sentence: str) -> FailError:
    """The error of a run that could not look everywhere."""
    return FailError(
        f"Not everything could be looked at. Of the others: {sentence}.",
        where=", ".join(failed),
        got="\n".join(f"{where}: {error}" for where, error in failed.items()),
        untouched="the environments that take something from there by themselves",
    )
