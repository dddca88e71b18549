"""What a plan must leave as it is, and what it is compared with."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from docker import DockerClient
from prefect.client.schemas.objects import State

from flows.plan import plan
from shipway.kubernetes.client import KubeClient
from shipway.rollout.plan import ReleasePlan
from shipway.runners.labels import RUN_LABEL
from tests.support.project import Project
from tests.support.runs import artifacts, run_of

# What controllers write by themselves, and go on writing after a release.
OTHERS = {"ControllerRevision", "Endpoints", "EndpointSlice", "Event", "Lease", "Pod", "ReplicaSet"}
# Where the agent notes what it has done.
NOTES = "shipway."
UNBUILT = f"sha256:{'0' * 64}"

Commits = list[tuple[str, str]]


class World:
    """The servers, as far as they have to do with one app.

    Args:
        project: Whose repositories, images and objects.
        engine: The engine.
        cluster: The cluster; None where there is none, or where the agent is at work in it.
        environment: The environment that plans are for.
    """

    def __init__(
        self,
        project: Project,
        engine: DockerClient,
        cluster: KubeClient | None = None,
        environment: str = "staging",
    ) -> None:
        self.project, self.engine, self.cluster = project, engine, cluster
        self.environment = environment
        self.before: list[str] = []

    async def plan(
        self, revision: str | None = None, *, downgrade: bool = False, promotion: bool = False
    ) -> ReleasePlan:
        """A plan, after which nothing has changed."""
        before = await self._seen()
        self.before = self._log()
        state: State[Any] = await plan(
            self.project.app,
            revision,
            self.environment,
            downgrade=downgrade,
            promotion=promotion,
            return_state=True,
        )  # pyright: ignore
        assert await self._seen() == before
        left: dict[str, str | list[str] | bool] = {"label": f"{RUN_LABEL}={run_of(state)}"}
        assert self.engine.containers.list(all=True, sparse=True, filters=left) == []
        assert self.engine.networks.list(filters=left) == []
        assert state.is_completed(), state.message
        found = await artifacts(run_of(state))
        key = f"{self.project.app}-{self.environment}-plan"
        (row,) = json.loads(str(found[f"{key}-summary"].data))
        made = ReleasePlan.model_validate(row)
        assert state.message == made.sentence
        assert str(found[key].data).startswith(f"# {made.title}\n")
        return made

    def committed(self) -> Commits:
        """What was committed since the last plan: each step, and what `git diff` shows of it."""
        git, place = self.project.ops.git, f"{self.environment}/{self.project.app}"
        where = ("--", place, f":(exclude){place}/RELEASE", f":(exclude){place}/holds.yaml")
        made = self._log()
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
            self._log(),
            project.tags(),
            sorted(self._stored()),
            sorted(str(one.id) for one in self.engine.images.list(filters=of_app)),
            sorted(
                str(one.attrs["RepoTags"]) for one in self.engine.images.list(f"*/{project.app}")
            ),
            await self._objects(self.cluster) if self.cluster else [],
        ]

    def _log(self) -> list[str]:
        return self.project.ops_log(self.environment)

    def _stored(self) -> Iterator[tuple[str, float]]:
        """What the registry keeps for the app, with uploads that nobody has finished."""
        store = Path(self.project.env["SHIPWAY_STATE"], "registry")
        for file in store.glob(f"docker/registry/v2/repositories/{self.project.app}/**/*"):
            yield str(file), file.stat().st_mtime

    async def _objects(self, cluster: KubeClient) -> list[Mapping[str, Any]]:
        """The app's objects, but for what controllers and the agent say of themselves."""
        namespaces = [
            each
            for each in await cluster.list("v1", "Namespace", None, "")
            if each["metadata"]["name"].startswith(self.project.app)
        ]
        objects = [
            each
            for version, kind in await _kinds(cluster)
            for namespace in namespaces
            for each in await cluster.list(version, kind, namespace["metadata"]["name"], "")
            if not each["metadata"]["name"].startswith(NOTES)
        ]
        return [_written(each) for each in (*namespaces, *objects)]


async def _kinds(cluster: KubeClient) -> list[tuple[str, str]]:
    """The kinds of objects in a namespace that somebody else than controllers writes."""
    groups = (await cluster.call("GET", "/apis"))["groups"]
    paths = {f"/apis/{one['preferredVersion']['groupVersion']}" for one in groups}
    served = [await cluster.call("GET", path) for path in ("/api/v1", *sorted(paths))]
    return [
        (each["groupVersion"], kind["kind"])
        for each in served
        for kind in each["resources"]
        if kind["namespaced"] and "list" in kind["verbs"] and kind["kind"] not in OTHERS
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
