"""A rollout's timeline as an artifact that is written again and again while the rollout goes on."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager, suppress
from uuid import UUID

from prefect import get_client
from prefect.artifacts import acreate_markdown_artifact
from prefect.client.schemas.actions import ArtifactUpdate

from shipway.app_environment import AppEnvironment
from shipway.release import Release
from shipway.reports.timeline import Timeline

REFRESH_SECONDS = 2.0


def timeline_key(app_environment: AppEnvironment) -> str:
    """The key of the artifact."""
    return f"{app_environment.app}-{app_environment.environment}-rollout"


@asynccontextmanager
async def timeline(app_environment: AppEnvironment, release: Release) -> AsyncGenerator[Timeline]:
    """Keep a rollout's timeline, as an artifact."""
    title = release.title(app_environment)
    artifact = await acreate_markdown_artifact(
        f"# {title}",
        key=timeline_key(app_environment),
        description=f"Rollout of {title}",
    )
    page = Timeline(title)
    writer = _Writer(page, artifact)
    writing = asyncio.create_task(writer.keep_writing())
    try:
        yield page
    finally:
        writing.cancel()
        with suppress(asyncio.CancelledError):
            await writing
        await writer.write()


class _Writer:
    """Writes a timeline into its artifact."""

    def __init__(self, page: Timeline, artifact: UUID) -> None:
        self._page, self._artifact = page, artifact
        self._written = ""

    async def write(self) -> None:
        """Write the page, if there is something new."""
        state = self._page.state
        if state == self._written:
            return
        self._written = state
        async with get_client() as client:
            update = ArtifactUpdate(data=self._page.render())
            await client.update_artifact(self._artifact, update)

    async def keep_writing(self) -> None:
        """Write the page every few seconds, until cancelled."""
        while True:
            await asyncio.sleep(REFRESH_SECONDS)
            await self.write()
