"""Releases in pods of their own, while pods, nodes and workers come and go."""

from __future__ import annotations

import asyncio
import json
from typing import Any

import pytest

from tests.support.installed import Installed
from tests.support.pages import pasted
from tests.support.process_workers import until
from tests.support.project import Project

pytestmark = pytest.mark.alone

RUNS = "--selector app.kubernetes.io/name=run"
LAUNCHERS = "--selector app.kubernetes.io/name=launcher"
SCALE = "kubectl scale deployment/launcher --namespace shipway --replicas"
SLOW = "import time\ndef test_slow(): time.sleep(15)\n"


def release(installed: Installed) -> None:
    """Release as the page says, from a pod that no test replaces; red if the release is."""
    _, block = pasted("docs/production.md", "Trying it")
    names = {"shop": installed.project.app, "deployment/worker": "deployment/agent"}
    installed.run(block, names)


def jobs(installed: Installed) -> dict[str, dict[str, Any]]:
    """The Jobs of runs, by name."""
    return {job["metadata"]["name"]: job for job in installed.objects("jobs", "shipway", RUNS)}


def is_running(installed: Installed, namespace: str, *flags: str) -> bool:
    pods = installed.objects("pods", namespace, *flags)
    return any(pod["status"]["phase"] == "Running" for pod in pods)


def check_deployed(installed: Installed, project: Project) -> None:
    """The newest revision runs, by the digest that the registry has of it."""
    digest = project.tags()[project.revision]
    (deployed,) = installed.objects("deployments", project.app)
    (container,) = deployed["spec"]["template"]["spec"]["containers"]
    assert container["image"].endswith(f"/{project.app}@{digest}")
    assert deployed["status"]["readyReplicas"] == 1


async def test_a_release_in_a_pod_of_its_own_needs_no_worker_once_it_has_begun(
    installed: Installed,
) -> None:
    project = installed.project
    called = asyncio.create_task(asyncio.to_thread(release, installed))
    await until(lambda: is_running(installed, "shipway", RUNS), 120)
    installed.run(f"{SCALE} 0")
    await called
    await until(lambda: installed.objects("pods", "shipway", LAUNCHERS) == [])

    # Its pod ends a moment after the run.
    installed.run(f"kubectl wait job --namespace shipway {RUNS} --for condition=complete")
    (job,) = jobs(installed).values()
    pod = job["spec"]["template"]["spec"]
    assert pod["serviceAccountName"] == "worker"
    assert installed.login not in json.dumps(job)
    assert list(project.tags()) == [project.revision]
    check_deployed(installed, project)


async def test_a_release_whose_node_is_drained_waits_for_a_worker_and_goes_on_in_another_pod(
    installed: Installed,
) -> None:
    installed.run(f"{SCALE} 1")
    project, before = installed.project, jobs(installed)
    committed = project.ops_log()
    project.change({"tests/test_slow.py": SLOW})
    called = asyncio.create_task(asyncio.to_thread(release, installed))
    await until(lambda: is_running(installed, "shipway-tests"), 240)
    installed.run("kubectl rollout restart deployment/worker --namespace shipway")
    installed.run(f"{SCALE} 0")
    (node,) = installed.objects("nodes", "default")
    name = node["metadata"]["name"]
    # On the one node of the sandbox, nothing else can go: budgets hold the server back.
    installed.run(
        f"kubectl drain {name} --pod-selector app.kubernetes.io/name=run "
        "--ignore-daemonsets --delete-emptydir-data --timeout 2m"
    )
    installed.run(f"kubectl uncordon {name}")
    installed.run("kubectl rollout status deployment/worker --namespace shipway --timeout 5m")
    assert not called.done()
    assert len(jobs(installed)) == len(before) + 1
    installed.run(f"{SCALE} 1")
    await called

    made = [job for name, job in jobs(installed).items() if name not in before]
    of_runs = [job["metadata"]["labels"]["prefect.io/flow-run-id"] for job in made]
    assert len(of_runs) == 2
    assert len(set(of_runs)) == 1
    assert len(project.ops_log()) == len(committed) + 1
    check_deployed(installed, project)
    assert installed.objects("jobs", "shipway-tests") == []
