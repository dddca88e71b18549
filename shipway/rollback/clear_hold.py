"""The end of a hold: an image that was rolled back may be released again."""

from __future__ import annotations

from datetime import UTC, datetime

from shipway.app_environment import AppEnvironment
from shipway.config.holds import HOLDS_FILE, Hold, Holds, holds_in, write_holds
from shipway.errors import RefuseError
from shipway.git.history import History
from shipway.git.ops_folder import OpsFolder, Proposal
from shipway.git.ops_repository import OpsRepository
from shipway.git.trailers import with_trailers
from shipway.rollback.commit import Reason
from shipway.rollout.commit import step_commit
from shipway.rollout.result import StepCommit
from shipway.rollout.run_context import RunContext


def clear_hold(
    ops: OpsRepository,
    app_environment: AppEnvironment,
    revision: str,
    reason: Reason,
    run: RunContext,
) -> StepCommit:
    """Commit a holds.yaml without the hold on an image.

    Args:
        ops: The ops repository.
        app_environment: Where the hold is.
        revision: The held revision, or its image's digest; the beginning of either is enough.
        reason: Why, and who.
        run: The run that clears it.

    Raises:
        RefuseError: There is no such hold, or there are several.
        RetryError: Git does not answer.
    """
    proposed = list[Hold]()

    def propose(folder: OpsFolder, history: History) -> Proposal | None:
        # An attempt of this run before this one may have pushed and not lived to say so.
        if history.commits and history.commits[0].trailers.get("Run") == run.link:
            return None
        file = f"{folder.path}/{HOLDS_FILE}"
        holds = holds_in(folder.files, folder.path).holds
        # Whoever merged it may have left out what the commit said.
        if proposed and all(hold.image != proposed[-1].image for hold in holds):
            return None
        cleared = _single_hold(folder, holds, revision)
        proposed.append(cleared)
        trailers = {
            "App": app_environment.app,
            "Environment": app_environment.environment,
            "Hold-Cleared": cleared.image,
            "Reason": reason.why,
            "By": reason.by,
            "Run": run.link,
        }
        subject = (
            f"{app_environment.app} {cleared.revision[:7]} may go to "
            f"{app_environment.environment} again"
        )
        left = [hold for hold in holds if hold.image != cleared.image]
        return Proposal(
            changes={file: write_holds(Holds(holds=left))},
            message=with_trailers(subject, trailers),
        )

    landed = ops.commit(app_environment, propose, run.on_review)
    return step_commit(ops, landed, datetime.now(UTC))


def _single_hold(folder: OpsFolder, holds: list[Hold], name: str) -> Hold:
    """The hold on an image, by the beginning of its revision's id or of its digest."""
    matching = {hold.image: hold for hold in holds if _is_named(hold, name)}
    if len(matching) == 1:
        return next(iter(matching.values()))
    raise RefuseError(
        f"There is no single hold on {name!r}.",
        where=f"{folder.path}/{HOLDS_FILE} at {folder.commit[:7]}",
        expected="the beginning of one held revision's id, or of one held image's digest",
        got="\n".join(f"{hold.revision}: {hold.image}" for hold in holds) or "no hold at all",
        untouched="the ops repository and the cluster",
    )


def _is_named(hold: Hold, name: str) -> bool:
    digest = hold.image.partition("@")[2]
    ids = (hold.revision, digest, digest.partition(":")[2])
    return name != "" and (name == hold.image or any(each.startswith(name) for each in ids))
