"""The local bare repository that a remote is fetched into, with only the objects that are needed.

Commits come without trees (`--filter=tree:0`); the trees on the way to a file, and the blobs of one
folder, are fetched by id, all of a level at once. So a huge ops repository costs little more than a
small one. A server without filters sends everything, and then nothing is left to fetch.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import NamedTuple

from filelock import FileLock

from shipway.errors import FailError
from shipway.git.access import OFFLINE, explain
from shipway.git.command import CommandError, Git, run_git

FILTER = "--filter=tree:0"
_NO_HAVES = {"GIT_CONFIG_PARAMETERS": "'fetch.negotiationAlgorithm'='noop'"}
_KINDS = {"040000": "tree", "160000": "commit"}


class Entry(NamedTuple):
    """One line of a tree."""

    mode: str
    kind: str
    oid: str
    name: str


class Mirror:
    """A bare repository whose remote `origin` is `url`.

    Args:
        git: Git in the repository, as `open_repository` opens it.
        url: The remote, as errors show it.
        timeout_seconds: When a command that talks to the remote is given up.
    """

    def __init__(self, git: Git, url: str, timeout_seconds: float) -> None:
        self._git = git
        self.url = url
        self._timeout_seconds = timeout_seconds
        # An object never changes: what was read once need not be read again.
        self._contents: dict[str, bytes] = {}

    @property
    def folder(self) -> str:
        """Where the repository is."""
        return str(self._git.folder)

    def ask(
        self,
        doing: str,
        command: str,
        *arguments: str,
        environment: Mapping[str, str] | None = None,
    ) -> str:
        """Run a Git command that talks to the remote.

        Args:
            doing: What it is for, as errors say it.
            command: Such as `fetch`.
            arguments: Its arguments.
            environment: Variables of this command alone.

        Raises:
            RetryError: The server does not answer, or not in time.
            RefuseError: Access is denied, or what is asked for is not there.
        """
        try:
            # Two fetches into one repository refuse each other's locks.
            with FileLock(f"{self.folder}.{command}.lock"):
                answer = run_git(
                    self._git,
                    command,
                    *arguments,
                    timeout_seconds=self._timeout_seconds,
                    environment=environment,
                )
        except CommandError as error:
            raise explain(error, self.url, doing) from error
        return answer.decode("utf-8", "surrogateescape").removesuffix("\n")

    def run(
        self, *command: str, stdin: bytes = b"", environment: Mapping[str, str] | None = None
    ) -> bytes:
        """Run a Git command on the local objects; return what it prints, to the byte."""
        return run_git(self._git, *command, stdin=stdin, environment=environment)

    def try_run(self, *command: str) -> str | None:
        """What a Git command prints, without the last line end; None where it fails."""
        try:
            out = self.run(*command)
        except CommandError:
            return None
        return out.decode("utf-8", "surrogateescape").removesuffix("\n")

    def tree(self, oid: str) -> list[Entry]:
        """The entries of a tree."""
        return self.trees([oid])[oid]

    def trees(self, oids: Iterable[str]) -> dict[str, list[Entry]]:
        """The entries of trees, by the tree's id."""
        contents = self._objects(oids)
        return {oid: list(_entries(text, len(oid) // 2)) for oid, text in contents.items()}

    def blobs(self, oids: list[str]) -> list[bytes]:
        """The contents of blobs, in their order."""
        contents = self._objects(oids)
        return [contents[oid] for oid in oids]

    def root(self, commit: str) -> str:
        """The tree of a commit."""
        return self.run("log", "-1", "--format=%T", commit).decode().strip()

    def is_ancestor(self, older: str, newer: str) -> bool:
        """Whether `newer` contains `older`; both must be here."""
        return self.try_run("merge-base", "--is-ancestor", older, newer) is not None

    def _objects(self, oids: Iterable[str]) -> dict[str, bytes]:
        """The contents of objects; those that are not here are fetched, all at once."""
        unique = list(dict.fromkeys(oids))
        missing = self._read([oid for oid in unique if oid not in self._contents])
        while missing:
            failure = self._fetch(missing)
            left = self._read(missing)
            # A tree that is wanted and lies in another wanted one is left out by the filter;
            # without the other it comes.
            if failure and left == missing:
                raise failure
            missing = left
        return {oid: self._contents[oid] for oid in unique}

    def _read(self, oids: list[str]) -> list[str]:
        """Read the objects that are here; return the ids of the others."""
        if not oids:
            return []
        # In the repository itself, Git would fetch each missing object, one by one.
        folders = {"GIT_DIR": OFFLINE, "GIT_OBJECT_DIRECTORY": "objects"}
        stdin = "\n".join(oids).encode() + b"\n"
        text = self.run("cat-file", "--batch", stdin=stdin, environment=folders)
        missing, start = list[str](), 0
        for oid in oids:
            end = text.index(b"\n", start)
            head, start = text[start:end], end + 1
            if head.endswith(b" missing"):
                missing.append(oid)
            else:
                size = int(head.rpartition(b" ")[2])
                self._contents[oid] = text[start : start + size]
                start += size + 1
        return missing

    def _fetch(self, oids: list[str]) -> FailError | None:
        options = (FILTER, "--no-tags", "--no-write-fetch-head", "--no-auto-maintenance")
        try:
            # The server takes whoever has a commit to have its trees: tell it of no commit.
            self.ask("fetching files", "fetch", *options, "origin", *oids, environment=_NO_HAVES)
        except FailError as error:
            return error
        return None


def _entries(tree: bytes, oid_size: int) -> Iterator[Entry]:
    """The entries of a tree object: mode, space, name, zero byte, binary id; and the next."""
    start = 0
    while start < len(tree):
        end = tree.index(b"\0", start)
        mode, _, name = tree[start:end].partition(b" ")
        start = end + 1 + oid_size
        padded = mode.decode().zfill(6)
        yield Entry(
            mode=padded,
            kind=_KINDS.get(padded, "blob"),
            oid=tree[end + 1 : start].hex(),
            name=name.decode("utf-8", "surrogateescape"),
        )
