"""Releases in the order of what needs what: those that do not need each other side by side."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine, Mapping
from typing import Any

from shipway.concurrency import fail_fast_group
from shipway.monorepo.needs import Needs
from shipway.monorepo.outcome import Outcome, not_started

Act = Callable[[str], Coroutine[Any, Any, Outcome]]


async def release_in_order(
    needs: Needs, known: Mapping[str, Outcome], release: Act, *, all_or_nothing: bool
) -> dict[str, Outcome]:
    """Release each once all that it needs is released; what needs one that fails is not started.

    Args:
        needs: Those to release, each after what it needs; what is needed beside them is not
            waited for.
        known: What became of some of them already: they are not released.
        release: Releases one; that it fails is an outcome.
        all_or_nothing: Start none at all once one has failed.

    Returns:
        What became of each.
    """
    failed = [app for app, outcome in known.items() if not outcome.is_good]
    tasks = dict[str, asyncio.Task[Outcome]]()

    async def one(app: str) -> Outcome:
        if app in known:
            return known[app]
        needed = [other for other in needs if other in needs[app]]
        for other in needed:
            await tasks[other]
        because = [other for other in failed if all_or_nothing or other in needed]
        if because:
            return not_started(because[0])
        outcome = await release(app)
        if not outcome.is_good:
            failed.append(app)
        return outcome

    async with fail_fast_group() as group:
        tasks.update({app: group.create_task(one(app)) for app in needs})
    return {app: task.result() for app, task in tasks.items()}
