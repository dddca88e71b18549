"""Whether gateways have put a route of Gateway API into force, as the route's own status tells."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

ROUTES = frozenset({"HTTPRoute", "GRPCRoute"})
# How a parent is told apart from another one of the same route; a status may add defaults.
_NAMES = ("namespace", "name", "sectionName", "port")
# Without its backends, a gateway answers a route's requests with errors.
_RESOLVED = "ResolvedRefs"

Object = dict[str, Any]


def not_in_force(body: Object) -> str | None:
    """Why a route as it stands is not in force yet; None where it is, and for any other kind.

    Gateway API: each parent has a status of its own, whose conditions tell the generation that
    they are about. A status of a parent that the route names no more may stay, and says nothing.
    """
    if body["kind"] not in ROUTES:
        return None
    parents: list[Object] = body["spec"].get("parentRefs") or []
    if not parents:
        return "the route names no gateway"
    told: list[Object] = body.get("status", {}).get("parents") or []
    why = (_why_not(parent, told, body["metadata"]["generation"]) for parent in parents)
    return next((words for words in why if words), None)


def _why_not(parent: Object, told: Iterable[Object], generation: int) -> str | None:
    """Why a route is not in force at one of its gateways."""
    name = parent["name"]
    ours = [one for one in told if _is_of(one["parentRef"], parent)]
    if not ours:
        return f"no gateway {name} has taken the route up"
    for one in ours:
        conditions = {each["type"]: each for each in one.get("conditions", [])}
        if "Accepted" not in conditions:
            return f"the gateway {name} has not judged the route"
        judged = [conditions[kind] for kind in ("Accepted", _RESOLVED) if kind in conditions]
        for condition in judged:
            if condition.get("observedGeneration", 0) < generation:
                return f"the gateway {name} has not seen the route's latest change"
            if condition["status"] != "True":
                words = condition.get("message") or condition["reason"]
                return f"the gateway {name} refuses the route: {words}"
    return None


def _is_of(status: Object, parent: Object) -> bool:
    return all(status.get(key) == parent[key] for key in _NAMES if key in parent)
