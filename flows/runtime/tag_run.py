"""Tags of a flow run, so that lists of runs can be filtered by app and environment."""

from __future__ import annotations

from prefect import get_client
from prefect.runtime import flow_run

from flows.runtime.beside import do_beside


def tag_this_run(app: str | None = None, environment: str | None = None) -> None:
    """Tag the current flow run beside what it does, however it was started.

    Args:
        app: The app, if it is about one.
        environment: The environment, if it is about one.
    """
    tags = tags_of(app, environment)
    do_beside(add_tags(tags), "This run is not found by its app and environment")


def tags_of(app: str | None, environment: str | None) -> list[str]:
    """The tags of a run that is about these."""
    named = {"app": app, "environment": environment}
    return [f"{kind}:{name}" for kind, name in named.items() if name]


async def add_tags(tags: list[str]) -> None:
    """Tag the current flow run; once in a run, which knows the tags alone that it began with."""
    if flow_run.id is not None:
        async with get_client() as client:
            await client.update_flow_run(flow_run.id, tags={*flow_run.tags, *tags})
