"""Where the wanted state of every environment is: the Git repository that the cluster mirrors."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping

from filelock import FileLock
from git import Repo
from git.exc import GitCommandError
from prefect.blocks.core import Block
from pydantic import BaseModel, ConfigDict, Field, SecretStr, field_validator

from blocks.errors import Fail, Retry
from blocks.vcs.access import check_ref, check_url, explain, open_mirror
from blocks.vcs.commit import Author, commit_files, read_files
from blocks.workspace import workspace

_LOST_RACE = re.compile(
    r"\[rejected\]|cannot lock ref|failed to update ref|incorrect old value", re.IGNORECASE
)


class Wanted(BaseModel):
    """What the ops repository says about one app in one environment, at one commit."""

    model_config = ConfigDict(frozen=True)

    commit: str
    folder: str
    files: dict[str, bytes]

    @property
    def fingerprint(self) -> str:
        """Equal for equal files, whatever else the repository holds."""
        digest = hashlib.sha256()
        for name, content in sorted(self.files.items()):
            digest.update(name.encode() + b"\0" + hashlib.sha256(content).digest())
        return digest.hexdigest()


class OpsRepository(Block):
    """The Git repository that holds the manifests of every environment."""

    _block_type_name = "Ops Repository"
    _block_type_slug = "ops-repository"
    _description = "The Git repository with each environment's manifests: the cluster mirrors it."

    # A URL that is refused may hold a password.
    model_config = ConfigDict(hide_input_in_errors=True)

    url: str = Field(description="http(s)://, ssh:// or file:// URL, without a password.")
    username: str | None = Field(default=None, description="For http(s): the user that pushes.")
    password: SecretStr | None = Field(
        default=None, description="For http(s): a password or token."
    )
    branch: str = Field(default="main", description="The branch that the cluster follows.")
    author_name: str = Field(
        default="Shipway", description="Author and committer of release commits."
    )
    author_email: str = Field(default="shipway@localhost", description="Their e-mail address.")
    web_url: str | None = Field(
        default=None,
        description="Address of a commit for people, with {commit} in it.",
        examples=["https://github.com/acme/ops/commit/{commit}"],
    )

    @field_validator("url")
    @classmethod
    def _url(cls, url: str) -> str:
        return check_url(url)

    def folder(self, environment: str, app: str) -> str:
        """Where one app's manifests for one environment lie."""
        return f"{environment}/{app}"

    def fetch(self, environment: str, app: str) -> Wanted:
        """Read one app's folder at the tip of the branch.

        Raises:
            Refuse: The branch or the repository is not there, or access is denied.
            Retry: The server cannot be reached.
        """
        repo = self._mirror()
        tip = self._tip(repo)
        folder = self.folder(environment, app)
        return Wanted(commit=tip, folder=folder, files=read_files(repo, tip, folder))

    def apps(self, environment: str | None, app: str | None) -> list[tuple[str, str]]:
        """Every (environment, app) at the tip of the branch with a rollout.yaml; None means all."""
        repo = self._mirror()
        paths = str(repo.git.ls_tree("-r", "--name-only", "-z", self._tip(repo))).split("\0")
        found = [path.split("/") for path in paths if path.endswith("/rollout.yaml")]
        pairs = [(parts[0], parts[1]) for parts in found if len(parts) == 3]
        return [pair for pair in pairs if environment in {None, pair[0]} and app in {None, pair[1]}]

    def last_trailer(self, commit: str, environment: str, app: str, key: str) -> str | None:
        """A trailer of the last release commit of this app and environment, if there was one."""
        repo, wanted = self._mirror(), {"App": [app], "Environment": [environment]}
        # Git finds the lines fast, but they may stand in prose: only trailers count.
        lines = [f"^{name}: {re.escape(value)}$" for name, (value,) in wanted.items()]
        for found in repo.iter_commits(commit, grep=lines, all_match=True, extended_regexp=True):
            trailers = found.trailers_dict
            if trailers | wanted == trailers:
                return (trailers.get(key) or [None])[-1]
        return None

    def push(self, parent: str, changes: Mapping[str, bytes], message: str) -> str:
        """Commit `changes` (whole files by path) on `parent` and push; return the commit.

        Git's compare-and-swap on the branch is the lock: a push on a tip that has moved fails.

        Raises:
            Retry: Somebody else pushed first, or the server cannot be reached. Fetch and try anew.
            Refuse: The server does not allow the push.
            Fail: The server took the push but does not show it.
        """
        repo = self._mirror()
        author = Author(name=self.author_name, email=self.author_email)
        commit = commit_files(repo, parent, changes, message, author)
        try:
            repo.git.push("--no-verify", "origin", f"{commit}:refs/heads/{self.branch}")
        except GitCommandError as error:
            words = str(error.stderr)
            if _LOST_RACE.search(words):
                raise Retry(
                    "Somebody else pushed to the ops repository first.",
                    where=f"{self.url} {self.branch}",
                    untouched="the ops repository",
                ) from error
            raise explain(error, self.url, "pushing the release commit") from error
        self._read_back(repo, commit, changes)
        return commit

    def link(self, commit: str) -> str:
        """The commit as Markdown: a link where `web_url` is set."""
        text = f"`{commit[:7]}`"
        return f"[{text}]({self.web_url.format(commit=commit)})" if self.web_url else text

    def _read_back(self, repo: Repo, commit: str, changes: Mapping[str, bytes]) -> None:
        tip = self._tip(repo)
        status, _, _ = repo.git.merge_base(
            "--is-ancestor", commit, tip, with_extended_output=True, with_exceptions=False
        )
        if status != 0:
            raise Fail(
                "The pushed commit is not on the branch.",
                where=f"{self.url} {self.branch}",
                expected=f"{commit} ({', '.join(changes)})",
                got=f"tip {tip}",
                remedy="look for somebody who force-pushes this branch",
            )

    def _mirror(self) -> Repo:
        name = hashlib.sha256(f"{self.url} {self.branch}".encode()).hexdigest()[:16]
        return open_mirror(workspace("ops") / name, self.url, self.username, self.password)

    def _tip(self, repo: Repo) -> str:
        with FileLock(f"{repo.git_dir}.fetch.lock"):
            try:
                repo.git.fetch(
                    "--filter=blob:none",
                    "--no-tags",
                    "--no-auto-maintenance",
                    "origin",
                    f"+refs/heads/{check_ref(self.branch)}:refs/heads/{self.branch}",
                )
            except GitCommandError as error:
                raise explain(error, self.url, "fetching the ops repository") from error
        return str(repo.git.rev_parse(f"refs/heads/{self.branch}"))
