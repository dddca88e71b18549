"""The choices of forms: the apps and environments that the Prefect UI offers for a new run."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from prefect import get_client
from prefect.client.schemas.actions import DeploymentUpdate
from prefect.client.schemas.filters import DeploymentFilter, DeploymentFilterTags

# What people start has this tag; what agents run has another one.
PEOPLES = "shipway"
REGISTERED = "registered"
_ANOTHER = {"title": "another", "type": "string"}


async def renew_choices(choices: Mapping[str, list[str]]) -> None:
    """Have the forms of all deployments that people start offer what is registered now.

    Args:
        choices: The names to offer, by parameter.
    """
    people = DeploymentFilter(tags=DeploymentFilterTags(all_=[PEOPLES]))
    async with get_client() as client:
        for deployment in await client.read_deployments(deployment_filter=people):
            schema = deployment.parameter_openapi_schema or {}
            renewed = with_choices(schema, choices)
            if renewed != schema:
                update = DeploymentUpdate(parameter_openapi_schema=renewed)
                await client.update_deployment(deployment.id, update)


def with_choices(schema: Mapping[str, Any], choices: Mapping[str, list[str]]) -> dict[str, Any]:
    """A schema of parameters whose form offers choices.

    They are no limits: what was registered a moment ago may be given too, and a name that nobody
    knows is refused by the run, in Shipway's words.

    Args:
        schema: The schema, with choices of before or without.
        choices: The names to offer, by parameter.
    """
    properties = {
        name: _offering(parameter, choices[name]) if choices.get(name) else parameter
        for name, parameter in schema.get("properties", {}).items()
    }
    return {**schema, "properties": properties}


def _offering(parameter: Mapping[str, Any], names: list[str]) -> dict[str, Any]:
    registered = {"title": REGISTERED, "type": "string", "enum": names}
    may_be_empty = [kind for kind in parameter.get("anyOf", ()) if kind.get("type") == "null"]
    kept = {key: value for key, value in parameter.items() if key not in {"type", "anyOf"}}
    return {**kept, "anyOf": [registered, _ANOTHER, *may_be_empty]}
