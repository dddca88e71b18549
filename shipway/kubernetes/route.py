"""Whether a gateway has taken up a route of Gateway API, as the route's own status tells."""

from __future__ import annotations

from typing import Any

ROUTES = frozenset({"HTTPRoute", "GRPCRoute"})


def not_accepted(body: dict[str, Any]) -> str | None:
    """Why a route as it stands is not in force yet; None where it is, and for any other kind.

    Gateway API: each parent has a status of its own, whose conditions tell the generation that
    they are about.
    """
    if body["kind"] not in ROUTES:
        return None
    parents: list[dict[str, Any]] = body.get("status", {}).get("parents") or []
    if not parents:
        return "no gateway has taken the route up"
    for parent in parents:
        name = parent["parentRef"]["name"]
        conditions = parent.get("conditions", [])
        accepted = [condition for condition in conditions if condition["type"] == "Accepted"]
        for condition in accepted:
            if condition.get("observedGeneration", 0) < body["metadata"]["generation"]:
                return f"the gateway {name} has not seen the route's latest change"
            if condition["status"] != "True":
                words = condition.get("message", condition["reason"])
                return f"the gateway {name} refuses the route: {words}"
        if not accepted:
            return f"the gateway {name} has not judged the route"
    return None
