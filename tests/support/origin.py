from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from git import Repo

from shipway.git.access import Access, git_environment
from shipway.git.cache import OFFLINE
from shipway.git.command import Git
from shipway.git.mirror import Mirror


class Origin:
    """A bare repository in a temporary folder, with a work tree and an index beside it."""

    def __init__(self, folder: Path) -> None:
        folder.mkdir(exist_ok=True)
        self.path = folder / "origin.git"
        self.url = f"file://{self.path}"
        self.bare = Repo.init(self.path, bare=True, initial_branch="main")
        with self.bare.config_writer() as config:
            config.set_value("uploadpack", "allowFilter", "true")
        self.tree = folder / "tree"
        self.tree.mkdir()
        self.work = Repo(self.path).git
        self.work.update_environment(
            GIT_DIR=str(self.path),
            GIT_WORK_TREE=str(self.tree),
            GIT_INDEX_FILE=str(folder / "index"),
        )
        self._mirrors = list[Mirror]()

    @staticmethod
    def git(path: Path, *command: str) -> str:
        """What a Git command prints in another bare repository."""
        return str(Repo(path).git.execute(["git", f"--git-dir={path}", *command]))

    def mirror(self) -> Mirror:
        """The bare repository as it is, open until `close`; nothing is fetched."""
        if not (self.path / OFFLINE).exists():
            Repo.init(self.path / OFFLINE, bare=True)
        environment = {"GIT_DIR": str(self.path)} | git_environment(Access(), self.path)
        mirror = Mirror(Git(self.path, environment), self.url, timeout_seconds=10)
        self._mirrors.append(mirror)
        return mirror

    def close(self) -> None:
        """Close the mirrors."""
        for mirror in self._mirrors:
            mirror.close()

    def commit(self, files: Mapping[str, bytes], message: str = "change") -> str:
        """Commit whole files; return the commit."""
        for name, content in files.items():
            path = self.tree / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(content)
        return self.commit_tree(message)

    def commit_tree(self, message: str = "change") -> str:
        """Commit the work tree as it is; return the commit."""
        self.work.add("--all")
        self.work.commit("--quiet", "--allow-empty", "--message", message)
        return self.tip()

    def tip(self, branch: str = "main") -> str:
        """The commit that the branch of the bare repository points to."""
        return str(self.bare.git.rev_parse(f"refs/heads/{branch}"))

    def changed(self, before: str, after: str) -> list[str]:
        """The paths that differ between two commits, with Git's letter for how."""
        names = str(self.bare.git.diff("--name-status", "--no-renames", before, after))
        return names.splitlines()
