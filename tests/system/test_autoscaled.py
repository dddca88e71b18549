"""Beside an autoscaler, on the real cluster under load: enough pods are up at the switch.

An autoscaler that gets no metrics keeps its workload within its bounds and leaves the number alone:
these tests set it as an autoscaler does, through the workload's scale.
"""

from __future__ import annotations

import asyncio
import time
import uuid
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable
from contextlib import asynccontextmanager, suppress
from typing import Any, TypeVar

import yaml
from docker import DockerClient

from examples import pulses
from examples.load import load
from examples.pulses import Pulse, Strategy
from flows.rollback import rollback
from shipway.kubernetes.client import KubeClient
from tests.support.autoscaled import autoscaler
from tests.support.project import Project, registered
from tests.support.runs import run_release
from tests.support.world import World

Sample = TypeVar("Sample")
Key = TypeVar("Key")

LIVE, GROWN = 4, 5
APPS = "/apis/apps/v1/namespaces"
SERVING: dict[Strategy, str] = {
    "rolling": "deployment.yaml",
    "blue-green": "blue.yaml",
    "canary": "stable.yaml",
}


@asynccontextmanager
async def released(
    strategy: Strategy, scaled: dict[str, bytes], sandbox: dict[str, str], cluster: KubeClient
) -> AsyncIterator[Pulse]:
    """An app that autoscalers scale, released once; what serves has no `replicas` in Git.

    Args:
        strategy: How it is rolled out.
        scaled: The autoscaler of each Deployment, by what is added to the app's name.
        sandbox: The sandbox's exports.
        cluster: The cluster.
    """
    made = pulses.create(f"pulse-{uuid.uuid4().hex[:6]}", strategy, sandbox)
    serving = SERVING[strategy]
    autoscalers = "".join(text.decode().replace("APP", made.name) for text in scaled.values())
    rollout = made.read("rollout.yaml").replace("    - {weight: 1, pause_seconds: 10}\n", "")
    made.write(
        {
            serving: made.read(serving).replace("  replicas: 3\n", ""),
            "hpa.yaml": autoscalers,
            "rollout.yaml": rollout.replace("seconds: 10", "seconds: 4"),
        }
    )
    try:
        async with registered(made.name, made.code, sandbox):
            state = await run_release(made.name, until="healthy")
            assert state.is_completed(), state.message
            yield made
    finally:
        made.remove()
        await cluster.delete("v1", "Namespace", made.name, None)


async def until(happens: Callable[[], Awaitable[bool]], seconds: float = 120) -> None:
    """Wait until something is so."""
    deadline = time.monotonic() + seconds
    while not await happens():
        assert time.monotonic() < deadline, f"not within {seconds} s"
        await asyncio.sleep(0.1)


async def get(cluster: KubeClient, version: str, kind: str, name: str, app: str) -> Any:
    found = await cluster.get(version, kind, name, app)
    assert found is not None
    return found


async def available(cluster: KubeClient, app: str, name: str) -> int:
    """How many pods of a Deployment take requests."""
    found = await get(cluster, "apps/v1", "Deployment", name, app)
    return int(found.get("status", {}).get("availableReplicas", 0))


@asynccontextmanager
async def sampled(take: Callable[[], Awaitable[Sample]]) -> AsyncIterator[list[Sample]]:
    """What the cluster says, again and again, while something happens."""
    samples = list[Sample]()

    async def look() -> None:
        while True:
            samples.append(await take())
            await asyncio.sleep(0.1)

    looking = asyncio.create_task(look())
    try:
        yield samples
    finally:
        looking.cancel()
        with suppress(asyncio.CancelledError):
            await looking


def least(samples: Iterable[tuple[Key, int]]) -> dict[Key, int]:
    """The fewest pods that were seen, by what they were seen with."""
    fewest = dict[Key, int]()
    for key, pods in samples:
        fewest[key] = min(pods, fewest.get(key, pods))
    return fewest


async def scale(cluster: KubeClient, app: str, name: str, pods: int) -> None:
    """What an autoscaler does; waits until the pods are there."""
    metadata = {"name": name, "namespace": app}
    body = {"apiVersion": "autoscaling/v1", "kind": "Scale", "metadata": metadata}
    path = f"{APPS}/{app}/deployments/{name}/scale"
    await cluster.call("PUT", path, body={**body, "spec": {"replicas": pods}})

    async def are_there() -> bool:
        return await available(cluster, app, name) == pods

    await until(are_there)


async def replicas(cluster: KubeClient, app: str) -> dict[str, int]:
    """How many pods each Deployment is to have, by what is added to the app's name."""
    found = await cluster.list("apps/v1", "Deployment", app, "")
    return {one["metadata"]["name"].removeprefix(app): one["spec"]["replicas"] for one in found}


def in_git(pulse: Pulse, file: str) -> int | None:
    """The number of pods that Git says, if it says one."""
    return yaml.safe_load(pulse.read(file))["spec"].get("replicas")


async def test_a_rolling_update_keeps_as_many_pods_as_served(
    sandbox: dict[str, str], ops_server: None, cluster: KubeClient
) -> None:
    async with released("rolling", {"": autoscaler("APP", 2, 6)}, sandbox, cluster) as pulse:
        app = pulse.name
        await scale(cluster, app, app, LIVE)
        service = await get(cluster, "v1", "Service", app, app)

        pulse.version("2.0.0")
        async with (
            sampled(lambda: available(cluster, app, app)) as counts,
            load(f"http://{service['spec']['clusterIP']}/", clients=4) as found,
        ):
            state = await run_release(app, until="healthy")
        assert state.is_completed(), state.message
        assert found.failed == []
        assert found.bodies[-1] == "2.0.0\n"
        assert min(counts) == LIVE
        assert await replicas(cluster, app) == {"": LIVE}
        assert in_git(pulse, "deployment.yaml") is None


async def test_blue_green_switches_to_as_many_pods_as_served_there_and_back(
    sandbox: dict[str, str], ops_server: None, cluster: KubeClient, engine: DockerClient
) -> None:
    colours = {"-blue": autoscaler("APP-blue", 2, 6), "-green": autoscaler("APP-green", 2, 6)}
    async with released("blue-green", colours, sandbox, cluster) as pulse:
        app = pulse.name
        await scale(cluster, app, f"{app}-blue", LIVE)
        service = await get(cluster, "v1", "Service", app, app)
        url = f"http://{service['spec']['clusterIP']}/"

        async def serving() -> tuple[str, int]:
            found = await get(cluster, "v1", "Service", app, app)
            colour: str = found["spec"]["selector"]["colour"]
            return colour, await available(cluster, app, f"{app}-{colour}")

        pulse.version("2.0.0")
        project = Project(app=app, code=pulse.code, ops=pulse.ops, env=sandbox)
        world = World(project, engine, cluster)
        planned = await world.plan()
        async with sampled(serving) as there, load(url, clients=4) as found:
            state = await run_release(app, until="healthy")
        assert state.is_completed(), state.message
        assert found.failed == []
        assert found.bodies == ["1.0.0\n", "2.0.0\n"]
        assert world.planned(planned) == world.committed() != []
        assert least(there) == {"blue": LIVE, "green": LIVE}
        assert await replicas(cluster, app) == {"-blue": 0, "-green": LIVE}
        assert (in_git(pulse, "blue.yaml"), in_git(pulse, "green.yaml")) == (0, LIVE)

        runs = pulse.trailers("Run")
        assert (await run_release(app, until="healthy")).is_completed()
        assert pulse.trailers("Run") == runs != []

        await scale(cluster, app, f"{app}-green", GROWN)
        async with sampled(serving) as back, load(url, clients=4) as found:
            state = await rollback(app, "staging", "slow", "Ada", return_state=True)  # pyright: ignore
        assert state.is_completed(), state.message
        assert found.failed == []
        assert found.bodies[-1] == "1.0.0\n"
        assert least(back) == {"green": GROWN, "blue": GROWN}
        assert await replicas(cluster, app) == {"-blue": GROWN, "-green": 0}


async def test_a_canary_gets_its_share_of_the_live_number_within_its_bounds(
    gateway: str, sandbox: dict[str, str], ops_server: None, cluster: KubeClient
) -> None:
    both = {"": autoscaler("APP", 2, 6), "-canary": autoscaler("APP-canary", 2, 3)}
    async with released("canary", both, sandbox, cluster) as pulse:
        app = pulse.name
        await scale(cluster, app, app, LIVE)

        async def shared() -> tuple[int, int, int]:
            version = "gateway.networking.k8s.io/v1"
            found = await get(cluster, version, "HTTPRoute", app, app)
            weight: int = found["spec"]["rules"][0]["backendRefs"][1]["weight"]
            names = (app, f"{app}-canary")
            stable, canary = [await available(cluster, app, name) for name in names]
            return weight, stable, canary

        async def grows_with_its_share() -> None:
            async def is_shared() -> bool:
                return (await shared())[0] == 10

            await until(is_shared, 300)
            await scale(cluster, app, f"{app}-canary", 3)

        pulse.version("2.0.0")
        growing = asyncio.create_task(grows_with_its_share())
        async with (
            sampled(shared) as shares,
            load(gateway, host=f"{app}.test", clients=4) as found,
        ):
            state = await run_release(app, until="healthy")
        assert state.is_completed(), state.message
        assert found.failed == []
        assert found.bodies[-1] == "2.0.0\n"
        await growing
        assert min(stable for _, stable, _ in shares) == LIVE
        canarys = least((weight, pods) for weight, _, pods in shares if weight)
        assert canarys == {10: 2, 50: 3}
        assert await replicas(cluster, app) == {"": LIVE, "-canary": 0}
        assert (in_git(pulse, "stable.yaml"), in_git(pulse, "canary.yaml")) == (None, 0)
