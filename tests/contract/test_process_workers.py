"""A run is the same, forked or not: the same tests of Prefect's process worker and of the warm one.

The worker is real, with a work pool of the test's own; the flows stand in a folder of the test's.
"""

from __future__ import annotations

import os
import signal
from collections.abc import Iterator
from pathlib import Path

import pytest
from prefect import get_client
from prefect.client.schemas.objects import StateType
from prefect.states import Cancelling

from deployments.warm.worker import WARM
from tests.support.process_workers import (
    Runs,
    Worker,
    log_of,
    logged,
    over,
    running_worker,
    until,
    write_flows,
)
from tests.support.processes import is_alive


@pytest.fixture(params=["process", WARM], scope="module")
def kind(request: pytest.FixtureRequest) -> str:
    return request.param


@pytest.fixture(scope="module")
def worker(
    sandbox: dict[str, str], tmp_path_factory: pytest.TempPathFactory, kind: str
) -> Iterator[Worker]:
    with running_worker(kind, tmp_path_factory.mktemp("worker")) as started:
        yield started


@pytest.fixture
def runs(worker: Worker, tmp_path: Path) -> Runs:
    return Runs(worker, tmp_path)


@pytest.fixture
def own(sandbox: dict[str, str], tmp_path: Path, kind: str) -> Iterator[Runs]:
    """With a worker of the test's own, that it may kill or give new code."""
    with running_worker(kind, tmp_path) as started:
        yield Runs(started, tmp_path)


async def test_a_run_does_its_work_in_the_folder_of_its_code(runs: Runs) -> None:
    run = await runs.start()
    assert (await over(run)).type is StateType.COMPLETED
    assert runs.notes[-1] == ["ended", str(runs.worker.code), "1", "by", "the", "worker"]
    assert await logged(run, "this is version 1")
    assert "on standard output" in runs.worker.log.read_text()


async def test_a_run_fails_as_its_flow_does(runs: Runs) -> None:
    run = await runs.start(fail=True)
    state = await over(run)
    assert state.type is StateType.FAILED
    assert "no good" in str(state.message)
    assert await logged(run, "ValueError: no good")


async def test_a_run_leaves_nothing_to_the_next_one(runs: Runs) -> None:
    for value in ("one", "two"):
        assert (await over(await runs.start(env={"GIVEN": value}))).type is StateType.COMPLETED
        assert runs.notes[-1] == ["ended", str(runs.worker.code), "1", value]


async def test_a_setting_of_one_run_is_that_runs_alone(runs: Runs) -> None:
    quiet = await runs.start(env={"PREFECT_LOGGING_LEVEL": "ERROR"})
    await over(quiet)
    loud = await runs.start()
    await over(loud)
    assert await logged(loud, "this is version")
    assert "this is version" not in await log_of(quiet)


async def test_a_cancelled_run_ends_and_its_hooks_run(runs: Runs) -> None:
    run = await runs.start(seconds=120)
    process = await runs.began()
    async with get_client() as client:
        await client.set_flow_run_state(run.id, Cancelling())
    assert (await over(run)).type is StateType.CANCELLED
    assert ["cancelled", str(run.id)] in runs.notes
    assert not is_alive(process)


async def test_a_killed_run_has_crashed_and_its_hooks_run(runs: Runs) -> None:
    run = await runs.start(seconds=120)
    os.kill(await runs.began(), signal.SIGKILL)
    state = await over(run)
    assert state.type is StateType.CRASHED
    assert "-9" in str(state.message)
    await until(lambda: ["crashed", str(run.id)] in runs.notes)


async def test_a_run_outlives_a_worker_that_is_killed(own: Runs) -> None:
    run = await own.start(seconds=5)
    process = await own.began()
    own.worker.process.kill()
    assert (await over(run)).type is StateType.COMPLETED
    await until(lambda: not is_alive(process))


async def test_new_code_is_taken_up_and_no_run_is_lost(own: Runs) -> None:
    old = await own.start(seconds=8)
    await own.began()
    write_flows(own.worker.code, 2)
    new = await own.start()
    assert (await over(new)).type is StateType.COMPLETED
    assert await logged(new, "this is version 2")
    assert (await over(old)).type is StateType.COMPLETED
    assert await logged(old, "this is version 1")


async def test_code_that_cannot_be_imported_fails_the_run_and_its_log_says_why(own: Runs) -> None:
    module = own.worker.code / "testflows" / "work.py"
    good = module.read_text()
    module.write_text("import nothing_of_this_name\n")
    run = await own.start()
    assert (await over(run)).type in {StateType.CRASHED, StateType.FAILED}
    assert await logged(run, "nothing_of_this_name")
    module.write_text(good)
    assert (await over(await own.start())).type is StateType.COMPLETED


async def test_many_runs_at_once_all_end(runs: Runs) -> None:
    started = [await runs.start(seconds=1) for _ in range(4)]
    states = [await over(run) for run in started]
    assert {state.type for state in states} == {StateType.COMPLETED}
    assert len({line[1] for line in runs.notes if line[0] == "began"}) == len(started)
