"""The branches and tags of a source repository: which of them are ahead of a commit.

Ancestry alone says what is newer. No clock, no version number and no name of a tag is asked.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import NamedTuple

from pydantic import BaseModel, ConfigDict

from shipway.git.mirror import Mirror
from shipway.text import one_line, readable

_FOLDERS = ("refs/heads/", "refs/tags/")


class Ref(BaseModel):
    """A commit with the branches or tags that point to it.

    Attributes:
        commit: The full id.
        names: Their whole names, such as `refs/tags/v1`.
    """

    model_config = ConfigDict(frozen=True)

    commit: str
    names: tuple[str, ...]

    @property
    def title(self) -> str:
        """For people."""
        return one_line(" = ".join(name.split("/", 2)[2] for name in self.names))


class Question(NamedTuple):
    """What is asked of a repository: which refs are ahead.

    Attributes:
        is_meant: Whether a ref is asked for, by its whole name.
        since: The commit that they are to be ahead of; None where any will do.
    """

    is_meant: Callable[[str], bool]
    since: str | None


class Ahead(BaseModel):
    """Which refs are ahead of a commit.

    Attributes:
        newest: Those that contain the commit, and that none of the others contains. Of refs in one
            line of ancestry it is the last one.
        superseded: Those that contain the commit, too, and that another one contains, newest first.
        beside: Those that neither contain the commit nor are contained in it.
    """

    model_config = ConfigDict(frozen=True)

    newest: tuple[Ref, ...] = ()
    superseded: tuple[Ref, ...] = ()
    beside: tuple[Ref, ...] = ()


class Looked(BaseModel):
    """What a repository answers.

    Attributes:
        answers: To each question.
        moved: The refs that pointed elsewhere when they were fetched before, with the commit, or
            the tag object, that they pointed to.
    """

    model_config = ConfigDict(frozen=True)

    answers: tuple[Ahead, ...]
    moved: dict[str, str]


def refs_at_server(mirror: Mirror) -> dict[str, str]:
    """What each branch and tag of the server points to."""
    doing = "looking for new branches and tags"
    listed = mirror.ask(doing, "ls-remote", "--refs", "--heads", "--tags", "origin")
    return _by_name(listed, "\t")


def refs_here(mirror: Mirror) -> dict[str, str]:
    """The same, as it was fetched last."""
    listed = mirror.run("for-each-ref", "--format=%(objectname) %(refname)", *_FOLDERS)
    return _by_name(listed.decode("utf-8", "surrogateescape"), " ")


def ahead(mirror: Mirror, refs: Mapping[str, str], question: Question) -> Ahead:
    """What is ahead, of what refs point to that are here."""
    meant = _by_commit(mirror, {name: refs[name] for name in refs if question.is_meant(name)})
    since = question.since
    if since is None:
        line, beside = _outside(mirror, meant, None), list[Ref]()
    elif not _commits(mirror, [since]):
        # It was, before somebody wrote the history anew.
        line, beside = [], meant
    else:
        line = _outside(mirror, meant, since, "--ancestry-path")
        containing = set(line)
        beside = [ref for ref in _outside(mirror, meant, since) if ref not in containing]
    newest, left = list[Ref](), line
    while left:
        newest.append(left[0])
        left = _outside(mirror, left[1:], left[0].commit)
    superseded = [ref for ref in line if ref not in newest]
    return Ahead(newest=tuple(newest), superseded=tuple(superseded), beside=tuple(beside))


def _by_name(listed: str, between: str) -> dict[str, str]:
    """What each ref points to, of lines with that and the ref's name."""
    # A name may hold what `splitlines` takes for the end of a line.
    lines = (line.split(between, 1) for line in readable(listed).split("\n") if line)
    return {name: oid for oid, name in lines}


def _by_commit(mirror: Mirror, refs: Mapping[str, str]) -> list[Ref]:
    """The commits that refs point to; what is no commit is left out."""
    commits = _commits(mirror, refs.values())
    names = dict[str, list[str]]()
    for name, oid in refs.items():
        if oid in commits:
            names.setdefault(commits[oid], []).append(name)
    return [Ref(commit=commit, names=tuple(sorted(those))) for commit, those in names.items()]


def _commits(mirror: Mirror, oids: Iterable[str]) -> dict[str, str]:
    """The commit that each object is, or that a tag leads to; without those that are none."""
    asked = list(oids)
    lines = "".join(f"{oid}^{{commit}}\n" for oid in asked)
    told = mirror.run("cat-file", "--batch-check=%(objectname)", stdin=lines.encode()).decode()
    answers = zip(asked, told.splitlines(), strict=True)
    return {oid: answer for oid, answer in answers if not answer.endswith(" missing")}


def _outside(mirror: Mirror, refs: list[Ref], commit: str | None, *options: str) -> list[Ref]:
    """The refs that a commit does not contain; none comes before another one that contains it."""
    if not refs:
        return []
    words = [*(ref.commit for ref in refs), *([f"^{commit}"] if commit else [])]
    stdin = "".join(f"{word}\n" for word in words).encode()
    listed = mirror.run("rev-list", "--topo-order", *options, "--stdin", stdin=stdin).decode()
    by_commit = {ref.commit: ref for ref in refs}
    return [by_commit[commit] for commit in listed.split() if commit in by_commit]
