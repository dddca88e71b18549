"""The services of a repository in one go: those that changed, in order, whatever is killed."""

from __future__ import annotations

import asyncio
import os
import subprocess
from collections import Counter
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from prefect import get_client
from prefect.client.schemas.filters import (
    FlowRunFilter,
    FlowRunFilterTags,
    TaskRunFilter,
    TaskRunFilterName,
)
from prefect.client.schemas.objects import FlowRun
from prefect.flow_runs import aresume_flow_run

from examples.killed import kill
from tests.support.monorepo import MONEY, Monorepo, monorepo
from tests.support.pages import paste, pasted
from tests.support.process_workers import until

FLOW = """
import asyncio, sys
from flows.release_services import release_services
asyncio.run(release_services(sys.argv[1], until="commit"))
"""
# Three of twenty, of which the last needs the second, and that the first.
TWENTY = {f"{number:02}": "" for number in range(20)} | {"07": "03", "12": "07", "19": "12"}
FIVE = {"a": "", "b": "a", "c": "b", "d": "c", "e": "d"}


def tag_of(commit: str) -> str:
    return f"services:staging@{commit[:12]}"


def waits(made: Monorepo, name: str, commit: str) -> FlowRun | None:
    """The run that waits for somebody to approve a service's release."""
    tags = FlowRunFilterTags(all_=[tag_of(commit), f"app:{made.app(name)}"])
    with get_client(sync_client=True) as client:
        runs = client.read_flow_runs(flow_run_filter=FlowRunFilter(tags=tags))
    return next((run for run in runs if run.state and run.state.is_paused()), None)


def followed(made: Monorepo, name: str) -> int:
    """How many have had a service released, dead or alive."""
    named = TaskRunFilterName(any_=[f"release {made.app(name)}"])
    with get_client(sync_client=True) as client:
        return len(client.read_task_runs(task_run_filter=TaskRunFilter(name=named)))


async def answer(made: Monorepo, name: str, commit: str, *, approve: bool, asks: int = 1) -> None:
    """Answer the run that waits for an approval, once so many have asked for its release."""
    await until(lambda: followed(made, name) >= asks and bool(waits(made, name, commit)), 300)
    run = waits(made, name, commit)
    assert run is not None
    given = {"approve": approve, "who": "Ada", "reason": "as it is"}
    await aresume_flow_run(run.id, run_input=given)


async def release(made: Monorepo, *options: str) -> subprocess.CompletedProcess[str]:
    """What the page has people type."""
    (line,) = pasted("docs/monorepos.md", "The services of a monorepo")
    text = " ".join((line.rstrip(), "--until commit", *options))
    names = {"cart": made.app(made.names[0])}
    return await asyncio.to_thread(paste, text, names, os.environ)


async def runs_by_key(commit: str) -> Counter[str]:
    """How many runs were started, by service and part."""
    tagged = FlowRunFilter(tags=FlowRunFilterTags(all_=[tag_of(commit)]))
    async with get_client() as client:
        runs = await client.read_flow_runs(flow_run_filter=tagged)
    keys = [run.idempotency_key for run in runs if "@" in (run.idempotency_key or "")]
    return Counter(f"{key.split('@')[0][-2:]} {key.split('/')[-2]}" for key in keys if key)


@pytest.fixture
async def twenty(
    sandbox: dict[str, str], ops_server: None, tmp_path: Path
) -> AsyncIterator[Monorepo]:
    async with monorepo(sandbox, tmp_path, TWENTY, ("03", "07"), approvals=("07",)) as made:
        yield made


@pytest.fixture
async def five(
    sandbox: dict[str, str], ops_server: None, tmp_path: Path
) -> AsyncIterator[Monorepo]:
    async with monorepo(sandbox, tmp_path, FIVE, approvals=("c",)) as made:
        yield made


async def test_three_of_twenty_changed_and_a_killed_release_of_them_ends_as_it_would_have(
    twenty: Monorepo,
) -> None:
    before = twenty.tip()
    commit = twenty.change({MONEY: "2\n", "services/12/value": "2\n"})
    app = twenty.app("00")
    await kill(FLOW, app, lambda: waits(twenty, "07", commit) is not None)
    assert twenty.pushed() == {"03": [commit], "07": [commit], "12": [commit]}
    assert twenty.written(before) == ["03"]

    started = asyncio.create_task(release(twenty))
    await answer(twenty, "07", commit, approve=True, asks=2)
    done = await started
    assert done.returncode == 0, done.stdout + done.stderr
    last = done.stdout.splitlines()[-1]
    assert last.startswith(f"✓ services {commit[:7]} → staging: 17 unchanged, 3 released, after ")
    assert twenty.written(before) == ["03", "07", "12"]
    # What was done when it began again was looked at once more; what was under way was found.
    done_before = {"03 image": 1, "03 commit": 2, "07 image": 2, "12 image": 2}
    assert await runs_by_key(commit) == done_before | {"07 commit": 1, "12 commit": 1}


async def test_all_or_nothing_leads_back_what_was_released_before_one_failed(
    five: Monorepo,
) -> None:
    before = five.tip()
    old = {name: five.has(name, "deployment.yaml") for name in FIVE}
    commit = five.change({f"services/{name}/value": "2\n" for name in FIVE})
    started = asyncio.create_task(release(five, "--all-or-nothing"))
    await answer(five, "c", commit, approve=False)
    done = await started
    assert done.returncode == 1, done.stdout
    assert "2 rolled back, 2 not started, 1 failed" in done.stderr
    assert five.written(before) == ["a", "b", "b", "a"]
    assert {name: five.has(name, "deployment.yaml") for name in FIVE} == old
    held = [name for name in FIVE if commit in five.has(name, "holds.yaml")]
    assert held == ["a", "b"]

    # Nobody is asked, and nothing is committed, as long as one of them is on hold.
    tip = five.tip()
    again = await release(five, "--all-or-nothing")
    assert again.returncode == 1
    assert "This image was rolled back here and is on hold." in again.stderr
    assert five.written(tip) == []
