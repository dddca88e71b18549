"""What is still in a cluster of apps whose folders have left the ops repository."""

from __future__ import annotations

import asyncio
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from blocks.cluster import Cluster
from blocks.ops_repository import OpsRepository
from flows.runtime.external_task import external_task
from flows.runtime.load_block import load_block
from shipway.app_environment import AppEnvironment
from shipway.git.history import History
from shipway.git.ops_folder import OpsFolder
from shipway.kubernetes.applied_sets import (
    AppliedSet,
    Contents,
    contents_of,
    delete_set,
    note_gone,
)
from shipway.rollout.leaving import Leaving
from shipway.rollout.removed import Removal, claims, goes_at, removal_of


@dataclass(frozen=True)
class Gone:
    """A set whose folder Git no longer has, and how the folder left."""

    applied: AppliedSet
    removal: Removal


@external_task("read how apps have left")
async def read_gone(cluster: str, sets: Sequence[AppliedSet]) -> list[Gone]:
    """Those of some sets that Git once had in this cluster, and has no longer.

    What another repository or another branch has applied is in no history of this one.

    Args:
        cluster: Name of the block.
        sets: Whose folders are not at the tip.

    Raises:
        RefuseError: The ops repository is shallow.
    """
    ops = await load_block(OpsRepository)
    read = [await asyncio.to_thread(_removal, ops, cluster, one) for one in sets]
    return [Gone(one, removal) for one, removal in zip(sets, read, strict=True) if removal]


@external_task("see who else has what {whose.folder} had")
async def claimed_by(whose: AppEnvironment, namespace: str, applied: Collection[str]) -> str | None:
    """A folder of the same app that may have the same objects, and which was not applied just now.

    One that was applied has taken over what is its own.
    """
    ops = await load_block(OpsRepository)

    def asked(folder: OpsFolder, _: object) -> str | None:
        is_claim = folder.path not in applied and claims(folder, namespace)
        return folder.path if is_claim else None

    found = await asyncio.to_thread(ops.consult_each, asked, app=whose.app)
    return next(filter(None, found), None)


@external_task("see what is left of {gone.removal.app_environment.folder}")
async def see_what_is_left(gone: Gone, waits: str, grace: timedelta) -> Leaving:
    """What is to go and when; that it is known is noted in the cluster."""
    block = await load_block(Cluster, gone.removal.cluster)
    async with block.client() as client:
        contents = await contents_of(client, gone.applied)
        seen = gone.applied.gone_since
        if seen is None:
            seen = client.now()
            await note_gone(client, gone.applied, seen)
        at = goes_at(gone.removal, seen, grace)
        is_due = not waits and at <= client.now()
    return _leaving(gone.removal, contents, at=at, waits=waits, is_due=is_due)


@external_task("delete what is left of {gone.removal.app_environment.folder}")
async def delete_what_is_left(gone: Gone, leaving: Leaving) -> Leaving:
    """Delete it, unless the folder has come back; return what became of it."""
    ops, cluster = await load_block(OpsRepository), gone.removal.cluster
    if await asyncio.to_thread(_removal, ops, cluster, gone.applied) != gone.removal:
        return leaving
    block = await load_block(Cluster, cluster)
    async with block.client() as client:
        contents = await delete_set(client, gone.applied)
    done = _leaving(gone.removal, contents, at=leaving.at, waits="", is_due=True)
    return done.model_copy(update={"is_deleted": True})


def _removal(ops: OpsRepository, cluster: str, applied: AppliedSet) -> Removal | None:
    """How a set's folder left; None where it did not, or where Git had it elsewhere."""

    def read(folder: OpsFolder, history: History) -> Removal | None:
        if folder.files or not history.contains(applied.commit):
            return None
        removal = removal_of(folder, history)
        place = (cluster, applied.this_set.namespace)
        is_it = removal and removal.is_ours and (removal.cluster, removal.namespace) == place
        return removal if is_it else None

    return ops.consult(folder_of(applied), read)


def folder_of(applied: AppliedSet) -> AppEnvironment:
    """Whose set it is."""
    environment, _, app = applied.folder.partition("/")
    return AppEnvironment(app=app, environment=environment)


def _leaving(
    removal: Removal, contents: Contents, *, at: datetime, waits: str, is_due: bool
) -> Leaving:
    return Leaving(
        removal=removal,
        goes=tuple(member.title for member in contents.goes),
        stays=tuple((member.title, why) for member, why in contents.stays),
        at=at,
        waits=waits,
        is_due=is_due,
    )
