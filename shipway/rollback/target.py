"""Where a way back leads: the release before, or the end of a way that Git has begun."""

from __future__ import annotations

from collections.abc import Callable

from pydantic import BaseModel, ConfigDict

from shipway.config.holds import HOLDS_FILE, read_holds
from shipway.errors import RefuseError
from shipway.git.ops_folder import OpsFolder
from shipway.git.revision import Revision
from shipway.git.source_repository import SourceRepository
from shipway.git.trailers import Recorded
from shipway.rollout.target import Target


class RollbackTarget(BaseModel):
    """Where a way back leads.

    Attributes:
        revision: What it goes back to.
        image: Its image.
        bad: The revision that it leads away from.
        held: The image of that.
        begun: Whether Git has the first commit of it already, and the hold.
    """

    model_config = ConfigDict(frozen=True)

    revision: Revision
    image: str
    bad: str
    held: str
    begun: bool = False


def rollback_target(
    source: SourceRepository,
    wanted: OpsFolder,
    now: Target,
    history: list[Recorded],
    to: str | None,
    run: str,
    was_interrupted: Callable[[str], bool],
) -> RollbackTarget:
    """Where a way back leads, as things are.

    Args:
        source: The app's repository.
        wanted: What the ops repository says now.
        now: The same, as a target.
        history: The app's commits there, newest first.
        to: Revision to go back to, or the beginning of its id; the release before this if None.
        run: This run, as the trailer Run says it.
        was_interrupted: Whether a run that a trailer names was killed or cancelled, or goes on.

    Raises:
        RefuseError: There is no release to go back to.
    """
    if (begun := begun_target(source, now, history, to, run, was_interrupted)) is not None:
        return begun
    releases = _releases(history)
    image = bad_image(now, releases)
    earlier = _earlier(wanted, releases, image, to).trailers
    left = next((one.trailers for one in releases if one.trailers["Image"] == image), None)
    return RollbackTarget(
        revision=source.resolve(earlier["Revision"]),
        image=earlier["Image"],
        bad=left["Revision"] if left else "unknown",
        held=image,
    )


def begun_target(
    source: SourceRepository,
    now: Target,
    history: list[Recorded],
    to: str | None,
    run: str,
    was_interrupted: Callable[[str], bool],
) -> RollbackTarget | None:
    """Where the way back leads that the newest release there is, if that is what is asked for.

    That is one that has steps left, one whose run did not come to its end, and one that leads just
    to `to`. Where somebody has put another image there meanwhile, it is none.
    """
    releases = [one.trailers for one in _releases(history)]
    made = releases[0] if releases else {}
    if "Rollback-From" not in made:
        return None
    bad, image = made["Rollback-From"], made["Image"]
    # The hold stands in the first commit of the way.
    of_it = [one for one in releases if one.get("Rollback-From") == bad and "Held" in one]
    held = of_it[0]["Held"] if of_it else ""
    if not set(now.images) <= {image, held}:
        return None
    if to is not None:
        meant = made["Revision"].startswith(to)
    else:
        left = any(step.edits for step in now.plan(image, back=True))
        begun_by = made.get("Run", "")
        meant = left or begun_by == run or was_interrupted(begun_by)
    if not meant:
        return None
    revision = source.resolve(made["Revision"])
    return RollbackTarget(revision=revision, image=image, bad=bad, held=held, begun=True)


def bad_image(now: Target, releases: list[Recorded]) -> str:
    """The image that a way back leads away from: the newest release's, however far it has come.

    Where Git has nothing of it, somebody put another image there: the one that serves.
    """
    newest = releases[0].trailers["Image"] if releases else None
    if newest is not None and newest in now.current.values():
        return newest
    return now.strategy.serving_image(now.current)


def _releases(history: list[Recorded]) -> list[Recorded]:
    return [one for one in history if {"Image", "Revision"} <= one.trailers.keys()]


def _earlier(wanted: OpsFolder, releases: list[Recorded], image: str, to: str | None) -> Recorded:
    """The newest earlier release that is not held, or the one asked for."""
    holds = read_holds(wanted.files.get(HOLDS_FILE), f"{wanted.folder}/{HOLDS_FILE}")
    for one in releases:
        trailers = one.trailers
        meant = to is None or trailers["Revision"].startswith(to)
        if meant and trailers["Image"] != image and holds.of(trailers["Image"]) is None:
            return one
    known = dict.fromkeys(one.trailers["Revision"][:12] for one in releases)
    raise RefuseError(
        f"There is no release to go back to{f' of {to}' if to else ''}.",
        where=f"{wanted.folder} at {wanted.commit[:7]}",
        expected="an earlier release of another image that is not on hold",
        got=", ".join(known) or "no release at all",
        untouched="the ops repository and the cluster",
        remedy="release a revision that mends it, or name one of these with `to`",
    )
