"""A plan says what the release then does, and changes nothing: on the real parts.

The tests of blue/green and of canaries compare their own.
"""

from __future__ import annotations

import re

from docker import DockerClient

from shipway.config.holds import Hold, Holds, write_holds
from shipway.kubernetes.client import KubeClient
from shipway.rollout.plan import ReleasePlan
from tests.support.project import Project
from tests.support.runs import run_release
from tests.support.world import World


async def is_refused_so(app: str, plan: ReleasePlan) -> bool:
    """Whether a release is refused with the words of a plan."""
    state = await run_release(app)
    assert state.is_failed()
    return _without_commits(plan.refusal) in _without_commits(state.message)


def _without_commits(words: object) -> str:
    """Others push to the ops repository, too."""
    return re.sub(r" at [0-9a-f]{7}\b", "", str(words))


async def test_a_first_release_the_same_again_and_one_that_the_cluster_would_refuse(
    cluster_project: Project, cluster: KubeClient, engine: DockerClient
) -> None:
    project, app = cluster_project, cluster_project.app
    world = World(project, engine, cluster)
    first = await world.plan()
    assert first.sentence == "A release would build, run unit, push and commit 1 step"
    state = await run_release(app, until="healthy")
    assert state.is_completed(), state.message
    assert world.planned(first) == world.committed() != []

    again = await world.plan()
    assert (again.outcome, world.planned(again)) == ("no changes", [])
    assert [stage.name for stage in again.stages if stage.is_done] == ["build", "unit", "release"]
    assert again.stages[0].why == f"the registry has the tag {project.revision}"
    assert str(again.image).endswith(project.tags()[project.revision])

    text = project.ops_file("deployment.yaml").replace("port: 80\n", "port: 99999\n")
    project.change_ops({f"{project.folder}/deployment.yaml": text})
    project.change({"notes.txt": "A change.\n"})
    refused = await world.plan()
    assert "The cluster would refuse what the release commits." in str(refused.refusal)
    assert await is_refused_so(app, refused)
    assert [len(step.files) for step in refused.steps] == [1]


async def test_what_git_refuses_is_the_plans_answer(project: Project, engine: DockerClient) -> None:
    world, app, old = World(project, engine), project.app, project.revision
    new = project.change({"notes.txt": "A change.\n"})
    assert (await run_release(app)).is_completed()

    older = await world.plan(old)
    assert f"a revision that contains {new}" in str(older.refusal)
    downgrade = await world.plan(old, downgrade=True)
    assert (downgrade.outcome, len(downgrade.steps)) == ("changes", 1)
    words = f"the release may undo {new[:7]}: it is a downgrade that is allowed"
    assert downgrade.answers["fence, holds and freezes"] == words

    image = str((await world.plan()).image)
    hold = Hold(image=image, revision=new, reason="5xx", by="Ada", at="2026-11-29T12:00:00Z")
    holds = (write_holds(Holds(holds=[hold])) or b"").decode()
    project.change_ops({f"{project.folder}/holds.yaml": holds})
    held = await world.plan()
    assert "held by Ada" in str(held.refusal)
    assert await is_refused_so(app, held)

    project.change_ops({f"{project.folder}/rollout.yaml": "strategy: none\n"})
    unreadable = await world.plan()
    assert f"{project.folder}/rollout.yaml" in str(unreadable.refusal)
    assert await is_refused_so(app, unreadable)
