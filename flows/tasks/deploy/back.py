"""Deploy, the way back: a rollback with its hold."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime

from pydantic import BaseModel, ConfigDict

from blocks.config import HOLDS_FILE, Hold, Holds, read_holds, write_holds
from blocks.errors import Refuse
from blocks.ops_repository import Landed, OpsRepository, Proposal, Wanted
from blocks.source_repository import Revision, SourceRepository
from blocks.vcs.trailers import Recorded
from flows.strategies import first_with_edits
from flows.tasks.code import source_of
from flows.tasks.deploy.commit import Committed, committed, say_asked
from flows.tasks.deploy.message import release_message, this_run
from flows.tasks.deploy.places import changed_files
from flows.tasks.deploy.target import Target, target_of
from flows.tasks.outside import outside

UNTOUCHED = "the ops repository and the cluster"


class Goal(BaseModel):
    """Where a rollback leads.

    Attributes:
        revision: What it goes back to.
        image: Its image.
        bad: The revision that it leads away from.
    """

    model_config = ConfigDict(frozen=True)

    revision: Revision
    image: str
    bad: str


class WentBack(Goal):
    """A rollback, with its commit."""

    committed: Committed


class Way(BaseModel):
    """A way back that Git has begun: the newest release there.

    Attributes:
        goal: Where it leads.
        held: The image that it leads away from.
        run: The run that committed last.
        left: Whether it has steps left.
    """

    model_config = ConfigDict(frozen=True)

    goal: Goal
    held: str
    run: str
    left: bool

    def goes_on(self, to: str | None, *, unseen: bool) -> bool:
        """Whether a rollback is this one once more, and not one that leads further back.

        Args:
            to: Where the rollback is to lead, if it says so.
            unseen: Whether the cluster has yet to come to where this one leads.
        """
        if to is not None:
            return self.goal.revision.commit.startswith(to)
        return self.left or unseen or self.run == this_run()


@outside("roll back {target.app} in {target.environment}")
async def commit_rollback(
    target: Target, to: str | None, reason: str, by: str, *, unseen: bool = False
) -> WentBack:
    """Commit an earlier release's image, and a hold on the one that runs now.

    A way back that is under way already is gone on with, without a commit here.

    Args:
        target: The environment.
        to: Revision to go back to, or the beginning of its id; the release before this if None.
        reason: Why.
        by: Who.
        unseen: Whether the cluster has yet to come to where the last way back leads.

    Raises:
        Refuse: There is no release to go back to.
    """
    ops = await OpsRepository.aload("default")
    source = await source_of(target.app)
    goal, landed = await asyncio.to_thread(
        go_back, ops, source, target, to, reason, by, unseen=unseen
    )
    made = committed(ops, landed, datetime.now(UTC))
    return WentBack(revision=goal.revision, image=goal.image, bad=goal.bad, committed=made)


@outside("see whether a way back is left")
async def unfinished_way_back(target: Target, image: str) -> Goal | None:
    """Where a way back from an image leads that Git has begun and not finished."""
    ops = await OpsRepository.aload("default")
    source = await source_of(target.app)
    history = await asyncio.to_thread(ops.history, target.environment, target.app)
    way = await asyncio.to_thread(last_way, source, target, history)
    return way.goal if way is not None and way.left and way.held == image else None


def go_back(
    ops: OpsRepository,
    source: SourceRepository,
    target: Target,
    to: str | None,
    reason: str,
    by: str,
    *,
    unseen: bool = False,
) -> tuple[Goal, Landed]:
    """Commit the way back: one commit with the first step to the earlier image, and the hold.

    See `commit_rollback`.
    """
    found: list[Goal] = []

    def propose(wanted: Wanted, history: list[Recorded]) -> Proposal | None:
        now = target_of(wanted, target.app, target.environment)
        holds = read_holds(wanted.files.get(HOLDS_FILE), f"{wanted.folder}/{HOLDS_FILE}")
        way = last_way(source, now, history)
        if way is not None and way.goes_on(to, unseen=unseen):
            found.append(way.goal)
            return None
        releases = _releases(history)
        image = bad_image(now, releases)
        earlier = _earlier(wanted, releases, holds, image, to).trailers
        left = next((one for one in releases if one.trailers["Image"] == image), None)
        goal = Goal(
            revision=source.resolve(earlier["Revision"]),
            image=earlier["Image"],
            bad=left.trailers["Revision"] if left else "unknown",
        )
        found.append(goal)
        at = datetime.now(UTC).isoformat(timespec="seconds")
        hold = Hold(image=image, revision=goal.bad, reason=reason, by=by, at=at)
        step = first_with_edits(now.plan(goal.image, back=True))
        changes = changed_files(wanted, step.edits, goal.revision.commit)
        held = write_holds(Holds(holds=[*holds.holds, hold]))
        changes[f"{wanted.folder}/{HOLDS_FILE}"] = held
        more = {"Rollback-From": goal.bad, "Held": image, "Reason": reason, "By": by}
        message = release_message(
            target.app, target.environment, goal.revision, goal.image, step.name, more
        )
        return Proposal(changes=changes, message=message)

    landed = ops.commit(target.environment, target.app, propose, say_asked)
    return found[-1], landed


def last_way(source: SourceRepository, now: Target, history: list[Recorded]) -> Way | None:
    """The way back that the newest release there is, as far as nobody else changed the images."""
    releases = _releases(history)
    made = releases[0].trailers if releases else {}
    if "Rollback-From" not in made:
        return None
    bad = made["Rollback-From"]
    of_it = [one.trailers for one in releases if one.trailers.get("Rollback-From") == bad]
    # The hold stands in the first commit of the way.
    held = next((one["Held"] for one in of_it if "Held" in one), "")
    if not set(now.images) <= {made["Image"], held}:
        return None
    revision = source.resolve(made["Revision"])
    return Way(
        goal=Goal(revision=revision, image=made["Image"], bad=bad),
        held=held,
        run=made.get("Run", ""),
        left=any(step.edits for step in now.plan(made["Image"], back=True)),
    )


def _releases(history: list[Recorded]) -> list[Recorded]:
    return [one for one in history if {"Image", "Revision"} <= one.trailers.keys()]


def release_before(wanted: Wanted, now: Target, history: list[Recorded], to: str | None) -> str:
    """The image of the release that a way back leads to, as things are.

    Raises:
        Refuse: There is none.
    """
    releases = _releases(history)
    holds = read_holds(wanted.files.get(HOLDS_FILE), f"{wanted.folder}/{HOLDS_FILE}")
    return _earlier(wanted, releases, holds, bad_image(now, releases), to).trailers["Image"]


def bad_image(now: Target, releases: list[Recorded]) -> str:
    """The image that a way back leads away from: the newest release's, however far it has come.

    Where Git has nothing of it, somebody put another image there: the one that serves.
    """
    newest = releases[0].trailers["Image"] if releases else None
    if newest is not None and newest in now.live.values():
        return newest
    return now.strategy.serving(now.live)


def _earlier(
    wanted: Wanted, releases: list[Recorded], holds: Holds, image: str, to: str | None
) -> Recorded:
    """The newest earlier release that is not held, or the one asked for."""
    for one in releases:
        trailers = one.trailers
        meant = to is None or trailers["Revision"].startswith(to)
        if meant and trailers["Image"] != image and holds.of(trailers["Image"]) is None:
            return one
    known = dict.fromkeys(one.trailers["Revision"][:12] for one in releases)
    raise Refuse(
        f"There is no release to go back to{f' of {to}' if to else ''}.",
        where=f"{wanted.folder} at {wanted.commit[:7]}",
        expected="an earlier release of another image that is not on hold",
        got=", ".join(known) or "no release at all",
        untouched=UNTOUCHED,
        remedy="release a revision that mends it, or name one of these with `to`",
    )
