"""Which services of a repository are to be released in an environment."""

from __future__ import annotations

import asyncio
from functools import partial

from blocks.ops_repository import OpsRepository
from blocks.source_repository import SourceRepository
from flows.runtime.external_task import external_task
from flows.runtime.load_block import load_block
from flows.tasks.release_services.read_services import Services
from shipway.errors import RefuseError
from shipway.git.ops_folder import OpsFolder
from shipway.monorepo.changed import Choice, Standing, choose, standing_in, to_compare


@external_task("see which services changed in {environment}")
async def find_changed(app: str, found: Services, environment: str) -> dict[str, Choice]:
    """What becomes of each app of a repository, by what the environment has of it.

    Args:
        app: Any of them.
        found: The services of the revision that is to be released.
        environment: The environment.

    Raises:
        RefuseError: The environment has none of them, or a repository is not there.
        RetryError: Git does not answer.
    """
    standing = await read_standing(environment)
    commit = found.revision.commit
    source = await load_block(SourceRepository, app)
    compared = to_compare(found.services.values(), standing, commit)
    differing = await asyncio.to_thread(source.differing, compared, commit)
    chosen = {
        name: choose(found.services[name], standing.get(name), commit, differing)
        for name in found.needs
    }
    if all(choice.what == "left out" for choice in chosen.values()):
        raise RefuseError(
            f"{environment!r} has none of these services.",
            where="the ops repository",
            expected=f"a folder {environment}/<app> for one of {', '.join(sorted(chosen))}",
            got=", ".join(sorted(standing)) or "no folder at all",
            untouched="everything: no run was started",
            remedy="check the name of the environment",
        )
    gone = Choice(what="left out", why=f"{found.revision.short} has no folder of it")
    return chosen | dict.fromkeys(found.gone, gone)


async def read_standing(environment: str) -> dict[str, Standing]:
    """What an environment has, by app, at the tip of its branch."""

    def look(folder: OpsFolder, _: object) -> tuple[str, Standing]:
        return folder.app_environment.app, standing_in(folder)

    ops = await load_block(OpsRepository)
    return dict(await asyncio.to_thread(partial(ops.consult_each, look, environment=environment)))
