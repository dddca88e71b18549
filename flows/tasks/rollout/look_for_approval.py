"""Deploy, with a person's signature: what the ops repository has counts, not the form."""

from __future__ import annotations

import asyncio

from blocks.ops_repository import OpsRepository
from flows.runtime.external_task import external_task
from flows.runtime.load_block import load_block
from shipway.rollout.approval_commit import ApprovalCommit
from shipway.rollout.found_approval import FoundApproval, find_approval


@external_task("see who has signed an approval of {wanted.step}")
async def look_for_approval(wanted: ApprovalCommit) -> FoundApproval:
    """Look for an approval in the ops repository.

    Raises:
        FailError: This machine has no ssh-keygen that can tell.
        RetryError: The ops repository does not answer.
    """
    ops = await load_block(OpsRepository)
    return await asyncio.to_thread(find_approval, ops, wanted)
