"""Names of flow runs whose parameters may be empty."""

from __future__ import annotations

from collections.abc import Callable

from prefect import get_client
from prefect.runtime import flow_run


def run_name(flow: str, *parameters: str) -> Callable[[], str]:
    """A `flow_run_name` of the flow and those of its parameters that were given."""

    def name() -> str:
        given = [flow_run.parameters.get(key) for key in parameters]
        return " ".join([flow, *(str(value) for value in given if value is not None)])

    return name


async def name_this_run(name: str) -> None:
    """Rename the current flow run, once it is known what it releases."""
    if flow_run.id is not None:
        async with get_client() as client:
            await client.update_flow_run(flow_run.id, name=name)
