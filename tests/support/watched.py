"""A workload that a rollout watches, and the environment that it is in."""

from __future__ import annotations

from shipway.config.rollout import read_rollout
from shipway.kubernetes.objects import KubeObject
from shipway.rollout.target import Target
from shipway.strategies.rolling import Rolling
from tests.support.app_environments import SHOP

WORKLOAD = KubeObject(
    file="prod/shop/web.yaml",
    api_version="apps/v1",
    kind="Deployment",
    name="web",
    namespace=None,
    body={},
)


def target(agent: str = "reconcile") -> Target:
    text = (
        "strategy: rolling\nnamespace: apps\nimages: [{file: web.yaml, container: web}]\n"
        f"agent: {agent}\n"
    )
    return Target(
        app_environment=SHOP,
        commit="0" * 40,
        rollout=read_rollout(text),
        strategy=Rolling(images=()),
        objects=(WORKLOAD,),
        settings=(),
    )
