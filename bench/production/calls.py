"""Releases as people start them, each timed from the call until the server has its end."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Sequence
from typing import NamedTuple
from uuid import UUID, uuid4

from prefect import get_client
from prefect.client.orchestration import PrefectClient
from prefect.client.schemas.filters import (
    FlowRunFilter,
    FlowRunFilterId,
    FlowRunFilterState,
    FlowRunFilterStateType,
)
from prefect.client.schemas.objects import TERMINAL_STATES, FlowRun

from bench.production.small_apps import SmallApp

LOOK_SECONDS = 0.25
PATIENCE_SECONDS = 1200
# As many as the server returns at once.
MOST = 200


class Called(NamedTuple):
    """A release.

    Attributes:
        run: Its flow run.
        app: Its app.
        revision: What of it.
    """

    run: UUID
    app: str
    revision: str


class Ended(NamedTuple):
    """How long a release took, in seconds.

    Attributes:
        seconds: From the call to its end.
        queued: Of these, until it began.
    """

    seconds: float
    queued: float


async def call(client: PrefectClient, deployment: UUID, app: SmallApp) -> Called:
    """Start a release of an app up to the GitOps commit."""
    revision = app.revision
    parameters = {"app": app.name, "revision": revision, "until": "commit"}
    # The client asks again where a server dies before it answers.
    run = await client.create_flow_run_from_deployment(
        deployment, parameters=parameters, idempotency_key=uuid4().hex
    )
    return Called(run.id, app.name, revision)


async def ends(client: PrefectClient, calls: Sequence[Called], at_least: int | None = None) -> None:
    """Wait until so many releases are over, all if not given.

    Raises:
        TimeoutError: They do not end.
    """
    over = FlowRunFilter(
        id=FlowRunFilterId(any_=[one.run for one in calls]),
        state=FlowRunFilterState(type=FlowRunFilterStateType(any_=[*TERMINAL_STATES])),
    )
    async with asyncio.timeout(PATIENCE_SECONDS):
        # To read so many runs would cost the server more than to count them.
        while await client.count_flow_runs(flow_run_filter=over) < (at_least or len(calls)):  # noqa: ASYNC110
            await asyncio.sleep(LOOK_SECONDS)


async def runs_of(client: PrefectClient, calls: Sequence[Called]) -> list[FlowRun]:
    """The runs of releases, as the server has them."""
    ids = FlowRunFilterId(any_=[one.run for one in calls])
    return await client.read_flow_runs(flow_run_filter=FlowRunFilter(id=ids), limit=MOST)


def timed(run: FlowRun) -> Ended:
    """How long a release took that is over, by the server's clock."""
    assert run.created
    assert run.start_time
    assert run.end_time
    seconds = (run.end_time - run.created).total_seconds()
    return Ended(seconds, (run.start_time - run.created).total_seconds())


async def closed_loop(
    deployment: UUID, apps: Sequence[SmallApp], clients: int
) -> tuple[list[Called], float]:
    """Release each app, so many at a time: the next one is called when one is over.

    Returns:
        The releases, and the seconds until the last one was over.
    """
    waiting, calls = list(apps), list[Called]()

    async def go_on(client: PrefectClient) -> None:
        while waiting:
            called = await call(client, deployment, waiting.pop())
            calls.append(called)
            await ends(client, [called])

    begin = time.monotonic()
    async with get_client() as client:
        await asyncio.gather(*(go_on(client) for _ in range(clients)))
    return calls, time.monotonic() - begin
