"""What keeps a release from undoing a newer one, or a rollback."""

from __future__ import annotations

from shipway.config.holds import HOLDS_FILE, read_holds
from shipway.errors import RefuseError
from shipway.git.ops_folder import OpsFolder
from shipway.git.revision import Revision
from shipway.git.source_repository import SourceRepository
from shipway.git.trailers import OpsCommit
from shipway.image_ref import ImageRef
from shipway.release import Release
from shipway.rollout.target import target_of

_UNTOUCHED = "the ops repository and the cluster"


def check_release(
    source: SourceRepository, folder: OpsFolder, history: list[OpsCommit], release: Release
) -> str | None:
    """Refuse what is on hold, or undoes a newer release; return what a wanted downgrade undoes.

    Args:
        source: The app's repository.
        folder: What the ops repository says now.
        history: The app's commits there, newest first.
        release: What is to be released.

    Raises:
        RefuseError: There is a hold on the image, or the revision does not contain the recorded
            one.
    """
    refuse_held(folder, release.image)
    allowed = release.cause.downgrade or target_of(folder).rollout.order == "any"
    return downgrade_from(source, folder, history, release.revision, allowed=allowed)


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
    source: SourceRepository,
    folder: OpsFolder,
    history: list[OpsCommit],
    revision: Revision,
    *,
    allowed: bool,
) -> str | None:
    """The recorded revision that `revision` does not contain; None where it contains it.

    Which one is newer is what the source repository's history says, whatever clocks and queues say.

    Args:
        source: The app's repository.
        folder: What the ops repository says now.
        history: The app's commits there, newest first.
        revision: What is to be released.
        allowed: Whether an older or unrelated revision may follow.

    Raises:
        RefuseError: It does not contain the recorded one, and that is not allowed.
    """
    last = next((commit for commit in history if "Revision" in commit.trailers), None)
    if last is None:
        return None
    recorded = last.trailers["Revision"]
    if recorded == revision.commit or source.is_ancestor(recorded, revision.commit):
        return None
    if allowed:
        return recorded
    raise RefuseError(
        "The environment already has a revision that this one does not contain.",
        where=f"{folder.path} at {folder.commit[:7]}",
        expected=f"a revision that contains {recorded}",
        got=f"{revision.commit}\n{recorded[:7]} won, at {last.at.isoformat()}: "
        f"{last.trailers.get('Run', 'by hand')}",
        untouched=_UNTOUCHED,
        remedy="release a revision that contains it; or say `downgrade` to go back on purpose; or "
        "set `order: any` in rollout.yaml where releases come from several branches",
    )
