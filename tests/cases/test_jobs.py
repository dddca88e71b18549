"""A Job that has run and went by itself does not run again."""

from __future__ import annotations

from typing import Any

import pytest

from shipway.errors import RefuseError
from shipway.kubernetes.apply import apply_set
from shipway.kubernetes.objects import read_objects
from tests.support.memory_cluster import MemoryCluster, api_error

CONFIG = "apiVersion: v1\nkind: ConfigMap\nmetadata: {{name: {}}}\n"


def job(ttl: int | None = 1, image: str = "x", namespace: str = "", asks: str = "") -> str:
    where = f", namespace: {namespace}" if namespace else ""
    annotations = f', annotations: {{{asks}: "true"}}' if asks else ""
    gone = f"ttlSecondsAfterFinished: {ttl}, " if ttl is not None else ""
    containers = f"containers: [{{name: c, image: {image}}}]"
    return (
        f"apiVersion: batch/v1\nkind: Job\nmetadata: {{name: mig{where}{annotations}}}\n"
        f"spec: {{{gone}template: {{spec: {{restartPolicy: Never, {containers}}}}}}}\n"
    )


class Agent:
    """Its passes over one folder; each tells what became of the Job."""

    def __init__(self) -> None:
        self.cluster = MemoryCluster("shop", "other")

    async def put(self, *documents: str, **options: Any) -> tuple[str, bool]:
        text = "---\n".join(documents)
        objects = read_objects({"all.yaml": text.encode()}, "staging/shop")
        changes = await apply_set(self.cluster, "shop", "shop", objects, text, **options)
        return next(
            ((change.action, change.drift) for change in changes if change.title == "Job/mig"),
            ("none", False),
        )

    def ends(self) -> None:
        """The Job is done, and its time is over."""
        for key in [key for key in self.cluster.objects if key[0] == "Job.batch"]:
            del self.cluster.objects[key]

    def runs(self) -> int:
        return self.cluster.log.count("Job/mig")


# argo-cd#8586, argo-cd#13851, awx-resource-operator#49, galaxy-helm#306 (zero seconds).
SAME = {
    "one second": job(),
    "zero seconds": job(0),
    "an hour": job(3600),
    "in another namespace": job(namespace="other"),
    "create once": job(asks="shipway.dev/create-once"),
    "replace": job(asks="shipway.dev/replace"),
}


@pytest.mark.parametrize("heal", [True, False], ids=["heal", "report"])
@pytest.mark.parametrize("document", SAME.values(), ids=SAME.keys())
async def test_the_same_job(document: str, heal: bool) -> None:
    agent = Agent()
    assert await agent.put(document, heal=heal) == ("created", False)
    agent.ends()
    for _ in range(3):
        assert await agent.put(document, heal=heal) == ("unchanged", False)
    assert agent.runs() == 1


async def test_a_commit_that_changes_something_else() -> None:
    agent = Agent()
    await agent.put(job(), CONFIG.format("a"))
    agent.ends()
    assert await agent.put(job(), CONFIG.format("b")) == ("unchanged", False)
    assert agent.runs() == 1


async def test_a_pass_that_breaks_off_after_the_job() -> None:
    agent = Agent()
    agent.cluster.refuses["z"] = api_error(422, "no")
    cron = CONFIG.format("z").replace("v1", "policy/v1").replace("ConfigMap", "PodDisruptionBudget")
    agent.cluster.served["policy/v1"] = {"PodDisruptionBudget": True}
    with pytest.raises(RefuseError):
        await agent.put(job(), cron)
    assert agent.runs() == 1
    agent.ends()
    del agent.cluster.refuses["z"]
    assert await agent.put(job(), cron) == ("unchanged", False)
    assert agent.runs() == 1


async def test_a_job_that_an_agent_made_which_remembered_none() -> None:
    agent = Agent()
    await agent.put(job())
    agent.cluster.objects["ConfigMap", "shop", "shipway.shop"]["metadata"]["annotations"].pop(
        "shipway.dev/ran-jobs", None
    )
    assert await agent.put(job()) == ("unchanged", False)
    agent.ends()
    assert await agent.put(job()) == ("unchanged", False)


async def test_a_job_to_create_once_that_is_changed_later() -> None:
    agent = Agent()
    asks = "shipway.dev/create-once"
    await agent.put(job(asks=asks))
    agent.ends()
    assert await agent.put(job(image="y", asks=asks)) == ("unchanged", False)
    assert agent.runs() == 1


async def test_a_changed_job_runs() -> None:
    agent = Agent()
    await agent.put(job())
    agent.ends()
    assert await agent.put(job(image="y")) == ("created", False)
    agent.ends()
    assert await agent.put(job(image="y")) == ("unchanged", False)
    assert agent.runs() == 2


async def test_a_job_that_was_taken_out_and_comes_again_runs() -> None:
    agent = Agent()
    await agent.put(job())
    agent.ends()
    await agent.put(CONFIG.format("a"))
    assert await agent.put(job()) == ("created", False)


async def test_a_job_without_a_time_to_live_is_missed() -> None:
    agent = Agent()
    await agent.put(job(None))
    agent.ends()
    assert await agent.put(job(None)) == ("created", True)
