"""Canary on the real cluster, behind the real gateway, judged by the real Prometheus."""

from __future__ import annotations

import uuid
from collections.abc import AsyncIterator

import pytest
import yaml
from prefect.client.schemas.objects import State

from blocks.kube.client import KubeClient
from deployments.bootstrap import app as source_block
from deployments.bootstrap import save
from examples import pulses
from examples.load import Load, load
from examples.pulses import Pulse
from flows.rollback import rollback
from tests.system.runs import run_release

FIRST = "    - {weight: 1, hold: 10}\n"


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
            .replace("hold: 10", "hold: 4"),
        }
    )
    await save(source_block(made.name, made.code.remote().url, sandbox))
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
    pulse: Pulse, gateway: str, cluster: KubeClient
) -> None:
    pulse.version("2.0.0")
    state, there = await released(pulse, gateway)
    assert state.is_completed(), state.message
    assert there.failed == []
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


@pytest.mark.parametrize(
    ("old", "new", "words"),
    [
        ("minimum_samples: 10", "minimum_samples: 100000", "of 100000 samples"),
        ('sum(rate(requests_total{pod=~"$new", code=~"5.."}[$since]))', "vector(0) / 0", "no data"),
        ('sum(rate(requests_total{pod=~"$new", code=~"5.."}[$since]))', "up", "series"),
    ],
    ids=["no traffic", "NaN", "several series"],
)
async def test_a_gate_without_an_answer_halts_where_it_is(
    pulse: Pulse, gateway: str, old: str, new: str, words: str
) -> None:
    change(pulse, old, new)
    change(pulse, "interval: 1\n", "interval: 1\n    patience: 2\n")
    if words == "series":
        text = pulse.read("rollout.yaml")
        start = text.index("      query: |")
        end = text.index("      baseline: |")
        pulse.write({"rollout.yaml": text[:start] + "      query: up\n" + text[end:]})
    pulse.version("2.0.0")
    state, found = await released(pulse, gateway)
    assert state.is_failed()
    message = str(state.message)
    assert "has no answer: neither pass nor fail" in message
    assert words in message
    assert pulse.trailers("Step")[-1] == "2/6 canary 10%"
    assert await git_says(pulse) == (10, 1)
    assert found.failed == []
