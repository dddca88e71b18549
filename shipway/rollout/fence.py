"""What keeps a release from undoing a newer one, or a rollback, and from a frozen environment."""

from __future__ import annotations

from shipway import commands
from shipway.config.holds import HOLDS_FILE, holds_in
from shipway.errors import RefuseError
from shipway.git.history import History
from shipway.git.ops_folder import OpsFolder
from shipway.git.source_repository import SourceRepository
from shipway.release import Release
from shipway.rollout.frozen import FrozenError, frozen_now
from shipway.rollout.releases import Releases
from shipway.rollout.target import target_of
from shipway.text import one_line

_UNTOUCHED = "the ops repository and the cluster"


def check_release(
    source: SourceRepository, folder: OpsFolder, history: History, release: Release
) -> dict[str, str]:
    """Refuse what is on hold, undoes a newer release, or comes while the environment is frozen.

    A release that Git has begun is finished, and a rollback passes, whatever is frozen.

    Args:
        source: The app's repository.
        folder: What the ops repository says now.
        history: The history of that.
        release: What is to be released.

    Returns:
        Trailers that say what the release follows in spite of: a downgrade, a freeze.

    Raises:
        FrozenError: The environment is frozen, and nothing else is in the way.
        RefuseError: There is a hold on the image, or the revision does not contain the recorded
            one, and that is not allowed.
    """
    refuse_held(folder, release)
    current = target_of(folder)
    releases = Releases(folder, current, history)
    recorded = releases.last_known.get("Revision")
    commit = release.revision.commit
    in_spite_of = dict[str, str]()
    if recorded is not None and not _may_follow(source, recorded, release):
        if not release.cause.downgrade and current.rollout.order != "any":
            is_contained = not release.cause.is_rollback and source.is_ancestor(commit, recorded)
            raise _downgrade(folder, releases, release, is_contained=is_contained)
        in_spite_of["Downgrade-From"] = recorded
    # Asked last: what only a freeze stands in the way of may wait for its end.
    goes_on = recorded == commit or release.cause.is_rollback
    overridden = {} if goes_on else check_freeze(folder, release.cause.override_freeze)
    return in_spite_of | overridden


def check_committed(
    source: SourceRepository, folder: OpsFolder, history: History, release: Release
) -> None:
    """Refuse to go on with a release that Git says no more, whoever has seen to that.

    Args:
        source: The app's repository.
        folder: What the ops repository says now.
        history: The history of that.
        release: What was committed before.

    Raises:
        RefuseError: It is on hold, another revision won, or its image is gone.
    """
    check_release(source, folder, history, release)
    current = target_of(folder)
    if str(release.image) in current.images:
        return
    said = Releases(folder, current, history).last
    won = f"{said['Revision'][:7]} won: {said.get('Run', 'by hand')}" if said else "by hand"
    raise RefuseError(
        "The environment was changed during the rollout.",
        where=f"{folder.path} at {folder.commit[:7]}",
        expected=str(release.image),
        got=f"{', '.join(current.images)}\n{won}",
        untouched=_UNTOUCHED,
        remedy="nothing, if that is meant: the cluster follows it; else start the release again",
    )


def check_freeze(folder: OpsFolder, override_freeze: str | None) -> dict[str, str]:
    """Refuse a change while the environment is frozen.

    Args:
        folder: What is to be changed.
        override_freeze: Why it is to be changed all the same.

    Returns:
        The trailer that says that a freeze is overridden, if one is.

    Raises:
        FrozenError: It is frozen, and nobody says why it is to be changed.
    """
    frozen = frozen_now(folder)
    if frozen is None:
        return {}
    # A form may send a blank for what nobody filled in.
    if reason := one_line(override_freeze or ""):
        return {"Freeze-Override": reason}
    raise FrozenError(
        f"{folder.app_environment.title} is frozen.",
        frozen,
        where=f"{frozen.file} at {folder.commit[:7]}",
        expected=f"a change after {frozen.end}",
        got=f"frozen by {frozen.by}: {frozen.reason}",
        untouched=_UNTOUCHED,
        remedy="start it again after that; `--override-freeze REASON` goes on now, and the commit "
        "says why",
    )


def refuse_held(folder: OpsFolder, release: Release) -> None:
    """Refuse an image that was rolled back here.

    Raises:
        RefuseError: There is a hold on it.
    """
    if hold := holds_in(folder.files, folder.path).of(str(release.image)):
        raise RefuseError(
            "This image was rolled back here and is on hold.",
            where=f"{folder.path}/{HOLDS_FILE} at {folder.commit[:7]}",
            expected="another revision, or a hold that somebody has cleared",
            got=f"{hold.image}\nheld by {hold.by} at {hold.at}: {hold.reason}",
            untouched=_UNTOUCHED,
            remedy="release a revision that mends it, or "
            f"{commands.clear_hold(folder.app_environment, hold.revision)}",
        )


def _may_follow(source: SourceRepository, recorded: str, release: Release) -> bool:
    """Whether a release contains the recorded revision, as one that follows it has to.

    Which one is newer is what the source repository's history says, whatever clocks and queues say.
    A rollback asks nobody: it may follow itself alone.
    """
    commit = release.revision.commit
    if recorded == commit:
        return True
    return not release.cause.is_rollback and source.is_ancestor(recorded, commit)


def _downgrade(
    folder: OpsFolder, releases: Releases, release: Release, *, is_contained: bool
) -> RefuseError:
    """The error for a release that does not contain the recorded one, which may contain it."""
    last = releases.last_known
    recorded = last["Revision"]
    ran = next((ran for ran in releases.newest_first if ran.said == last), None)
    at = f", at {ran.commit.at.isoformat()}" if ran else ""
    return RefuseError(
        "The environment already has a revision that this one does not contain.",
        where=f"{folder.path} at {folder.commit[:7]}",
        expected=f"a revision that contains {recorded}",
        got=f"{release.revision.commit}\n{recorded[:7]} won{at}: {last.get('Run', 'by hand')}",
        untouched=_UNTOUCHED,
        remedy=f"nothing, if {recorded[:7]} is meant to be there: it contains this revision; "
        "`--downgrade` goes back on purpose"
        if is_contained
        else "release a revision that contains it; or `--downgrade` to go back on purpose; or set "
        "`order: any` in rollout.yaml where releases come from several branches",
    )
