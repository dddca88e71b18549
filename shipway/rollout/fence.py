"""What keeps a release from undoing a newer one, or a rollback."""

from __future__ import annotations

from shipway.config.holds import HOLDS_FILE, read_holds
from shipway.errors import RefuseError
from shipway.git.history import History
from shipway.git.ops_folder import OpsFolder
from shipway.git.source_repository import SourceRepository
from shipway.image_ref import ImageRef
from shipway.release import Release
from shipway.rollout.releases import Releases
from shipway.rollout.target import target_of

_UNTOUCHED = "the ops repository and the cluster"


def check_release(
    source: SourceRepository, folder: OpsFolder, history: History, release: Release
) -> str | None:
    """Refuse what is on hold, or undoes a newer release; return what a wanted downgrade undoes.

    Args:
        source: The app's repository.
        folder: What the ops repository says now.
        history: The history of that.
        release: What is to be released.

    Raises:
        RefuseError: There is a hold on the image, or the revision does not contain the recorded
            one.
    """
    refuse_held(folder, release.image)
    return downgrade_from(source, folder, history, release)


def refuse_held(folder: OpsFolder, image: ImageRef) -> None:
    """Refuse an image that was rolled back here.

    Raises:
        RefuseError: There is a hold on it.
    """
    file = f"{folder.path}/{HOLDS_FILE}"
    if hold := read_holds(folder.files.get(HOLDS_FILE), file).of(str(image)):
        raise RefuseError(
            "This image was rolled back here and is on hold.",
            where=f"{file} at {folder.commit[:7]}",
            expected="another revision, or a hold that somebody has cleared",
            got=f"{hold.image}\nheld by {hold.by} at {hold.at}: {hold.reason}",
            untouched=_UNTOUCHED,
            remedy="release a revision that mends it, or run clear-hold with a reason",
        )


def downgrade_from(
    source: SourceRepository, folder: OpsFolder, history: History, release: Release
) -> str | None:
    """The recorded revision that a release does not contain; None where it contains it.

    Which one is newer is what the source repository's history says, whatever clocks and queues say.
    A rollback asks nobody: it may follow itself alone.

    Args:
        source: The app's repository.
        folder: What the ops repository says now.
        history: The history of that.
        release: What is to be released.

    Raises:
        RefuseError: It does not contain the recorded one, and that is not allowed.
    """
    current, revision = target_of(folder), release.revision
    releases = Releases(folder, current, history)
    last = releases.last_known
    recorded = last.get("Revision", revision.commit)
    if recorded == revision.commit:
        return None
    if not release.cause.is_rollback and source.is_ancestor(recorded, revision.commit):
        return None
    if release.cause.downgrade or current.rollout.order == "any":
        return recorded
    ran = next((ran for ran in releases.newest_first if ran.said == last), None)
    at = f", at {ran.commit.at.isoformat()}" if ran else ""
    raise RefuseError(
        "The environment already has a revision that this one does not contain.",
        where=f"{folder.path} at {folder.commit[:7]}",
        expected=f"a revision that contains {recorded}",
        got=f"{revision.commit}\n{recorded[:7]} won{at}: {last.get('Run', 'by hand')}",
        untouched=_UNTOUCHED,
        remedy="release a revision that contains it; or say `downgrade` to go back on purpose; or "
        "set `order: any` in rollout.yaml where releases come from several branches",
    )
