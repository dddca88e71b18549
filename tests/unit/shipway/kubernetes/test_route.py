from __future__ import annotations

from typing import Any

import pytest

from shipway.kubernetes.route import not_in_force

PUBLIC = {"name": "public", "namespace": "gateway"}
HTTPS = {"name": "public", "sectionName": "https"}
# A status names its parent in full.
FULL = {"group": "gateway.networking.k8s.io", "kind": "Gateway", **PUBLIC}


def says(kind: str, status: str = "True", generation: int = 2, **more: str) -> dict[str, Any]:
    condition = {"type": kind, "status": status, "observedGeneration": generation}
    return {**condition, "reason": "NotAllowed", **more}


def of(parent: dict[str, str], *conditions: dict[str, Any]) -> dict[str, Any]:
    return {"parentRef": parent, "conditions": [*conditions]}


def route(*told: dict[str, Any], parents: Any = (PUBLIC,), kind: str = "HTTPRoute") -> Any:
    return {
        "kind": kind,
        "metadata": {"generation": 2},
        "spec": {"parentRefs": list(parents)},
        "status": {"parents": list(told)},
    }


@pytest.mark.parametrize(
    ("body", "why"),
    [
        (route(of(FULL, says("Accepted"))), None),
        (route(of(FULL, says("Accepted"), says("ResolvedRefs"))), None),
        (route(of(FULL, says("Accepted")), of(FULL, says("Accepted"))), None),
        (route(kind="Service"), None),
        (route(), "no gateway public has taken the route up"),
        (route(parents=()), "the route names no gateway"),
        (
            route(of(FULL, says("Accepted")), parents=(PUBLIC, {"name": "inside"})),
            "no gateway inside has taken the route up",
        ),
        (
            route(of(PUBLIC, says("Accepted")), parents=(HTTPS,)),
            "no gateway public has taken the route up",
        ),
        # Its controller is gone, and left what it said before the route went to another gateway.
        (route(of(FULL, says("Accepted")), of({"name": "old"}, says("Accepted", "False"))), None),
        (
            route(of(FULL, says("Accepted")), of(FULL, says("Accepted", generation=1))),
            "the gateway public has not seen the route's latest change",
        ),
        (
            route(of(FULL, says("Accepted"), says("ResolvedRefs", generation=1))),
            "the gateway public has not seen the route's latest change",
        ),
        (
            route(of(FULL, says("Accepted", "False"))),
            "the gateway public refuses the route: NotAllowed",
        ),
        (
            route(of(FULL, says("Accepted"), says("ResolvedRefs", "False", message="no Service"))),
            "the gateway public refuses the route: no Service",
        ),
        (
            route(of(FULL, says("Accepted", message=""), says("ResolvedRefs", "Unknown"))),
            "the gateway public refuses the route: NotAllowed",
        ),
        (route(of(FULL, says("Programmed"))), "the gateway public has not judged the route"),
    ],
)
def test_a_route_is_in_force_once_every_gateway_has_seen_it_as_it_stands(
    body: dict[str, Any], why: str | None
) -> None:
    assert not_in_force(body) == why
