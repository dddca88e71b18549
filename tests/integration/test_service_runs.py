"""The runs that release services: found, started once, and followed, on the real Prefect server."""

from __future__ import annotations

import asyncio
import uuid
from collections.abc import AsyncGenerator
from typing import Any

import pytest
from prefect import get_client
from prefect.client.schemas.actions import WorkPoolCreate
from prefect.client.schemas.objects import FlowRun, State
from prefect.states import Completed, Crashed, Failed, Running

from flows.tasks.release_services import go_back as go_back_module
from flows.tasks.release_services import service_runs
from flows.tasks.release_services.go_back import go_back
from flows.tasks.release_services.service_runs import (
    Order,
    ServiceSet,
    cancel_runs,
    run_for,
    runs_of_set,
    was_completed,
)
from shipway.errors import FailError
from shipway.monorepo.changed import Standing
from shipway.monorepo.outcome import Outcome


@pytest.fixture
async def deployment(
    sandbox: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> AsyncGenerator[uuid.UUID]:
    """Deployments of `release` and `rollback` whose runs nobody takes; the release's."""
    name = f"nobody-{uuid.uuid4().hex[:8]}"
    monkeypatch.setattr(service_runs, "LOOK_SECONDS", 0.05)
    async with get_client() as client:
        await client.create_work_pool(WorkPoolCreate(name=name, type="process"))
        made = list[uuid.UUID]()
        for flow, constant in (("release", "RELEASE"), ("rollback", "ROLLBACK")):
            flow_id = await client.create_flow_from_name(flow)
            made.append(
                await client.create_deployment(
                    flow_id, name, work_pool_name=name, enforce_parameter_schema=False
                )
            )
            monkeypatch.setattr(service_runs, constant, f"{flow}/{name}")
        yield made[0]
        await client.delete_work_pool(name)


@pytest.fixture
def of() -> ServiceSet:
    return ServiceSet(environment="staging", commit=uuid.uuid4().hex + "0" * 8)


def order(of: ServiceSet, app: str = "cart") -> Order:
    given = {"revision": of.commit, "until": "healthy"}
    return Order(of=of, app=app, what="healthy", parameters=given)


async def started(of: ServiceSet, app: str = "cart", count: int = 1) -> FlowRun:
    """The newest run of a service, once so many were started."""
    async with asyncio.timeout(30):
        while len(runs := await runs_of_set(of, app)) < count:  # noqa: ASYNC110
            await asyncio.sleep(0.05)
    assert len(runs) == count
    return runs[0]


async def ends(run: FlowRun, state: State[Any]) -> None:
    async with get_client() as client:
        await client.set_flow_run_state(run.id, Running(), force=True)
        await client.set_flow_run_state(run.id, state, force=True)


async def test_two_who_want_the_same_have_one_run(deployment: uuid.UUID, of: ServiceSet) -> None:
    both = asyncio.gather(*(run_for(order(of), "release") for _ in range(2)))
    run = await started(of)
    assert run.parameters == {
        "app": "cart",
        "environment": "staging",
        "revision": of.commit,
        "until": "healthy",
    }
    late = asyncio.create_task(run_for(order(of), "release"))
    await ends(run, Completed(message="1 commit; 2/2 ready"))
    assert {(one.what, one.why) for one in (*await both, await late)} == {
        ("released", "1 commit; 2/2 ready")
    }
    assert len(await runs_of_set(of, "cart")) == 1
    # One that is over is no answer for who comes later.
    later = asyncio.create_task(run_for(order(of), "release"))
    await ends(await started(of, count=2), Completed(message="nothing to do"))
    assert (await later).why == "nothing to do"


async def test_a_run_that_was_killed_is_started_once_more(
    deployment: uuid.UUID, of: ServiceSet
) -> None:
    work = asyncio.create_task(run_for(order(of), "release"))
    await ends(await started(of), Crashed(message="killed"))
    await ends(await started(of, count=2), Completed(message="done"))
    assert (await work).why == "done"
    work = asyncio.create_task(run_for(order(of), "release"))
    await ends(await started(of, count=3), Crashed(message="killed"))
    await ends(await started(of, count=4), Crashed(message="killed again"))
    with pytest.raises(FailError, match="killed again"):
        await work


async def test_a_red_run_says_why_in_its_own_words(deployment: uuid.UUID, of: ServiceSet) -> None:
    work = asyncio.create_task(run_for(order(of), "release"))
    run = await started(of)
    red = "Flow run encountered an exception: The gate is red.\n  got:       5 of 10"
    await ends(run, Failed(message=red))
    with pytest.raises(FailError) as caught:
        await work
    assert caught.value.what == "The gate is red."
    assert str(run.id) in str(caught.value.facts["where"])


async def test_who_is_cancelled_cancels_what_it_waits_for(
    deployment: uuid.UUID, of: ServiceSet
) -> None:
    work = asyncio.create_task(run_for(order(of), "release"))
    run = await started(of)
    async with get_client() as client:
        flow_id = await client.create_flow_from_name(f"asks-{uuid.uuid4().hex[:8]}")
        made = await client.create_deployment(flow_id, "asks", enforce_parameter_schema=False)
        asks = await client.create_flow_run_from_deployment(made, tags=[of.tag])
        await cancel_runs(None, asks, Crashed())
        with pytest.raises(FailError):
            await work
        state = (await client.read_flow_run(run.id)).state
        assert state is not None
        assert state.is_cancelled()
        state = (await client.read_flow_run(asks.id)).state
        assert state is not None
        assert not state.is_final()
        assert not await was_completed(of, asks.name)
        await client.delete_deployment(made)


async def test_only_what_a_run_of_the_release_has_brought_goes_back_newest_first(
    deployment: uuid.UUID, of: ServiceSet, monkeypatch: pytest.MonkeyPatch
) -> None:
    standing = dict[str, Standing]()
    for app in ("money", "cart", "web"):
        work = asyncio.create_task(run_for(order(of, app), "release"))
        run = await started(of, app)
        await ends(run, Completed(message="done"))
        await work
        link = f"https://prefect.example.org/runs/flow-run/{run.id}"
        standing[app] = Standing(revision=of.commit, is_whole=True, run=link)
    standing["by-hand"] = Standing(revision=of.commit, is_whole=True, run="by hand")
    # Somebody has released another one since.
    standing["web"] = standing["web"].model_copy(update={"revision": "f" * 40})

    async def read(_: str) -> dict[str, Standing]:
        return standing

    monkeypatch.setattr(go_back_module, "read_standing", read)
    apps = ["money", "by-hand", "cart", "web", "gone"]
    work = asyncio.create_task(go_back(of, apps, "mail failed", "healthy"))
    cart = await started(of, "cart", count=2)
    assert (cart.parameters["reason"], cart.parameters["by"]) == ("mail failed", "release-services")
    assert len(await runs_of_set(of, "money")) == 1
    await ends(cart, Completed(message="back"))
    await ends(await started(of, "money", count=2), Failed(message="There is no release."))
    outcomes = await work
    assert {app: (one.what, one.why) for app, one in outcomes.items()} == {
        "cart": ("rolled back", "mail failed"),
        "money": ("not rolled back", "There is no release."),
    }
    assert all(isinstance(one, Outcome) and one.run for one in outcomes.values())
