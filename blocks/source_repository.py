"""Where an app's code is."""

from __future__ import annotations

import hashlib
from pathlib import Path

from filelock import FileLock
from git import Repo
from git.exc import GitCommandError
from prefect.blocks.core import Block
from pydantic import BaseModel, ConfigDict, Field, SecretStr, field_validator

from blocks.errors import Refuse
from blocks.vcs.access import check_ref, check_url, explain, open_mirror
from blocks.vcs.commit import tree_of
from blocks.workspace import workspace


class Revision(BaseModel):
    """A commit of the app repository."""

    model_config = ConfigDict(frozen=True)

    commit: str = Field(description="Full commit id.")
    tree: str = Field(description="Tree id of the app's folder: equal trees hold equal files.")
    author: str
    subject: str

    @property
    def short(self) -> str:
        """The first seven digits, as people read it."""
        return self.commit[:7]


class SourceRepository(Block):
    """The Git repository that holds an app's code and its pipeline.yaml.

    One block an app, named like the app; several apps of one repository differ in `folder`.
    """

    _block_type_name = "Source Repository"
    _block_type_slug = "source-repository"
    _description = "The Git repository that holds an app's code and its pipeline.yaml."

    # A URL that is refused may hold a password.
    model_config = ConfigDict(hide_input_in_errors=True)

    url: str = Field(description="http(s)://, ssh:// or file:// URL, without a password.")
    username: str | None = Field(
        default=None, description="For http(s): the user that reads the code."
    )
    password: SecretStr | None = Field(
        default=None, description="For http(s): a password or token."
    )
    folder: str = Field(default=".", description="Folder of the app in the repository (monorepo).")
    default_branch: str = Field(default="main", description="What the nightly run tests.")

    @field_validator("url")
    @classmethod
    def _url(cls, url: str) -> str:
        return check_url(url)

    def resolve(self, ref: str) -> Revision:
        """Find the commit that a branch, a tag or a (short) commit id names.

        Raises:
            Refuse: There is no such revision, or access is denied.
            Retry: The server cannot be reached.
        """
        repo = self._fetched(check_ref(ref))
        commit = self._commit(repo, ref)
        if commit is None:
            branches = str(repo.git.for_each_ref("--format=%(refname:short)", "refs/heads"))
            raise Refuse(
                f"There is no revision {ref!r}.",
                where=self.url,
                expected=f"a commit id, a tag, or a branch ({', '.join(branches.split()[:10])})",
                got=repr(ref),
                untouched="everything: nothing was built, pushed or committed",
                remedy="push the commit first, or check the spelling",
            )
        tree = self._tree(repo, commit)
        author, subject = str(repo.git.log("-1", "--format=%an%x00%s", commit)).split("\0")
        return Revision(commit=commit, tree=tree, author=author, subject=subject)

    def checkout(self, revision: Revision, into: Path) -> Path:
        """Write the files of `revision` into the empty folder `into`; return the app's folder."""
        repo = self._mirror()
        index = into.with_suffix(".index")
        into.mkdir(parents=True)
        places = {"GIT_INDEX_FILE": index, "GIT_WORK_TREE": into, "GIT_DIR": repo.git_dir}
        with repo.git.custom_environment(**{key: str(value) for key, value in places.items()}):
            repo.git.read_tree(revision.commit)
            repo.git.checkout_index("--all")
        index.unlink()
        return into / self.folder

    def is_ancestor(self, older: str, newer: str) -> bool:
        """Whether `newer` contains the commit `older`; False where `older` is unknown here."""
        repo = self._mirror()
        if self._commit(repo, older) is None:
            return False
        status, _, _ = repo.git.merge_base(
            "--is-ancestor", older, newer, with_extended_output=True, with_exceptions=False
        )
        return status == 0

    def _mirror(self) -> Repo:
        name = hashlib.sha256(self.url.encode()).hexdigest()[:16]
        return open_mirror(workspace("source") / name, self.url, self.username, self.password)

    def _fetched(self, ref: str) -> Repo:
        repo = self._mirror()
        # A full commit id that is already here cannot have changed: nothing to ask the server.
        if len(ref) == 40 and self._commit(repo, ref) is not None:
            return repo
        with FileLock(f"{repo.git_dir}.fetch.lock"):
            try:
                repo.git.fetch(
                    "--prune",
                    "--force",
                    "--no-auto-maintenance",
                    "origin",
                    "+refs/heads/*:refs/heads/*",
                    "+refs/tags/*:refs/tags/*",
                )
            except GitCommandError as error:
                raise explain(error, self.url, "fetching the app's code") from error
        return repo

    def _commit(self, repo: Repo, ref: str) -> str | None:
        for name in (f"refs/tags/{ref}", f"refs/heads/{ref}", ref):
            status, out, _ = repo.git.rev_parse(
                "--verify",
                "--quiet",
                "--end-of-options",
                f"{name}^{{commit}}",
                with_extended_output=True,
                with_exceptions=False,
            )
            if status == 0:
                return out.removeprefix("--end-of-options").strip()
        return None

    def _tree(self, repo: Repo, commit: str) -> str:
        tree = tree_of(repo, commit, self.folder)
        if tree is None:
            raise Refuse(
                "The app's folder is not in the repository.",
                where=f"{self.url} at {commit}",
                expected=f"a folder {self.folder!r}",
                remedy="check the folder of the app's Source Repository block",
            )
        return tree
