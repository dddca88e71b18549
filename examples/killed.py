"""A flow in a process of its own, ended with kill -9 in the middle."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Callable
from contextlib import suppress

from examples.repositories import EXAMPLES

RELEASE = """
import asyncio, sys
from flows.release import release
asyncio.run(release(sys.argv[1]))
"""
ROLLBACK = """
import asyncio, sys
from flows.rollback import rollback
asyncio.run(rollback(sys.argv[1], "staging", "it is slow", "Ada"))
"""


async def kill(flow: str, app: str, reached: Callable[[], bool]) -> None:
    """Run a flow for an app, and end its process once something is so.

    Args:
        flow: Python code that runs it: RELEASE of the tip, or ROLLBACK, in staging.
        app: The app.
        reached: Asked several times a second.
    """
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-c", flow, app),
        cwd=EXAMPLES.parent,
        stdout=asyncio.subprocess.DEVNULL,
        stderr=asyncio.subprocess.DEVNULL,
    )
    try:
        while not await asyncio.to_thread(reached):
            if process.returncode is not None:
                raise RuntimeError(f"the flow of {app} was over before it could be killed")
            await asyncio.sleep(0.1)
    finally:
        with suppress(ProcessLookupError):
            process.kill()
        await process.wait()
