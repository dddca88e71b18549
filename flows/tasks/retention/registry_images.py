"""Images in the registry."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime, timedelta

from blocks.ops_repository import OpsRepository
from blocks.registry import Registry
from blocks.source_repository import SourceRepository
from flows.runtime.busy_apps import busy_apps
from flows.runtime.external_task import external_task
from flows.runtime.load_block import load_block
from flows.runtime.registered import registered
from shipway.registry_api import NoDeletionError
from shipway.retention.in_git import read_in_git
from shipway.retention.outcome import Outcome, joined
from shipway.retention.policy import Retention
from shipway.retention.registry_images import (
    KIND,
    NOT_OURS,
    digests_that_go,
    remove_digests,
    tags_of,
)


@external_task("images in the registry")
async def clear_registry_images(keep: Retention, *, dry_run: bool) -> Outcome:
    """Remove images in the registry that may go; none where it is not known what is in use.

    Raises:
        RetryError: The registry or Git does not answer.
        RefuseError: One of them denies access, or the ops repository's history is not all there.
    """
    registry = (await load_block(Registry)).open()
    ops = await load_block(OpsRepository)
    folders = await asyncio.to_thread(ops.apps)
    apps = sorted({*await registered(SourceRepository), *(each.app for each in folders)})
    found = {app: await tags_of(registry, app) for app in apps}
    # Last of all, so that little can come into use between the look and the removal.
    now = datetime.now(UTC)
    since = now - timedelta(days=keep.registry_days)
    in_git = await asyncio.to_thread(read_in_git, ops, keep.rollbacks, since)
    busy = await busy_apps()
    outcomes = list[Outcome]()
    hindered = "" if keep.registry_is_ours else NOT_OURS
    for app, tags in found.items():
        digests, outcome = digests_that_go(app, tags, in_git, busy, keep, now)
        outcomes.append(outcome)
        if dry_run or hindered:
            continue
        try:
            await remove_digests(registry, app, digests)
        except NoDeletionError as error:
            hindered = str(error)
    return joined(KIND, outcomes, hindered)
