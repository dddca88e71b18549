"""Where a rollback leads: the release before, or the end of a rollback that Git has in progress."""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict

from shipway.config.holds import HOLDS_FILE, read_holds
from shipway.errors import RefuseError
from shipway.git.ops_folder import OpsFolder
from shipway.git.revision import Revision
from shipway.git.source_repository import SourceRepository
from shipway.git.trailers import OpsCommit
from shipway.image_ref import ImageRef
from shipway.release import Cause, Release
from shipway.rollout.run_context import RunContext
from shipway.rollout.target import Target


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
    source: SourceRepository,
    folder: OpsFolder,
    current: Target,
    history: list[OpsCommit],
    to: str | None,
    run: RunContext,
) -> RollbackTarget:
    """Where a rollback leads, as things are.

    Args:
        source: The app's repository.
        folder: What the ops repository says now.
        current: The same, as a target.
        history: The app's commits there, newest first.
        to: Revision to go back to, or the beginning of its id; the release before this if None.
        run: The run that rolls back.

    Raises:
        RefuseError: There is no release to go back to.
    """
    in_progress = rollback_in_progress(source, current, history, to, run)
    if in_progress is not None:
        return in_progress
    releases = _releases(history)
    image = image_to_leave(current, releases)
    earlier = _earlier_release(folder, releases, image, to).trailers
    revisions = [
        release.trailers["Revision"] for release in releases if release.trailers["Image"] == image
    ]
    return RollbackTarget(
        revision=source.resolve(earlier["Revision"]),
        image=ImageRef.parse(earlier["Image"]),
        from_revision=revisions[0] if revisions else "unknown",
        from_image=image,
    )


def rollback_in_progress(
    source: SourceRepository,
    current: Target,
    history: list[OpsCommit],
    to: str | None,
    run: RunContext,
) -> RollbackTarget | None:
    """Where the rollback leads that the newest release is, if that is what is asked for.

    That is one that has steps left, one whose run did not come to its end, and one that leads just
    to `to`. Where somebody has put another image there meanwhile, it is none.
    """
    releases = [release.trailers for release in _releases(history)]
    newest = releases[0] if releases else {}
    if "Rollback-From" not in newest:
        return None
    from_revision, image = newest["Rollback-From"], newest["Image"]
    # The hold stands in the first commit of a rollback.
    held = [
        release["Held"]
        for release in releases
        if release.get("Rollback-From") == from_revision and "Held" in release
    ]
    from_image = held[0] if held else ""
    if not set(current.images) <= {image, from_image}:
        return None
    parsed = ImageRef.parse(image)
    if to is not None:
        is_meant = newest["Revision"].startswith(to)
    else:
        steps_left = any(step.edits for step in current.plan(parsed, rollback=True))
        made_by = newest.get("Run", "")
        is_meant = steps_left or made_by == run.link or run.was_interrupted(made_by)
    if not is_meant:
        return None
    return RollbackTarget(
        revision=source.resolve(newest["Revision"]),
        image=parsed,
        from_revision=from_revision,
        from_image=from_image,
        in_progress=True,
    )


def image_to_leave(current: Target, releases: list[OpsCommit]) -> str:
    """The image that a rollback leads away from: the newest release's, however far it has come.

    Where Git has nothing of it, somebody put another image there: the one that serves.
    """
    newest = releases[0].trailers["Image"] if releases else None
    if newest is not None and newest in current.current.values():
        return newest
    return current.strategy.serving_image(current.current)


def _releases(history: list[OpsCommit]) -> list[OpsCommit]:
    """The commits that set an image."""
    return [commit for commit in history if {"Image", "Revision"} <= commit.trailers.keys()]


def _earlier_release(
    folder: OpsFolder, releases: list[OpsCommit], image: str, to: str | None
) -> OpsCommit:
    """The newest earlier release that is not on hold, or the one asked for."""
    holds = read_holds(folder.files.get(HOLDS_FILE), f"{folder.path}/{HOLDS_FILE}")
    for release in releases:
        trailers = release.trailers
        is_meant = to is None or trailers["Revision"].startswith(to)
        if is_meant and trailers["Image"] != image and holds.of(trailers["Image"]) is None:
            return release
    known = dict.fromkeys(release.trailers["Revision"][:12] for release in releases)
    raise RefuseError(
        f"There is no release to go back to{f' of {to}' if to else ''}.",
        where=f"{folder.path} at {folder.commit[:7]}",
        expected="an earlier release of another image that is not on hold",
        got=", ".join(known) or "no release at all",
        untouched="the ops repository and the cluster",
        remedy="release a revision that mends it, or name one of these with `to`",
    )
