"""A commit becomes an image and a commit in the ops repository, once."""

from __future__ import annotations

import asyncio
import sys
from datetime import datetime

import pytest

from blocks.ops_repository import OpsRepository
from blocks.source_repository import SourceRepository
from shipway.app_environment import AppEnvironment
from shipway.git.history import History
from shipway.git.ops_folder import Landed, OpsFolder, Proposal
from shipway.image_ref import ImageRef
from shipway.release import Release
from shipway.rollout.commit import commit_release
from shipway.rollout.target import target_of
from tests.support.project import Project
from tests.support.run_contexts import LINK, run_context
from tests.support.runs import report, run_of, run_release, summary, tasks_and_subflows


async def test_a_commit_becomes_an_image_and_an_ops_commit(project: Project) -> None:
    state = await run_release(project.app)
    assert state.is_completed()
    row = await summary(project.app, state)
    assert [row[key] for key in ("built", "pushed", "committed")] == [1, 1, 1]
    assert row["revision"] == project.revision
    assert {layer: one["passed"] for layer, one in row["tests"].items()} == {"unit": 2}

    digest = project.tags()[project.revision]
    assert row["image"] == f"{project.env['SHIPWAY_REGISTRY']}/{project.app}@{digest}"
    newest, _ = project.ops_log()
    assert row["commit"] == newest
    record, manifest = project.ops.git.diff("--numstat", f"{newest}^", newest).splitlines()
    assert record.split("\t")[1:] == ["0", f"{project.folder}/RELEASE"]
    assert manifest.split("\t") == ["1", "1", f"{project.folder}/deployment.yaml"]
    text = project.ops.git.show(f"{newest}:{project.folder}/deployment.yaml")
    assert f"          image: {row['image']}   # set by Shipway, by digest\n" in text


async def test_the_commit_says_where_it_comes_from(project: Project) -> None:
    state = await run_release(project.app)
    row = await summary(project.app, state)
    trailers = project.ops.git.execute(
        ["git", "log", "-1", "--format=%(trailers:only,unfold)", project.ops_log()[0]]
    )
    found = dict(line.split(": ", 1) for line in str(trailers).splitlines())
    assert str(run_of(state)) in found.pop("Run")
    committed = project.code.head.commit.committed_datetime
    assert datetime.fromisoformat(found.pop("Revision-Date")) == committed
    assert found == {
        "Release": f"{project.app}/staging/{project.revision[:12]}",
        "App": project.app,
        "Environment": "staging",
        "Revision": project.revision,
        "Image": row["image"],
        "Step": "1/1 rolling",
    }


async def test_the_same_commit_again_changes_nothing(project: Project) -> None:
    first = await summary(project.app, await run_release(project.app))
    tags, log = project.tags(), project.ops_log()
    state = await run_release(project.app)
    row = await summary(project.app, state)
    assert [row[key] for key in ("built", "pushed", "committed")] == [0, 0, 0]
    assert row["image"] == first["image"]
    assert (project.tags(), project.ops_log()) == (tags, log)
    _, subflows = await tasks_and_subflows(run_of(state))
    assert [name.split(" ")[0] for name in subflows] == ["rollout"]


async def test_two_runs_at_once_end_in_one_image_and_one_commit(project: Project) -> None:
    states = await asyncio.gather(run_release(project.app), run_release(project.app))
    rows = [await summary(project.app, state) for state in states]
    assert [state.type for state in states] == ["COMPLETED", "COMPLETED"]
    assert rows[0]["image"] == rows[1]["image"]
    assert len(project.tags()) == 1
    assert len(project.ops_log()) == 2
    assert sum(row["committed"] for row in rows) == 1


async def test_a_branch_and_a_tag_name_a_revision(project: Project) -> None:
    project.code.git.push("origin", "HEAD:refs/heads/feature/x", "HEAD:refs/tags/v1.0")
    for name in ("feature/x", "v1.0", project.revision[:8]):
        row = await summary(project.app, await run_release(project.app, name))
        assert row["revision"] == project.revision


async def test_an_older_revision_does_not_replace_a_newer_one(project: Project) -> None:
    old = project.revision
    new = project.change({"hello.py": project.file("hello.py") + "\n# newer\n"})
    await run_release(project.app, new)
    log = project.ops_log()
    state = await run_release(project.app, old)
    assert state.is_failed()
    assert f"expected:  a revision that contains {new}" in str(state.message)
    assert "untouched: the ops repository and the cluster" in str(state.message)
    assert project.ops_log() == log


async def test_a_lost_push_race_is_run_again_on_the_new_tip(project: Project, monkeypatch) -> None:
    real, raced = OpsRepository.commit, []

    def commit_late(
        self: OpsRepository, app_environment: AppEnvironment, propose, on_review
    ) -> Landed:
        def late(folder: OpsFolder, history: History) -> Proposal | None:
            if not raced:
                notes = {f"{project.folder}/notes.txt": "somebody else\n"}
                raced.append(project.change_ops(notes))
            return propose(folder, history)

        return real(self, app_environment, late, on_review)

    monkeypatch.setattr(OpsRepository, "commit", commit_late)
    row = await summary(project.app, await run_release(project.app))
    newest, *before = project.ops_log()
    assert row["commit"] == newest
    assert before[0] == raced[0]
    assert project.ops.git.show(f"{newest}:{project.folder}/notes.txt") == "somebody else"


async def test_the_report_tells_what_was_done(project: Project) -> None:
    page = await report(project.app, await run_release(project.app))
    assert page.startswith(f"# {project.app} {project.revision[:7]} → staging: done\n")
    assert f"**Revision** `{project.revision}`" in page
    assert "| unit | 100 % | 2 (100 %) | 2 | 1 | " in page
    assert "data:image/svg+xml;base64," in page
    assert "1 built, 1 pushed, 1 committed" in page


async def test_a_release_that_builds_ends_once_a_newer_one_has_won(
    project: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    older, newer = project.revision, project.change({"README": "newer"})

    async def builds_for_ever(*_: object) -> None:
        await release_newer(project, newer)
        await asyncio.Event().wait()

    monkeypatch.setattr(sys.modules["flows.release"], "build_test_push", builds_for_ever)
    state = await run_release(project.app, older)
    assert state.is_failed()
    message = str(state.message)
    assert f"{newer[:7]} won, at " in message
    assert f"{LINK}1" in message
    assert project.tags() == {}


async def release_newer(project: Project, revision: str) -> None:
    """What another run does meanwhile: its only step."""
    ops = await OpsRepository.aload("default")
    source = await SourceRepository.aload(project.app)
    image = ImageRef.parse(f"registry.example.org/{project.app}@sha256:{'1' * 64}")
    release = Release(revision=source.resolve(revision), image=image)
    target = target_of(ops.fetch(AppEnvironment(app=project.app, environment="staging")))
    (step,) = target.plan(image)
    await asyncio.to_thread(commit_release, ops, source, target, step, release, {}, run_context(1))
