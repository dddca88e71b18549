"""A Job that runs once, on a cluster in memory; tests/system/test_jobs.py asks the real one."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

import pytest

from shipway.errors import RefuseError, RetryError
from shipway.kubernetes import run_once as module
from shipway.kubernetes.job import JOB_NAME, JobEnd
from shipway.kubernetes.objects import KubeObject
from shipway.kubernetes.run_once import TURN, check_job, run_once
from tests.support.memory_cluster import MemoryCluster, api_error

DONE = {"type": "Complete", "status": "True"}
TOO_LATE = {
    "type": "Failed",
    "status": "True",
    "reason": "DeadlineExceeded",
    "message": "Job was active longer than specified deadline",
}
FAILED = {"type": "Failed", "status": "True", "reason": "BackoffLimitExceeded", "message": "limit"}


def job(name: str = "migrate-1", labels: dict[str, str] | None = None) -> KubeObject:
    body: dict[str, Any] = {
        "apiVersion": "batch/v1",
        "kind": "Job",
        "metadata": {"name": name, "labels": {TURN: "a"}},
        "spec": {
            "activeDeadlineSeconds": 600,
            "template": {"metadata": {"labels": labels or {}}, "spec": {"containers": [{}]}},
        },
    }
    return KubeObject(
        file="prod/shop/rollout.yaml",
        api_version="batch/v1",
        kind="Job",
        name=name,
        namespace=None,
        body=body,
    )


class Cluster(MemoryCluster):
    """A cluster whose Jobs end when the test says so."""

    def __init__(self) -> None:
        super().__init__("shop")
        self.served["v1"]["Pod"] = True
        self.after: list[Callable[[], None]] = []
        self.told: list[str] = []

    def end(self, condition: dict[str, str], name: str = "migrate-1") -> None:
        self.objects["Job.batch", "shop", name]["status"] = {"conditions": [condition]}

    def pod(self, exit_code: int | None, **status: Any) -> None:
        """The Job's pod; it runs where it has no exit code."""
        state = {"running": {}} if exit_code is None else {"terminated": {"exitCode": exit_code}}
        metadata = {"name": "p", "labels": {JOB_NAME: "migrate-1"}, "creationTimestamp": "1"}
        self.put(
            {
                "apiVersion": "v1",
                "kind": "Pod",
                "metadata": {**metadata, "namespace": "shop"},
                "spec": {"containers": [{"name": "c"}]},
                "status": {"containerStatuses": [{"name": "c", "state": state}], **status},
            }
        )

    def made(self) -> list[str]:
        return [name for kind, _, name in self.objects if kind == "Job.batch"]

    async def run(self) -> JobEnd:
        return await run_once(self, job(), "shop", self.told.append)

    async def check(self, *, may_come: bool = False, admission: bool = True) -> JobEnd | None:
        return await check_job(self, job(), "shop", admission=admission, may_come=may_come)


@pytest.fixture
def cluster(monkeypatch: pytest.MonkeyPatch) -> Cluster:
    made = Cluster()
    sleep = asyncio.sleep

    async def look_again(_seconds: float) -> None:
        made.after.pop(0)()
        await sleep(0)

    async def log(*_: Any) -> str:
        return "the log"

    monkeypatch.setattr(module.asyncio, "sleep", look_again)
    monkeypatch.setattr(module, "log_of", log)
    return made


async def test_a_job_is_made_and_followed_to_its_end(cluster: Cluster) -> None:
    def ends() -> None:
        cluster.pod(0)
        cluster.end(DONE)

    cluster.after = [lambda: None, ends]
    assert await cluster.run() == JobEnd(exit_code=0, words="the log")
    assert cluster.log == ["Job/migrate-1"]


@pytest.mark.parametrize(
    ("condition", "exit_code", "pod", "end"),
    [
        (DONE, 0, {}, JobEnd(exit_code=0, words="the log")),
        (FAILED, 3, {}, JobEnd(exit_code=3, words="the log")),
        (
            FAILED,
            137,
            {"conditions": [{"type": "DisruptionTarget", "status": "True", "message": "drained"}]},
            JobEnd(exit_code=None, words="its pod was taken from it: drained"),
        ),
        (
            TOO_LATE,
            None,
            {},
            JobEnd(
                exit_code=None,
                words="DeadlineExceeded: Job was active longer than specified deadline",
            ),
        ),
    ],
    ids=["done", "failed", "drained", "too late"],
)
async def test_a_job_that_is_there_is_never_made_again_however_it_ended(
    cluster: Cluster, condition: dict[str, str], exit_code: int | None, pod: Any, end: JobEnd
) -> None:
    cluster.put(job().body)
    cluster.pod(exit_code, **pod)
    cluster.end(condition)
    assert [await cluster.run(), await cluster.check()] == [end, end]
    assert cluster.log == []


async def test_what_could_not_be_started_says_why_in_kubernetes_words(
    cluster: Cluster, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def nothing(*_: Any) -> str:
        return ""

    monkeypatch.setattr(module, "log_of", nothing)
    cluster.put(job().body)
    terminated = {"exitCode": 128, "reason": "StartError", "message": "python: not found"}
    state = {"terminated": terminated}
    cluster.pod(None, containerStatuses=[{"name": "c", "state": state}])
    cluster.end(FAILED)
    assert await cluster.run() == JobEnd(exit_code=128, words="python: not found")


async def test_a_failure_without_a_pod_that_tells_of_it_is_no_exit_code(cluster: Cluster) -> None:
    cluster.put(job().body)
    cluster.end(FAILED)
    assert await cluster.run() == JobEnd(exit_code=None, words="BackoffLimitExceeded: limit")


async def test_two_runs_at_once_make_one(cluster: Cluster, monkeypatch: pytest.MonkeyPatch) -> None:
    async def late(*_: Any) -> None:
        cluster.put(job().body)
        cluster.end(DONE)

    monkeypatch.setattr(module, "_wait_for_turn", late)
    assert (await cluster.run()).exit_code == 0
    assert cluster.log == []


async def test_one_that_somebody_deletes_meanwhile_has_no_answer(cluster: Cluster) -> None:
    cluster.after = [lambda: cluster.objects.pop(("Job.batch", "shop", "migrate-1")) and None]
    end = await cluster.run()
    assert end == JobEnd(exit_code=None, words="it was deleted before its end was seen")
    assert cluster.log == ["Job/migrate-1"]


async def test_it_waits_for_the_job_of_another_release_and_says_so(cluster: Cluster) -> None:
    cluster.put(job("migrate-0").body)
    cluster.after = [
        lambda: None,
        lambda: cluster.end(FAILED, "migrate-0"),
        lambda: cluster.end(DONE),
    ]
    assert (await cluster.run()).exit_code == 0
    assert cluster.told == ["Job/migrate-1 waits: Job/migrate-0 is still at work"]


async def test_what_keeps_it_from_running_is_told_once(cluster: Cluster) -> None:
    waiting = {"reason": "CreateContainerConfigError", "message": 'secret "db" not found'}
    status = {"containerStatuses": [{"name": "c", "state": {"waiting": waiting}}]}
    cluster.after = [
        lambda: cluster.pod(None, **status),
        lambda: None,
        lambda: cluster.end(DONE),
    ]
    assert (await cluster.run()).exit_code == 0
    (told,) = cluster.told
    assert 'container c: CreateContainerConfigError: secret "db" not found' in told


async def test_an_api_server_that_fails_for_a_while_ends_nothing(
    cluster: Cluster, monkeypatch: pytest.MonkeyPatch
) -> None:
    get, errors = cluster.get, [None, api_error(503, "etcd"), ConnectionResetError("reset")]

    async def flaky(*given: Any) -> Any:
        if errors and (error := errors.pop(0)) is not None:
            raise error
        return await get(*given)

    monkeypatch.setattr(cluster, "get", flaky)
    cluster.after = [lambda: None, lambda: cluster.end(DONE)]
    assert (await cluster.run()).exit_code == 0


async def test_an_api_server_that_is_away_may_come_back_and_one_that_denies_will_not(
    cluster: Cluster, monkeypatch: pytest.MonkeyPatch
) -> None:
    cluster.refuses["migrate-1"] = api_error(403, "no")
    with pytest.raises(RefuseError):
        await cluster.run()

    async def away(*_: Any) -> None:
        raise ConnectionRefusedError("refused")

    monkeypatch.setattr(cluster, "get", away)
    for ask in (cluster.run, cluster.check):
        with pytest.raises(RetryError, match="does not answer"):
            await ask()


async def test_pods_that_a_service_selects_are_refused_before_they_are_made(
    cluster: Cluster,
) -> None:
    spec = {"selector": {"app": "shop"}}
    cluster.put({"apiVersion": "v1", "kind": "Service", "metadata": {"name": "web"}, "spec": spec})
    asked = job(labels={"app": "shop", "part": "migrate"})
    for ask in (
        check_job(cluster, asked, "shop", admission=True, may_come=False),
        run_once(cluster, asked, "shop", cluster.told.append),
    ):
        with pytest.raises(RefuseError, match="Service/web would send requests"):
            await ask
    assert cluster.made() == []


async def test_a_check_makes_nothing_and_refuses_what_the_server_would(cluster: Cluster) -> None:
    assert await cluster.check() is None
    assert cluster.made() == []
    cluster.refuses["migrate-1"] = api_error(403, "a policy on images")
    assert await cluster.check(admission=False) is None
    with pytest.raises(RefuseError, match="does not accept Job/migrate-1"):
        await cluster.check()


async def test_a_namespace_that_is_to_come_is_no_reason_against_a_job_after_the_last_step(
    cluster: Cluster,
) -> None:
    del cluster.objects["Namespace", None, "shop"]
    with pytest.raises(RefuseError):
        await cluster.check()
    cluster.put({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "default"}}, None)
    assert await cluster.check(may_come=True) is None
    cluster.refuses["migrate-1"] = api_error(422, "invalid")
    with pytest.raises(RefuseError):
        await cluster.check(may_come=True)
