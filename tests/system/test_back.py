"""Back to an earlier release: a rollback, its hold, and what the history then says."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest
from prefect.client.schemas.objects import State
from pydantic import SecretStr

from blocks.forge import Forge
from blocks.source_repository import SourceRepository
from examples.killed import ROLLBACK, kill
from flows.clear_hold import clear_hold
from flows.history import history
from flows.rollback import rollback
from shipway.config.holds import HOLDS_FILE, holds_in
from tests.support.forges import TOKEN, Forges, forges
from tests.support.project import Project
from tests.support.runs import artifacts, report, run_of, run_release, summary


@pytest.fixture
async def forge(project: Project) -> AsyncIterator[Forges]:
    """A forge that has the app's commits."""
    with forges() as server:
        source = await SourceRepository.aload(project.app)
        source.forge = Forge(
            kind="github", api_url=server.url, project="acme/shop", token=SecretStr(TOKEN)
        )
        await source.asave(project.app, overwrite=True)  # pyright: ignore
        yield server


async def roll_back(project: Project, **parameters: str) -> State[None]:
    """Roll back in this process, up to the commit; return the final state, whatever it is."""
    given = {"until": "commit", "reason": "5xx in staging", "by": "Ada", **parameters}
    return await rollback(project.app, "staging", **given, return_state=True)  # pyright: ignore


def at_tip(project: Project, name: str) -> str:
    tip = project.ops_log()[0]
    return project.ops.git.show(f"{tip}:{project.folder}/{name}", strip_newline_in_stdout=False)


async def test_a_rollback_brings_back_the_bytes_and_holds_the_image(
    project: Project, forge: Forges
) -> None:
    first = await summary(project.app, await run_release(project.app))
    before = at_tip(project, "deployment.yaml")
    project.change({"VERSION": "2\n"}, "Round prices (#12)")
    released = await run_release(project.app)
    second = await summary(project.app, released)
    assert "## What changed\n\nNew since " in await report(project.app, released)
    assert at_tip(project, "deployment.yaml") != before

    state = await roll_back(project)
    assert state.is_completed()
    assert at_tip(project, "deployment.yaml") == before
    (hold,) = holds_in({HOLDS_FILE: at_tip(project, HOLDS_FILE).encode()}).holds
    assert (hold.image, hold.reason, hold.by) == (second["image"], "5xx in staging", "Ada")
    taken_back = await report(project.app, state)
    assert f"Back from {project.revision[:7]}, which takes back:\n\n- `" in taken_back
    assert "Round prices \\(" in taken_back
    row = await summary(project.app, state)
    assert (row["image"], row["revision"]) == (first["image"], first["revision"])
    assert [row[key] for key in ("built", "pushed", "committed")] == [0, 0, 1]

    log = project.ops_log()
    refused = await run_release(project.app)
    assert refused.is_failed()
    assert "This image was rolled back here and is on hold." in str(refused.message)
    assert "5xx in staging" in await report(project.app, refused)
    assert project.ops_log() == log

    cleared = await clear_hold(
        project.app, "staging", project.revision[:9], "mended upstream", "Grace", return_state=True
    )
    assert cleared.is_completed()
    assert (await run_release(project.app)).is_completed()
    assert str(second["image"]) in at_tip(project, "deployment.yaml")

    shown = [(status["commit"], status["state"]) for status in forge.statuses]
    old, new = str(first["revision"]), project.revision
    ends = [
        (old, "success"),
        (new, "success"),
        (old, "success"),
        (new, "failure"),
        (new, "success"),
    ]
    assert shown == [status for end in ends for status in ((end[0], "pending"), end)]
    assert {status["context"] for status in forge.statuses} == {"shipway/staging"}
    assert all("/runs/flow-run/" in status["target_url"] for status in forge.statuses)
    words = [status["description"] for status in forge.statuses]
    assert words[-3] == "This image was rolled back here and is on hold."

    told = await history("staging", project.app, return_state=True)
    found = await artifacts(run_of(told))
    page = str(found[f"staging-{project.app}-dora"].data)
    assert "| Change failure rate | 33 % (1) |" in page
    assert "| Rework rate | 33 % (1) |" in page
    rows = str(found[f"staging-{project.app}-history"].data)
    for words in (
        "rollback 1/1 rolling",
        "5xx in staging",
        "hold cleared",
        "mended upstream",
        "Grace",
    ):
        assert words in rows


async def test_what_somebody_reverted_by_hand_is_told_by_the_history(project: Project) -> None:
    await run_release(project.app)
    before = {
        f"{project.folder}/{name}": at_tip(project, name) for name in ("deployment.yaml", "RELEASE")
    }
    project.change({"VERSION": "2\n"})
    await run_release(project.app)
    project.change_ops(before)
    for app in (project.app, None):
        told = await history("staging", app, return_state=True)
        key = f"staging-{project.app}" if app else "staging"
        found = await artifacts(run_of(told))
        rows = str(found[f"{key}-history"].data)
        assert rows.count("reverted by hand") >= 1
        if app:
            page = str(found[f"{key}-dora"].data)
            assert "| Change failure rate | 50 % (1) |" in page


async def test_a_rollback_that_was_killed_leads_no_further_back_when_it_is_started_again(
    project: Project,
) -> None:
    images: list[str] = []
    for version in ("1\n", "2\n", "3\n"):
        project.change({"VERSION": version})
        images.append((await summary(project.app, await run_release(project.app)))["image"])
    before = project.ops_log()
    await kill(ROLLBACK, project.app, lambda: project.ops_log() != before)
    log = project.ops_log()
    assert len(log) == len(before) + 1
    state = await roll_back(project)
    assert state.is_completed(), state.message
    assert project.ops_log() == log
    assert (await summary(project.app, state))["image"] == images[1]
    (hold,) = holds_in({HOLDS_FILE: at_tip(project, HOLDS_FILE).encode()}).holds
    assert hold.image == images[2]


async def test_without_an_earlier_release_nothing_changes(project: Project) -> None:
    await run_release(project.app)
    log = project.ops_log()
    state = await roll_back(project)
    assert state.is_failed()
    assert "There is no release to go back to." in str(state.message)
    assert project.ops_log() == log


async def test_a_rollback_without_a_reason_is_refused(project: Project) -> None:
    log = project.ops_log()
    state = await roll_back(project, reason=" \n")
    assert state.is_failed()
    assert "The parameter 'reason' is empty." in str(state.message)
    assert project.ops_log() == log
