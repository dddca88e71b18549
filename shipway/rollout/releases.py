"""What ran in an environment, by what its files said; the record and trailers explain it."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import UTC, datetime

from pydantic import BaseModel, ConfigDict

from shipway.errors import RefuseError
from shipway.git.folder_history import Version
from shipway.git.history import History
from shipway.git.ops_folder import OpsFolder
from shipway.git.record import record_in
from shipway.git.remembered import Remembered
from shipway.git.revision import Revision
from shipway.git.trailers import OpsCommit
from shipway.rollout.target import Target, target_of

UNKNOWN = "unknown"
# The step of a record whose release a run has seen through, with its gates and jobs.
DONE = "done"
# What tells one step of one release from every other.
_STEP = ("Image", "Revision", "Step", "Run")


class Ran(BaseModel):
    """What an environment ran from a commit on.

    Attributes:
        commit: The commit; its trailers are what explains the images, none where nothing does.
        serving: The image that took the traffic.
        images: Every image that a release may set there.
        record: What the folder's record says, where it explains the images.
        says_so: Whether the commit says itself that it did that.
        version: What the folder said.
    """

    model_config = ConfigDict(frozen=True)

    commit: OpsCommit
    serving: str
    images: tuple[str, ...]
    record: dict[str, str]
    says_so: bool
    version: Version

    @property
    def said(self) -> dict[str, str]:
        """What explains the images."""
        return self.commit.trailers

    @property
    def is_new(self) -> bool:
        """Whether the commit says itself that it released that: it is no return then."""
        return self.says_so and "Rollback-From" not in self.said


class Releases:
    """What ran in an environment.

    Args:
        folder: What the ops repository says now.
        current: The same, as a target.
        history: The folder's history; what cannot be read there never ran.
    """

    def __init__(self, folder: OpsFolder, current: Target, history: History) -> None:
        self._now = explanation([record_in(folder.files)], current.images)
        self._serving = current.strategy.serving_image(current.current)
        self.newest_first = what_ran(history)

    @property
    def last(self) -> dict[str, str]:
        """What explains the images that the files have now; nothing where nobody knows them."""
        if self._now:
            return self._now
        newest = self.newest_first.at(0)
        return newest.said if newest and newest.said else self.of(self._serving)

    @property
    def last_known(self) -> dict[str, str]:
        """The same; the newest whose revision is known, where nobody knows what is there now."""
        if _is_known(self.last):
            return self.last
        return next((ran.said for ran in self.newest_first if _is_known(ran.said)), {})

    def of(self, image: str) -> dict[str, str]:
        """What explains an image, wherever in the history; nothing where nobody knows it."""
        said = (ran.said for ran in self.newest_first)
        return next((one for one in said if one.get("Image") == image), {})

    def committed(self, revision: str, step: str) -> datetime | None:
        """When the last release committed a step, if it is that revision's and has come there."""
        at = None
        for ran in self.newest_first:
            if ran.said.get("Revision") != revision:
                break
            if ran.said.get("Step") == step:
                at = ran.commit.at
        return at

    def newest(self, is_meant: Callable[[Ran], bool]) -> Ran | None:
        """The last that ran of those that are meant.

        Where the files came back to what they said before, by hand or by a rollback, what they said
        in between is left out: somebody took it back.
        """
        position = 0
        while (ran := self.newest_first.at(position)) is not None and not is_meant(ran):
            position = self._before(ran, position)
        return ran

    def _before(self, ran: Ran, position: int) -> int:
        """Where to look for what ran before: where the files said the same, if they came back."""
        below = self.newest_first.at(position + 1)
        if below is None or below.serving == ran.serving:
            return position + 1
        return came_back_to(self.newest_first, position) or position + 1


def what_ran(history: History) -> Remembered[Ran]:
    """What ran, newest first, for as far as somebody asks; what cannot be read never ran."""
    return Remembered(_ran(history))


def came_back_to(newest_first: Remembered[Ran], position: int) -> int | None:
    """Where the files said before what they came back to; None where they said something new.

    Args:
        newest_first: What ran.
        position: Where somebody may have come back, by hand or by a rollback.
    """
    ran, below = newest_first.at(position), newest_first.at(position + 1)
    if ran is None or below is None or ran.is_new:
        return None
    # Whoever edits by hand may leave the record of what was there before.
    is_left = bool(ran.record) and ran.record == below.record
    for at, earlier in enumerate(newest_first):
        if at > position and _is_return(ran, earlier, is_left=is_left):
            return at
    return None


def revision_of(said: Mapping[str, str], at: datetime) -> Revision:
    """The revision that a release was of, without asking its repository.

    Args:
        said: What explains the release.
        at: When it was committed, where nothing says of when the revision is.
    """
    return Revision(
        commit=said.get("Revision", UNKNOWN),
        tree=said.get("Revision-Tree", ""),
        author=said.get("Revision-Author", ""),
        subject=said.get("Revision-Subject", ""),
        at=date_in(said, "Revision-Date") or at,
        uses=tuple(filter(None, said.get("Revision-Uses", "").split(", "))),
    )


def date_in(said: Mapping[str, str], name: str) -> datetime | None:
    """A date that what explains a release tells of it, where it can be read."""
    try:
        date = datetime.fromisoformat(said.get(name, ""))
    except ValueError:
        return None
    return date.replace(tzinfo=date.tzinfo or UTC)


def explanation(blocks: Sequence[Mapping[str, str]], images: Sequence[str]) -> dict[str, str]:
    """The last of some blocks of trailers that explains images; nothing where none does.

    What says another thing than the files is no explanation of them.
    """
    explains = (said for said in reversed(blocks) if said.get("Image") in images)
    return next((dict(said) for said in explains if said.get("Revision")), {})


def _ran(history: History) -> Iterator[Ran]:
    for version in history.versions:
        commit = version.commit.commit
        folder = OpsFolder(
            app_environment=history.app_environment, commit=commit, files=version.files
        )
        try:
            target = target_of(folder)
        except RefuseError:
            continue
        yield _ran_from(version, target)


def _ran_from(version: Version, target: Target) -> Ran:
    record = explanation([record_in(version.files)], target.images)
    message = explanation(version.said, target.images)
    said = record or message
    return Ran(
        commit=version.commit.model_copy(update={"trailers": said}),
        serving=target.strategy.serving_image(target.current),
        images=tuple(target.images),
        record=record,
        says_so=bool(message) and all(said.get(name) == message.get(name) for name in _STEP),
        version=version,
    )


def _is_return(ran: Ran, earlier: Ran, *, is_left: bool) -> bool:
    """Whether the files came back to what they said earlier."""
    if "Rollback-From" in ran.said and not is_left:
        return earlier.serving == ran.said["Image"]
    if ran.record and not is_left:
        return earlier.record == ran.record
    return (earlier.images, earlier.serving) == (ran.images, ran.serving)


def _is_known(said: Mapping[str, str]) -> bool:
    return said.get("Revision", UNKNOWN) != UNKNOWN
