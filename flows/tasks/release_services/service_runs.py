"""Runs for the services of one release: found by their tags and keys, started, and followed.

Whoever starts the same release again finds those that are under way, and starts none twice.
"""

from __future__ import annotations

import asyncio
from typing import Any, Literal

from prefect import get_client
from prefect.client.orchestration import PrefectClient
from prefect.client.schemas.filters import (
    FlowFilter,
    FlowFilterName,
    FlowRunFilter,
    FlowRunFilterState,
    FlowRunFilterStateType,
    FlowRunFilterTags,
)
from prefect.client.schemas.objects import FlowRun, State, StateType
from prefect.client.schemas.sorting import FlowRunSort
from prefect.exceptions import ObjectNotFound
from prefect.logging import get_run_logger
from prefect.states import Cancelling
from pydantic import BaseModel, ConfigDict

from flows.runtime.external_task import external_task
from flows.runtime.run_link import address_of
from flows.runtime.start_once import start_once
from flows.runtime.tag_run import tags_of
from shipway.app_environment import AppEnvironment
from shipway.errors import FailError
from shipway.monorepo.outcome import Outcome
from shipway.reports.own_words import own_words

RELEASE = "release/release"
ROLLBACK = "rollback/rollback"
LOOK_SECONDS = 1.0

_TAG = "services:"


class ServiceSet(BaseModel):
    """One release of the services of a repository.

    Attributes:
        environment: Where they are released.
        commit: The full id of their revision.
    """

    model_config = ConfigDict(frozen=True)

    environment: str
    commit: str

    @property
    def tag(self) -> str:
        """What its runs are tagged with, and whoever starts them."""
        return f"{_TAG}{self.environment}@{self.commit[:12]}"

    def whose(self, app: str) -> AppEnvironment:
        """One of its services, where it is released."""
        return AppEnvironment(app=app, environment=self.environment)


class Order(BaseModel):
    """A run for a service.

    Attributes:
        of: What it is a part of.
        app: The service.
        what: What it is to do.
        parameters: Those of its flow beside app and environment.
    """

    model_config = ConfigDict(frozen=True)

    of: ServiceSet
    app: str
    what: Literal["image", "commit", "healthy", "back"]
    parameters: dict[str, Any]

    @property
    def key(self) -> str:
        """What the idempotency keys of all its runs begin with."""
        return f"{self.of.whose(self.app).folder}@{self.of.commit}/{self.what}/"

    @property
    def deployment(self) -> str:
        """What it is a run of."""
        return ROLLBACK if self.what == "back" else RELEASE


@external_task("{doing} {order.app}", retry_seconds=())
async def run_for(order: Order, doing: str) -> Outcome:  # noqa: ARG001
    """Have a run do something for a service, and wait for its end, however long a person thinks.

    One that is under way is waited for; one whose process is killed is started once more.

    Args:
        order: What is to be done.
        doing: That, in a word or two.

    Returns:
        What the run says, and its link.

    Raises:
        FailError: It failed, was cancelled, or its process was killed again.
        RefuseError: There is no deployment to start.
    """
    async with get_client() as client:
        run, state = await _once(client, order)
        if state.is_crashed():
            # That a process was killed says nothing of the service.
            get_run_logger().warning("%s: its run was killed, and is started once more", order.app)
            run, state = await _once(client, order)
    link, words = address_of(str(run.id)), own_words(state.message or "")
    if state.is_completed():
        return Outcome(what="released", why=words, run=link)
    raise FailError(words.partition("\n")[0] or str(state.name), where=link, got=words or None)


async def runs_of_set(of: ServiceSet, app: str) -> list[FlowRun]:
    """All runs that were ever started for a service of a release, newest first."""
    tags = [of.tag, *tags_of(app, of.environment)]
    with_tags = FlowRunFilter(tags=FlowRunFilterTags(all_=tags))
    async with get_client() as client:
        return await client.read_flow_runs(
            flow_run_filter=with_tags, sort=FlowRunSort.EXPECTED_START_TIME_DESC
        )


async def was_completed(of: ServiceSet, flow: str) -> bool:
    """Whether a run of a flow has led the whole release to its end before."""
    completed = FlowRunFilterState(type=FlowRunFilterStateType(any_=[StateType.COMPLETED]))
    those = FlowRunFilter(tags=FlowRunFilterTags(all_=[of.tag]), state=completed)
    async with get_client() as client:
        return bool(
            await client.read_flow_runs(
                flow_filter=FlowFilter(name=FlowFilterName(any_=[flow])), flow_run_filter=those
            )
        )


async def cancel_runs(flow: Any, flow_run: FlowRun, state: State[Any]) -> None:  # noqa: ARG001
    """State hook of a release that is cancelled: cancel the runs that release a service for it.

    What leads one back goes on.
    """
    async with get_client() as client:
        tags = (await client.read_flow_run(flow_run.id)).tags
        if not (mine := [tag for tag in tags if tag.startswith(_TAG)]):
            return
        with_tag = FlowRunFilter(tags=FlowRunFilterTags(all_=mine))
        for run in await client.read_flow_runs(flow_run_filter=with_tag):
            key = run.idempotency_key or ""
            is_release = run.flow_id != flow_run.flow_id and "/back/" not in key
            if is_release and not _is_over(run):
                await client.set_flow_run_state(run.id, Cancelling())


async def _once(client: PrefectClient, order: Order) -> tuple[FlowRun, State[Any]]:
    """Find the run that is under way, or start one; return it, and the state that it ends with."""
    runs = await runs_of_set(order.of, order.app)
    mine = {
        int(run.idempotency_key.removeprefix(order.key)): run
        for run in runs
        if run.idempotency_key and run.idempotency_key.startswith(order.key)
    }
    run = next((run for run in mine.values() if not _is_over(run)), None)
    # Two who ask at once take the same number, and have one run.
    run = run or await _start(order, max(mine, default=0) + 1)
    get_run_logger().info("%s: %s", order.app, address_of(str(run.id)))
    return run, await _end_of(client, run)


async def _start(order: Order, number: int) -> FlowRun:
    whose = order.of.whose(order.app)
    return await start_once(
        order.deployment,
        {**whose.model_dump(), **order.parameters},
        f"{order.key}{number}",
        [order.of.tag, *tags_of(whose.app, whose.environment)],
    )


async def _end_of(client: PrefectClient, run: FlowRun) -> State[Any]:
    """The state that a run ends with; one that waits for a person has not ended."""
    while True:
        try:
            state = (await client.read_flow_run(run.id)).state
        except ObjectNotFound:
            raise FailError(
                "Somebody has deleted the run.", where=address_of(str(run.id))
            ) from None
        if state is not None and state.is_final():
            return state
        await asyncio.sleep(LOOK_SECONDS)


def _is_over(run: FlowRun) -> bool:
    return run.state is not None and run.state.is_final()
