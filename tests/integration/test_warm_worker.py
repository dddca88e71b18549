"""What only a worker that forks can do wrong; all else is in the contract of process workers."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import nullcontext
from pathlib import Path

import pytest
from prefect import get_client
from prefect.client.schemas.objects import StateType
from prefect.states import Cancelling

from deployments.warm.worker import WARM
from tests.support.no_events import server_without_events
from tests.support.process_workers import Runs, logged, over, pending, running_worker, until
from tests.support.processes import is_alive, parent_of

SLOW_IMPORT = "import time\ntime.sleep(10)\n"
# Engines that cannot be told of a cancellation, or need a while to see it.
DEAF = {
    "it is never told": "control_listener.start = lambda: None",
    "it is told late": """
acknowledge = control_listener._acknowledge_intent

def late(*intent):
    time.sleep(3)
    return acknowledge(*intent)

control_listener._acknowledge_intent = late
""",
}
# What a run does, in a process that has imported what it would have been forked with.
RUN = """
import asyncio, sys
from prefect import flow, task
from deployments.warm.fork_server import import_module
from deployments.warm.parents import ENGINE

for name in ENGINE:
    import_module(name)

@task
async def step(number: int) -> None:
    pass

@flow
async def inner(number: int) -> None:
    await step(number)

@flow
async def outer() -> None:
    await inner(1)

def packages():
    return {name.partition(".")[0] for name in sys.modules} - sys.stdlib_module_names

before = packages()
asyncio.run(outer())
print("imported:", *sorted(packages() - before))
"""


@pytest.fixture
def own(sandbox: dict[str, str], tmp_path: Path) -> Iterator[Runs]:
    with running_worker(WARM, tmp_path) as started:
        yield Runs(started, tmp_path)


@pytest.fixture(params=["the server tells it", "the server cannot tell it"])
def told(request: pytest.FixtureRequest, sandbox: dict[str, str], tmp_path: Path) -> Iterator[Runs]:
    """Behind a proxy that knows websockets, or one that does not."""
    own = nullcontext(sandbox["PREFECT_API_URL"])
    with (
        own if request.param == "the server tells it" else server_without_events() as url,
        running_worker(WARM, tmp_path, PREFECT_API_URL=url) as started,
    ):
        yield Runs(started, tmp_path)


def command_of(process: int) -> str:
    return Path(f"/proc/{process}/cmdline").read_text()


async def test_a_run_outlives_what_it_was_forked_from_and_the_next_one_gets_another(
    own: Runs,
) -> None:
    first = await own.start(seconds=5)
    server = parent_of(await own.began())
    assert "fork_server.py" in command_of(server)
    assert parent_of(server) == own.worker.process.pid
    os.kill(server, signal.SIGKILL)
    assert (await over(first)).type is StateType.COMPLETED
    assert (await over(await own.start())).type is StateType.COMPLETED


async def test_a_run_that_is_cancelled_while_its_code_is_imported_is_cancelled(told: Runs) -> None:
    await over(await told.start())
    module = told.worker.code / "testflows" / "work.py"
    module.write_text(f"{SLOW_IMPORT}{module.read_text()}")
    began = [line for line in told.notes if line[0] == "began"]
    run = await told.start(seconds=120)
    await pending(run)
    async with get_client() as client:
        await client.set_flow_run_state(run.id, Cancelling())
    assert (await over(run)).type is StateType.CANCELLED
    assert [line for line in told.notes if line[0] == "began"] == began


@pytest.mark.parametrize("deaf", DEAF.values(), ids=DEAF)
async def test_a_cancelled_run_never_says_that_it_crashed(own: Runs, deaf: str) -> None:
    module = own.worker.code / "testflows" / "work.py"
    module.write_text(
        f"from prefect._internal import control_listener\n{module.read_text()}\n{deaf}"
    )
    run = await own.start(seconds=120)
    process = await own.began()
    async with get_client() as client:
        await client.set_flow_run_state(run.id, Cancelling())
        await until(lambda: not is_alive(process))
        assert (await over(run)).type is StateType.CANCELLED
        states = await client.read_flow_run_states(run.id)
    assert StateType.CRASHED not in [state.type for state in states]
    assert own.notes[1:] == [["cancelled", str(run.id)]]


async def test_a_run_that_logs_outlives_its_worker(own: Runs) -> None:
    run = await own.start(seconds=5, talk=True)
    await own.began()
    own.worker.process.kill()
    # A run of Prefect's own worker writes into a pipe that nobody reads then, and crashes.
    assert (await over(run)).type is StateType.COMPLETED
    assert await logged(run, "still here")


async def test_what_runs_were_forked_from_ends_with_the_worker(own: Runs) -> None:
    run = await own.start(seconds=3)
    process = await own.began()
    server = parent_of(process)
    own.worker.process.kill()
    assert (await over(run)).type is StateType.COMPLETED
    await until(lambda: not is_alive(process) and not is_alive(server))


def test_a_run_finds_every_package_of_prefect_imported(sandbox: dict[str, str]) -> None:
    done = subprocess.run([sys.executable, "-c", RUN], capture_output=True, text=True, check=True)
    assert done.stdout.splitlines()[-1] == "imported:"
