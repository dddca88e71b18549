"""Apps whose folders leave Git leave the cluster: a real agent, Git server and cluster."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from unittest.mock import AsyncMock

import pytest
from git import Repo

from blocks.ops_repository import OpsRepository
from examples import repositories
from flows.decommission import decommission
from flows.reconcile import reconcile
from flows.runtime.what_runs_page import read_known
from flows.tasks.agent import prune_removed
from shipway.kubernetes.applyset import SET_ID
from shipway.kubernetes.client import KubeClient
from shipway.kubernetes.membership import MEMBER
from tests.support.own_ops import own_ops
from tests.support.runs import artifacts, run_of

IMAGE = f"registry.example.org/shop@sha256:{'1' * 64}"
ROLLOUT = """\
strategy: rolling
namespace: {namespace}
cluster: staging
images: [{{file: web.yaml, container: web}}]
"""
WEB = """\
apiVersion: apps/v1
kind: Deployment
metadata: {{name: {app}}}
spec:
  replicas: 0
  selector: {{matchLabels: {{app: {app}}}}}
  template:
    metadata: {{labels: {{app: {app}}}}}
    spec: {{containers: [{{name: web, image: "{image}"}}]}}
---
apiVersion: v1
kind: ConfigMap
metadata: {{name: {app}}}
---
apiVersion: v1
kind: ConfigMap
metadata: {{name: {app}-kept, annotations: {{shipway.dev/keep: "true"}}}}
---
apiVersion: v1
kind: PersistentVolumeClaim
metadata: {{name: {app}}}
spec:
  accessModes: [ReadWriteOnce]
  resources: {{requests: {{storage: 1Mi}}}}
"""
GOES = {"Deployment", "ConfigMap"}


@dataclass(frozen=True)
class Place:
    """An ops repository and a namespace of the test's own; the environment is named like it."""

    clone: Repo
    ops: OpsRepository
    cluster: KubeClient
    namespace: str

    def put(self, *apps: str, environment: str | None = None) -> None:
        """Commit the folders of some apps."""
        files = dict[str, str]()
        for app in apps:
            folder = f"{environment or self.namespace}/{app}"
            files[f"{folder}/rollout.yaml"] = ROLLOUT.format(namespace=self.namespace)
            files[f"{folder}/web.yaml"] = WEB.format(app=app, image=IMAGE)
        repositories.commit(self.clone, "put", files)

    def remove(self, *apps: str) -> str:
        """Commit the end of some folders, by hand."""
        for app in apps:
            self.clone.git.rm("-r", "--quiet", f"{self.namespace}/{app}")
        return repositories.commit(self.clone, "By hand", {})

    async def decommission(self, app: str, *, dry_run: bool = False) -> str:
        """What `shipway decommission` starts; return its page."""
        state: Any = await decommission(  # pyright: ignore
            app, self.namespace, "replaced", "Grace", dry_run=dry_run, return_state=True
        )
        assert state.is_completed(), state.message
        self.clone.git.pull("--rebase", "origin", "main")
        found = await artifacts(run_of(state))
        return str(found[f"{app}-{self.namespace}-plan"].data)

    async def turn(self, grace_seconds: float = 3600) -> list[dict[str, str]]:
        """A turn of the agent: what it tells of removed apps."""
        state: Any = await reconcile(self.namespace, grace_seconds=grace_seconds, return_state=True)  # pyright: ignore
        assert state.is_completed(), state.message
        found = await artifacts(run_of(state))
        return json.loads(str(found["removed"].data)) if "removed" in found else []

    async def uids(self, app: str) -> dict[str, str]:
        """The objects of an app that are there, each with its uid."""
        asked = (("apps/v1", "Deployment"), ("v1", "ConfigMap"), ("v1", "PersistentVolumeClaim"))
        found = {kind: await self.cluster.get(of, kind, app, self.namespace) for of, kind in asked}
        return {kind: each["metadata"]["uid"] for kind, each in found.items() if each}

    async def shown(self, app: str) -> str:
        """What the page says of an app that is removed; empty where it says nothing of that."""
        seen = (await read_known()).of(app, self.namespace)
        return seen.reason if seen and seen.health == "removed" else ""


@pytest.fixture
async def place(
    cluster: KubeClient,
    namespace: str,
    sandbox: dict[str, str],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> Place:
    clone, ops = own_ops(sandbox, tmp_path, monkeypatch)
    # Other tests register clusters that do not answer, and then nothing may go.
    monkeypatch.setattr(prune_removed, "registered", AsyncMock(return_value=["staging"]))
    return Place(clone, ops, cluster, namespace)


async def test_what_is_removed_is_told_kept_for_a_grace_and_deleted_but_for_its_data(
    place: Place,
) -> None:
    place.put("cart", "shop")
    assert await place.turn() == []
    before = await place.uids("shop")
    assert before.keys() == {*GOES, "PersistentVolumeClaim"}
    commit = place.remove("shop")

    told = [await place.turn() for _ in range(2)]
    assert told[0] == told[1]
    assert {row["app"] for row in told[0]} == {f"{place.namespace}/shop"}
    assert {row["removed by"] for row in told[0]} == {f"{commit[:7]} (Ada Example)"}
    now = {row["object"]: row["now"] for row in told[0]}
    assert now.pop("PersistentVolumeClaim/shop") == "stays: only a person deletes one"
    assert now.pop("ConfigMap/shop-kept") == "stays: annotated to be kept"
    assert now.keys() == {"Deployment/shop", "ConfigMap/shop"}
    assert all(words.startswith("goes at 20") for words in now.values())
    assert await place.uids("shop") == before
    assert f"removed from Git by {commit[:7]}" in await place.shown("shop")

    gone = {row["object"]: row["now"] for row in await place.turn(grace_seconds=0)}
    assert gone == {
        "Deployment/shop": "deleted",
        "ConfigMap/shop": "deleted",
        "ConfigMap/shop-kept": "stays: annotated to be kept",
        "PersistentVolumeClaim/shop": "stays: only a person deletes one",
    }
    assert (await place.uids("shop")).keys() == {"PersistentVolumeClaim"}
    assert (await place.uids("cart")).keys() == before.keys()
    assert await place.turn(grace_seconds=0) == []

    # What has stayed is taken over by the folder that comes back, and by nobody's prune before.
    place.put("shop")
    assert await place.turn(grace_seconds=0) == []
    after = await place.uids("shop")
    assert after.keys() == before.keys()
    assert after["PersistentVolumeClaim"] == before["PersistentVolumeClaim"]


async def test_all_of_an_environment_goes_only_if_each_commit_says_so(place: Place) -> None:
    place.put("cart", "shop")
    await place.turn()
    before = [await place.uids(app) for app in ("cart", "shop")]
    place.remove("cart", "shop")
    rows = await place.turn(grace_seconds=0)
    words = f"stays: of {place.namespace}, 2 apps are gone and 0 are left: "
    deployments = [row["now"] for row in rows if row["object"].startswith("Deployment/")]
    assert [now.startswith(words) for now in deployments] == [True, True]
    assert [await place.uids(app) for app in ("cart", "shop")] == before
    assert "2 apps are gone" in await place.shown("cart")

    # The environment has another name now, and its folders are not applied: no cluster block.
    renamed = f"{place.namespace}-new"
    place.put("cart", "shop", environment=renamed)
    await place.turn(grace_seconds=0)
    assert [await place.uids(app) for app in ("cart", "shop")] == before
    place.clone.git.rm("-r", "--quiet", renamed)

    place.put("cart", "shop")
    assert await place.turn(grace_seconds=0) == []
    assert [await place.uids(app) for app in ("cart", "shop")] == before

    tip = place.clone.head.commit
    page = await place.decommission("cart", dry_run=True)
    assert "## Goes after the agent's grace\n\n- ConfigMap/cart\n- Deployment/cart\n" in page
    assert "- PersistentVolumeClaim/cart: only a person deletes one" in page
    assert place.clone.head.commit == tip
    for _ in range(2):
        await place.decommission("cart")
        await place.decommission("shop")
    assert len([*place.clone.iter_commits(f"{tip}..")]) == 2
    rows = await place.turn(grace_seconds=0)
    assert {row["now"] for row in rows if not row["now"].startswith("stays")} == {"deleted"}
    for app in ("cart", "shop"):
        assert (await place.uids(app)).keys() == {"PersistentVolumeClaim"}


async def test_what_came_from_another_branch_or_history_is_left_alone(
    place: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    place.put("cart", "shop")
    await place.turn()
    before = await place.uids("shop")
    place.clone.git.checkout("--quiet", "HEAD~", "-b", "live")
    place.clone.git.push("origin", "live")
    live = place.ops.model_copy(update={"branch": "live"})
    monkeypatch.setattr(OpsRepository, "aload", AsyncMock(return_value=live))
    assert await place.turn(grace_seconds=0) == []
    # Somebody has pushed the state from before the folders in place of the branch.
    place.clone.git.push("--force", "origin", "live:main")
    monkeypatch.setattr(OpsRepository, "aload", AsyncMock(return_value=place.ops))
    assert await place.turn(grace_seconds=0) == []
    assert await place.uids("shop") == before


async def test_a_moved_object_goes_with_its_new_folder(place: Place) -> None:
    place.put("cart", "shop")
    await place.turn()
    before = await place.uids("shop")
    place.clone.git.mv(f"{place.namespace}/shop", f"{place.namespace}/store")
    repositories.commit(place.clone, "rename", {})
    rows = await place.turn(grace_seconds=0)
    assert rows == []
    assert await place.uids("shop") == before
    found = await place.cluster.get("v1", "ConfigMap", "shop", place.namespace)
    parent = await place.cluster.get("v1", "ConfigMap", "shipway.store", place.namespace)
    assert found is not None
    assert parent is not None
    assert found["metadata"]["labels"][MEMBER] == parent["metadata"]["labels"][SET_ID]
