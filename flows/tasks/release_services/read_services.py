"""The services of a repository, as a revision of it says."""

from __future__ import annotations

import asyncio

from prefect.logging import get_run_logger
from pydantic import BaseModel, ConfigDict

from blocks.source_repository import SourceRepository
from flows.runtime.external_task import external_task
from flows.runtime.load_block import load_block
from flows.runtime.registered import registered
from shipway.errors import RefuseError
from shipway.git.revision import Revision
from shipway.monorepo.needs import Needs, needs_of
from shipway.monorepo.service import Service, pipeline_of, read_service


class Services(BaseModel):
    """The services of a repository.

    Attributes:
        revision: The revision that says so.
        services: By name, those that have a folder there.
        gone: The apps of the repository that have none.
        needs: What each of the services needs; each stands after all that it needs.
    """

    model_config = ConfigDict(frozen=True)

    revision: Revision
    services: dict[str, Service]
    gone: tuple[str, ...]
    needs: Needs


@external_task("read the services beside {app}")
async def read_services(app: str, revision: str | None) -> Services:
    """Read the pipeline.yaml of each app of a repository.

    Args:
        app: Any of them.
        revision: Branch, tag or commit id; the tip of the default branch if None.

    Raises:
        RefuseError: There is no such revision, a pipeline.yaml is wrong, or the services need what
            is no app of the repository, or each other in a circle.
        RetryError: Git does not answer.
    """
    source = await load_block(SourceRepository, app)
    resolved = await asyncio.to_thread(source.resolve, revision)
    folders = await _folders_beside(source)
    paths = {name: pipeline_of(folder) for name, folder in folders.items()}
    texts = await asyncio.to_thread(source.read, resolved.commit, list(paths.values()))
    where = f"{source.url} at {resolved.short}"
    services = {
        name: read_service(
            name,
            folders[name],
            texts[path].decode("utf-8", "replace"),
            f"{path}@{resolved.short}",
        )
        for name, path in paths.items()
        if path in texts
    }
    return Services(
        revision=resolved,
        services=services,
        gone=tuple(name for name in folders if name not in services),
        needs=needs_of(services.values(), folders, where),
    )


async def _folders_beside(source: SourceRepository) -> dict[str, str]:
    """The apps of a repository, and their folders."""

    async def of(name: str) -> SourceRepository | None:
        try:
            return await load_block(SourceRepository, name)
        except RefuseError as error:
            # It may be of any repository.
            get_run_logger().warning("%s is left out: %s", name, error)
            return None

    names = await registered(SourceRepository)
    blocks = zip(names, await asyncio.gather(*map(of, names)), strict=True)
    return {name: block.folder for name, block in blocks if block and block.url == source.url}
