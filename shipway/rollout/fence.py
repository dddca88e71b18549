"""What keeps a release from undoing a newer one, or a rollback."""

from __future__ import annotations

from shipway.config.holds import HOLDS_FILE, read_holds
from shipway.errors import RefuseError
from shipway.git.ops_folder import OpsFolder
from shipway.git.revision import Revision
from shipway.git.source_repository import SourceRepository
from shipway.git.trailers import Recorded

_UNTOUCHED = "the ops repository and the cluster"


def refuse_held(wanted: OpsFolder, image: str) -> None:
    """Refuse an image that was rolled back here.

    Raises:
        RefuseError: There is a hold on it.
    """
    file = f"{wanted.folder}/{HOLDS_FILE}"
    if hold := read_holds(wanted.files.get(HOLDS_FILE), file).of(image):
        raise RefuseError(
            "This image was rolled back here and is on hold.",
            where=f"{file} at {wanted.commit[:7]}",
            expected="another revision, or a hold that somebody has cleared",
            got=f"{hold.image}\nheld by {hold.by} at {hold.at}: {hold.reason}",
            untouched=_UNTOUCHED,
            remedy="release a revision that mends it, or run clear-hold with a reason",
        )


def downgrade_from(
    source: SourceRepository,
    wanted: OpsFolder,
    history: list[Recorded],
    revision: Revision,
    *,
    allowed: bool,
) -> str | None:
    """The recorded revision that `revision` does not contain; None where it contains it.

    Which one is newer is what the source repository's history says, whatever clocks and queues say.

    Args:
        source: The app's repository.
        wanted: What the ops repository says now.
        history: The app's commits there, newest first.
        revision: What is to be released.
        allowed: Whether an older or unrelated revision may follow.

    Raises:
        RefuseError: It does not contain the recorded one, and that is not allowed.
    """
    last = next((one for one in history if "Revision" in one.trailers), None)
    if last is None:
        return None
    won = last.trailers["Revision"]
    if won == revision.commit or source.is_ancestor(won, revision.commit):
        return None
    if allowed:
        return won
    raise RefuseError(
        "The environment already has a revision that this one does not contain.",
        where=f"{wanted.folder} at {wanted.commit[:7]}",
        expected=f"a revision that contains {won}",
        got=f"{revision.commit}\n{won[:7]} won, at {last.at.isoformat()}: "
        f"{last.trailers.get('Run', 'by hand')}",
        untouched=_UNTOUCHED,
        remedy="release a revision that contains it; or say `downgrade` to go back on purpose; or "
        "set `order: any` in rollout.yaml where releases come from several branches",
    )
