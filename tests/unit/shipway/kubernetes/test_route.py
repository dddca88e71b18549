from __future__ import annotations

from typing import Any

import pytest

from shipway.kubernetes.route import not_accepted


def route(*conditions: dict[str, Any], kind: str = "HTTPRoute") -> dict[str, Any]:
    parents = [{"parentRef": {"name": "public"}, "conditions": [one]} for one in conditions]
    return {"kind": kind, "metadata": {"generation": 2}, "status": {"parents": parents}}


def accepted(status: str = "True", generation: int = 2) -> dict[str, Any]:
    return {
        "type": "Accepted",
        "status": status,
        "observedGeneration": generation,
        "reason": "NotAllowed",
    }


@pytest.mark.parametrize(
    ("body", "why"),
    [
        (route(accepted()), None),
        (route(accepted(), accepted()), None),
        (route(kind="Service"), None),
        (route(), "no gateway has taken the route up"),
        (
            route(accepted(), accepted(generation=1)),
            "the gateway public has not seen the route's latest change",
        ),
        (route(accepted("False")), "the gateway public refuses the route: NotAllowed"),
        (route({"type": "Programmed"}), "the gateway public has not judged the route"),
    ],
)
def test_a_route_is_in_force_once_every_gateway_has_seen_it_as_it_stands(
    body: dict[str, Any], why: str | None
) -> None:
    assert not_accepted(body) == why
