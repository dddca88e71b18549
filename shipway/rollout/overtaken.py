"""A release that waits, and Git beside it: whoever takes the environment over ends the wait."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from contextlib import suppress
from typing import NoReturn

from shipway.app_environment import AppEnvironment
from shipway.errors import FailError, RetryError
from shipway.git.history import History
from shipway.git.ops_folder import OpsFolder
from shipway.git.ops_repository import OpsRepository


async def until_overtaken(
    ops: OpsRepository,
    app_environment: AppEnvironment,
    check: Callable[[OpsFolder, History], object],
    every_seconds: float,
) -> NoReturn:
    """Look at an app's folder now and then, until it no longer lets the release go on.

    Args:
        ops: The ops repository. While it does not answer, nothing is known, and nothing ends.
        app_environment: Whose folder it is.
        check: Asked of each new content of the folder.
        every_seconds: How often to look.

    Raises:
        RefuseError: What `check` raises.
    """
    checked: str | None = None
    while True:
        await asyncio.sleep(every_seconds)
        with suppress(FailError, RetryError):
            folder = await asyncio.to_thread(ops.fetch, app_environment)
            if folder.fingerprint != checked:
                await asyncio.to_thread(ops.consult, app_environment, check)
                checked = folder.fingerprint
