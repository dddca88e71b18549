"""What a shell offers for an app and an environment: the same as the form in the Prefect UI."""

from __future__ import annotations

from cyclopts.completion import CompletionContext

from shipway.cli.prefect_server import connect


def apps(_context: CompletionContext) -> list[str]:
    """The registered apps."""
    return _offered("app")


def environments(_context: CompletionContext) -> list[str]:
    """The environments that the ops repository has."""
    return _offered("environment")


def _offered(parameter: str) -> list[str]:
    deployment = connect().get("deployments/name/release/release") or {}
    properties = deployment.get("parameter_openapi_schema", {}).get("properties", {})
    kinds = properties.get(parameter, {}).get("anyOf", ())
    return [name for kind in kinds for name in kind.get("enum", ())]
