"""An environment that another agent applies: what its look means, and what of it is news."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from datetime import datetime, timedelta
from typing import Literal, NamedTuple

from shipway import commands
from shipway.agents import AGENTS
from shipway.agents.verdict import Verdict
from shipway.git.ops_folder import OpsFolder
from shipway.kubernetes.apply_object import Change
from shipway.kubernetes.compare import Comparison
from shipway.kubernetes.objects import KubeObject
from shipway.rollout.observation import LastChange, Observation
from shipway.rollout.status import AppStatus
from shipway.rollout.target import Target

# What makes other objects of a folder's files than those that stand there.
_BUILT = frozenset({"kustomization.yaml", "kustomization.yml", "Kustomization"})
_BY_ANOTHER = (
    ", and yet the cluster does not say so: somebody else changes it, or the agent is told to "
    "apply another folder, or to another namespace"
)
_STOPPED = frozenset({"suspended", "failing"})

NewsKind = Literal["healthy", "unhealthy", "not_applied", "drift", "unfinished"]


class News(NamedTuple):
    """What a team has not heard yet.

    Attributes:
        kind: What it is.
        words: The same for people.
    """

    kind: NewsKind
    words: str


def can_be_rendered(target: Target, folder: OpsFolder) -> bool:
    """Whether the objects that the agent applies are known here."""
    return target.rollout.render is not None or _BUILT.isdisjoint(folder.files)


def without_hooks(objects: Collection[KubeObject]) -> list[KubeObject]:
    """The objects that stay in the cluster: agents make others for a while."""
    hooks = frozenset[str]().union(*(kind.hooks for kind in AGENTS.values()))
    return [each for each in objects if hooks.isdisjoint(_annotations(each))]


def commit_to_apply(target: Target, change: LastChange) -> str:
    """The commit that an agent has to have applied, for the cluster to be as Git says.

    What is rendered from other folders too may have changed with any commit.
    """
    rendering = target.rollout.render
    return target.commit if rendering and rendering.folders else change.commit


def is_overdue(target: Target, change: LastChange, now: datetime) -> bool:
    """Whether an agent has had as long to apply what Git says as rollout.yaml gives it."""
    deadline = timedelta(seconds=target.rollout.progress_deadline_seconds)
    return change.at is not None and now - change.at > deadline


def is_settled(verdict: Verdict | None, *, overdue: bool) -> bool:
    """Whether what differs from Git now is not merely what the agent has not applied yet.

    Args:
        verdict: What the agent says; None where nobody can ask it.
        overdue: Whether it has had enough time.
    """
    return overdue if verdict is None else verdict.has_applied


def with_verdict(status: AppStatus, verdict: Verdict | None, *, overdue: bool) -> AppStatus:
    """A status that knows why the cluster does not have what Git asks for, if it does not.

    Args:
        status: What the cluster says.
        verdict: What the agent says; None where nobody can ask it.
        overdue: Whether it has had enough time.
    """
    if status.is_applied:
        return status
    words = [status.reason, verdict.words if verdict else ""]
    reason, is_late = "; ".join(filter(None, words)), overdue
    if verdict is not None and verdict.says in _STOPPED:
        reason, is_late = verdict.words, True
    elif verdict is not None and verdict.has_applied:
        reason, is_late = f"{verdict.words}{_BY_ANOTHER}", True
    health = "not applied" if is_late else "progressing"
    return status.model_copy(update={"health": health, "reason": reason})


def drift_in(comparison: Comparison, target: Target, verdict: Verdict | None) -> tuple[Change, ...]:
    """What is drift of what differs from Git.

    Fields that the agent itself has written, and says to have applied, it makes so on purpose, as
    by a patch or a variable of its own.
    """
    external = target.rollout.external_agent
    own = external.settings.managers if external and verdict else frozenset[str]()
    return tuple(
        change
        for change in comparison.differs
        if not change.differences or {each.manager for each in change.differences} - own
    )


def observed(
    status: AppStatus,
    found: Observation,
    before: AppStatus | None,
    drift: Collection[Change],
) -> tuple[AppStatus, list[News]]:
    """A status with all that was seen, and what of it the team has not heard yet.

    Args:
        status: What Git, the cluster and the agent say.
        found: What else was seen.
        before: What was known, with what the team has heard.
        drift: What differs from Git, if it was compared.
    """
    status = status.model_copy(update={"drift": tuple(change.title for change in drift)})
    heard = _still_heard(before, status, found)
    told, news = set(heard), list[News]()
    for key, one in _remarks(status, found, drift):
        if key not in heard:
            news.append(one)
        told.add(key)
    found = found.model_copy(update={"told": tuple(sorted(told))})
    return status.model_copy(update={"observed": found}), news


def as_heard(status: AppStatus, before: AppStatus | None) -> AppStatus:
    """A status of which nothing was found out; what the team has heard is not forgotten."""
    if before is None or _release(before) != _release(status):
        return status
    return status.model_copy(update={"observed": before.observed})


def is_stopped(verdict: Verdict | None) -> bool:
    """Whether an agent says that it will apply nothing until somebody acts."""
    return verdict is not None and verdict.says in _STOPPED


def _remarks(
    status: AppStatus, found: Observation, drift: Collection[Change]
) -> Iterator[tuple[str, News]]:
    """What the team should know, each with what it is remembered by.

    What a run sees that goes on, it tells by itself.
    """
    deployed, run = status.deployed, found.run
    if deployed is None or run == "goes on":
        return
    title = f"{deployed.revision[:7]} in {status.environment}"
    late = ", though its release gave up" if run == "gave up" else ""
    if status.health == "healthy" and late:
        yield "healthy", News("healthy", f"{title} is healthy{late}: {status.reason}")
    if status.health in {"failed", "blocked"}:
        yield "unhealthy", News("unhealthy", f"{title} is not healthy{late}: {status.reason}")
    if status.health == "not applied":
        yield "not applied", News("not_applied", f"{title} is not applied: {status.reason}")
    if deployed.is_under_way:
        back = commands.rollback(status.app_environment)
        words = f"the rollout of {title} stays at {deployed.step}: no run goes on with it; "
        yield "unfinished", News("unfinished", f"{words}release it again, or {back}")
    for change in drift:
        yield f"drift {change.title}", News("drift", _drift_words(change))


def _still_heard(before: AppStatus | None, status: AppStatus, found: Observation) -> frozenset[str]:
    """What the team has heard of what is still so, or may be."""
    if before is None or before.observed is None or _release(before) != _release(status):
        return frozenset()
    over = set[str]()
    if status.health == "healthy":
        over |= {"unhealthy", "not applied"}
    if found.is_compared and not found.not_compared:
        drifting = {f"drift {title}" for title in status.drift}
        over |= {key for key in before.observed.told if key.startswith("drift ")} - drifting
    return frozenset(before.observed.told) - over


def _release(status: AppStatus) -> tuple[str, ...] | None:
    """What is equal for as long as nothing else is released."""
    one = status.deployed
    return (one.image, one.revision, one.step, one.run) if one else None


def _drift_words(change: Change) -> str:
    if not change.differences:
        return f"{change.title} is missing in the cluster"
    fields = (
        f"{each.field} is {each.live}, Git says {each.desired}; written by {each.writer}"
        for each in change.differences
    )
    return "\n".join([f"{change.title} differs from Git:", *fields])


def _annotations(each: KubeObject) -> Collection[str]:
    return (each.body.get("metadata") or {}).get("annotations") or {}
