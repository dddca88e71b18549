from __future__ import annotations

from typing import cast

import pytest

from shipway.app_environment import AppEnvironment
from shipway.errors import HaltError
from shipway.git.ops_folder import OpsFolder
from shipway.kubernetes.client import KubeClient
from shipway.kubernetes.health import Health
from shipway.kubernetes.objects import KubeObject
from shipway.rollback import safety_check
from shipway.rollback.safety_check import check_takeover
from shipway.rollout.target import Target, target_of
from shipway.strategies.step import Ready, Step
from tests.support.colours import deployment, folder

BLUE, GREEN = (f"registry.example.org/shop@sha256:{digit * 64}" for digit in "12")
SWITCH = Step(
    name="2/3 switch to blue", requires=(Ready(image=BLUE, workload="Deployment/shop-blue"),)
)
CLIENT = cast("KubeClient", object())


@pytest.fixture
def target() -> Target:
    files = folder() | {
        "blue.yaml": deployment("blue", 2, BLUE),
        "green.yaml": deployment("green", 2, GREEN),
    }
    shop = AppEnvironment(app="shop", environment="prod")
    return target_of(OpsFolder(app_environment=shop, commit="0" * 40, files=files))


def health(available: int, *, applied: bool = True) -> Health:
    return Health(
        state="progressing",
        updated=0,
        available=available,
        desired_replicas=2,
        reason="",
        applied=applied,
    )


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch) -> dict[str, Health]:
    """The health of each workload, as the cluster tells it."""
    found: dict[str, Health] = {}

    async def health_of(
        client: KubeClient, workload: KubeObject, namespace: str, images: dict[str, str]
    ) -> Health:
        assert (client, namespace) == (CLIENT, "shop")
        assert images == ({"web": BLUE} if workload.name == "shop-blue" else {})
        return found[workload.name]

    monkeypatch.setattr(safety_check, "health_of", health_of)
    return found


@pytest.mark.parametrize(
    ("blue", "green"),
    [
        pytest.param(health(1), health(2), id="it has a pod"),
        pytest.param(health(1), health(0), id="it alone has a pod"),
        pytest.param(health(0), health(0), id="neither has a pod: nothing gets worse"),
    ],
)
async def test_a_takeover_is_safe_where_no_healthy_pod_is_given_up(
    target: Target, asked: dict[str, Health], blue: Health, green: Health
) -> None:
    asked |= {"shop-blue": blue, "shop-green": green}
    await check_takeover(CLIENT, target, SWITCH)


@pytest.mark.parametrize("blue", [health(0), health(2, applied=False)], ids=["down", "another"])
async def test_a_takeover_by_what_has_no_healthy_pod_is_halted(
    target: Target, asked: dict[str, Health], blue: Health
) -> None:
    asked |= {"shop-blue": blue, "shop-green": health(2)}
    with pytest.raises(HaltError) as caught:
        await check_takeover(CLIENT, target, SWITCH)
    assert str(caught.value) == (
        "The version to go back to has no healthy pod: the new one is the only copy.\n"
        "  where:     Deployment/shop-blue\n"
        "  expected:  a healthy pod of the version before\n"
        "  got:       Deployment/shop-blue: 0 healthy, Deployment/shop-green: 2 healthy\n"
        "  untouched: the ops repository and the cluster: all requests stay where they are\n"
        "  remedy:    mend the version before, or release a revision that mends the new one"
    )


async def test_what_the_folder_does_not_have_cannot_take_over(
    target: Target, asked: dict[str, Health], monkeypatch: pytest.MonkeyPatch
) -> None:
    workloads = tuple(each for each in target.objects if each.name != "shop-blue")
    asked["shop-green"] = health(1)
    gone = SWITCH.requires[0].model_copy(update={"workload": "Deployment/gone"})
    step = SWITCH.model_copy(update={"requires": (*SWITCH.requires, gone)})
    with pytest.raises(HaltError) as caught:
        await check_takeover(CLIENT, target.model_copy(update={"objects": workloads}), step)
    assert caught.value.facts["where"] == "Deployment/shop-blue, Deployment/gone"
    assert caught.value.facts["got"] == "Deployment/shop-green: 1 healthy"
