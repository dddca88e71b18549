"""The end of an app in an environment: one commit that removes its folder, and what follows."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime

from pydantic import BaseModel, ConfigDict

from shipway import commands
from shipway.app_environment import AppEnvironment
from shipway.config.rollout import FILE
from shipway.errors import RefuseError
from shipway.git.history import History
from shipway.git.ops_folder import OpsFolder, Proposal
from shipway.git.ops_repository import OpsRepository
from shipway.git.trailers import with_trailers
from shipway.rollback.commit import Reason
from shipway.rollout.commit import step_commit
from shipway.rollout.deployed import Deployed, deployed_of
from shipway.rollout.fence import check_freeze
from shipway.rollout.promotion import promotion_in
from shipway.rollout.removed import DECOMMISSIONED, Removal, removal_of
from shipway.rollout.result import StepCommit
from shipway.rollout.run_context import RunContext
from shipway.rollout.target import Target, target_of

_UNTOUCHED = "the ops repository and the cluster"


class Decommission(BaseModel):
    """What the end of an app in an environment takes along.

    Attributes:
        app_environment: The app, and the environment.
        files: The files of its folder that go, by name.
        goes: The objects that the agent deletes after its grace, by kind and name.
        stays: Those that are left, each with why.
        agent: Who applies the folder.
        held: Revisions whose holds go with the folder.
        unknown: Why it is not known what the cluster has; empty where it is.
        refusal: Why it is refused; empty where it is not.
        is_done: Whether its folder was removed on purpose before.
    """

    model_config = ConfigDict(frozen=True)

    app_environment: AppEnvironment
    files: tuple[str, ...] = ()
    goes: tuple[str, ...] = ()
    stays: tuple[tuple[str, str], ...] = ()
    agent: str = ""
    held: tuple[str, ...] = ()
    unknown: str = ""
    refusal: str = ""
    is_done: bool = False

    @property
    def title(self) -> str:
        """What is planned."""
        return f"{self.app_environment.app} leaves {self.app_environment.environment}"

    @property
    def sentence(self) -> str:
        """What would happen, in a sentence."""
        if self.refusal:
            return "refused"
        if self.is_done:
            return "nothing to do, its folder is gone already"
        if self.agent == "external":
            return "1 commit; what the cluster has is up to Argo CD or Flux"
        if self.unknown:
            return "1 commit; what the cluster has is not known"
        return f"1 commit; after the agent's grace {len(self.goes)} objects go"


def look_at_folder(
    ops: OpsRepository, app_environment: AppEnvironment, override_freeze: str | None
) -> tuple[Decommission, Target | None]:
    """What Git says of a decommission, and where the cluster is to be asked."""
    others = _other_folders(ops, app_environment)

    def read(folder: OpsFolder, history: History) -> tuple[Decommission, Target | None]:
        seen = Decommission(app_environment=app_environment, files=tuple(sorted(folder.files)))
        try:
            if _done(folder, history):
                return seen.model_copy(update={"is_done": True}), None
            target = target_of(folder)
            deployed = deployed_of(target, folder)
            _check(folder, deployed, others, override_freeze)
        except RefuseError as error:
            return seen.model_copy(update={"refusal": str(error)}), None
        known = {"agent": target.rollout.agent, "held": deployed.held}
        asked = target if target.rollout.agent == "reconcile" else None
        return seen.model_copy(update=known), asked

    return ops.consult(app_environment, read)


def commit_decommission(
    ops: OpsRepository,
    app_environment: AppEnvironment,
    reason: Reason,
    override_freeze: str | None,
    run: RunContext,
) -> StepCommit:
    """Commit the removal of an app's folder; nothing where somebody did so on purpose before.

    Args:
        ops: The ops repository.
        app_environment: The app, and the environment.
        reason: Why, and who.
        override_freeze: Why it is to be while the environment is frozen.
        run: The run that does it.

    Raises:
        RefuseError: There is no such folder, a rollout is under way, the environment is frozen, or
            another one takes its versions from there.
        RetryError: Git does not answer.
    """
    before: Removal | None = None
    others = _other_folders(ops, app_environment)

    def propose(folder: OpsFolder, history: History) -> Proposal | None:
        nonlocal before
        before = _done(folder, history)
        if before is not None:
            return None
        deployed = deployed_of(target_of(folder), folder)
        in_spite_of = _check(folder, deployed, others, override_freeze)
        trailers = {
            "App": app_environment.app,
            "Environment": app_environment.environment,
            DECOMMISSIONED: folder.path,
            "Reason": reason.why,
            "By": reason.by,
            **in_spite_of,
            "Run": run.link,
        }
        subject = f"{app_environment.app} leaves {app_environment.environment}"
        return Proposal(changes={folder.path: None}, message=with_trailers(subject, trailers))

    landed = ops.commit(app_environment, propose, run.on_review)
    if before is not None:
        landed = landed.model_copy(update={"commit": before.commit})
    return step_commit(ops, landed, before.at if before else datetime.now(UTC))


def _other_folders(ops: OpsRepository, app_environment: AppEnvironment) -> list[OpsFolder]:
    """The app's folders in other environments."""
    every = ops.consult_each(lambda folder, _: folder, app=app_environment.app)
    return [one for one in every if one.app_environment != app_environment]


def _check(
    folder: OpsFolder,
    deployed: Deployed,
    others: Sequence[OpsFolder],
    override_freeze: str | None,
) -> dict[str, str]:
    """Refuse what somebody still needs; return what says that a freeze is overridden."""
    whose = folder.app_environment
    if deployed.is_under_way:
        raise RefuseError(
            f"A rollout of {whose.title} is under way.",
            where=f"{folder.path} at {folder.commit[:7]}",
            expected="a release whose steps are all committed",
            got=f"{deployed.step}: {deployed.run or 'by hand'}",
            untouched=_UNTOUCHED,
            remedy=f"wait for it, or {commands.rollback(whose)}",
        )
    if takers := [one.path for one in others if _takes_from(one, whose.environment)]:
        raise RefuseError(
            f"Another environment takes its versions of {whose.app} from {whose.environment}.",
            where=", ".join(f"{path}/{FILE}" for path in takers),
            expected=f"no promotion: {{source: {whose.environment}}}",
            got=", ".join(takers),
            untouched=_UNTOUCHED,
            remedy="name another source there, or decommission that one first",
        )
    return check_freeze(folder, override_freeze)


def _done(folder: OpsFolder, history: History) -> Removal | None:
    """How the folder was removed on purpose; None where it was not.

    Raises:
        RefuseError: It was removed, and nobody says that it was on purpose.
    """
    removal = removal_of(folder, history)
    if removal is None or removal.is_meant:
        return removal
    raise RefuseError(
        f"{folder.app_environment.title} is gone already, and nobody says that it is meant.",
        where=f"commit {removal.commit[:7]} of the ops repository",
        expected=f"a folder {folder.path}",
        got=f"removed by {removal.by} at {removal.at.isoformat()}",
        untouched=_UNTOUCHED,
        remedy=f"put it back with `git revert {removal.commit[:7]}`, and start this again",
    )


def _takes_from(folder: OpsFolder, environment: str) -> bool:
    """Whether a folder's versions come from an environment, by `promote`."""
    promotion = promotion_in(folder)
    return promotion is not None and environment in promotion.source
