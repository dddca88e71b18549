"""Where a rollback leads: the release before, or the end of a rollback that Git has in progress."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import UTC, datetime

from pydantic import BaseModel, ConfigDict

from shipway.config.holds import holds_in
from shipway.errors import RefuseError
from shipway.git.history import History
from shipway.git.ops_folder import OpsFolder
from shipway.git.revision import Revision
from shipway.image_ref import ImageRef
from shipway.release import Cause, Release
from shipway.rollout.releases import UNKNOWN, Ran, Releases, revision_of
from shipway.rollout.run_context import RunContext
from shipway.rollout.target import Target
from shipway.strategies.step import is_released


class RollbackTarget(BaseModel):
    """Where a rollback leads, and from where.

    Attributes:
        revision: What it goes back to.
        image: Its image.
        from_revision: The revision that it leads away from.
        from_image: The image of that, as Git has it.
        in_progress: Whether Git has the first commit of it already, and the hold.
    """

    model_config = ConfigDict(frozen=True)

    revision: Revision
    image: ImageRef
    from_revision: str
    from_image: str
    in_progress: bool = False

    @property
    def release(self) -> Release:
        """What it goes back to, as a release."""
        cause = Cause(rollback_from=self.from_revision)
        return Release(revision=self.revision, image=self.image, cause=cause)


def rollback_target(
    folder: OpsFolder, current: Target, history: History, to: str | None, run: RunContext
) -> RollbackTarget:
    """Where a rollback leads, as things are; the app's repository is not asked.

    Args:
        folder: What the ops repository says now.
        current: The same, as a target.
        history: The history of that.
        to: Revision to go back to, or the beginning of its id; what ran before this if None.
        run: The run that rolls back.

    Raises:
        RefuseError: There is no release to go back to, or it is not known whether a rollback before
            came to its end.
    """
    in_progress = rollback_in_progress(folder, current, history, to, run)
    if in_progress is not None:
        return in_progress
    releases = Releases(folder, current, history)
    if to is None:
        _refuse_unknown_end(folder, releases.last, run)
    leave = image_to_leave(current, releases.last)
    image, said, at = _earlier(folder, releases, leave, to)
    return RollbackTarget(
        revision=revision_of(said, at),
        image=ImageRef.parse(image),
        from_revision=releases.of(leave).get("Revision", UNKNOWN),
        from_image=leave,
    )


def rollback_in_progress(
    folder: OpsFolder, current: Target, history: History, to: str | None, run: RunContext
) -> RollbackTarget | None:
    """Where the rollback leads that the newest release is, if that is what is asked for.

    That is one that has steps left, one whose run did not come to its end, and one that leads just
    to `to`. Where somebody has put another image there meanwhile, it is none.
    """
    releases = Releases(folder, current, history)
    newest = releases.last
    if "Rollback-From" not in newest:
        return None
    from_image = _held(releases, newest["Rollback-From"])
    image = ImageRef.parse(newest["Image"])
    if not set(current.images) <= {newest["Image"], from_image}:
        return None
    if to is not None:
        is_meant = newest["Revision"].startswith(to)
    else:
        steps_left = any(step.edits for step in current.plan(image, rollback=True))
        made_by = newest.get("Run", "")
        is_meant = steps_left or made_by == run.link or bool(run.was_interrupted(made_by))
    if not is_meant:
        return None
    return RollbackTarget(
        revision=revision_of(newest, datetime.now(UTC)),
        image=image,
        from_revision=newest["Rollback-From"],
        from_image=from_image,
        in_progress=True,
    )


def _refuse_unknown_end(folder: OpsFolder, newest: Mapping[str, str], run: RunContext) -> None:
    """Refuse to go back further after a rollback of which nobody knows whether it has ended.

    To go on with it might be no rollback at all, to go back further one too many.
    """
    if "Rollback-From" not in newest or run.was_interrupted(newest.get("Run", "")) is not None:
        return
    went, left = newest["Revision"], newest["Rollback-From"]
    raise RefuseError(
        "It is not known whether the rollback before this one came to its end.",
        where=f"{folder.path} at {folder.commit[:7]}",
        expected="a Prefect server that knows its run",
        got=f"none of {newest['Run']}, which went back from {left[:7]} to {went[:7]}",
        untouched="the ops repository and the cluster",
        remedy=f"say where to go: `--to {went[:12]}` stays there, and an older revision goes back "
        "further",
    )


def same_in_progress(
    folder: OpsFolder, current: Target, history: History, meant: RollbackTarget, run: RunContext
) -> RollbackTarget | None:
    """A rollback that Git has in progress, if it leads where `meant` does, and from there."""
    found = rollback_in_progress(folder, current, history, meant.revision.commit, run)
    images = (meant.image, meant.from_image)
    return found if found and (found.image, found.from_image) == images else None


def image_to_leave(current: Target, last: Mapping[str, str]) -> str:
    """The image that a rollback leads away from: the last release's, however far it has come.

    Where nothing says what the files say now, somebody put it there: it is the one that serves.

    Args:
        current: What the files say.
        last: What explains that.
    """
    return last.get("Image", current.strategy.serving_image(current.current))


def _held(releases: Releases, from_revision: str) -> str:
    """The image that the newest rollback put on hold, as its first commit says."""
    for ran in releases.newest_first:
        if ran.said.get("Rollback-From") != from_revision:
            break
        if "Held" in ran.said:
            return ran.said["Held"]
    return ""


def _earlier(
    folder: OpsFolder, releases: Releases, leave: str, to: str | None
) -> tuple[str, Mapping[str, str], datetime]:
    """What ran before and is not on hold, or the release that is asked for.

    Returns:
        Its image, what explains it, and when it was committed.
    """
    holds = holds_in(folder.files, folder.path)

    def may_follow(image: str) -> bool:
        return image != leave and is_released(image) and holds.of(image) is None

    if to is None:
        ran = releases.newest(lambda ran: may_follow(ran.serving))
    else:
        ran = next((ran for ran in releases.newest_first if _is_named(ran, to, may_follow)), None)
    if ran is not None:
        image = ran.serving if to is None else ran.said["Image"]
        is_its_own = ran.said.get("Image") == image
        return image, ran.said if is_its_own else releases.of(image), ran.commit.at
    said = (ran.said.get("Revision") for ran in releases.newest_first)
    known = dict.fromkeys(revision[:12] for revision in said if revision)
    raise RefuseError(
        f"There is no release to go back to{f' of {to}' if to else ''}.",
        where=f"{folder.path} at {folder.commit[:7]}",
        expected="an earlier release of another image that is not on hold",
        got=", ".join(known) or "no release at all",
        untouched="the ops repository and the cluster",
        remedy="release a revision that mends it, or name one of these with `--to`",
    )


def _is_named(ran: Ran, to: str, may_follow: Callable[[str], bool]) -> bool:
    """Whether a release is of the revision that is asked for, and may be gone back to."""
    said = ran.said
    return "Revision" in said and said["Revision"].startswith(to) and may_follow(said["Image"])
