"""A look at what runs where: at an app's folder of the ops repository, and at the cluster."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from typing import NamedTuple

from shipway.errors import RefuseError, ShipwayError
from shipway.git.history import History
from shipway.git.ops_folder import OpsFolder
from shipway.kubernetes.client import NO_ANSWER, KubeClient
from shipway.kubernetes.health import Health
from shipway.kubernetes.workloads import health_of
from shipway.rollout.apply import Applied
from shipway.rollout.deployed import deployed_of
from shipway.rollout.observation import LastChange
from shipway.rollout.releases import what_ran
from shipway.rollout.status import AppStatus
from shipway.rollout.target import Target, target_of
from shipway.rollout.workloads import images_for, workloads_of
from shipway.strategies.step import Ready, is_released

# The worst comes last.
_STATES = ("healthy", "progressing", "blocked", "failed")


class InGit(NamedTuple):
    """What Git says of an app in an environment.

    Attributes:
        status: The same as a status, of whose health nothing is known yet.
        target: What the cluster is to be asked about; None where there is nothing to ask.
        folder: The folder.
        change: The commit that changed it last; None where Shipway's own agent applies it.
    """

    status: AppStatus
    target: Target | None
    folder: OpsFolder
    change: LastChange | None = None


def read_folder(
    folder: OpsFolder, history: Callable[[], History], before: AppStatus | None, at: datetime
) -> InGit:
    """What a folder says.

    Args:
        folder: The folder.
        history: Its history, which is asked for only where the folder says another thing than
            before.
        before: What was known of it.
        at: Now.
    """
    whose = folder.app_environment
    status = AppStatus(app=whose.app, environment=whose.environment, at=at)
    try:
        target = target_of(folder)
        deployed = deployed_of(target, folder)
    except RefuseError as error:
        reason = f"its folder cannot be read: {error.what}"
        return InGit(status.model_copy(update={"reason": reason}), None, folder)
    if before is not None and before.deployed == deployed:
        commit = before.commit
    else:
        commit = _newest(history)
    found = {"deployed": deployed, "commit": commit}
    if deployed.is_untouched:
        found["reason"] = "nothing was released yet"
        return InGit(status.model_copy(update=found), None, folder)
    is_external = target.rollout.agent == "external"
    change = _last_change(folder, history, before) if is_external else None
    return InGit(status.model_copy(update=found), target, folder, change)


async def look_at(client: KubeClient, status: AppStatus, target: Target) -> AppStatus:
    """What the cluster says of what Git asks for; the worst of its workloads counts."""
    try:
        healths = await _healths(client, target)
    except (ShipwayError, *NO_ANSWER) as error:
        return not_asked(status, error)
    if not healths:
        words = "no workload runs an image of the app"
        return status.model_copy(update={"reason": words, "is_applied": False})
    worst = max((health.state for health in healths.values()), key=_STATES.index)
    reasons = (f"{title}: {one.reason}" for title, one in healths.items() if one.state == worst)
    said = {"health": worst, "reason": "; ".join(reasons)}
    is_applied = all(one.applied for one in healths.values())
    return status.model_copy(update={**said, "is_applied": is_applied})


def not_asked(status: AppStatus, error: Exception) -> AppStatus:
    """A status whose health is not known, because the cluster was not to be asked."""
    words = (
        error.what if isinstance(error, ShipwayError) else f"the cluster says nothing: {error!r}"
    )
    return status.model_copy(update={"reason": words})


def with_applied(status: AppStatus, applied: Applied | ShipwayError | None) -> AppStatus:
    """A status that knows what became of applying what Git asks for.

    Args:
        status: The status.
        applied: What that changed, or why it failed; None where another agent applies it.
    """
    if isinstance(applied, ShipwayError):
        return status.model_copy(update={"health": "not applied", "reason": applied.what})
    if applied is None:
        return status
    drift = tuple(change.title for change in applied.changes if change.drift)
    return status.model_copy(update={"drift": drift})


def _last_change(
    folder: OpsFolder, history: Callable[[], History], before: AppStatus | None
) -> LastChange:
    """The commit that changed a folder last; it is looked for where the folder is another one."""
    known = before.observed.change if before and before.observed else None
    if known is not None and known.fingerprint == folder.fingerprint:
        return known
    try:
        newest = history().versions.at(0)
    except RefuseError:
        newest = None
    commit, at = (newest.commit.commit, newest.commit.at) if newest else (folder.commit, None)
    return LastChange(fingerprint=folder.fingerprint, commit=commit, at=at)


def _newest(history: Callable[[], History]) -> str:
    """The commit that asked for what the files say now; empty where the history is not whole."""
    try:
        newest = what_ran(history()).at(0)
    except RefuseError:
        return ""
    return newest.commit.commit if newest else ""


async def _healths(client: KubeClient, target: Target) -> dict[str, Health]:
    """How each workload is, by kind and name; without those that nothing was released to yet."""
    serving, healths = target.strategy.serving_image(target.current), dict[str, Health]()
    for workload in await workloads_of(client, target, Ready(image=serving), wait=False):
        images = target.images_in_git(workload) or images_for(target, workload, serving)
        if all(map(is_released, images.values())):
            namespace, startup = target.namespace_of(workload), target.rollout.startup
            healths[workload.title] = await health_of(client, workload, namespace, images, startup)
    return healths
