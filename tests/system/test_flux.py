"""Releases that Flux applies: its real controllers, and the real Git server."""

from __future__ import annotations

import asyncio
import shlex
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from examples import flux_objects
from flows.runtime.what_runs_page import read_known
from shipway.kubernetes.client import KubeClient
from shipway.rollout.observation import Observation
from shipway.rollout.status import AppStatus
from tests.support.project import HOME, Project, bring_up, known_project
from tests.support.remedies import commands_in
from tests.support.runs import run_reconcile, run_release

AGENTS = HOME / "deployments" / "agents"
# Its controller, and so its kind, is not to be had as a Go module.
UNKNOWN = "flux-receiver.yaml"
SERVICE = """\
apiVersion: v1
kind: Service
metadata: {{name: more, namespace: {app}}}
spec: {{ports: [{{port: {port}}}]}}
"""


@pytest.fixture(scope="session")
def flux(sandbox: dict[str, str], cluster_is_up: None) -> None:
    """Flux is there, built if it is not; without it, the tests fail."""
    bring_up("Flux", "--flux")


@pytest.fixture
async def flux_project(
    flux: None, cluster: KubeClient, sandbox: dict[str, str], ops_server: None, tmp_path: Path
) -> AsyncIterator[Project]:
    """The README's app under a new name, which a suspended Kustomization is to apply."""
    async with known_project(sandbox, tmp_path, agent="external") as made:
        rollout = made.ops_file("rollout.yaml").replace("agent: external\n", "")
        rollout += flux_objects.external_agent(made.app)
        made.change_ops({f"{made.folder}/rollout.yaml": rollout})
        told = flux_objects.objects(made.app, made.folder, sandbox, suspend=True)
        for body in told:
            await cluster.apply(body, flux_objects.NAMESPACE, "tests")
        yield made
        for body in reversed(told):
            version, kind = body["apiVersion"], body["kind"]
            await cluster.delete(version, kind, made.app, flux_objects.NAMESPACE)


async def paste(command: str, sandbox: dict[str, str]) -> None:
    """Run a command of kubectl, which is in the cluster's binary."""
    kubectl = sandbox["SHIPWAY_KUSTOMIZE"].removesuffix(" kustomize")
    typed = shlex.split(command)
    assert typed[0] == "kubectl"
    process = await asyncio.create_subprocess_exec(*shlex.split(kubectl), *typed[1:])
    assert await process.wait() == 0


async def kustomization(cluster: KubeClient, app: str) -> dict[str, Any]:
    version, kind = flux_objects.KUSTOMIZATION
    found = await cluster.get(version, kind, app, flux_objects.NAMESPACE)
    assert found is not None
    return found["status"]


async def turn(app: str) -> tuple[AppStatus, Observation]:
    """What the built-in agent's turn sees of what Flux applies."""
    state = await run_reconcile(app)
    assert state.is_completed(), state.message
    seen = (await read_known()).of(app, "staging")
    assert seen is not None
    assert seen.observed is not None
    return seen, seen.observed


async def test_a_release_by_flux_ends_healthy_or_with_what_flux_says(
    flux_project: Project, cluster: KubeClient, sandbox: dict[str, str]
) -> None:
    app, folder = flux_project.app, flux_project.folder
    before = flux_project.ops_log()
    state = await run_release(app, until="healthy")
    said = str(state.message)
    assert state.is_failed()
    assert f"Kustomization/{app} in namespace flux-system is suspended" in said
    assert "untouched: the ops repository and the cluster" in said
    assert flux_project.ops_log() == before
    assert flux_project.tags() == {}
    (resume,) = commands_in(said)
    await paste(resume, sandbox)

    # Flux looks every ten minutes by itself: it was nudged.
    state = await run_release(app, until="healthy")
    assert state.is_completed(), state.message
    assert len(flux_project.ops_log()) == len(before) + 1
    status = await kustomization(cluster, app)
    assert status["lastAppliedRevision"].startswith("main@sha1:")
    seen, observed = await turn(app)
    assert (seen.health, seen.drift) == ("healthy", ()), seen.reason
    assert (observed.is_stopped, observed.is_compared, observed.run) == (False, True, "completed")
    assert f"Kustomization/{app} in namespace flux-system has applied " in observed.agent

    flux_project.change_ops({f"{folder}/more.yaml": SERVICE.format(app=app, port=99999)})
    flux_project.change({"note.txt": "2"})
    state = await run_release(app, until="healthy")
    assert state.is_failed()
    said = str(state.message)
    assert "The cluster's agent did not apply the release" in said
    assert f"Kustomization/{app} in namespace flux-system: ReconciliationFailed: " in said
    assert "99999" in said
    seen, observed = await turn(app)
    assert (seen.health, seen.drift, observed.run) == ("not applied", (), "gave up")
    assert "99999" in seen.reason

    flux_project.change({"note.txt": "3"})
    before = flux_project.ops_log()
    state = await run_release(app, until="healthy")
    assert state.is_failed()
    assert "The cluster's agent would not apply the release." in str(state.message)
    assert "99999" in str(state.message)
    assert flux_project.ops_log() == before

    flux_project.change_ops({f"{folder}/more.yaml": SERVICE.format(app=app, port=99)})
    state = await run_release(app, until="healthy")
    assert state.is_completed(), state.message


@pytest.mark.parametrize("file", sorted({file.name for file in AGENTS.glob("*.yaml")} - {UNKNOWN}))
async def test_the_manifests_for_other_agents_fit_their_kinds(
    file: str, flux: None, cluster: KubeClient, namespace: str
) -> None:
    for body in yaml.safe_load_all((AGENTS / file).read_text()):
        body["metadata"]["namespace"] = namespace
        await cluster.validate(body, namespace)
