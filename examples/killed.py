"""A release in a process of its own, ended with kill -9 in the middle."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Callable
from contextlib import suppress

from examples.repositories import EXAMPLES

RELEASE = "import asyncio, sys; from flows.release import release; "
RELEASE += "asyncio.run(release(sys.argv[1]))"


async def kill_release(app: str, reached: Callable[[], bool]) -> None:
    """Release an app's tip to staging, and end the process once something is so.

    Args:
        app: The app.
        reached: Asked several times a second.
    """
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-c", RELEASE, app),
        cwd=EXAMPLES.parent,
        stdout=asyncio.subprocess.DEVNULL,
        stderr=asyncio.subprocess.DEVNULL,
    )
    try:
        while not await asyncio.to_thread(reached):
            if process.returncode is not None:
                raise RuntimeError(f"the release of {app} was over before it could be killed")
            await asyncio.sleep(0.1)
    finally:
        with suppress(ProcessLookupError):
            process.kill()
        await process.wait()
