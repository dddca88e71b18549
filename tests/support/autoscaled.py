"""An environment whose pods an autoscaler counts: its folder in Git, and a cluster in memory."""

from __future__ import annotations

from collections.abc import Mapping

from blocks.ops_repository import OpsRepository
from blocks.source_repository import SourceRepository
from shipway.kubernetes.apply import apply_set
from shipway.kubernetes.objects import read_objects
from shipway.release import Cause, Release
from shipway.rollback.commit import CommittedRollback, Reason, commit_rollback
from shipway.rollout.commit import commit_release
from shipway.rollout.live_pods import check_pods, read_live_pods
from shipway.rollout.result import StepCommit
from shipway.rollout.target import Target, target_of
from shipway.rollout.wait_for_field import field_difference
from shipway.strategies.app_folder import REPLICAS
from tests.support.app_environments import SHOP
from tests.support.memory_cluster import NAMESPACED, MemoryCluster
from tests.support.origin import Origin
from tests.support.rolling_environment import image
from tests.support.run_contexts import run_context

AUTOSCALER = "horizontal-pod-autoscaler"


def autoscaler(
    name: str,
    low: int | None = 2,
    high: int = 9,
    *,
    kind: str = "Deployment",
    version: str = "autoscaling/v2",
    namespace: str | None = None,
) -> bytes:
    """The manifest of an autoscaler, named like the workload that it scales."""
    where = f", namespace: {namespace}" if namespace else ""
    least = "" if low is None else f"  minReplicas: {low}\n"
    return f"""\
apiVersion: {version}
kind: HorizontalPodAutoscaler
metadata: {{name: {name}{where}}}
spec:
  scaleTargetRef: {{apiVersion: apps/v1, kind: {kind}, name: {name}}}
{least}  maxReplicas: {high}
---
""".encode()


def without_replicas(manifest: bytes) -> bytes:
    """A Deployment's manifest that leaves the number of pods to an autoscaler."""
    lines = manifest.splitlines(keepends=True)
    return b"".join(line for line in lines if not line.startswith(b"  replicas:"))


class AutoscaledEnvironment:
    """What Git says is applied after each step, as the built-in agent does.

    Attributes:
        cluster: The cluster; who scales it by hand is its autoscaler.
        run: The run that acts.
    """

    def __init__(self, ops: Origin, app: Origin, files: Mapping[str, bytes]) -> None:
        ops.commit({f"prod/shop/{name}": content for name, content in files.items()})
        self.origin = ops
        self.ops = OpsRepository(url=ops.url)
        self.source = SourceRepository(url=app.url)
        self.run = run_context(1)
        self.cluster = MemoryCluster("shop")
        self.cluster.served["gateway.networking.k8s.io/v1"] = {"HTTPRoute": NAMESPACED}
        commits = [app.commit({"app.py": text}) for text in (b"1", b"2", b"3")]
        self.revisions = [self.source.resolve(commit) for commit in commits]

    async def target(self) -> Target:
        """What Git says, and the numbers of pods in the cluster."""
        target = target_of(self.ops.fetch(SHOP))
        return target.with_live_pods(await read_live_pods(self.cluster, target))

    async def take(self, number: int, name: str, cause: Cause | None = None) -> StepCommit:
        """Commit a step of a release, apply it, and see that the rollout would go on."""
        target = await self.target()
        plan = target.plan(image(number), rollback=bool(cause and cause.is_rollback))
        step = next(step for step in plan if step.name == name)
        check_pods(target, step)
        release = Release(
            revision=self.revisions[number - 1], image=image(number), cause=cause or Cause()
        )
        made = commit_release(self.ops, self.source, target, step, release, {}, self.run)
        await self.apply()
        for edit in step.expects:
            if edit.field.name == REPLICAS:
                assert await field_difference(self.cluster, target, edit) is None
        return made

    async def release(self, number: int, cause: Cause | None = None) -> list[StepCommit]:
        """Take every step that is left of a release, one after the other."""
        plan = (await self.target()).plan(image(number), rollback=cause is not None)
        return [await self.take(number, step.name, cause) for step in plan]

    async def roll_back(self) -> CommittedRollback:
        """Commit the first step of a rollback to the release before, and apply it."""
        reason = Reason(why="5xx", by="Ada")
        made = commit_rollback(self.ops, self.source, await self.target(), None, reason, self.run)
        await self.apply()
        return made

    async def apply(self) -> None:
        """What the agent does."""
        folder = self.ops.fetch(SHOP)
        objects = read_objects(folder.files, folder.path)
        await apply_set(self.cluster, "shop", "shop", objects, folder.fingerprint)

    async def scale(self, name: str, pods: int) -> None:
        """What an autoscaler does."""
        head = {"apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": name}}
        await self.cluster.apply({**head, "spec": {"replicas": pods}}, "shop", AUTOSCALER)

    def pods(self) -> dict[str, int]:
        """How many pods each Deployment is to have."""
        return {
            name: body["spec"].get("replicas", 1)
            for (kind, _, name), body in self.cluster.objects.items()
            if kind == "Deployment.apps"
        }

    def file(self, name: str) -> bytes:
        """A file of the folder, as Git has it."""
        return self.ops.fetch(SHOP).files[name]
