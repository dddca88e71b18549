"""What a team hears of an environment that another agent applies, once no run tells it."""

from __future__ import annotations

import asyncio

from prefect.events import emit_event

from flows.runtime.notify import resource_of, tell_blocks
from flows.runtime.opened_run import opened_run_log
from flows.runtime.run_link import id_in
from shipway.rollout.observe import News
from shipway.rollout.status import AppStatus
from shipway.rollout.target import Target

TELL_SECONDS = 20.0


async def tell_observed(target: Target, seen: AppStatus, news: News) -> None:
    """Emit the event `shipway.environment.<kind>`, log it, and tell the notification blocks.

    docs/events.md promises names, resource and payload. A block that does not get through in time
    keeps nobody from looking.

    Args:
        target: The environment.
        seen: What was seen there.
        news: What of it the team has not heard yet.
    """
    deployed = seen.deployed
    if deployed is None:
        return
    name, run = f"environment.{news.kind}", id_in(deployed.run)
    opened_run_log().warning("%s: %s", target.folder, news.words)
    related = {
        "prefect.resource.id": f"prefect.flow-run.{run}",
        "prefect.resource.role": "opened-run",
    }
    payload = {
        "words": news.words,
        "revision": deployed.revision,
        "image": deployed.image,
        "run": deployed.run,
    }
    emit_event(
        f"shipway.{name}", resource_of(target), related=[related] if run else [], payload=payload
    )
    try:
        async with asyncio.timeout(TELL_SECONDS):
            words = f"{news.words}\n{deployed.run}".strip()
            await tell_blocks(target, f"{target.folder}: {name}", words)
    except TimeoutError:
        opened_run_log().warning("The notification blocks of %s do not answer", target.folder)
