"""Names of flow runs whose parameters may be empty."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable

from prefect import get_client
from prefect.runtime import flow_run


def run_name(template: str) -> Callable[[], str]:
    """A `flow_run_name` with the flow's parameters in it; one that is empty leaves nothing.

    Prefect's own templates say `None` there.
    """

    def name() -> str:
        given = {key: it for key, it in flow_run.parameters.items() if it is not None}
        return " ".join(template.format_map(defaultdict(str, given)).split())

    return name


async def name_this_run(name: str) -> None:
    """Rename the current flow run, once it is known what it releases."""
    if flow_run.id is not None:
        async with get_client() as client:
            await client.update_flow_run(flow_run.id, name=name)
