"""What a plan must leave as it is, and what it is compared with."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from typing import Any

from docker import DockerClient
from prefect.client.schemas.objects import State

from flows.plan import plan
from shipway.kubernetes.client import KubeClient
from shipway.rollout.plan import ReleasePlan
from shipway.runners.labels import RUN_LABEL
from tests.support.project import Project
from tests.support.runs import artifacts, run_of

# What a folder has. The agent notes beside it what it has done.
KINDS = {"v1": ("Namespace", "Service"), "apps/v1": ("Deployment",)}
UNBUILT = f"sha256:{'0' * 64}"

Commits = list[tuple[str, str]]


class World:
    """The servers, as far as they have to do with one app.

    Args:
        project: Whose repositories, images and objects.
        engine: The engine.
        cluster: The cluster; None where there is none, or where the agent is at work in it.
    """

    def __init__(
        self, project: Project, engine: DockerClient, cluster: KubeClient | None = None
    ) -> None:
        self.project, self.engine, self.cluster = project, engine, cluster
        self.before: list[str] = []

    async def plan(self, revision: str | None = None, *, downgrade: bool = False) -> ReleasePlan:
        """A plan, after which nothing has changed."""
        app, before = self.project.app, await self._seen()
        self.before = self.project.ops_log()
        state: State[Any] = await plan(app, revision, downgrade=downgrade, return_state=True)  # pyright: ignore
        assert await self._seen() == before
        left = {"label": f"{RUN_LABEL}={run_of(state)}"}
        assert self.engine.containers.list(all=True, sparse=True, filters=left) == []
        assert self.engine.networks.list(filters=left) == []
        assert state.is_completed(), state.message
        found = await artifacts(run_of(state))
        (row,) = json.loads(str(found[f"{app}-staging-plan-summary"].data))
        made = ReleasePlan.model_validate(row)
        assert state.message == made.sentence
        assert str(found[f"{app}-staging-plan"].data).startswith(f"# {made.title}\n")
        return made

    def committed(self) -> Commits:
        """What was committed since the last plan: each step, and what `git diff` shows of it."""
        git, place = self.project.ops.git, self.project.folder
        where = ("--", place, f":(exclude){place}/RELEASE", f":(exclude){place}/holds.yaml")
        made = self.project.ops_log()
        return [
            (
                str(git.log("-1", "--format=%(trailers:key=Step,valueonly,separator=)", commit)),
                _without_ids(git.diff(f"{commit}^", commit, *where, strip_newline_in_stdout=False)),
            )
            for commit in reversed(made[: len(made) - len(self.before)])
        ]

    def planned(self, made: ReleasePlan) -> Commits:
        """What a plan says that is committed, with the digest that the image has by now."""
        digest = self.project.tags()[self.project.revision]
        return [
            (step.name, _without_ids(step.diff).replace(UNBUILT, digest))
            for step in made.steps
            if step.files
        ]

    async def _seen(self) -> list[object]:
        project = self.project
        of_app = {"label": f"org.opencontainers.image.revision={project.revision}"}
        return [
            project.code.git.ls_remote("origin"),
            project.ops.git.ls_remote("origin", f"*{project.app}*"),
            project.ops_log(),
            project.tags(),
            sorted(str(one.id) for one in self.engine.images.list(filters=of_app)),
            await self._objects(self.cluster) if self.cluster else [],
        ]

    async def _objects(self, cluster: KubeClient) -> list[Mapping[str, Any]]:
        """The app's objects, but what controllers say of them in the status."""
        app = self.project.app
        return [
            _written(each)
            for version, kinds in KINDS.items()
            for kind in kinds
            for each in await cluster.list(version, kind, app, "")
            if app in {each["metadata"].get("namespace"), each["metadata"]["name"]}
        ]


def _written(each: Mapping[str, Any]) -> Mapping[str, Any]:
    """An object, with who wrote what and when, without what a controller has to say of it."""
    metadata = {key: value for key, value in each["metadata"].items() if key != "resourceVersion"}
    fields = metadata.get("managedFields", [])
    metadata["managedFields"] = [one for one in fields if one.get("subresource") != "status"]
    return {**each, "status": None, "metadata": metadata}


def _without_ids(diff: str) -> str:
    """A diff without the ids of files, which change with the digest in them."""
    return re.sub(r"^index .*\n", "", diff, flags=re.MULTILINE)
