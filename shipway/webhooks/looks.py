"""Looks, one after the other: however many are asked for, one goes on and one waits."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable

AGAIN_SECONDS = 2.0

# Looks for what is new, to the end; whether it did, and not another look that had begun before.
Look = Callable[[], Awaitable[bool]]

_log = logging.getLogger(__name__)


class Looks:
    """Looks again for as long as somebody has asked since the last look began.

    Args:
        look: Looks once.
    """

    def __init__(self, look: Look) -> None:
        self._look = look
        self._asked = asyncio.Event()

    def ask(self) -> None:
        """Have a look begin after now."""
        self._asked.set()

    async def keep_looking(self) -> None:
        """Look whenever somebody has asked, until cancelled; a look that fails is made again."""
        while True:
            await self._asked.wait()
            self._asked.clear()
            try:
                looked = await self._look()
            except Exception as error:
                _log.warning("Nobody looks: %s", error)
                looked = False
            if not looked:
                self._asked.set()
                await asyncio.sleep(AGAIN_SECONDS)
