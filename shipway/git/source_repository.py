"""Where an app's code is."""

from __future__ import annotations

import re
from datetime import datetime
from pathlib import Path

from pydantic import Field

from shipway.errors import RefuseError
from shipway.git.access import check_ref
from shipway.git.commit import tree_of
from shipway.git.mirror import Mirror
from shipway.git.remote import GitRemote
from shipway.git.revision import Revision
from shipway.text import one_line

_NOTHING_DONE = "everything: nothing was built, pushed or committed"
_SUBMODULE = "160000"


class SourceRepository(GitRemote):
    """The Git repository that holds an app's code and its pipeline.yaml.

    One block an app, named like the app; several apps of one repository differ in `folder`.
    """

    folder: str = Field(default=".", description="Folder of the app in the repository (monorepo).")
    default_branch: str | None = Field(
        default=None, description="What nightly tests; the repository's own default if empty."
    )

    def resolve(self, ref: str | None) -> Revision:
        """Find the commit that a branch, a tag or a (short) commit id names.

        Args:
            ref: The name; the tip of the default branch if None.

        Raises:
            RefuseError: There is no such revision, or access is denied.
            RetryError: The server cannot be reached.
        """
        with self.mirror("source") as mirror:
            name = check_ref(ref or self.default_branch or _default_branch(mirror))
            _fetch(mirror, name)
            commit = _commit(mirror, name)
            if commit is None:
                branches = mirror.run("for-each-ref", "--format=%(refname:short)", "refs/heads")
                listed = ", ".join(branches.decode().split()[:10]) or "there is none"
                raise RefuseError(
                    f"There is no revision {name!r}.",
                    where=self.url,
                    expected=f"a commit id, a tag, or a branch ({listed})",
                    got=repr(name),
                    untouched=_NOTHING_DONE,
                    remedy="push the commit first, or check the spelling",
                )
            log = mirror.run("log", "-1", "--format=%an%x00%s%x00%cI", commit)
            author, subject, at = log.decode("utf-8", "replace").rstrip("\n").split("\0")
            return Revision(
                commit=commit,
                tree=self._tree(mirror, commit),
                author=one_line(author),
                subject=one_line(subject),
                at=datetime.fromisoformat(at),
            )

    def checkout(self, revision: Revision, into: Path) -> Path:
        """Write the files of `revision` into the empty folder `into`; return the app's folder.

        Raises:
            RefuseError: The folder holds a submodule, or files that are only pointers into Git LFS.
        """
        with self.mirror("source") as mirror:
            self._refuse_parts_elsewhere(mirror, revision)
            index = into.with_suffix(".index")
            into.mkdir(parents=True)
            places = {"GIT_INDEX_FILE": index, "GIT_WORK_TREE": into, "GIT_DIR": mirror.folder}
            environment = {key: str(place) for key, place in places.items()}
            mirror.run("read-tree", revision.commit, environment=environment)
            mirror.run("checkout-index", "--all", environment=environment)
            index.unlink()
        return into / self.folder

    def objects(self, revision: Revision, paths: list[str]) -> list[str]:
        """Git's ids of files and folders of the app."""
        with self.mirror("source") as mirror:
            names = [f"{revision.tree}:{'' if path == '.' else path}" for path in paths]
            return [mirror.run("rev-parse", "--verify", name).decode().strip() for name in names]

    def is_ancestor(self, older: str, newer: str) -> bool:
        """Whether `newer` contains the commit `older`; False where `older` is unknown here.

        Raises:
            RefuseError: The repository is shallow, so that it cannot be known.
        """
        with self.mirror("source") as mirror:
            if _commit(mirror, older) and mirror.is_ancestor(older, newer):
                return True
            if mirror.try_run("rev-parse", "--is-shallow-repository") == "true":
                raise RefuseError(
                    "The source repository is shallow: which revision is newer cannot be known.",
                    where=self.url,
                    expected=f"a history that tells whether {newer[:7]} contains {older[:7]}",
                    got="a repository that was cloned with --depth",
                    untouched="the ops repository and the cluster",
                    remedy="run `git fetch --unshallow` in it, or point the block at the origin",
                )
            return False

    def _refuse_parts_elsewhere(self, mirror: Mirror, revision: Revision) -> None:
        listing = mirror.run("ls-tree", "-r", "-z", revision.tree).decode("utf-8", "replace")
        entries = [entry.split("\t", 1) for entry in listing.split("\0")[:-1]]
        modules = [name for facts, name in entries if facts.startswith(_SUBMODULE)]
        attributes = [name for _, name in entries if name.split("/")[-1] == ".gitattributes"]
        pointers: list[str] = []
        if attributes:
            pattern = "^version https://git-lfs.github.com/spec/v1$"
            found = mirror.try_run("grep", "-lIz", "--max-depth=-1", "-e", pattern, revision.tree)
            names = [name.split(":", 1)[1] for name in (found or "").split("\0") if name]
            # Text about LFS is no pointer; a pointer begins with this line.
            pointers = [name for name in names if _is_pointer(mirror, revision.tree, name)]
        for what, names, remedy in (
            ("a submodule", modules, "vendor it (git subtree), or make it a dependency"),
            ("a Git LFS pointer", pointers, "take it out of LFS: `git lfs migrate export`"),
        ):
            if names:
                raise RefuseError(
                    f"The app's folder holds {what}, whose content is not in the commit.",
                    where=f"{self.url} at {revision.short}, folder {self.folder}",
                    expected="a commit that holds every file of the build",
                    got=", ".join(names[:10]),
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
    if len(ref) == 40 and _commit(mirror, ref) is not None:
        return
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


def _default_branch(mirror: Mirror) -> str:
    """What the server's HEAD points to."""
    listed = mirror.ask("asking for the default branch", "ls-remote", "--symref", "origin", "HEAD")
    found = re.match(r"ref: refs/heads/(\S+)\s+HEAD", listed)
    if found is None:
        raise RefuseError(
            "The repository has no default branch.",
            where=mirror.url,
            expected="a HEAD that points to a branch with a commit",
            got=listed or "an empty repository",
            untouched=_NOTHING_DONE,
            remedy="push a first commit, or set default_branch of the Source Repository block",
        )
    return found[1]


def _commit(mirror: Mirror, ref: str) -> str | None:
    for name in (f"refs/tags/{ref}", f"refs/heads/{ref}", ref):
        # `--end-of-options` comes back on the output of Git before 2.43.
        found = mirror.try_run(
            "rev-parse", "--verify", "--quiet", "--end-of-options", f"{name}^{{commit}}"
        )
        if found is not None:
            return found.removeprefix("--end-of-options").strip()
    return None


def _is_pointer(mirror: Mirror, tree: str, name: str) -> bool:
    return mirror.run("cat-file", "blob", f"{tree}:{name}").startswith(b"version https://git-lfs")
