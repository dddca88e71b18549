"""Copies of repositories on this worker that may go: each is fetched again when it is needed."""

from __future__ import annotations

import re
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path

from pydantic import BaseModel, ConfigDict

from shipway.git.cache import remove_cache
from shipway.retention.age import days_of, too_young
from shipway.retention.outcome import Item, Outcome, sorted_out
from shipway.retention.policy import Retention
from shipway.workspace import workspace

KIND = "copies of repositories on this worker"
ROLES = ("ops", "source")
_COPY = re.compile(r"[0-9a-f]{16}(\.broken-[0-9a-f]{32})?")


class GitCopy(BaseModel):
    """A copy of a repository.

    Attributes:
        folder: Where it is.
        used: When it was used last.
        files: How many files it has.
        size: Their bytes.
    """

    model_config = ConfigDict(frozen=True)

    folder: Path
    used: datetime
    files: int
    size: int

    @property
    def name(self) -> str:
        """How people find it, below `$SHIPWAY_STATE/work`."""
        return f"{self.folder.parent.name}/{self.folder.name}"

    @property
    def is_left(self) -> bool:
        """Whether it is what is left of a broken one."""
        return ".broken-" in self.folder.name


def copies_that_go(
    copies: Sequence[GitCopy], keep: Retention, now: datetime
) -> tuple[list[GitCopy], Outcome]:
    """The copies that may go, and what is told of all of them.

    Args:
        copies: All of this worker.
        keep: What is kept.
        now: The time.
    """

    def why_it_stays(copy: GitCopy) -> str | None:
        if copy.is_left or copy.files > keep.copy_files:
            return None
        young = too_young(copy.used, keep.copy_days, now)
        return f"used in the last {days_of(keep.copy_days)}" if young else None

    def why_it_goes(copy: GitCopy) -> str:
        if copy.is_left:
            return "what is left of a broken one"
        if copy.files > keep.copy_files:
            return f"{copy.files} files, more than {keep.copy_files}"
        return f"unused for {days_of(keep.copy_days)}"

    goes, stays = sorted_out(copies, why_it_stays)
    items = tuple(Item(name=each.name, why=why_it_goes(each), size=each.size) for each in goes)
    return goes, Outcome(kind=KIND, goes=items, stays=stays)


def clear_copies(keep: Retention, now: datetime, *, dry_run: bool) -> Outcome:
    """Remove the copies of this worker that may go, or only look at them.

    Raises:
        RefuseError: One belongs to another user.
    """
    copies = copies_here()
    goes, outcome = copies_that_go(copies, keep, now)
    if dry_run:
        return outcome
    used = [copy.name for copy in goes if not remove_cache(copy.folder)]
    went = tuple(item for item in outcome.goes if item.name not in used)
    stays = {**outcome.stays, **({"in use this moment": len(used)} if used else {})}
    return outcome.model_copy(update={"goes": went, "stays": stays})


def copies_here() -> list[GitCopy]:
    """The copies of this worker."""
    folders = [each for role in ROLES for each in workspace(role).iterdir()]
    return [_copy(each) for each in sorted(folders) if _COPY.fullmatch(each.name)]


def _copy(folder: Path) -> GitCopy:
    sizes = list[int]()
    for file in folder.rglob("*"):
        try:
            facts = file.lstat()
        except FileNotFoundError:
            # A fetch that goes on has moved it.
            continue
        sizes.append(facts.st_size)
    used = datetime.fromtimestamp(folder.lstat().st_mtime, UTC)
    return GitCopy(folder=folder, used=used, files=len(sizes), size=sum(sizes))
