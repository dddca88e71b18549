"""What changed between two revisions of an app: the commits that only one of them contains.

Who wrote them, and by which pull request they came, is what Git says; no forge is asked.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import NamedTuple

from pydantic import BaseModel, ConfigDict

from shipway.git.mirror import Mirror
from shipway.text import at_most, one_line

# Of more commits than these, people read the number.
LISTED = 50
_SUBJECT = 100
_AUTHOR = 50

_FIELDS = ("%m", "%H", "%P", "%an", "%s", "%b")
# What forges write where they merge: GitHub, Gitea; and GitLab, which writes it below.
_MERGED = re.compile(r"Merge pull request (?:'.*' \()?(#\d+)\)? from ")
_MERGED_BELOW = re.compile(r"^See merge request \S*(!\d+)\s*$", re.MULTILINE)
_SQUASHED = re.compile(r"\((#\d+)\)$")


class Change(BaseModel):
    """A commit of the app's repository, for people.

    Attributes:
        commit: Its id.
        link: The commit as Markdown.
        subject: The first line of its message, without the number of the pull request.
        author: Who wrote it.
        request: The pull request that it came by, such as `#12`, or `!12` on GitLab; empty where
            nothing says so.
    """

    model_config = ConfigDict(frozen=True)

    commit: str
    link: str
    subject: str
    author: str
    request: str

    @property
    def about(self) -> str:
        """What it does, who wrote it, and by which pull request it came."""
        return f"{self.subject} ({', '.join(filter(None, (self.author, self.request)))})"


class Commits(BaseModel):
    """Some commits: the newest ones, and how many more there are."""

    model_config = ConfigDict(frozen=True)

    newest: tuple[Change, ...] = ()
    more: int = 0


class Changes(BaseModel):
    """What changed between two revisions.

    Attributes:
        before: The full id of the revision before.
        is_known: Whether the repository knows that.
        added: What the revision before does not contain.
        removed: What it alone contains. Both have something where its line of history is another.
    """

    model_config = ConfigDict(frozen=True)

    before: str
    is_known: bool = True
    added: Commits = Commits()
    removed: Commits = Commits()

    @property
    def parts(self) -> dict[str, Commits]:
        """The commits, by a sentence that says which they are."""
        before, added, removed = self.before[:7], self.added, self.removed
        if not self.is_known:
            return {f"The app's repository does not know {before}, which was there before.": added}
        if added.newest and removed.newest:
            return {
                f"{before} was on another line of history. New since they parted:": added,
                "And taken back:": removed,
            }
        if removed.newest:
            return {f"Back from {before}, which takes back:": removed}
        if added.newest:
            return {f"New since {before}:": added}
        return {f"Nothing of the app since {before}.": added}


class _Logged(NamedTuple):
    """A commit, as Git logs it."""

    side: str
    oid: str
    parents: str
    author: str
    subject: str
    body: str

    @property
    def line(self) -> str:
        """The parent on the line of history that others are merged into; empty if it has none."""
        return self.parents.partition(" ")[0]

    @property
    def merged(self) -> list[str]:
        """The parents that it merges."""
        return self.parents.split(" ")[1:]

    @property
    def request(self) -> str:
        """The pull request that it is of, where it says so."""
        found = (
            _MERGED.match(self.subject)
            or _SQUASHED.search(self.subject)
            or _MERGED_BELOW.search(self.body)
        )
        return found[1] if found else ""


def changes_between(
    mirror: Mirror, before: str, after: str, paths: Sequence[str], link: Callable[[str], str]
) -> Changes | None:
    """What changed; merges are not listed, but tell by which pull request a commit came.

    Args:
        mirror: The app's repository; its server is not asked.
        before: The full id of a commit.
        after: The full id of another one.
        paths: Of a monorepo, the app's: only commits that touch one count; `.` for all.
        link: Makes Markdown of a commit.

    Returns:
        None where `after` is not here.
    """
    asked = f"{before}\n{after}\n".encode()
    facts = mirror.run("cat-file", "--batch-check=%(objecttype)", stdin=asked).decode()
    is_here = [fact == "commit" for fact in facts.splitlines()]
    if is_here != [True, True]:
        return Changes(before=before, is_known=False) if is_here[1] else None
    both = f"{before}...{after}"
    form = f"--format={'%x00'.join(_FIELDS)}"
    log = mirror.run("log", "-z", "--left-right", form, both, "--").decode("utf-8", "replace")
    texts = iter(log.split("\0")[:-1])
    logged = [_Logged(*fields) for fields in zip(*[texts] * len(_FIELDS), strict=True)]
    touching = None if "." in paths else _touching(mirror, both, paths)

    def commits(side: str, tip: str) -> Commits:
        on_side = [commit for commit in logged if commit.side == side]
        came_by = _came_by({commit.oid: commit for commit in on_side}, tip)
        listed = [
            commit
            for commit in on_side
            if not commit.merged and (touching is None or commit.oid in touching)
        ]
        return _commits(listed, came_by, link)

    return Changes(before=before, added=commits(">", after), removed=commits("<", before))


def _touching(mirror: Mirror, both: str, paths: Sequence[str]) -> set[str]:
    """The commits that change something in one of some paths."""
    literal = [f":(literal){path}" for path in paths]
    return {*mirror.run("rev-list", "--full-history", both, "--", *literal).decode().split()}


def _came_by(logged: Mapping[str, _Logged], tip: str) -> dict[str, str]:
    """The pull request that a commit was merged with, for all that were; empty where none says so.

    The first merge into the line of history that leads to the tip brought a commit.
    """
    line = list[_Logged]()
    while tip in logged:
        line.append(logged[tip])
        tip = line[-1].line
    came_by = dict.fromkeys((commit.oid for commit in line), "")
    for merge in reversed(line):
        left = merge.merged
        while left:
            oid = left.pop()
            if oid in logged and oid not in came_by:
                came_by[oid] = merge.request
                left += logged[oid].parents.split()
    return came_by


def _commits(
    listed: Sequence[_Logged], came_by: Mapping[str, str], link: Callable[[str], str]
) -> Commits:
    newest = tuple(
        Change(
            commit=commit.oid,
            link=link(commit.oid),
            subject=at_most(one_line(_SQUASHED.sub("", commit.subject)), _SUBJECT),
            author=at_most(one_line(commit.author), _AUTHOR),
            request=commit.request or came_by.get(commit.oid, ""),
        )
        for commit in listed[:LISTED]
    )
    return Commits(newest=newest, more=len(listed) - len(newest))


def lines(commits: Commits, line: Callable[[Change], str]) -> Iterable[str]:
    """One line a commit, and one that says how many more there are."""
    yield from (f"- {line(change)}" for change in commits.newest)
    if commits.more:
        yield f"- and {commits.more} more"
