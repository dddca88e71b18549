"""Backup, loss and restore, as docs/backup.md says: what Git knows leads on right after it."""

from __future__ import annotations

import json
import os
from collections.abc import Iterable, Mapping
from pathlib import Path
from urllib.parse import urlsplit

from docker import DockerClient
from prefect import get_client
from prefect.client.schemas.actions import GlobalConcurrencyLimitCreate
from prefect.client.schemas.objects import FlowRun, State
from prefect.exceptions import ObjectNotFound

from deployments.bootstrap import app as source_block
from deployments.bootstrap import save
from flows.history import history
from flows.rollback import rollback
from shipway.runners.labels import RUN_LABEL
from tests.support.pages import paste, pasted
from tests.support.process_workers import kill_part, over, until
from tests.support.project import HOME, Project, start_what_is_missing
from tests.support.runs import artifacts, run_of, run_release
from tests.support.served import SERVERS, served

# Everything of the two servers, and no database: that is what is lost.
PARTS = ("prefect-services", "prefect-api-1", "prefect-api-2")
DONE = "built, 2 tests passed, pushed, 1 commit"
# As the databases and their dumps are called on the page, and here.
NAMES = {"prefect": "servers"}


def shell_of(sandbox: Mapping[str, str]) -> dict[str, str]:
    """The variables that the page asks for."""
    database = urlsplit(sandbox["SHIPWAY_SERVERS_DATABASE"])
    return {
        **sandbox,
        "PGHOST": str(database.hostname),
        "PGPORT": str(database.port),
        "PGUSER": str(database.username),
        "PGPASSWORD": str(database.password),
        "REDIS": sandbox["SHIPWAY_SERVERS_REDIS"],
        "PREFECT_API_URL": sandbox["SHIPWAY_SERVERS_API_URL"],
        "SHIPWAY_LEDGER_URL": sandbox["SHIPWAY_SERVERS_LEDGER"],
        "PYTHONPATH": str(HOME),
    }


def run(text: str, shell: Mapping[str, str], folder: Path = HOME) -> str:
    names = NAMES if folder != HOME else {}
    done = paste(text, names, shell, folder)
    assert done.returncode == 0, f"{text}{done.stdout}{done.stderr}"
    return done.stdout


async def lose_the_servers() -> None:
    for part in PARTS:
        await kill_part(part)


async def state_of(started: FlowRun) -> State[None] | None:
    """What the server knows of a run; None where it knows none."""
    async with get_client() as client:
        try:
            return (await client.read_flow_run(started.id)).state
        except ObjectNotFound:
            return None


async def take_a_slot(limit: str) -> None:
    """What code in a run holds, and nobody gives back when the run is gone."""
    async with get_client() as client:
        await client.create_global_concurrency_limit(
            GlobalConcurrencyLimitCreate(name=limit, limit=2, active_slots=1)
        )


async def roll_back(project: Project) -> State[None]:
    given = {"reason": "5xx in staging", "by": "Ada", "until": "commit"}
    return await rollback(project.app, "staging", **given, return_state=True)  # pyright: ignore


async def released(project: Project) -> list[str]:
    """The revisions that the history says came there, newest first, as it shortens them."""
    told = await history("staging", project.app, return_state=True)  # pyright: ignore
    page = (await artifacts(run_of(told)))[f"staging-{project.app}-history"]
    rows = json.loads(str(page.data))
    return [row["revision"].removeprefix("[")[:7] for row in rows]


def shortened(revisions: Iterable[str]) -> list[str]:
    return [revision[:7] for revision in revisions]


async def test_releases_go_on_after_a_loss_with_a_backup_and_without(
    sandbox: dict[str, str], ops_server: None, engine: DockerClient, tmp_path: Path
) -> None:
    shell = shell_of(sandbox)
    (dump,) = pasted("docs/backup.md", "Backup")
    restore, set_right = pasted("docs/backup.md", "Restore")
    (register,) = pasted("docs/backup.md", "Without a backup")
    async with served(sandbox, tmp_path) as made:
        project = made.project
        revisions = [project.revision]
        assert (await run_release(project.app)).message == DONE
        await take_a_slot(project.app)
        with made.worker():
            revisions.insert(0, made.change_to_tests_that_take(10))
            cut = await made.release()
            of_run = {"label": f"{RUN_LABEL}={cut.id}"}
            await until(lambda: bool(engine.containers.list(filters=of_run)), 120)
            run(dump, shell, tmp_path)
            assert (await over(cut)).is_completed()
            revisions.insert(0, project.change({"VERSION": "3\n"}))
            lost = await made.release()
            assert (await over(lost)).is_completed()

        await lose_the_servers()
        run(restore, shell, tmp_path)
        start_what_is_missing(*SERVERS)
        believed = await state_of(cut)
        assert believed is not None
        assert not believed.is_completed()
        assert await state_of(lost) is None
        told = run(set_right, shell)
        assert f"limit {project.app}: 1 slots are free again" in told
        over_by_now = await state_of(cut)
        assert over_by_now is not None
        assert over_by_now.is_crashed()
        assert await released(project) == shortened(revisions)

        with made.worker():
            revisions.insert(0, project.change({"VERSION": "4\n"}))
            # It would wait for the slot of the run that was cut off.
            state = await over(await made.release())
            assert state.message == DONE
        assert (await roll_back(project)).is_completed()
        assert await released(project) == shortened([revisions[1], *revisions])
        before = project.ops_log()

        await lose_the_servers()
        run(
            "".join(line for line in restore.splitlines(True) if "dump" not in line),
            shell,
            tmp_path,
        )
        start_what_is_missing(*SERVERS)
        run(register, shell)
        await save(source_block(project.app, project.code.remote().url, os.environ))
        refused = await roll_back(project)
        assert refused.is_failed()
        assert "not known whether the rollback before" in str(refused.message)
        assert project.ops_log() == before
        assert await released(project) == shortened([revisions[1], *revisions])
        state = await run_release(project.app, revisions[1])
        assert state.message == "nothing to do, it was there already"
        newest = project.change({"VERSION": "5\n"})
        assert (await run_release(project.app)).message == DONE
        assert project.tags().keys() == {newest, *revisions}
