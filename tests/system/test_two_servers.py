"""Two Prefect servers, Redis and PostgreSQL go while a release is on its way; it ends right."""

from __future__ import annotations

from pathlib import Path

import pytest
from docker import DockerClient
from prefect import get_client
from prefect.settings import PREFECT_API_URL, temporary_settings

from bench.production.at_once import release_alone, release_at_once
from bench.production.fleet import fleet
from bench.production.small_apps import small_apps
from shipway.runners.labels import RUN_LABEL
from tests.support.process_workers import kill_part, over, times_of, until
from tests.support.project import bring_up, start_what_is_missing
from tests.support.served import SERVERS, served

# More than there are places, so that some wait.
RELEASES = 8
# A part of what a release leaves.
LEFT = {
    "event prefect.flow-run.Completed of APP REVISION → staging",
    "event prefect.flow-run.Completed of unit · APP REVISION",
    "event prefect.task-run.Completed of push APP REVISION",
    "task run commit 1/1 rolling, Completed",
    "artifact APP-staging-report",
    "artifact APP-staging-junit",
    "commit of its image",
}


@pytest.mark.alone
async def test_a_release_ends_right_while_what_it_tells_goes_and_comes_back(
    sandbox: dict[str, str], ops_server: None, engine: DockerClient, tmp_path: Path
) -> None:
    async with served(sandbox, tmp_path) as made:
        with made.worker():
            project = made.project
            revision = made.change_to_tests_that_take(6)
            before = project.ops_log()
            run = await made.release()
            of_run = {"label": f"{RUN_LABEL}={run.id}"}
            await kill_part("prefect-api-1")
            await until(lambda: bool(engine.containers.list(filters=of_run)), 120)
            await kill_part("redis")
            await kill_part("postgres")
            # The tests end, and the run has to tell of it.
            await until(lambda: not engine.containers.list(filters=of_run), 120)
            start_what_is_missing(*SERVERS)

            state = await over(run)
            assert state.is_completed(), state.message
            assert state.message == "built, 2 tests passed, pushed, 1 commit"
            assert list(project.tags()) == [revision]
            _commit, *others = project.ops_log()
            assert others == before
            assert await times_of(run, "build image", "push", "commit 1/1 rolling") == [1, 1, 1]


@pytest.mark.alone
async def test_releases_at_once_leave_what_one_leaves_alone_each_of_it_once(
    sandbox: dict[str, str], ops_server: None, tmp_path: Path
) -> None:
    bring_up(*SERVERS)
    with temporary_settings({PREFECT_API_URL: sandbox["SHIPWAY_SERVERS_API_URL"]}):
        async with (
            get_client() as client,
            small_apps(RELEASES) as apps,
            fleet(client, tmp_path, count=3, limit=2) as workers,
        ):
            alone = await release_alone(client, workers, apps[0])
            together = await release_at_once(client, workers, apps, alone)

    assert alone.keys() >= LEFT
    assert (together.counted.lost, together.counted.twice) == ([], [])
    assert together.completed == RELEASES
