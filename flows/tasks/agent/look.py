"""What runs where: looked at by the agent for as long as it stays."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Callable, Iterable, Mapping
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from datetime import UTC, datetime

from prefect.logging import get_run_logger

from blocks.cluster import Cluster
from blocks.ops_repository import OpsRepository
from flows.runtime.external_task import external_task
from flows.runtime.load_block import load_block
from flows.runtime.what_runs_page import read_known, write_known
from shipway.app_environment import AppEnvironment
from shipway.errors import ShipwayError
from shipway.git.history import History
from shipway.git.ops_folder import OpsFolder
from shipway.rollout.apply import Applied
from shipway.rollout.leaving import Leaving, status_of
from shipway.rollout.look import InGit, look_at, not_asked, read_folder, with_applied
from shipway.rollout.status import AppStatus, WhatRuns

# How soon what an agent has applied is looked at, and what is on its way is looked at again.
LOOK_SECONDS = 5.0
# How long a cluster may take to answer, before it is said that it does not.
ANSWER_SECONDS = 20.0

# What became of applying a folder: the changes, an error, or None where another agent applies it.
Outcome = Applied | ShipwayError | None


class WhatRunsPage:
    """Keeps the page of what runs where.

    Args:
        environment: The environment that is looked at; all of them if None.
    """

    def __init__(self, environment: str | None) -> None:
        self._environment = environment
        self._outcomes: dict[AppEnvironment, Outcome] = {}
        self._due: set[AppEnvironment] = set()
        self._left: list[AppStatus] = []

    def applied(self, app_environment: AppEnvironment, outcome: Outcome) -> None:
        """Note what became of applying a folder; it is looked at soon."""
        self._outcomes[app_environment] = outcome
        self._due.add(app_environment)

    def leaving(self, leaving: Iterable[Leaving]) -> None:
        """Note what is left of removed apps; it is shown soon."""
        self._left += [status_of(one, datetime.now(UTC)) for one in leaving]

    @asynccontextmanager
    async def kept(self) -> AsyncGenerator[None]:
        """Look at what is due every few seconds, and once more at the end."""
        end = asyncio.Event()
        keeping = asyncio.create_task(self._keep(end))
        try:
            yield
        except BaseException:
            keeping.cancel()
            raise
        end.set()
        await keeping

    async def _keep(self, end: asyncio.Event) -> None:
        while not end.is_set():
            with suppress(TimeoutError):
                await asyncio.wait_for(end.wait(), LOOK_SECONDS)
            if self._due or self._left:
                await self._look()

    async def _look(self) -> None:
        """Look at what is due, and write what is known then."""
        due, self._due = self._due, set()
        left, self._left = self._left, []
        try:
            outcomes = {one: self._outcomes[one] for one in due}
            looked_at, there = await look(self._environment, outcomes, await read_known())
            seen = [*looked_at, *left]
            await write_known(lambda known: known.after(seen, there, self._environment))
        except Exception as error:
            get_run_logger().warning("The page of what runs where stays as it was: %s", error)
        else:
            self._due.update(one.app_environment for one in looked_at if one.is_moving)


@external_task("look at what runs")
async def look(
    environment: str | None, outcomes: Mapping[AppEnvironment, Outcome], before: WhatRuns
) -> tuple[list[AppStatus], list[AppEnvironment]]:
    """A look at some apps.

    Args:
        environment: The environment that they are in; all of them if None.
        outcomes: The apps, each with what became of applying it.
        before: What was known.

    Returns:
        What was seen, and all that Git has in the environment.
    """
    ops, at = await load_block(OpsRepository), datetime.now(UTC)

    def read(
        folder: OpsFolder, history: Callable[[], History]
    ) -> tuple[AppEnvironment, InGit | None]:
        whose = folder.app_environment
        if whose not in outcomes:
            return whose, None
        return whose, read_folder(folder, history, before.of(whose.app, whose.environment), at)

    found = dict(await asyncio.to_thread(ops.consult_each, read, environment=environment))
    by_cluster: dict[str | None, list[InGit]] = {}
    for one in found.values():
        if one is not None:
            by_cluster.setdefault(one.target and one.target.cluster, []).append(one)
    asked = await asyncio.gather(*(_ask(cluster, all_of) for cluster, all_of in by_cluster.items()))
    statuses = [with_applied(one, outcomes[one.app_environment]) for some in asked for one in some]
    return statuses, list(found)


async def _ask(name: str | None, in_git: list[InGit]) -> list[AppStatus]:
    """What a cluster says of the apps in it; one that does not answer says nothing."""
    if name is None:
        return [one.status for one in in_git]
    try:
        cluster = await load_block(Cluster, name)
        async with AsyncExitStack() as stack:
            async with asyncio.timeout(ANSWER_SECONDS):
                client = await stack.enter_async_context(cluster.client())
            return [await look_at(client, one.status, one.target) for one in in_git if one.target]
    except (ShipwayError, TimeoutError) as error:
        return [not_asked(one.status, error) for one in in_git]
