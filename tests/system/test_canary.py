"""Canary on the real cluster, behind the real gateway, judged by the real Prometheus."""

from __future__ import annotations

import asyncio
import os
import uuid
from collections.abc import AsyncIterator
from contextlib import suppress
from pathlib import Path

import pytest
import yaml
from docker import DockerClient
from prefect.client.schemas.objects import State

from examples import pulses, repositories
from examples.load import Load, load
from examples.pulses import Pulse
from flows.rollback import rollback
from shipway.kubernetes.client import KubeClient
from tests.support.project import Project, registered
from tests.support.runs import run_release
from tests.support.world import World

FIRST = "    - {weight: 1, pause_seconds: 10}\n"


@pytest.fixture
async def pulse(
    gateway: str, sandbox: dict[str, str], ops_server: None, cluster: KubeClient
) -> AsyncIterator[Pulse]:
    """The app behind the gateway, with two pods, released once; its holds are short."""
    made = pulses.create(f"pulse-{uuid.uuid4().hex[:6]}", "canary", sandbox)
    made.write(
        {
            "stable.yaml": made.read("stable.yaml").replace("replicas: 3", "replicas: 2"),
            "rollout.yaml": made.read("rollout.yaml")
            .replace(FIRST, "")
            .replace("pause_seconds: 10", "pause_seconds: 4"),
        }
    )
    async with registered(made.name, made.code, sandbox):
        state = await run_release(made.name, until="healthy")
        assert state.is_completed(), state.message
        yield made
        made.remove()
    await cluster.delete("v1", "Namespace", made.name, None)


def change(pulse: Pulse, old: str, new: str) -> None:
    """Change rollout.yaml."""
    text = pulse.read("rollout.yaml")
    assert old in text
    pulse.write({"rollout.yaml": text.replace(old, new)})


async def released(pulse: Pulse, gateway: str) -> tuple[State, Load]:
    """Release the tip under load."""
    async with load(gateway, host=f"{pulse.name}.test", clients=4) as found:
        state = await run_release(pulse.name, until="healthy")
    return state, found


async def git_says(pulse: Pulse) -> tuple[int, int]:
    """Weight and pods of the canary."""
    objects = [*yaml.safe_load_all(pulse.read("app.yaml"))]
    (route,) = (one for one in objects if one["kind"] == "HTTPRoute")
    (deployment,) = yaml.safe_load_all(pulse.read("canary.yaml"))
    weights = [one["weight"] for one in route["spec"]["rules"][0]["backendRefs"]]
    assert sum(weights) == 100
    return weights[1], deployment["spec"]["replicas"]


async def test_the_share_grows_and_no_request_fails_there_and_back(
    pulse: Pulse,
    gateway: str,
    cluster: KubeClient,
    engine: DockerClient,
    sandbox: dict[str, str],
) -> None:
    pulse.version("2.0.0")
    project = Project(app=pulse.name, code=pulse.code, ops=pulse.ops, env=sandbox)
    world = World(project, engine, cluster)
    planned = await world.plan()
    (errors,) = planned.gates
    assert (errors.name, errors.after) == ("errors", ("2/6 canary 10%", "3/6 canary 50%"))
    assert errors.now is not None
    state, there = await released(pulse, gateway)
    assert state.is_completed(), state.message
    assert there.failed == []
    assert world.planned(planned) == world.committed()
    assert pulse.trailers("Step") == [
        "1/1 first",
        *("1/6 prepare canary", "2/6 canary 10%", "3/6 canary 50%"),
        *("4/6 promote", "5/6 all to stable", "6/6 scale down canary"),
    ]
    assert await git_says(pulse) == (0, 0)
    said = pulse.trailers("Gates")
    assert len(said) == 3
    assert all("errors: 0 - 0 = 0, max 0.05" in one for one in said[1:])
    async with load(gateway, host=f"{pulse.name}.test", clients=4) as back:
        state = await rollback(pulse.name, "staging", "slow", "Ada", return_state=True)  # pyright: ignore
    assert state.is_completed(), state.message
    assert back.failed == []
    assert back.bodies[-1] == "1.0.0\n"
    # Stable was rolled back, in one commit; the canary was at rest.
    assert pulse.trailers("Step")[7:] == ["1/2 back to stable"]


async def test_a_version_that_fails_requests_is_caught_and_led_back(
    pulse: Pulse, gateway: str, cluster: KubeClient
) -> None:
    pulse.version("2.0.0", fails_percent=20)
    state, found = await released(pulse, gateway)
    assert state.is_failed()
    message = str(state.message)
    assert "The gate 'errors' is red" in message
    assert "staging is back at" in message
    steps = pulse.trailers("Step")
    # Where the samples suffice first, not at every share.
    assert "3/6 canary 50%" not in steps
    assert steps[-2:] == ["1/2 back to stable", "2/2 scale down canary"]
    assert await git_says(pulse) == (0, 0)
    assert "max 0.05" in pulse.trailers("Reason")[0]
    assert pulse.code.head.commit.hexsha in pulse.read("holds.yaml")
    assert found.bodies[-1] == "1.0.0\n"
    # Stable runs what it ran, in the pods that it had.
    sets = await cluster.list("apps/v1", "ReplicaSet", pulse.name, "track=stable")
    assert [one["spec"]["replicas"] for one in sets] == [2]


async def test_the_only_healthy_copy_is_not_rolled_back(
    pulse: Pulse, gateway: str, cluster: KubeClient
) -> None:
    change(pulse, "minimum_samples: 20", "minimum_samples: 100000")
    change(
        pulse, "interval_seconds: 1\n", "interval_seconds: 1\n    inconclusive_timeout_seconds: 2\n"
    )
    change(pulse, "strategy: canary\n", "strategy: canary\ndrift: report\n")
    pulse.version("2.0.0")
    state, _ = await released(pulse, gateway)
    assert "The gate 'errors' has no answer: neither pass nor fail." in str(state.message)
    assert await git_says(pulse) == (10, 1)

    by_hand = {
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": {"name": pulse.name},
        "spec": {"replicas": 0},
    }
    await cluster.apply(by_hand, pulse.name, "somebody")
    found = await cluster.get("apps/v1", "Deployment", pulse.name, pulse.name)
    while found and found["status"].get("availableReplicas"):
        await asyncio.sleep(0.2)
        found = await cluster.get("apps/v1", "Deployment", pulse.name, pulse.name)
    before = pulse.trailers("Step")
    state = await rollback(pulse.name, "staging", "slow", "Ada", return_state=True)  # pyright: ignore
    assert state.is_failed()
    assert "the new one is the only copy" in str(state.message)
    assert f"Deployment/{pulse.name}: 0 healthy" in str(state.message)
    assert pulse.trailers("Step") == before
    assert await git_says(pulse) == (10, 1)


async def test_with_another_agent_the_same_steps_are_only_watched(
    pulse: Pulse, gateway: str, sandbox: dict[str, str], tmp_path: Path
) -> None:
    change(pulse, "strategy: canary\n", "strategy: canary\nagent: external\n")
    pulse.version("2.0.0")
    ops = repositories.clone("ops", tmp_path / "ops", sandbox)
    kubectl = [sandbox["SHIPWAY_KUSTOMIZE"].split()[0], "kubectl", "apply", "--server-side"]
    kubectl += ["--force-conflicts", "--field-manager=another", f"--namespace={pulse.name}"]
    for file in ("app.yaml", "stable.yaml", "canary.yaml"):
        kubectl.append(f"--filename={ops.working_dir}/staging/{pulse.name}/{file}")

    async def apply_again_and_again() -> None:
        while True:
            await asyncio.to_thread(ops.git.pull, "--rebase", "origin", "main")
            process = await asyncio.create_subprocess_exec(
                *kubectl, stdout=asyncio.subprocess.DEVNULL, env={**os.environ, **sandbox}
            )
            assert await process.wait() == 0
            await asyncio.sleep(1)

    agent = asyncio.create_task(apply_again_and_again())
    try:
        state, found = await released(pulse, gateway)
    finally:
        agent.cancel()
        with suppress(asyncio.CancelledError):
            await agent
    assert state.is_completed(), state.message
    assert found.failed == []
    assert pulse.trailers("Step")[1:] == [
        *("1/6 prepare canary", "2/6 canary 10%", "3/6 canary 50%"),
        *("4/6 promote", "5/6 all to stable", "6/6 scale down canary"),
    ]
