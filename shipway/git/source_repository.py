"""Where an app's code is."""

from __future__ import annotations

import re
import shutil
from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path

from pydantic import Field

from shipway.errors import RefuseError, ShipwayError
from shipway.forges.forge import Forge
from shipway.git.access import check_ref
from shipway.git.cache import BrokenCacheError
from shipway.git.commit import read_file, tree_of
from shipway.git.mirror import Mirror
from shipway.git.remote import GitRemote, mending_cache
from shipway.git.revision import Revision, committed_at
from shipway.git.source_changes import Changes, changes_between
from shipway.git.source_parts import content_elsewhere, differing, ids_of
from shipway.git.source_refs import Looked, Question, ahead, refs_at_server, refs_here
from shipway.text import one_line

_NOTHING_DONE = "everything: nothing was built, pushed or committed"
_HEAD = "HEAD"
_ID = r"[0-9a-fA-F]{4,64}"
FORGE = "For commits that show how their releases go: where their statuses are set."
_FULL_ID = r"[0-9a-f]{40}|[0-9a-f]{64}"


class SourceRepository(GitRemote):
    """The Git repository that holds an app's code and its pipeline.yaml.

    One block an app, named like the app; several apps of one repository differ in `folder`.
    """

    folder: str = Field(default=".", description="Folder of the app in the repository (monorepo).")
    default_branch: str | None = Field(
        default=None, description="What nightly tests; the repository's own default if empty."
    )
    forge: Forge | None = Field(default=None, description=FORGE)
    allows_processes: bool = Field(
        default=False,
        description="Whether its tests may run as processes on the worker, beside the worker's "
        "secrets (`runner: process`).",
    )
    build_secrets: list[str] = Field(
        default_factory=list,
        description="The Secret blocks that its builds may read (`image.secrets` and `image.ssh`).",
    )

    @mending_cache("source")
    def resolve(self, ref: str | None) -> Revision:
        """Find the commit that a branch, a tag or a (short) commit id names.

        Args:
            ref: The name; the tip of the default branch if None, of the server's if `HEAD`.

        Raises:
            RefuseError: There is no such revision, or access is denied.
            RetryError: The server cannot be reached.
        """
        with self.mirror("source") as mirror:
            asked = ref or self.default_branch or _HEAD
            name = check_ref(_server_head(mirror) if asked == _HEAD else asked)
            _fetch(mirror, name)
            commit = _commit(mirror, name)
            if commit is None:
                branches = mirror.run("for-each-ref", "--format=%(refname:short)", "refs/heads")
                names = branches.decode("utf-8", "backslashreplace").split()
                listed = ", ".join(names[:10]) or "there is none"
                raise RefuseError(
                    f"There is no revision {name!r}.",
                    where=self.url,
                    expected=f"a commit id, a tag, or a branch ({listed})",
                    got=repr(name),
                    untouched=_NOTHING_DONE,
                    remedy="push the commit first, or check the spelling",
                )
            log = mirror.run("log", "-1", "--format=%an%x00%s%x00%cI%x00%ct", commit)
            author, subject, date, seconds = log.decode("utf-8", "replace").rstrip("\n").split("\0")
            return Revision(
                commit=commit,
                tree=self._tree(mirror, commit),
                author=one_line(author),
                subject=one_line(subject),
                at=committed_at(date, seconds),
            )

    @mending_cache("source")
    def checkout(self, revision: Revision, into: Path) -> Path:
        """Write the files of `revision` into the empty folder `into`; return the app's folder.

        Raises:
            RefuseError: The folder holds a submodule, or files that are only pointers into Git LFS.
        """
        with self.mirror("source") as mirror:
            _fetch(mirror, revision.commit)
            self._refuse_content_elsewhere(mirror, revision, self.folder, revision.tree)
            into.mkdir(parents=True)
            try:
                _write_files(mirror, revision.commit, into)
            except BrokenCacheError:
                # It is written once more, into an empty folder.
                shutil.rmtree(into)
                raise
        return into / self.folder

    @mending_cache("source")
    def objects(self, revision: Revision, paths: list[str]) -> list[str]:
        """Git's ids of files and folders of the app."""
        with self.mirror("source") as mirror:
            _fetch(mirror, revision.commit)
            names = [f"{revision.tree}:{'' if path == '.' else path}" for path in paths]
            return [mirror.run("rev-parse", "--verify", name).decode().strip() for name in names]

    @mending_cache("source")
    def used(self, revision: Revision, paths: Sequence[str]) -> list[str]:
        """Git's ids of files and folders of the repository that an app uses.

        Raises:
            RefuseError: One is not there, or holds what is not in the commit.
        """
        with self.mirror("source") as mirror:
            _fetch(mirror, revision.commit)
            found = ids_of(mirror, revision.commit, paths)
            for path in paths:
                if path not in found:
                    raise RefuseError(
                        "An app uses what is not there.",
                        where=f"{self.url} at {revision.short}: `uses` of {self.folder}",
                        expected="files and folders, from the repository's root",
                        got=path,
                        untouched=_NOTHING_DONE,
                    )
                self._refuse_content_elsewhere(mirror, revision, path, found[path])
            return [found[path] for path in paths]

    @mending_cache("source")
    def read(self, commit: str, paths: Sequence[str]) -> dict[str, bytes]:
        """Files of the repository at a commit, by path, as far as they are there.

        Raises:
            RefuseError: One is a symlink or a submodule.
        """
        with self.mirror("source") as mirror:
            _fetch(mirror, commit)
            named = {path: path.rpartition("/") for path in paths}
            found = {
                path: read_file(mirror, commit, folder or ".", name)
                for path, (folder, _, name) in named.items()
            }
            return {path: content for path, content in found.items() if content is not None}

    @mending_cache("source")
    def differing(
        self, paths: Mapping[str, Sequence[str]], after: str
    ) -> dict[str, frozenset[str]]:
        """Which paths of the repository differ between commits and another one.

        Args:
            paths: What is looked at, by the full id of a commit.
            after: The full id of the other one.

        Returns:
            The paths, by commit; a commit that the repository does not know is left out.
        """
        with self.mirror("source") as mirror:
            if any(_commit(mirror, commit) is None for commit in (*paths, after)):
                _fetch_all(mirror)
            return {
                commit: differing(mirror, commit, after, those)
                for commit, those in paths.items()
                if _commit(mirror, commit) is not None
            }

    @mending_cache("source")
    def is_ancestor(self, older: str, newer: str) -> bool:
        """Whether `newer` contains the commit `older`; False where `older` is unknown here.

        Raises:
            RefuseError: The repository is shallow, so that it cannot be known.
        """
        with self.mirror("source") as mirror:
            _fetch(mirror, newer)
            known = all(_commit(mirror, commit) for commit in (older, newer))
            if known and mirror.is_ancestor(older, newer):
                return True
            _check_whole(mirror, f"a history that tells whether {newer[:7]} contains {older[:7]}")
            return False

    def changes(self, before: str, after: str, uses: Sequence[str] = ()) -> Changes | None:
        """What changed of the app between two revisions, as far as this machine knows.

        What it uses of the repository counts as the app's.

        Nothing depends on it: the server is not asked, and None is the answer where one of them is
        no full commit id, `after` is not here, or the repository cannot be read.
        """
        if not all(re.fullmatch(_FULL_ID, commit) for commit in (before, after)):
            return None
        with suppress(ShipwayError, BrokenCacheError), self.mirror("source") as mirror:
            return changes_between(mirror, before, after, [self.folder, *uses], self.link)
        return None

    @mending_cache("source")
    def look_ahead(self, questions: Sequence[Question]) -> Looked:
        """Which branches and tags are ahead; asks the server once, and fetches what is new there.

        Raises:
            RefuseError: The repository is not there or shallow, or access is denied.
            RetryError: The server cannot be reached.
        """
        with self.mirror("source") as mirror:
            before = refs_here(mirror)
            if refs_at_server(mirror) != before:
                _fetch_all(mirror)
            _check_whole(mirror, "a history that tells which revision is newer")
            refs = refs_here(mirror)
            return Looked(
                answers=tuple(ahead(mirror, refs, question) for question in questions),
                moved={name: oid for name, oid in before.items() if refs.get(name, oid) != oid},
            )

    def _refuse_content_elsewhere(
        self, mirror: Mirror, revision: Revision, path: str, oid: str
    ) -> None:
        elsewhere = content_elsewhere(mirror, oid)
        if elsewhere is not None:
            what, names, remedy = elsewhere
            raise RefuseError(
                f"The app's code holds {what}, whose content is not in the commit.",
                where=f"{self.url} at {revision.short}, folder {path}",
                expected="a commit that holds every file of the build",
                got=names,
                untouched=_NOTHING_DONE,
                remedy=remedy,
            )

    def _tree(self, mirror: Mirror, commit: str) -> str:
        tree = tree_of(mirror, commit, self.folder)
        if tree is None:
            raise RefuseError(
                "The app's folder is not in the repository.",
                where=f"{self.url} at {commit}",
                expected=f"a folder {self.folder!r}",
                remedy="check the folder of the app's Source Repository block",
            )
        return tree


def _fetch(mirror: Mirror, ref: str) -> None:
    # A full commit id that is already here cannot have changed: nothing to ask the server.
    if not re.fullmatch(_FULL_ID, ref) or _commit(mirror, ref) is None:
        _fetch_all(mirror)


def _fetch_all(mirror: Mirror) -> None:
    mirror.ask(
        "fetching the app's code",
        "fetch",
        "--prune",
        "--force",
        "--update-shallow",
        "--no-auto-maintenance",
        "--no-recurse-submodules",
        "origin",
        "+refs/heads/*:refs/heads/*",
        "+refs/tags/*:refs/tags/*",
    )


def _check_whole(mirror: Mirror, expected: str) -> None:
    """Refuse a history that is not all there."""
    unknown = "The source repository is shallow: which revision is newer cannot be known."
    mirror.check_whole(unknown, expected)


def _write_files(mirror: Mirror, commit: str, into: Path) -> None:
    index = into.with_suffix(".index")
    places = {"GIT_INDEX_FILE": index, "GIT_WORK_TREE": into, "GIT_DIR": mirror.folder}
    environment = {key: str(place) for key, place in places.items()}
    try:
        mirror.run("read-tree", commit, environment=environment)
        mirror.run("checkout-index", "--all", environment=environment)
    finally:
        index.unlink(missing_ok=True)


def _server_head(mirror: Mirror) -> str:
    """What the server's HEAD points to: a branch, or a commit."""
    listed = mirror.ask("asking for the default branch", "ls-remote", "--symref", "origin", "HEAD")
    found = re.search(r"^(?:ref: refs/heads/(\S+)|([0-9a-f]+))\s+HEAD$", listed, re.MULTILINE)
    if found is None:
        raise RefuseError(
            "The repository has no default branch.",
            where=mirror.url,
            expected="a HEAD that points to a branch with a commit",
            got=listed or "an empty repository",
            untouched=_NOTHING_DONE,
            remedy="push a first commit, or set default_branch of the Source Repository block",
        )
    return found[1] or found[2]


def _commit(mirror: Mirror, ref: str) -> str | None:
    """The commit of a tag, a branch, a whole name of one of these, or an id; None if not here."""
    names = [f"refs/tags/{ref}", f"refs/heads/{ref}", f"refs/{ref}", ref]
    # Asked for alone, a name could be an expression, such as `v1-2-gabcdef0`.
    listed = mirror.run("for-each-ref", "--format=%(objectname) %(refname)", *names)
    lines = listed.decode("utf-8", "surrogateescape").splitlines()
    oids = {name: oid for oid, name in (line.split(" ", 1) for line in lines)}
    if re.fullmatch(_ID, ref):
        oids.setdefault(ref, ref)
    for oid in (oids[name] for name in names if name in oids):
        found = mirror.try_run("rev-parse", "--verify", "--quiet", f"{oid}^{{commit}}")
        if found is not None:
            return found
        if oid != ref:
            # What a ref points to is here, even if it is no commit.
            mirror.run("cat-file", "-e", oid)
    return None
