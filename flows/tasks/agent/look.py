"""What runs where: looked at by the agent for as long as it stays."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Callable, Iterable, Mapping, Sequence
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from datetime import UTC, datetime

from prefect.logging import get_run_logger

from blocks.cluster import Cluster
from blocks.ops_repository import OpsRepository
from flows.runtime.external_task import as_is, external_task
from flows.runtime.load_block import load_block
from flows.runtime.tell_observed import tell_observed
from flows.runtime.what_runs_page import read_known, write_known
from flows.tasks.agent.observe import ANSWER_SECONDS, observe
from shipway.app_environment import AppEnvironment
from shipway.concurrency import fail_fast_group
from shipway.errors import ShipwayError
from shipway.git.history import History
from shipway.git.ops_folder import OpsFolder
from shipway.kubernetes.client import KubeClient
from shipway.rollout.apply import Applied
from shipway.rollout.leaving import Leaving, status_of
from shipway.rollout.look import InGit, look_at, not_asked, read_folder, with_applied
from shipway.rollout.observe import as_heard
from shipway.rollout.status import AppStatus, WhatRuns

# How soon what an agent has applied is looked at, and what is on its way is looked at again.
LOOK_SECONDS = 5.0

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
        self._writing = asyncio.Lock()

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
            before = await read_known()
            in_git, there = await look_at_git(self._environment, outcomes, before)
            clusters = {one.target and one.target.cluster for one in in_git}
            if left or not in_git:
                await self._write(left, there)
            async with fail_fast_group() as group:
                # What a cluster says that answers is written before one that does not is given up.
                for name in clusters:
                    group.create_task(self._look_in(name, in_git, there, outcomes, before))
        except Exception as error:
            get_run_logger().warning("The page of what runs where stays as it was: %s", error)

    async def _look_in(
        self,
        cluster: str | None,
        in_git: Sequence[InGit],
        there: Sequence[AppEnvironment],
        outcomes: Mapping[AppEnvironment, Outcome],
        before: WhatRuns,
    ) -> None:
        """Look at what is due in a cluster, and write what is known then."""
        inside = [one for one in in_git if (one.target and one.target.cluster) == cluster]
        asked = await ask(cluster, as_is(inside), as_is(before))
        seen = [with_applied(one, outcomes[one.app_environment]) for one in asked]
        await self._write(seen, there)
        self._due.update(one.app_environment for one in seen if one.is_moving)

    async def _write(self, seen: Sequence[AppStatus], there: Sequence[AppEnvironment]) -> None:
        async with self._writing:
            await write_known(lambda known: known.after(seen, there, self._environment))


@external_task("look at what runs")
async def look_at_git(
    environment: str | None, outcomes: Mapping[AppEnvironment, Outcome], before: WhatRuns
) -> tuple[list[InGit], list[AppEnvironment]]:
    """What Git says of some apps.

    Args:
        environment: The environment that they are in; all of them if None.
        outcomes: The apps, each with what became of applying it.
        before: What was known.

    Returns:
        What it says of them, and all that it has in the environment.
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
    return [one for one in found.values() if one is not None], list(found)


@external_task("look at what runs in {name}")
async def ask(name: str | None, in_git: Sequence[InGit], before: WhatRuns) -> list[AppStatus]:
    """What a cluster says of the apps in it; one that does not answer is not asked again.

    Args:
        name: Of its block; None for apps of which no cluster is to be asked.
        in_git: What Git says of them.
        before: What was known.
    """
    if name is None:
        return [one.status for one in in_git]
    asked = list[AppStatus]()
    try:
        cluster = await load_block(Cluster, name)
        async with AsyncExitStack() as stack:
            async with asyncio.timeout(ANSWER_SECONDS):
                client = await stack.enter_async_context(cluster.client())
            for one in in_git:
                asked.append(await _look_at(client, one, before))
    except (ShipwayError, TimeoutError) as error:
        for one in in_git[len(asked) :]:
            status = not_asked(one.status, error)
            asked.append(as_heard(status, before.of(status.app, status.environment)))
    return asked


async def _look_at(client: KubeClient, one: InGit, before: WhatRuns) -> AppStatus:
    """What a cluster says of an app."""
    status, target = one.status, one.target
    if target is None:
        return status
    if one.change is None:
        async with asyncio.timeout(ANSWER_SECONDS):
            return await look_at(client, status, target)
    known = before.of(status.app, status.environment)
    seen, news = await observe(client, status, target, one.folder, one.change, known)
    for each in news:
        await tell_observed(target, seen, each)
    return seen
