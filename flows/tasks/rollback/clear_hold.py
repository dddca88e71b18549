"""Deploy, the end of a hold: an image that was rolled back may be released again."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime

from blocks.ops_repository import OpsRepository
from flows.runtime.external_task import external_task
from flows.runtime.load_block import load_block
from flows.runtime.run_link import this_run
from flows.tasks.rollout.commit import committed, say_asked
from shipway.config.holds import HOLDS_FILE, Holds, read_holds, write_holds
from shipway.errors import RefuseError
from shipway.git.ops_folder import Landed, OpsFolder, Proposal
from shipway.git.trailers import Recorded, with_trailers
from shipway.rollout.committed import Committed


@external_task("clear the hold on {revision}")
async def commit_cleared_hold(
    app: str, environment: str, revision: str, reason: str, by: str
) -> Committed:
    """Commit the end of a hold, so that its image may be released again."""
    ops = await load_block(OpsRepository)
    landed = await asyncio.to_thread(clear, ops, app, environment, revision, reason, by)
    return committed(ops, landed, datetime.now(UTC))


def clear(
    ops: OpsRepository, app: str, environment: str, revision: str, reason: str, by: str
) -> Landed:
    """Commit a holds.yaml without the hold on a revision."""

    def propose(wanted: OpsFolder, history: list[Recorded]) -> Proposal | None:
        if history and history[0].trailers.get("Run") == this_run():
            return None
        file = f"{wanted.folder}/{HOLDS_FILE}"
        holds = read_holds(wanted.files.get(HOLDS_FILE), file).holds
        cleared = [hold for hold in holds if hold.revision.startswith(revision)]
        if len(cleared) != 1 or not revision:
            raise RefuseError(
                f"There is no single hold on {revision!r}.",
                where=f"{file} at {wanted.commit[:7]}",
                expected="the beginning of one held revision's id",
                got=", ".join(hold.revision for hold in holds) or "no hold at all",
                untouched="the ops repository and the cluster",
            )
        left = [hold for hold in holds if hold not in cleared]
        trailers = {
            "App": app,
            "Environment": environment,
            "Hold-Cleared": cleared[0].image,
            "Reason": reason,
            "By": by,
            "Run": this_run(),
        }
        subject = f"{app} {cleared[0].revision[:7]} may go to {environment} again"
        return Proposal(
            changes={file: write_holds(Holds(holds=left))},
            message=with_trailers(subject, trailers),
        )

    return ops.commit(environment, app, propose, say_asked)
