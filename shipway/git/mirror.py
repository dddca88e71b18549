"""The local bare repository that a remote is fetched into, with only the objects that are needed.

Commits come without trees (`--filter=tree:0`); the trees on the way to a file, and the blobs of one
folder, are fetched by id, all of a level at once. So a huge ops repository costs little more than a
small one. A server without filters sends everything, and then nothing is left to fetch.
"""

from __future__ import annotations

from collections.abc import Iterable
from tempfile import TemporaryFile
from typing import Any, BinaryIO, NamedTuple

from filelock import FileLock
from git import Repo
from git.exc import GitCommandError
from gitdb import GitDB

from shipway.errors import FailError
from shipway.git.access import explain

FILTER = "--filter=tree:0"
_NO_HAVES = {"GIT_CONFIG_PARAMETERS": "'fetch.negotiationAlgorithm'='noop'"}


class Entry(NamedTuple):
    """One line of a tree."""

    mode: str
    kind: str
    oid: str
    name: str


class Mirror:
    """A bare repository whose remote `origin` is `url`.

    Args:
        repo: The repository.
        url: The remote, as errors show it.
        patience: Seconds after which a command that talks to the remote is given up.
    """

    def __init__(self, repo: Repo, url: str, patience: float) -> None:
        self.repo = repo
        self.url = url
        self._patience = patience
        # An object never changes: what was read once need not be read again.
        self._trees: dict[str, list[Entry]] = {}
        self._blobs: dict[str, bytes] = {}

    @property
    def folder(self) -> str:
        """Where the repository is."""
        return str(self.repo.git_dir)

    def ask(self, doing: str, command: str, *arguments: str) -> str:
        """Run a Git command that talks to the remote.

        Args:
            doing: What it is for, as errors say it.
            command: Such as `fetch`.
            arguments: Its arguments.

        Raises:
            RetryError: The server does not answer, or not in time.
            RefuseError: Access is denied, or what is asked for is not there.
        """
        try:
            # Two fetches into one repository refuse each other's locks.
            with FileLock(f"{self.folder}.{command}.lock"):
                found = self.repo.git.execute(
                    ["git", command, *arguments], kill_after_timeout=self._patience
                )
        except GitCommandError as error:
            raise explain(error, self.url, doing) from error
        return str(found)

    def run(self, *command: str, stdin: bytes | None = None) -> bytes:
        """Run a Git command on the local objects; return what it prints, to the byte."""
        if stdin is None:
            return self._execute(command, None)
        with TemporaryFile() as stream:
            stream.write(stdin)
            stream.seek(0)
            return self._execute(command, stream)

    def try_run(self, *command: str) -> str | None:
        """What a Git command prints, without the last line end; None where it fails."""
        status, out, _ = self.repo.git.execute(
            ["git", *command], with_extended_output=True, with_exceptions=False
        )
        return str(out) if status == 0 else None

    def bring(self, oids: Iterable[str]) -> None:
        """Fetch the objects that are not here yet, all at once."""
        options = (FILTER, "--no-tags", "--no-write-fetch-head", "--no-auto-maintenance")
        missing = self._missing(oids)
        while missing:
            try:
                # The server takes whoever has a commit to have its trees: tell it of no commit.
                with self.repo.git.custom_environment(**_NO_HAVES):
                    self.ask("fetching files", "fetch", *options, "origin", *missing)
            except FailError:
                # A tree that is wanted and lies in another wanted one is left out by the filter;
                # without the other it comes.
                if len(self._missing(missing)) == len(missing):
                    raise
            missing = self._missing(missing)

    def _missing(self, oids: Iterable[str]) -> list[str]:
        # Git itself would fetch what it is asked for, one by one.
        here = GitDB(f"{self.folder}/objects")
        return [oid for oid in dict.fromkeys(oids) if not here.has_object(bytes.fromhex(oid))]

    def tree(self, oid: str) -> list[Entry]:
        """The entries of a tree."""
        if oid in self._trees:
            return self._trees[oid]
        self.bring([oid])
        entries: list[Entry] = []
        for line in self.run("ls-tree", "-z", oid).split(b"\0")[:-1]:
            facts, name = line.split(b"\t", 1)
            mode, kind, child = facts.decode().split(" ")
            entries.append(Entry(mode, kind, child, name.decode("utf-8", "surrogateescape")))
        self._trees[oid] = entries
        return entries

    def blobs(self, oids: list[str]) -> list[bytes]:
        """The contents of blobs, in their order."""
        unread = [oid for oid in dict.fromkeys(oids) if oid not in self._blobs]
        if unread:
            self.bring(unread)
            text = self.run("cat-file", "--batch", stdin="\n".join(unread).encode() + b"\n")
            for oid in unread:
                head, text = text.split(b"\n", 1)
                size = int(head.split(b" ")[2])
                self._blobs[oid], text = text[:size], text[size + 1 :]
        return [self._blobs[oid] for oid in oids]

    def root(self, commit: str) -> str:
        """The tree of a commit."""
        return str(self.repo.git.log("-1", "--format=%T", commit))

    def is_ancestor(self, older: str, newer: str) -> bool:
        """Whether `newer` contains `older`; both must be here."""
        return self.try_run("merge-base", "--is-ancestor", older, newer) is not None

    def _execute(self, command: tuple[str, ...], stdin: BinaryIO | None) -> bytes:
        # Its overloads do not know these two options together.
        git: Any = self.repo.git
        return git.execute(
            ["git", *command],
            istream=stdin,
            stdout_as_string=False,
            strip_newline_in_stdout=False,
        )
