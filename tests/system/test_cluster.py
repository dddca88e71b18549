"""The cluster mirrors Git: what is released is served, what differs is put back and told."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest

from blocks.source_repository import SourceRepository
from flows.reconcile import reconcile
from flows.rollback import rollback
from flows.rollout import rollout
from flows.tasks.agent import apply as agent_apply
from flows.tasks.agent.tell_standing_agents import tell_standing_agents
from shipway.app_environment import AppEnvironment
from shipway.cli.prefect_server import connect
from shipway.cli.runs import Warned, find, follow
from shipway.image_ref import ImageRef
from shipway.kubernetes.apply_object import Change
from shipway.kubernetes.client import KubeClient
from shipway.release import Release
from tests.support.project import Project, known_project
from tests.support.runs import artifacts, run_of, run_reconcile, run_release, summary


async def greeting(cluster: KubeClient, project: Project) -> str:
    """What the app answers through its Service."""
    path = f"/api/v1/namespaces/{project.app}/services/{project.app}:80/proxy/"
    return str(await cluster.call("GET", path))


async def drift(run: UUID) -> list[dict[str, str]]:
    """The rows of the drift table that a run of the agent left."""
    found = await artifacts(run)
    return json.loads(str(found["drift"].data)) if "drift" in found else []


async def drift_after(change: Callable[[], Awaitable[object]], app: str) -> list[dict[str, str]]:
    """What the agent tells of a change by hand; made once more where another turn was first."""
    for _ in range(3):
        await change()
        if rows := await drift(run_of(await run_reconcile(app))):
            return rows
    return []


async def test_the_readmes_app_is_released_and_served(
    cluster_project: Project, cluster: KubeClient
) -> None:
    state = await run_release(cluster_project.app, until="healthy")
    assert state.is_completed()
    row = await summary(cluster_project.app, state)
    assert "1 of 1 run the image" in row["served"]
    assert await greeting(cluster, cluster_project) == "Hello, world!"
    pods = await cluster.list("v1", "Pod", cluster_project.app, f"app={cluster_project.app}")
    assert [pod["spec"]["containers"][0]["image"] for pod in pods] == [row["image"]]


async def test_a_rollback_brings_back_what_was_served(
    cluster_project: Project, cluster: KubeClient
) -> None:
    app = cluster_project.app
    first = await summary(app, await run_release(app, until="healthy"))
    other = cluster_project.file("hello.py").replace("Hello, {name}!", "Hello there, {name}!")
    tests = cluster_project.file("tests/test_hello.py").replace("Hello, ", "Hello there, ")
    cluster_project.change({"hello.py": other, "tests/test_hello.py": tests})
    assert (await run_release(app, until="healthy")).is_completed()
    assert await greeting(cluster, cluster_project) == "Hello there, world!"
    state = await rollback(app, "staging", "too friendly", "Ada", return_state=True)  # pyright: ignore
    assert state.is_completed(), state.message
    row = await summary(app, state)
    assert (row["image"], row["served"]) == (first["image"], first["served"])
    assert await greeting(cluster, cluster_project) == "Hello, world!"


async def test_nothing_is_applied_before_the_first_release(
    cluster_project: Project, cluster: KubeClient
) -> None:
    assert (await run_reconcile(cluster_project.app)).is_completed()
    assert await cluster.get("v1", "Namespace", cluster_project.app, None) is None


async def test_what_the_api_server_would_refuse_never_reaches_git(
    cluster_project: Project,
) -> None:
    app, folder = cluster_project.app, cluster_project.folder
    assert (await run_release(app, until="healthy")).is_completed()
    cluster_project.pull_ops()
    good = cluster_project.ops_file("deployment.yaml")
    bad = good.replace("port: 80\n", "port: 80000\n")
    cluster_project.change_ops({f"{folder}/deployment.yaml": bad})
    cluster_project.change({"notes.txt": "A change.\n"})
    before = cluster_project.ops_log()
    state = await run_release(app, until="healthy")
    assert state.is_failed()
    assert "The cluster would refuse what the release commits." in str(state.message)
    assert f"Service/{app}" in str(state.message)
    assert cluster_project.ops_log() == before
    cluster_project.change_ops({f"{folder}/deployment.yaml": good})
    assert (await run_release(app, until="healthy")).is_completed()


async def test_the_same_image_is_good_once_its_configuration_is_mended(
    cluster_project: Project, cluster: KubeClient
) -> None:
    app, file = cluster_project.app, f"{cluster_project.folder}/deployment.yaml"
    assert (await run_release(app, until="healthy")).is_completed()
    cluster_project.pull_ops()
    good = cluster_project.ops_file("deployment.yaml")
    bad = good.replace("image: ", "command: [sh, -c, exit 1]\n          image: ")
    cluster_project.change_ops({file: bad})
    assert (await run_reconcile(app)).is_completed()
    await _until_one_crashes(cluster, app)
    cluster_project.change_ops({file: good})
    before = cluster_project.ops_log()
    state = await run_release(app, until="healthy")
    assert state.is_completed(), state.message
    assert cluster_project.ops_log() == before


async def _until_one_crashes(cluster: KubeClient, app: str) -> None:
    """Wait until a container of the app has ended."""
    async with asyncio.timeout(60):
        while True:
            pods = await cluster.list("v1", "Pod", app, f"app={app}")
            statuses = [one for pod in pods for one in pod["status"].get("containerStatuses", [])]
            if any(status["restartCount"] for status in statuses):
                return
            await asyncio.sleep(0.5)


async def change_the_port_by_hand(cluster: KubeClient, app: str) -> None:
    by_hand = {
        "apiVersion": "v1",
        "kind": "Service",
        "metadata": {"name": app},
        "spec": {"ports": [{"port": 80, "targetPort": 9999}]},
    }
    await cluster.apply(by_hand, app, "somebody")


async def test_a_change_by_hand_is_put_back_and_reported(
    cluster_project: Project, cluster: KubeClient
) -> None:
    app = cluster_project.app
    await run_release(app)
    assert await drift(run_of(await run_reconcile(app))) == []
    (row,) = await drift_after(lambda: change_the_port_by_hand(cluster, app), app)
    assert row.pop("written by").startswith("somebody at 20")
    assert row == {
        "app": f"staging/{app}",
        "object": f"Service/{app}",
        "field": "spec.ports.0.targetPort",
        "live": "9999",
        "Git": "8080",
        "now": "put back",
    }
    service = await cluster.get("v1", "Service", app, app)
    assert service is not None
    assert service["spec"]["ports"][0]["targetPort"] == 8080
    assert await drift(run_of(await run_reconcile(app))) == []


async def test_where_drift_is_only_told_of_it_stays_until_git_changes(
    cluster_project: Project, cluster: KubeClient
) -> None:
    app, folder = cluster_project.app, cluster_project.folder
    text = cluster_project.ops_file("rollout.yaml")
    cluster_project.change_ops({f"{folder}/rollout.yaml": text + "drift: report\n"})
    await run_release(app)
    await run_reconcile(app)
    by_hand = {
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": {"name": app},
        "spec": {"template": {"spec": {"terminationGracePeriodSeconds": 7}}},
    }
    await cluster.apply(by_hand, app, "somebody")

    async def seconds() -> int:
        found = await cluster.get("apps/v1", "Deployment", app, app)
        assert found is not None
        return int(found["spec"]["template"]["spec"]["terminationGracePeriodSeconds"])

    for _ in range(2):
        rows = await drift(run_of(await run_reconcile(app)))
        assert rows == []
        assert await seconds() == 7
    await change_the_port_by_hand(cluster, app)
    for _ in range(2):
        (row,) = await drift(run_of(await run_reconcile(app)))
        assert (row["live"], row["Git"], row["now"]) == ("9999", "8080", "left as it is")
        assert row["written by"].startswith("somebody at 20")
    await cluster.delete("v1", "Service", app, app)
    (row,) = await drift(run_of(await run_reconcile(app)))
    assert (row["live"], row["now"]) == ("missing", "left as it is")
    # Git has the last word.
    cluster_project.change_ops({f"{folder}/rollout.yaml": text})
    await run_reconcile(app)
    assert await cluster.get("v1", "Service", app, app) is not None


async def test_an_agent_that_is_late_does_not_undo_what_a_newer_commit_said(
    cluster_project: Project, cluster: KubeClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    app, folder = cluster_project.app, cluster_project.folder
    await run_release(app)
    cluster_project.pull_ops()
    manifest = cluster_project.ops_file("deployment.yaml")
    cluster_project.change_ops({f"{folder}/deployment.yaml": replicas(manifest, 2)})
    real, late = agent_apply.apply_target, list[str]()

    async def apply_late(*args: Any, **options: Any) -> list[Change]:
        if not late:
            late.append("the agent has read the older commit")
            newer = {f"{folder}/deployment.yaml": replicas(manifest, 3)}
            cluster_project.change_ops(newer)
            assert (await run_reconcile(app)).is_completed()
        return await real(*args, **options)

    monkeypatch.setattr(agent_apply, "apply_target", apply_late)
    state = await run_reconcile(app)
    assert state.is_completed()
    assert await drift(run_of(state)) == []
    found = await cluster.get("apps/v1", "Deployment", app, app)
    assert found is not None
    assert found["spec"]["replicas"] == 3


async def test_an_agent_that_stays_applies_what_it_is_asked_for(
    cluster_project: Project, cluster: KubeClient
) -> None:
    app, folder = cluster_project.app, cluster_project.folder
    await run_release(app)
    cluster_project.pull_ops()
    manifest = cluster_project.ops_file("deployment.yaml")
    staying = asyncio.create_task(reconcile("staging", app, stay_seconds=20))
    for _ in range(100):
        if await cluster.get("apps/v1", "Deployment", app, app) is not None:
            break
        await asyncio.sleep(0.1)
    cluster_project.change_ops({f"{folder}/deployment.yaml": replicas(manifest, 2)})
    assert await tell_standing_agents.fn(AppEnvironment(app=app, environment="staging"))
    first, asked = await staying
    assert first.folder == asked.folder == folder
    found = await cluster.get("apps/v1", "Deployment", app, app)
    assert found is not None
    assert found["spec"]["replicas"] == 2


def replicas(manifest: str, count: int) -> str:
    """The README's Deployment with a number of pods."""
    selector = "  selector:\n    matchLabels"
    return manifest.replace(selector, f"  replicas: {count}\n{selector}")


async def test_what_was_deleted_by_hand_comes_back_and_is_reported(
    cluster_project: Project, cluster: KubeClient
) -> None:
    app = cluster_project.app
    await run_release(app)
    await run_reconcile(app)
    (row,) = await drift_after(lambda: cluster.delete("v1", "Service", app, app), app)
    assert (row["object"], row["live"], row["Git"]) == (f"Service/{app}", "missing", "present")
    assert await cluster.get("v1", "Service", app, app) is not None


async def test_what_git_no_longer_has_is_deleted(
    cluster_project: Project, cluster: KubeClient
) -> None:
    app = cluster_project.app
    extra = "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: extra}\ndata: {key: value}\n"
    cluster_project.change_ops({f"{cluster_project.folder}/extra.yaml": extra})
    await run_release(app)
    await run_reconcile(app)
    assert await cluster.get("v1", "ConfigMap", "extra", app) is not None
    cluster_project.remove_from_ops("extra.yaml")
    await run_reconcile(app)
    assert await cluster.get("v1", "ConfigMap", "extra", app) is None
    assert await cluster.get("v1", "Service", app, app) is not None


def forgive_little(project: Project, seconds: int = 2) -> None:
    """Have a version that does not start be bad soon."""
    startup = f"startup: {{restarts: 1, seconds: {seconds}}}\n"
    text = project.ops_file("rollout.yaml") + startup
    project.change_ops({f"{project.folder}/rollout.yaml": text})


async def test_a_cluster_role_with_a_stray_namespace_stays(
    cluster_project: Project, cluster: KubeClient
) -> None:
    app, api = cluster_project.app, "rbac.authorization.k8s.io/v1"
    role = f"apiVersion: {api}\nkind: ClusterRole\n"
    role += f"metadata: {{name: {app}-reader, namespace: monitoring}}\nrules: []\n"
    cluster_project.change_ops({f"{cluster_project.folder}/role.yaml": role})
    await run_release(app)
    uids: list[str] = []
    for _ in range(2):
        state = await run_reconcile(app)
        assert state.is_completed(), state.message
        assert await drift(run_of(state)) == []
        found = await cluster.get(api, "ClusterRole", f"{app}-reader", None)
        assert found is not None
        uids.append(found["metadata"]["uid"])
    assert uids[0] == uids[1]
    cluster_project.remove_from_ops("role.yaml")
    await run_reconcile(app)
    assert await cluster.get(api, "ClusterRole", f"{app}-reader", None) is None


async def test_an_app_that_crashes_fails_in_its_own_words_and_the_old_one_serves_on(
    cluster_project: Project, cluster: KubeClient
) -> None:
    app = cluster_project.app
    first = cluster_project.revision
    forgive_little(cluster_project)
    await run_release(app, until="healthy")
    server = 'ThreadingHTTPServer(("", 8080), Handler)'
    broken = cluster_project.file("hello.py").replace(server, 'exit("the database is not there")')
    bad = cluster_project.change({"hello.py": broken})
    state = await run_release(app, until="healthy")
    assert state.is_failed()
    message = str(state.message)
    assert f"The rollout of {app} to staging fails." in message
    assert f"where:     Deployment/{app} in namespace {app} pod {app}-" in message
    assert "CrashLoopBackOff" in message
    assert "the database is not there" in message
    assert "untouched: the pods of the version before, which go on serving" in message
    assert f"remedy:    staging is back at {first[:7]}; {bad[:12]} is on hold" in message
    assert await greeting(cluster, cluster_project) == "Hello, world!"


async def test_an_image_that_is_not_there_fails_with_what_the_node_says(
    cluster_project: Project, cluster: KubeClient
) -> None:
    app = cluster_project.app
    forgive_little(cluster_project, seconds=6)
    source = await SourceRepository.aload(app)
    revision = source.resolve(cluster_project.revision)
    image = f"{cluster_project.env['SHIPWAY_REGISTRY']}/{app}@sha256:{'0' * 64}"
    release = Release(revision=revision, image=ImageRef.parse(image))
    app_environment = AppEnvironment(app=app, environment="staging")
    state = await rollout(app_environment, release, return_state=True)  # pyright: ignore
    assert state.is_failed()
    assert "ImagePullBackOff" in str(state.message)
    assert "not found" in str(state.message)
    assert "0" * 64 in str(state.message)
    run, server = run_of(state), connect()
    page = (await artifacts(run))[f"{app}-staging-rollout"]
    told = [news for news in follow(server, find(server, str(run))) if isinstance(news, Warned)]
    waits = [warned for warned in told if " waits: " in warned.words]
    assert [warned for warned in waits if "ErrImagePull" in warned.words] == told[:1] != []
    assert "ErrImagePull" in str(page.data)


async def test_one_broken_app_keeps_no_other_waiting(
    cluster_project: Project, cluster: KubeClient, tmp_path: Path
) -> None:
    other = tmp_path / "other"
    other.mkdir()
    async with known_project(cluster_project.env, other, agent="reconcile") as broken:
        for project in (broken, cluster_project):
            await run_release(project.app)
        nonsense = "apiVersion: nowhere/v1\nkind: Nonsense\nmetadata: {name: x}\n"
        broken.change_ops({f"{broken.folder}/nonsense.yaml": nonsense})
        state = await run_reconcile(None)
        await cluster.delete("v1", "Namespace", broken.app, None)
    assert state.is_failed()
    # Other tests' apps may be broken at this moment, too.
    assert f"staging/{broken.app}" in str(state.message)
    assert f"staging/{cluster_project.app}" not in str(state.message)
    assert "The cluster has no kind 'Nonsense'." in str(state.message)
    found = await cluster.get("apps/v1", "Deployment", cluster_project.app, cluster_project.app)
    assert found is not None
