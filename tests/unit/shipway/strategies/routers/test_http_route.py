from __future__ import annotations

import pytest

from shipway.errors import RefuseError
from shipway.kubernetes.objects import KubeObject, read_objects
from shipway.strategies.app_folder import AppFolder
from shipway.strategies.routers.http_route import weights_of_http_route
from shipway.strategies.routers.weights import Weights
from tests.support.canary_folder import ROUTE, folder


def bound(name: str = "shop", **files: bytes) -> Weights:
    """The router of the canary's folder, with other files in it."""
    objects = read_objects(folder(**files), "prod/shop")
    app_folder = AppFolder(path="prod/shop", section="canary", images=(), objects=tuple(objects))

    def deployment(deployment_name: str) -> KubeObject:
        return app_folder.object(f"Deployment/{deployment_name}")

    return weights_of_http_route(name, app_folder, deployment("shop"), deployment("shop-canary"))


def test_the_rule_that_leads_to_both_deployments_has_the_weights() -> None:
    router = bound()
    (rule,) = router.rules
    assert {rule.stable.title, rule.canary.title} == {"HTTPRoute/shop"}
    assert rule.stable.name == "/spec/rules/1/backendRefs/0/weight"
    assert rule.canary.name == "/spec/rules/1/backendRefs/1/weight"
    assert (router.stable.title, router.canary.title) == (
        "Deployment/shop",
        "Deployment/shop-canary",
    )


def test_backends_may_stand_in_any_order_in_several_rules() -> None:
    head, rules = ROUTE.split(b"  rules:\n")
    backends = b"""\
  - backendRefs:
    - {name: shop-canary, weight: 0}
    - {name: shop-stable, weight: 100}
"""
    first, second = bound(route_yaml=head + b"  rules:\n" + backends + rules).rules
    assert first.stable.name == "/spec/rules/0/backendRefs/1/weight"
    assert first.canary.name == "/spec/rules/0/backendRefs/0/weight"
    assert second.stable.name == "/spec/rules/2/backendRefs/0/weight"


@pytest.mark.parametrize(
    ("name", "route", "what", "got"),
    [
        ("web", ROUTE, "There is no HTTPRoute/web.", "HTTPRoute/shop"),
        (
            "shop",
            ROUTE.replace(b"name: shop-stable", b"name: shop"),
            "No rule of HTTPRoute/shop leads to both Deployments.",
            "files, shop, shop-canary",
        ),
        (
            "shop",
            ROUTE[: ROUTE.index(b"spec:")] + b"spec: {}\n",
            "No rule of HTTPRoute/shop leads to both Deployments.",
            "no backends",
        ),
    ],
)
def test_a_route_that_cannot_share_the_requests_out_is_refused(
    name: str, route: bytes, what: str, got: str
) -> None:
    with pytest.raises(RefuseError) as caught:
        bound(name, route_yaml=route)
    assert (caught.value.what, caught.value.facts["got"]) == (what, got)
