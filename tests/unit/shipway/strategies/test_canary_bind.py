from __future__ import annotations

import pytest

from shipway.errors import RefuseError
from shipway.git.ops_folder import OpsFolder
from shipway.rollout.target import Target, target_of
from shipway.strategies.canary import Canary, Stage
from shipway.strategies.routers.replicas import Replicas
from shipway.strategies.routers.weights import Weights
from tests.support.app_environments import SHOP
from tests.support.canary_folder import ROLLOUT, ROUTE, SERVICES, folder


def target(**files: bytes) -> Target:
    return target_of(OpsFolder(app_environment=SHOP, commit="0" * 40, files=folder(**files)))


def test_the_routes_rule_that_leads_to_both_is_the_router() -> None:
    strategy = target().strategy
    assert isinstance(strategy, Canary)
    assert isinstance(strategy.router, Weights)
    (rule,) = strategy.router.rules
    assert {rule.stable.title, rule.canary.title} == {"HTTPRoute/shop"}
    assert rule.stable.name == "/spec/rules/1/backendRefs/0/weight"
    assert rule.canary.name == "/spec/rules/1/backendRefs/1/weight"
    assert (strategy.stable.workload, strategy.canary.workload) == (
        "Deployment/shop",
        "Deployment/shop-canary",
    )
    assert strategy.stages == (
        Stage(weight=1, pause_seconds=30),
        Stage(weight=10, pause_seconds=60),
        Stage(weight=50, pause_seconds=0, approval=True),
    )


def test_without_a_router_one_service_of_both_shares_out_by_pods() -> None:
    text = ROLLOUT.replace(b"  router: {http_route: shop}\n", b"")
    strategy = target(rollout_yaml=text).strategy
    assert isinstance(strategy, Canary)
    assert isinstance(strategy.router, Replicas)
    assert strategy.router.canary == strategy.canary.replicas


def test_what_git_says_is_read_from_every_field() -> None:
    current = target().current
    assert {(field.file, field.name): value for field, value in current.items()} == {
        ("stable.yaml", "web"): "shop:unreleased",
        ("canary.yaml", "web"): "shop:unreleased",
        ("stable.yaml", "/spec/replicas"): 3,
        ("canary.yaml", "/spec/replicas"): 0,
        ("route.yaml", "/spec/rules/1/backendRefs/0/weight"): 100,
        ("route.yaml", "/spec/rules/1/backendRefs/1/weight"): 0,
    }


@pytest.mark.parametrize(
    ("files", "what", "got"),
    [
        (
            {"rollout_yaml": ROLLOUT.replace(b"http_route: shop", b"http_route: web")},
            "There is no HTTPRoute/web.",
            "HTTPRoute/shop",
        ),
        (
            {"route_yaml": ROUTE.replace(b"name: shop-stable", b"name: shop")},
            "No rule of HTTPRoute/shop leads to both Deployments.",
            "files, shop, shop-canary",
        ),
        (
            {"rollout_yaml": ROLLOUT.replace(b"canary: shop-canary", b"canary: shop")},
            "Stable and canary are the same Deployment.",
            "shop",
        ),
        (
            {"rollout_yaml": ROLLOUT.replace(b"- {file: canary.yaml, container: web}\n", b"")},
            "The release sets no image of Deployment/shop-canary.",
            "stable.yaml",
        ),
        (
            {
                "rollout_yaml": ROLLOUT.replace(b"  router: {http_route: shop}\n", b""),
                "services_yaml": SERVICES.replace(b"{app: shop}", b"{app: web}"),
            },
            "No Service leads to the pods of both Deployments.",
            "Service/shop-stable, Service/shop-canary, Service/shop",
        ),
    ],
)
def test_a_folder_that_the_strategy_cannot_work_on_is_refused(
    files: dict[str, bytes], what: str, got: str
) -> None:
    with pytest.raises(RefuseError) as caught:
        target(**files)
    assert caught.value.what == what
    assert caught.value.facts["got"] == got
    assert caught.value.facts["where"] == "prod/shop/rollout.yaml: canary"


def test_a_backend_without_a_weight_is_refused_by_its_field() -> None:
    with pytest.raises(
        RefuseError, match="There is no '/spec/rules/1/backendRefs/1/weight'"
    ) as caught:
        target(route_yaml=ROUTE.replace(b", weight: 0", b""))
    assert str(caught.value.facts["where"]).startswith("prod/shop/route.yaml")
