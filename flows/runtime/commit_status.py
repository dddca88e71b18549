"""What the app's forge shows of a run, at the commit that it releases."""

from __future__ import annotations

import asyncio

from tenacity import AsyncRetrying, retry_if_exception_type, stop_after_attempt, wait_fixed

from blocks.source_repository import SourceRepository
from flows.runtime.load_block import load_block
from flows.runtime.run_link import this_run
from shipway.app_environment import AppEnvironment
from shipway.errors import RetryError
from shipway.forges.api import WORDS, CommitStatus, State
from shipway.rollout.releases import UNKNOWN
from shipway.text import at_most, one_line

NOT_TOLD = "The forge does not show how this run goes"
ATTEMPTS = 3
PAUSE_SECONDS = 2.0


class RunStatus:
    """The status of one run, at one commit.

    Args:
        app_environment: What the run releases, and where.
    """

    def __init__(self, app_environment: AppEnvironment) -> None:
        self._app_environment = app_environment
        self._turn = asyncio.Lock()

    async def show(self, commit: str, state: State, words: str, attempts: int = 1) -> None:
        """Have the app's forge show a state, if the app has one; one after the other.

        Raises:
            RefuseError: The forge does not allow it.
            RetryError: It does not answer, however often it is asked.
        """
        async with self._turn:
            source = await load_block(SourceRepository, self._app_environment.app)
            if source.forge is None or commit == UNKNOWN:
                return
            run = this_run()
            status = CommitStatus(
                commit=commit,
                context=_context(self._app_environment, source),
                state=state,
                words=at_most(one_line(words), WORDS),
                url=run if run.startswith("http") else None,
            )
            retrying = AsyncRetrying(
                retry=retry_if_exception_type(RetryError),
                stop=stop_after_attempt(attempts),
                wait=wait_fixed(PAUSE_SECONDS),
                reraise=True,
            )
            await retrying(asyncio.to_thread, source.forge.set_status, status)


def _context(app_environment: AppEnvironment, source: SourceRepository) -> str:
    """What the status is about; in a monorepo, one commit is of several apps."""
    parts = ["shipway", app_environment.environment]
    return "/".join(parts if source.folder == "." else [*parts, app_environment.app])
