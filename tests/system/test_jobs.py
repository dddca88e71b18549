"""Jobs of a release on the real cluster: once, whatever is killed; a red one replaces no pod."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
import yaml
from git import Repo

from examples.killed import RELEASE, kill
from shipway.git.trailers import trailers_in
from shipway.kubernetes.client import KubeClient
from shipway.kubernetes.job import JOB_NAME
from tests.support.project import Project
from tests.support.runs import run_release

# Each run of a job leaves one ConfigMap behind, told by the pod itself.
COUNTED = """
import json, os, ssl, sys, time, urllib.request
keys = "/var/run/secrets/kubernetes.io/serviceaccount/"
url = "https://{KUBERNETES_SERVICE_HOST}:{KUBERNETES_SERVICE_PORT}".format(**os.environ)
namespace, token = (open(keys + name).read() for name in ("namespace", "token"))
head = {"generateName": "ran-" + sys.argv[1] + "-", "labels": {"ran": sys.argv[1]}}
body = json.dumps({"apiVersion": "v1", "kind": "ConfigMap", "metadata": head}).encode()
urllib.request.urlopen(
    urllib.request.Request(
        url + "/api/v1/namespaces/" + namespace + "/configmaps",
        body,
        {"Authorization": "Bearer " + token, "Content-Type": "application/json"},
    ),
    context=ssl.create_default_context(cafile=keys + "ca.crt"),
)
print("counted", flush=True)
time.sleep(float(sys.argv[2]))
"""
MAY_COUNT = """
apiVersion: rbac.authorization.k8s.io/v1
kind: Role
metadata: {name: count}
rules: [{apiGroups: [""], resources: [configmaps], verbs: [create]}]
---
apiVersion: rbac.authorization.k8s.io/v1
kind: RoleBinding
metadata: {name: count}
roleRef: {apiGroup: rbac.authorization.k8s.io, kind: Role, name: count}
subjects: [{kind: ServiceAccount, name: default}]
"""


def counted(name: str, seconds: float = 0) -> dict[str, Any]:
    """A job that takes some time, and leaves behind that it ran."""
    return job(name, "python3", "-c", COUNTED, name, f"{seconds:g}")


def job(name: str, *command: str) -> dict[str, Any]:
    container = {"name": "c", "command": [*command]}
    return {"name": name, "spec": {"template": {"spec": {"containers": [container]}}}}


class Shop:
    """An app whose namespace is there before its first release."""

    def __init__(self, project: Project, cluster: KubeClient) -> None:
        self.project, self.cluster, self.app = project, cluster, project.app
        self.rollout = yaml.safe_load(project.ops_file("rollout.yaml"))

    async def begin(self) -> None:
        namespace = {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": self.app}}
        await self.cluster.apply(namespace, None, "tests")
        for body in yaml.safe_load_all(MAY_COUNT):
            await self.cluster.apply(body, self.app, "tests")

    def have(self, **jobs: list[dict[str, Any]]) -> None:
        """Have these jobs in rollout.yaml, and no others."""
        text = yaml.safe_dump({**self.rollout, "jobs": jobs})
        self.project.change_ops({f"{self.project.folder}/rollout.yaml": text})

    async def jobs(self) -> dict[str, dict[str, Any]]:
        """The Jobs that were made, by the name that rollout.yaml calls them."""
        found = await self.cluster.list("batch/v1", "Job", self.app, f"shipway.dev/app={self.app}")
        return {each["metadata"]["labels"]["shipway.dev/job"]: each for each in found}

    async def pods(self, selector: str) -> list[str]:
        found = await self.cluster.list("v1", "Pod", self.app, selector)
        return sorted(each["metadata"]["uid"] for each in found)

    async def runs(self, name: str) -> tuple[int, int]:
        """How many pods a job had, and how many of them have said that they ran."""
        (made,) = [each for known, each in (await self.jobs()).items() if known == name]
        pods = await self.pods(f"{JOB_NAME}={made['metadata']['name']}")
        said = await self.cluster.list("v1", "ConfigMap", self.app, f"ran={name}")
        return len(pods), len(said)

    def trailers(self) -> list[tuple[str, str]]:
        """Step and jobs of each release commit, the oldest first."""
        repo: Repo = self.project.ops
        messages = (str(repo.commit(one).message) for one in reversed(self.project.ops_log()))
        said = (block for message in messages for block in trailers_in(message))
        return [(one["Step"], one.get("Jobs", "")) for one in said if "Step" in one]

    async def kill_when(self, reached: Any) -> None:
        """Start a release, and end its process with kill -9 once something is so."""
        loop = asyncio.get_running_loop()

        def asked() -> bool:
            return asyncio.run_coroutine_threadsafe(reached(), loop).result()

        await kill(RELEASE, self.app, asked)

    async def has_run(self, name: str) -> bool:
        return bool(await self.cluster.list("v1", "ConfigMap", self.app, f"ran={name}"))

    async def is_done(self, name: str) -> bool:
        made = (await self.jobs()).get(name)
        return made is not None and made.get("status", {}).get("succeeded") == 1


@pytest.fixture
async def shop(cluster_project: Project, cluster: KubeClient) -> Shop:
    made = Shop(cluster_project, cluster)
    await made.begin()
    return made


async def test_a_release_that_is_killed_before_in_and_after_its_jobs_runs_each_once(
    shop: Shop,
) -> None:
    shop.have(before=[counted("expand", 3)], after=[counted("contract", 3)])

    async def is_pushed() -> bool:
        return shop.project.revision in await asyncio.to_thread(shop.project.tags)

    for reached in (
        is_pushed,
        lambda: shop.has_run("expand"),
        lambda: shop.is_done("expand"),
        lambda: shop.has_run("contract"),
    ):
        await shop.kill_when(reached)
    state = await run_release(shop.app, until="healthy")
    assert state.is_completed(), state.message
    assert [await shop.runs(name) for name in ("expand", "contract")] == [(1, 1), (1, 1)]
    told = [("1/1 rolling", "expand: exit code 0"), ("after contract", "contract: exit code 0")]
    assert shop.trailers() == told
    log = shop.project.ops_log()
    # What Git records needs no Job to be known.
    for made in (await shop.jobs()).values():
        await shop.cluster.delete("batch/v1", "Job", made["metadata"]["name"], shop.app)
    assert (await run_release(shop.app, until="healthy")).is_completed()
    assert (await shop.jobs(), shop.project.ops_log()) == ({}, log)


async def test_a_red_job_before_replaces_no_pod_and_one_after_leads_back(shop: Shop) -> None:
    assert (await run_release(shop.app, until="healthy")).is_completed()
    shop.project.pull_ops()
    deployment = shop.project.ops_file("deployment.yaml")
    pods, log = await shop.pods(f"app={shop.app}"), shop.project.ops_log()
    shop.project.change({"notes.txt": "A change.\n"})
    shop.have(before=[job("expand", "sh", "-c", "echo no such column; exit 3")])
    red = await run_release(shop.app, until="healthy")
    assert "The job 'expand' is red." in str(red.message)
    assert "no such column" in str(red.message)
    again = await run_release(shop.app, until="healthy")
    made = (await shop.jobs())["expand"]["metadata"]["name"]
    assert f"kubectl delete job {made} --namespace {shop.app}" in str(again.message)
    assert await shop.runs("expand") == (1, 0)
    assert await shop.pods(f"app={shop.app}") == pods
    assert len(shop.project.ops_log()) == len(log) + 1

    contract = job("contract", "sh", "-c", "echo table is gone; exit 4")
    shop.have(before=[counted("expand")], after=[contract])
    back = await run_release(shop.app, until="healthy")
    assert "The job 'contract' is red." in str(back.message)
    assert "is on hold" in str(back.message)
    steps = [("1/1 rolling", "expand: exit code 0"), ("1/1 rolling", "")]
    assert shop.trailers()[-2:] == steps
    shop.project.pull_ops()
    assert shop.project.ops_file("deployment.yaml") == deployment
    said = await shop.cluster.list("v1", "ConfigMap", shop.app, "ran=expand")
    assert len(said) == 1
