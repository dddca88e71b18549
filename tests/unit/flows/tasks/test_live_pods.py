from __future__ import annotations

import logging

import pytest

from flows.tasks.rollout import live_pods
from shipway.errors import RefuseError, RetryError, ShipwayError
from shipway.git.ops_folder import OpsFolder
from shipway.rollout.target import Target, target_of
from tests.support.app_environments import SHOP
from tests.support.autoscaled import autoscaler
from tests.support.colours import ROLLOUT, folder

BLUE = "Deployment/shop-blue"


def target(agent: str = "reconcile", autoscalers: bytes = autoscaler("shop-blue")) -> Target:
    rollout = ROLLOUT + f"agent: {agent}\n".encode()
    files = folder(rollout_yaml=rollout, hpa_yaml=autoscalers)
    return target_of(OpsFolder(app_environment=SHOP, commit="0" * 40, files=files))


@pytest.fixture
def cluster(monkeypatch: pytest.MonkeyPatch) -> list[dict[str, int] | ShipwayError]:
    """What the cluster answers, one after the other."""
    answers: list[dict[str, int] | ShipwayError] = []

    async def ask(_target: Target) -> dict[str, int]:
        answer = answers.pop(0)
        if isinstance(answer, ShipwayError):
            raise answer
        return answer

    monkeypatch.setattr(live_pods, "ask_for_live_pods", ask)
    monkeypatch.setattr(live_pods, "opened_run_log", logging.getLogger)
    return answers


async def test_the_cluster_is_asked_where_an_autoscaler_sets_the_number(
    cluster: list[dict[str, int] | ShipwayError],
) -> None:
    cluster.append({BLUE: 7})
    assert (await live_pods.with_live_pods(target(), way_back=False)).live_pods == {BLUE: 7}
    plain = target(autoscalers=b"")
    assert await live_pods.with_live_pods(plain, way_back=False) is plain


@pytest.mark.parametrize(
    "error", [RefuseError("There is no Cluster block."), RetryError("It does not answer.")]
)
async def test_a_release_by_the_built_in_agent_does_not_guess(
    error: ShipwayError, cluster: list[dict[str, int] | ShipwayError]
) -> None:
    cluster.append(error)
    with pytest.raises(type(error)):
        await live_pods.with_live_pods(target(), way_back=False)


@pytest.mark.parametrize(("agent", "way_back"), [("external", False), ("reconcile", True)])
async def test_another_agent_and_a_way_back_go_by_git_and_say_so(
    agent: str,
    way_back: bool,
    cluster: list[dict[str, int] | ShipwayError],
    caplog: pytest.LogCaptureFixture,
) -> None:
    cluster.append(RetryError("The API server does not answer."))
    found = await live_pods.with_live_pods(target(agent), way_back=way_back)
    assert found.live_pods == {}
    assert f"How many pods {BLUE} has is not known (The API server does not" in caplog.text
