"""What one folder of the ops repository said before: its files at each commit that changed them.

Trees are fetched for a few commits at a time, the newest first, for as long as somebody asks; of
the rest of the repository, only what leads to the folder. Where two lines of history were merged,
the one is followed that the folder's release came by.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import datetime
from itertools import pairwise
from typing import NamedTuple

from pydantic import BaseModel, ConfigDict

from shipway.git.mirror import Mirror
from shipway.git.record import RECORD_FILE
from shipway.git.revision import committed_at
from shipway.git.trailers import END, OpsCommit, trailers_in
from shipway.text import one_line

# How many commits are looked at together, at first and at most.
_FEWEST, _MOST = 8, 512
# Of the commits that were merged together, the newest ones explain it.
_MERGED = 50
_FIELDS = ("%H", "%T", "%P", "%cI", "%ct", "%an", "%B")


class Version(BaseModel):
    """A folder's files, as a commit left them.

    Attributes:
        commit: The commit; its trailers are the last ones of its message.
        said: Each block of trailers in its message, and in those of the commits it merges.
        files: The plain files of the folder, by name; none where there was no folder.
    """

    model_config = ConfigDict(frozen=True)

    commit: OpsCommit
    said: tuple[dict[str, str], ...]
    files: dict[str, bytes]


class _Commit(NamedTuple):
    """A commit, with nothing of what it holds."""

    oid: str
    root: str
    parents: list[str]
    date: str
    seconds: str
    by: str
    message: str


def versions_of(mirror: Mirror, tip: str, folder: str) -> Iterator[Version]:
    """What a folder said, newest first: one version for each commit that changed it."""
    for changed in _changes(mirror, tip, folder):
        listings = mirror.trees(tree for _, tree in changed if tree)
        plain = {
            tree: [entry for entry in entries if entry.mode.startswith("100")]
            for tree, entries in listings.items()
        }
        # All of them at once.
        mirror.blobs([entry.oid for entries in plain.values() for entry in entries])
        for commit, tree in changed:
            entries = plain[tree] if tree else []
            contents = mirror.blobs([entry.oid for entry in entries])
            files = {entry.name: text for entry, text in zip(entries, contents, strict=True)}
            yield _version(mirror, commit, files)


def changed_below(mirror: Mirror, tip: str, folder: str, since: datetime) -> list[str]:
    """The folders in a folder that a commit since then changed; those that are gone, too."""
    names, size, start = set[str](), _FEWEST, tip
    while start:
        line = _line(mirror, start, size + 1)
        folders = _folders_in(mirror, _trees_of(mirror, [each.root for each in line], folder))
        start = line[-1].oid if len(line) > size else ""
        if not start:
            # Before the first commit there was nothing.
            folders.append(set())
        for commit, (now, before) in zip(line, pairwise(folders), strict=False):
            if committed_at(commit.date, commit.seconds) < since:
                return sorted(names)
            names |= {name for name, _ in now ^ before}
        size = min(2 * size, _MOST)
    return sorted(names)


def _folders_in(mirror: Mirror, trees: Sequence[str | None]) -> list[set[tuple[str, str]]]:
    """Name and id of each folder in each of these trees."""
    entries = mirror.trees({tree for tree in trees if tree})
    return [
        {(each.name, each.oid) for each in entries[tree] if each.kind == "tree"} if tree else set()
        for tree in trees
    ]


def _version(mirror: Mirror, commit: _Commit, files: dict[str, bytes]) -> Version:
    message = commit.message
    if len(commit.parents) > 1:
        merged = ("log", f"-n{_MERGED}", "--reverse", "--format=%B", f"{commit.parents[0]}..")
        message = mirror.run(*merged[:-1], f"{merged[-1]}{commit.oid}").decode("utf-8", "replace")
    said = tuple(trailers_in(message))
    record = OpsCommit(
        commit=commit.oid,
        at=committed_at(commit.date, commit.seconds),
        by=one_line(commit.by),
        trailers=said[-1] if said else {},
    )
    return Version(commit=record, said=said, files=files)


def _changes(mirror: Mirror, tip: str, folder: str) -> Iterator[list[tuple[_Commit, str | None]]]:
    """The commits that changed the folder, newest first, a few at a time, with its tree then."""
    size, start = _FEWEST, tip
    while start:
        line = _line(mirror, start, size + 1)
        trees = _trees_of(mirror, [commit.root for commit in line], folder)
        changed = list[tuple[_Commit, str | None]]()
        start = line[-1].oid if len(line) > size else ""
        for (commit, tree), (_, before) in pairwise(zip(line, trees, strict=True)):
            if tree == before:
                continue
            if (other := _came_by(mirror, commit, folder, before)) is not None:
                # What it has in common with that line is no change of its own.
                if _trees_of(mirror, [mirror.root(other)], folder) != [tree]:
                    changed.append((commit, tree))
                start = other
                break
            changed.append((commit, tree))
        else:
            if not start and trees[-1] is not None:
                changed.append((line[-1], trees[-1]))
        yield changed
        size = min(2 * size, _MOST)


def _line(mirror: Mirror, start: str, count: int) -> list[_Commit]:
    """Commits from one on, each followed by its first parent."""
    form = f"--format={'%x00'.join(_FIELDS)}"
    log = mirror.run("log", "-z", "--first-parent", f"-n{count}", form, start)
    texts = iter(log.decode("utf-8", "replace").split(END)[:-1])
    rows = zip(*[texts] * len(_FIELDS), strict=True)
    return [
        _Commit(oid, root, parents.split(), date, seconds, by, message)
        for oid, root, parents, date, seconds, by, message in rows
    ]


def _trees_of(mirror: Mirror, roots: Sequence[str], folder: str) -> list[str | None]:
    """The tree of a folder below each of these roots; None where there is none."""
    trees = list[str | None](roots)
    for name in folder.split("/"):
        found = mirror.children({tree for tree in trees if tree}, name)
        trees = [found[tree] if tree else None for tree in trees]
    return trees


def _came_by(mirror: Mirror, merge: _Commit, folder: str, first: str | None) -> str | None:
    """The parent that brought a merge what the folder says; None where it was the first one.

    A forge merges a branch into the line of releases, which is the first parent then. A person who
    pulls has that line for the second parent. Either way it is the second that is followed, where
    on the first nothing was released since they parted.

    Args:
        mirror: The repository.
        merge: A commit whose folder is not that of its first parent.
        folder: The folder.
        first: The folder's tree in the first parent.
    """
    for other in merge.parents[1:]:
        base = mirror.try_run("merge-base", merge.parents[0], other)
        if base is None:
            continue
        (before,) = _trees_of(mirror, [mirror.root(base)], folder)
        if first == before or _record(mirror, first) == _record(mirror, before) != "":
            return other
    return None


def _record(mirror: Mirror, tree: str | None) -> str:
    """The id of the record in a folder's tree; empty where there is none."""
    entries = mirror.tree(tree) if tree else []
    return next((entry.oid for entry in entries if entry.name == RECORD_FILE), "")
