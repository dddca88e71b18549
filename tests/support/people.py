"""What people and forges do to an ops repository: reverts, edits, pulls and merges."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from git import Git, Repo

from tests.support.origin import Origin


class Person:
    """Somebody with a clone of a repository."""

    def __init__(self, origin: Origin) -> None:
        self.tree = origin.path.with_name("person")
        clone = Repo.clone_from(origin.url, self.tree)
        with clone.config_writer() as config:
            config.set_value("user", "name", "Grace")
            config.set_value("user", "email", "grace@example.org")
        self.git: Git = clone.git

    def pull(self) -> None:
        self.git.fetch("--quiet", "origin")
        self.git.reset("--quiet", "--hard", "origin/main")

    def push(self) -> str:
        """Push what is committed; return the commit."""
        self.git.push("--quiet", "origin", "HEAD:main")
        return str(self.git.rev_parse("HEAD"))

    def revert(self, commit: str, *options: str) -> str:
        """Revert a commit, as `git revert` does, and push."""
        self.pull()
        self.git.revert("--no-edit", *options, commit)
        return self.push()

    def commit(self, files: Mapping[str, bytes], message: str = "By hand") -> None:
        for name, content in files.items():
            file = Path(self.tree, name)
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_bytes(content)
        self.git.add("--all")
        self.git.commit("--quiet", "--message", message)

    def edit(self, files: Mapping[str, bytes], message: str = "By hand") -> str:
        """Commit files on top of what is there, and push."""
        self.pull()
        self.commit(files, message)
        return self.push()


class Merger:
    """A forge that merges what Shipway has committed, in each of the ways that forges have."""

    def __init__(self, origin: Origin) -> None:
        self.origin = origin

    def _move(self, tree: str, message: str, *parents: str) -> str:
        options = [option for parent in parents for option in ("-p", parent)]
        commit = str(self.origin.work.commit_tree(tree, *options, "-m", message))
        self.origin.bare.git.update_ref("refs/heads/main", commit)
        return commit

    def squash(self, message: str, count: int = 1, *, without: str | None = None) -> str:
        """Make one commit of the newest ones, with another message, and maybe without a file."""
        return self._move(self._tree(without), message, str(self._rev(f"main~{count}")))

    def rebase(self) -> str:
        """Make the newest commit anew, on top of somebody else's."""
        message = str(self.origin.bare.git.log("-1", "--format=%B", "main"))
        return self._move(self._tree(None), message, self._theirs(self._rev("main~1")))

    def merge(self, message: str = "Merge pull request #7 from acme/shipway") -> str:
        """Merge the newest commit into the line before it."""
        newest = self._rev("main")
        return self._move(self._tree(None), message, self._rev("main~1"), newest)

    def _theirs(self, parent: str) -> str:
        options = ("-p", parent, "-m", "somebody else")
        return str(self.origin.work.commit_tree(self._rev(f"{parent}^{{tree}}"), *options))

    def _tree(self, without: str | None) -> str:
        tree = self._rev("main^{tree}")
        if without is None:
            return tree
        git = self.origin.work
        index = str(self.origin.path.with_name("merger-index"))
        with git.custom_environment(GIT_INDEX_FILE=index):
            git.read_tree(tree)
            git.rm("--quiet", "--cached", "--ignore-unmatch", without)
            return str(git.write_tree())

    def _rev(self, name: str) -> str:
        return str(self.origin.bare.git.rev_parse(name))
