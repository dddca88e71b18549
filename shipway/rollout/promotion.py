"""Promotion: what runs in an environment, and whether it has proven itself there."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import UTC, datetime
from itertools import chain

from pydantic import BaseModel, ConfigDict

from shipway import commands
from shipway.config.rollout import FILE, Promotion, read_rollout
from shipway.errors import RefuseError
from shipway.git.ops_folder import OpsFolder
from shipway.git.trailers import OpsCommit
from shipway.image_ref import ImageRef
from shipway.kubernetes.client import KubeClient
from shipway.kubernetes.objects import KubeObject
from shipway.kubernetes.workloads import healthy_since
from shipway.rollout.jobs import recorded_jobs
from shipway.rollout.releases import DONE
from shipway.rollout.target import Target
from shipway.rollout.workloads import workload_health, workloads_of
from shipway.strategies.step import Ready, is_released

UNTOUCHED = "everything: nothing was committed"


class Promotable(BaseModel):
    """What an environment runs, once its rollout is over.

    Attributes:
        target: The environment.
        image: The image that takes the traffic.
        commit: What brought it there in the end; its trailers explain the image.
    """

    model_config = ConfigDict(frozen=True, arbitrary_types_allowed=True)

    target: Target
    image: ImageRef
    commit: OpsCommit


def promotion_in(folder: OpsFolder) -> Promotion | None:
    """Where an environment takes its next version from, if it does.

    Raises:
        RefuseError: Its rollout.yaml cannot be read.
    """
    text = folder.files[FILE].decode("utf-8", "replace")
    return read_rollout(text, f"{folder.path}/{FILE}").promotion


def promotion_of(target: Target) -> Promotion:
    """Where an environment takes its next version from.

    Raises:
        RefuseError: Its rollout.yaml does not say.
    """
    if target.rollout.promotion is not None:
        return target.rollout.promotion
    raise RefuseError(
        f"{target.environment!r} takes no promotion of {target.app!r}.",
        where=f"{target.folder}/rollout.yaml at {target.commit[:7]}",
        expected="promotion: {source: <the environment before>}",
        untouched=UNTOUCHED,
    )


def released_in(
    target: Target, commits: Iterable[OpsCommit], *, by_itself: bool = False
) -> Promotable:
    """What an environment runs, and the commit that brought it there in the end.

    Args:
        target: The environment.
        commits: What ran there, newest first, each with what explains it as its trailers.
        by_itself: Whether Git has to say that a run has seen it through, with all gates green.

    Raises:
        RefuseError: There is no release, or its rollout is under way.
    """
    serving = target.strategy.serving_image(target.current)
    of_it = (commit for commit in commits if commit.trailers.get("Image") == serving)
    released = next(of_it, None)
    left: list[str] = []
    if is_released(serving):
        image = ImageRef.parse(serving)
        left = [step.name for step in target.plan(image) if step.edits]
        if released:
            said = (commit.trailers for commit in chain((released,), of_it))
            names = {job.name for job in target.rollout.jobs.after}
            left += [
                f"the job {name}" for name in sorted(names - recorded_jobs(said, serving, names))
            ]
        if by_itself and released and released.trailers.get("Step") != DONE:
            back = released.trailers.get("Rollback-From")
            left.append(f"rolled back from {back[:7]}" if back else "a commit that it is done")
        if released and not left:
            return Promotable(target=target, image=image, commit=released)
    raise RefuseError(
        f"{target.environment!r} has no release of {target.app!r} to promote.",
        where=f"{target.folder} at {target.commit[:7]}",
        expected="a release of Shipway's whose rollout is over",
        got=f"still to come: {', '.join(left)}" if left else serving,
        untouched=UNTOUCHED,
        remedy=f"{commands.release(target.app_environment)} first, and see it through",
    )


def same_in_all(found: Sequence[Promotable]) -> Promotable:
    """What all environments before run; the first one's record says of which revision it is.

    Raises:
        RefuseError: They run different images.
    """
    first = found[0]
    if len({str(each.image.pinned()) for each in found}) == 1:
        return first
    raise RefuseError(
        f"The environments before run different versions of {first.target.app!r}.",
        where=", ".join(each.target.folder for each in found),
        expected="one image in all of them",
        got="\n".join(f"{each.target.environment}: {each.image}" for each in found),
        untouched=UNTOUCHED,
        remedy="promote once all of them run the version",
    )


async def check_health(client: KubeClient, found: Promotable, promotion: Promotion) -> None:
    """See that the workloads that serve an image are healthy, and have been for long enough.

    Args:
        client: The cluster.
        found: The environment, and the image.
        promotion: For how long it must have been healthy.

    Raises:
        RefuseError: They are not, or have not been.
    """
    target, image = found.target, found.image
    serving = {ready.workload for step in target.plan(image) for ready in step.ready}
    everything = Ready(image=str(image))
    for workload in await workloads_of(client, target, everything, wait=False):
        if None not in serving and workload.title not in serving:
            continue
        health = await workload_health(client, target, workload, str(image))
        if health.state != "healthy":
            raise _not_proven(target, workload, "healthy", health.reason)
        if health.updated < health.desired_replicas:
            raise _not_proven(target, workload, "all pods of the version", health.reason)
        since = await healthy_since(client, workload, target.namespace_of(workload))
        seconds = healthy_seconds(client, found.commit.at, since)
        if seconds < promotion.healthy_for_seconds:
            expected = f"healthy for {promotion.healthy_for_seconds:.0f} s"
            got = f"for {seconds:.0f} s"
            raise _not_proven(target, workload, expected, got)


def healthy_seconds(client: KubeClient, committed_at: datetime, since: datetime | None) -> float:
    """For how long, at least, a healthy workload has proven itself.

    Args:
        client: The cluster, whose clock may differ from this machine's.
        committed_at: When its version was committed, by the clock of a machine like this one.
        since: Since when it is healthy, as the cluster tells, where it does.
    """
    seconds = (datetime.now(UTC) - committed_at).total_seconds()
    if since is not None:
        seconds = min(seconds, client.seconds_since(since))
    return max(0, seconds)


def _not_proven(target: Target, workload: KubeObject, expected: str, got: str) -> RefuseError:
    """The error for a version that may be promoted later."""
    return RefuseError(
        f"What {target.environment!r} runs of {target.app!r} has not proven itself yet.",
        where=f"{workload.title} in {target.environment}",
        expected=expected,
        got=got,
        untouched=UNTOUCHED,
        remedy="promote later, or change promotion.healthy_for_seconds in rollout.yaml",
    )
