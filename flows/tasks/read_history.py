"""The history of an environment, from Git alone."""

from __future__ import annotations

import asyncio

from blocks.ops_repository import OpsRepository
from flows.runtime.external_task import external_task
from flows.runtime.load_block import load_block
from shipway.app_environment import AppEnvironment
from shipway.git.trailers import OpsCommit


@external_task("read the history of {environment}")
async def read_history(environment: str, app: str | None) -> list[OpsCommit]:
    """Everything that Shipway committed for an environment (and one app), newest first."""
    ops = await load_block(OpsRepository)
    if app is None:
        return await asyncio.to_thread(ops.environment_history, environment)
    return await asyncio.to_thread(ops.history, AppEnvironment(app=app, environment=environment))
