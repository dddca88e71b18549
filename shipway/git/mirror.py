"""The local bare repository that a remote is fetched into, with only the objects that are needed.

Commits come without trees (`--filter=tree:0`), and later ones with those that are new
(`--filter=blob:none`). Whatever else is needed of the trees on the way to a file, and the blobs of
one folder, is fetched by id, all of a level at once. So a huge ops repository costs little more
than a small one. A server that has no filters, or gives no object by its id, is fetched from
without them; so is one whose history is not all there.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from contextlib import suppress
from pathlib import Path
from typing import NamedTuple

from shipway.errors import FailError, RefuseError, ShipwayError
from shipway.git.access import explain
from shipway.git.cache import OFFLINE, BrokenCacheError, has_filters, is_shallow, made_of
from shipway.git.command import CommandError, Git, run_git
from shipway.git.lock import locked
from shipway.git.loose_object import write_object
from shipway.git.object_reader import ObjectReader
from shipway.git.objects import Entry, entries_of, object_id, root_of

_NO_HAVES = {"GIT_CONFIG_PARAMETERS": "'fetch.negotiationAlgorithm'='noop'"}
# A server may send a tree as what differs from an older one that is not here: Git may ask for it.
_MISSING_BASES = {"GIT_NO_LAZY_FETCH": "0"}
# What Git says of its own repository; a server says the same of its own, and is asked once more.
_BROKEN = re.compile(
    r"^(?!remote:).*(bad (object|config)|corrupt|is empty|unable to read|too far short"
    r"|packfile|not a git repository|unable to create .*\.lock|missing (blob|tree|commit|object))",
    re.IGNORECASE | re.MULTILINE,
)
# A line of `git push --porcelain`: what the server, or Git itself, made of the one branch.
_STATUS = re.compile(
    r"^!\t\S+\t\[(?P<kind>rejected|remote rejected)\] \((?P<reason>.*)\)$", re.MULTILINE
)
# The server's reason where another push moves the branch this very moment. A hook's words are not
# in there.
_RACE = re.compile(
    r"failed to update ref|cannot lock ref|failed to lock|incorrect old value", re.IGNORECASE
)
_REF_FILE = re.compile(rb"([0-9a-f]{40}|[0-9a-f]{64})\n")


class Rejection(NamedTuple):
    """Why a push was rejected.

    `race` is true where the branch moved on, or moves this very moment; `sent` where the server
    was sent the commit, and not where Git itself saw that the branch has moved; `words` are Git's.
    """

    race: bool
    sent: bool
    words: str


class Mirror:
    """A bare repository whose remote `origin` is `url`; it is closed when nobody needs it.

    Args:
        git: Git in the repository, as `open_cache` opens it.
        url: The remote, as errors show it.
        timeout_seconds: When a command that talks to the remote is given up.
    """

    def __init__(self, git: Git, url: str, timeout_seconds: float) -> None:
        self._git = git
        self.url = url
        self._timeout_seconds = timeout_seconds
        # In the repository itself, Git would fetch each missing object, one by one.
        folders = {"GIT_DIR": OFFLINE, "GIT_OBJECT_DIRECTORY": "objects"}
        self._reader = ObjectReader(Git(git.folder, {**git.environment, **folders}))
        # An object never changes: what was read once need not be read again.
        self._contents: dict[str, bytes] = {}
        self._made = made_of(git.folder)
        self._filtered = False

    def close(self) -> None:
        """End the process that reads objects."""
        self._reader.close()

    @property
    def folder(self) -> Path:
        """Where the repository is."""
        return self._git.folder

    def check_whole(self, unknown: str, expected: str) -> None:
        """Refuse a history that is not all there.

        Args:
            unknown: What cannot be known without it, as a sentence.
            expected: The history that would tell.
        """
        if is_shallow(self.folder):
            # It may be whole by now: then a new mirror is.
            raise self.broken(
                RefuseError(
                    unknown,
                    where=self.url,
                    expected=expected,
                    got="a repository that was cloned with --depth",
                    untouched="the ops repository and the cluster",
                    remedy="run `git fetch --unshallow` in it, or point the block at the origin",
                )
            )

    def fetch_branch(self, doing: str, ref: str) -> str:
        """Fetch a branch; return its newest commit.

        The first time it comes without trees, of which there may be many. After that, trees that
        are new come along: they are few, and each level would be one more question to the server.

        Args:
            doing: What it is for, as errors say it.
            ref: Its whole name, checked by `check_ref`.

        Raises:
            RetryError: The server does not answer, or not in time.
            RefuseError: Access is denied, or the branch is not there.
        """
        refspec = ("origin", f"+{ref}:{ref}")
        if has_filters(self.folder) and (self.folder / ref).exists():
            self._fetch("blob:none", doing, *refspec, environment=_MISSING_BASES)
        else:
            self._fetch("tree:0", doing, *refspec)
        return self.tip(ref)

    def _fetch(
        self,
        objects: str,
        doing: str,
        *arguments: str,
        environment: Mapping[str, str] | None = None,
    ) -> None:
        """Fetch what a filter lets through, where the server has filters; else all."""
        filters = (f"--filter={objects}",) if has_filters(self.folder) else ()
        self._filtered = self._filtered or bool(filters)
        # A server's missing history is noted, instead of being looked for.
        options = (*filters, "--update-shallow", "--no-tags", "--no-auto-maintenance")
        self.ask(doing, "fetch", *options, *arguments, environment=environment)

    def push(self, doing: str, commit: str, ref: str) -> Rejection | None:
        """Push a commit, if the remote's branch is an ancestor of it.

        Args:
            doing: What it is for, as errors say it.
            commit: The commit.
            ref: The whole name of the branch.

        Returns:
            Why it was rejected; None where the server took it.

        Raises:
            RetryError: The server does not answer, or not in time; it may have taken the commit.
            RefuseError: Access is denied.
        """
        options = ("--porcelain", "--no-verify")
        try:
            self._talk("push", *options, "origin", f"{commit}:{ref}")
        except CommandError as error:
            if status := _STATUS.search(error.stdout):
                words = "\n".join(filter(None, (error.stderr, status[0].strip())))
                sent = status["kind"] == "remote rejected"
                race = not sent or _RACE.match(status["reason"]) is not None
                return Rejection(race=race, sent=sent, words=words)
            raise self._explained(error, doing) from error
        return None

    def shows(self, doing: str, commit: str, ref: str) -> bool:
        """Whether the remote's branch is at a commit.

        Args:
            doing: What it is for, as errors say it.
            commit: The commit.
            ref: The whole name of the branch.

        Raises:
            RetryError: The server does not answer, or not in time.
            RefuseError: Access is denied.
        """
        # Branches whose names end alike are listed too.
        return f"{commit}\t{ref}" in self.ask(doing, "ls-remote", "origin", ref).splitlines()

    def follow(self, ref: str, commit: str, parent: str) -> None:
        """Note that the remote's branch went from a commit to the next, unless more is known."""
        # What cannot be noted, the next fetch finds.
        with suppress(CommandError):
            run_git(self._git, "update-ref", ref, commit, parent)

    def broken(self, reason: ShipwayError) -> BrokenCacheError:
        """What to raise where a cache that is made anew may change things; else comes `reason`."""
        return BrokenCacheError(reason, self._made, filters=self._filtered)

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
            answer = self._talk(command, *arguments, environment=environment)
        except CommandError as error:
            raise self._explained(error, doing) from error
        return answer.decode("utf-8", "surrogateescape").removesuffix("\n")

    def _talk(
        self, command: str, *arguments: str, environment: Mapping[str, str] | None = None
    ) -> bytes:
        # Two fetches into one repository refuse each other's locks.
        with locked(Path(f"{self.folder}.{command}.lock"), self._timeout_seconds):
            return run_git(
                self._git,
                command,
                *arguments,
                timeout_seconds=self._timeout_seconds,
                environment=environment,
            )

    def _explained(self, error: CommandError, doing: str) -> Exception:
        explained = explain(error, self.url, doing)
        if type(explained) is FailError or _BROKEN.search(error.stderr):
            return self.broken(explained)
        return explained

    def run(
        self, *command: str, stdin: bytes = b"", environment: Mapping[str, str] | None = None
    ) -> bytes:
        """Run a Git command on the local objects; return what it prints, to the byte."""
        try:
            return run_git(self._git, *command, stdin=stdin, environment=environment)
        except CommandError as error:
            raise self._failed(error) from error

    def try_run(self, *command: str) -> str | None:
        """What a Git command prints, without the last line end; None where it says no."""
        try:
            out = run_git(self._git, *command)
        except CommandError as error:
            # Any other status is no answer.
            if error.status == 1:
                return None
            raise self._failed(error) from error
        return out.decode("utf-8", "surrogateescape").removesuffix("\n")

    def _failed(self, error: CommandError) -> BrokenCacheError:
        return self.broken(
            FailError(
                f"Git failed at `{error.command[1]}`.", where=str(self.folder), got=error.stderr
            )
        )

    def tree(self, oid: str) -> list[Entry]:
        """The entries of a tree."""
        return self.trees([oid])[oid]

    def trees(self, oids: Iterable[str]) -> dict[str, list[Entry]]:
        """The entries of trees, by the tree's id."""
        contents = self._objects(oids)
        return {oid: list(entries_of(text, len(oid))) for oid, text in contents.items()}

    def children(self, oids: Iterable[str], name: str) -> dict[str, str | None]:
        """The id of the folder of one name in each tree, by the tree's; None where there is none.

        The trees are not kept in memory: those of a long history may be many and large.
        """
        found: dict[str, str | None] = {}
        for oid, entries in self.trees(oids).items():
            folders = (one.oid for one in entries if one.kind == "tree" and one.name == name)
            found[oid] = next(folders, None)
            self._contents.pop(oid, None)
        return found

    def blobs(self, oids: list[str]) -> list[bytes]:
        """The contents of blobs, in their order."""
        contents = self._objects(oids)
        return [contents[oid] for oid in oids]

    def write(self, kind: str, content: bytes, digits: int) -> str:
        """Write an object, and return its id, which has so many digits."""
        try:
            return write_object(self.folder, kind, content, digits)
        except OSError as error:
            reason = FailError(
                "The Git cache cannot be written.", where=str(self.folder), got=str(error)
            )
            raise self.broken(reason) from error

    def root(self, commit: str) -> str:
        """The tree of a commit."""
        tree = root_of(self.commit(commit))
        if tree is None:
            raise self._no_commit(commit)
        return tree

    def commit(self, oid: str) -> bytes:
        """A commit, as Git keeps it."""
        # It came with the branch, or is not there: none is fetched by its id.
        if oid not in self._contents and self._read([oid]):
            raise self._no_commit(oid)
        return self._contents[oid]

    def _no_commit(self, oid: str) -> BrokenCacheError:
        return self.broken(FailError("A commit is missing.", where=f"{self.url} {oid}"))

    def tip(self, ref: str) -> str:
        """The commit that a ref points to.

        Args:
            ref: Its whole name, checked by `check_ref`.
        """
        # Most refs are a file of their own; what Git keeps elsewhere, it says itself.
        with suppress(OSError):
            text = (self.folder / ref).read_bytes()
            if _REF_FILE.fullmatch(text):
                return text.decode().strip()
        return self.run("rev-parse", "--verify", ref).decode().strip()

    def is_ancestor(self, older: str, newer: str) -> bool:
        """Whether `newer`, which is here, contains `older`; not where `older` is not here."""
        if older == newer:
            return True
        here = ("rev-parse", "--verify", "--quiet", f"{older}^{{commit}}")
        if self.try_run(*here) is None:
            return False
        return self.try_run("merge-base", "--is-ancestor", older, newer) is not None

    def _objects(self, oids: Iterable[str]) -> dict[str, bytes]:
        """The contents of objects; those that are not here are fetched, all at once."""
        unique = list(dict.fromkeys(oids))
        missing = self._read([oid for oid in unique if oid not in self._contents])
        while missing:
            failure = self._fetch_missing(missing)
            left = self._read(missing)
            # A tree that is wanted and lies in another wanted one is left out by the filter;
            # without the other it comes.
            if left == missing:
                raise failure or self.broken(
                    FailError(
                        "The Git server does not send what it has.",
                        where=self.url,
                        expected=f"the objects {', '.join(left[:3])}",
                    )
                )
            missing = left
        return {oid: self._contents[oid] for oid in unique}

    def _read(self, oids: list[str]) -> list[str]:
        """Read the objects that are here; return the ids of the others."""
        missing = list[str]()
        try:
            answers = self._reader.read(oids)
        except CommandError as error:
            raise self._failed(error) from error
        for oid, found in answers.items():
            if found is None:
                missing.append(oid)
                continue
            # Git does not compare what it reads with its id.
            if object_id(found.kind, found.content, len(oid)) != oid:
                raise self.broken(
                    FailError("An object is not what its id says.", where=f"{self.url} {oid}")
                )
            self._contents[oid] = found.content
        return missing

    def _fetch_missing(self, oids: list[str]) -> BrokenCacheError | None:
        try:
            # The server takes whoever has a commit to have its trees: tell it of no commit.
            options = ("--no-write-fetch-head", "origin", *oids)
            self._fetch("tree:0", "fetching files", *options, environment=_NO_HAVES)
        except BrokenCacheError as error:
            return error
        return None
