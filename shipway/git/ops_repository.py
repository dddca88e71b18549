"""Where the desired state of every environment is: the Git repository that the cluster mirrors."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable
from datetime import datetime
from functools import partial
from pathlib import Path
from typing import TypeVar

from pydantic import Field, SecretStr, field_validator
from tenacity import (
    RetryCallState,
    Retrying,
    retry_if_exception_type,
)

from shipway.app_environment import AppEnvironment
from shipway.errors import FailError, HaltError, RefuseError, RetryError, ShipwayError
from shipway.forges.api import PullRequest
from shipway.forges.forge import Forge
from shipway.git.access import check_ref
from shipway.git.branch_tip import BranchTip
from shipway.git.commit import Author, commit_files, read_below, read_file, read_files
from shipway.git.folder_history import changed_below
from shipway.git.history import History
from shipway.git.lock import locked
from shipway.git.mirror import Mirror, Rejection
from shipway.git.objects import CRUD, Entry
from shipway.git.ops_folder import (
    FREEZE_FILE,
    SIGNERS_FILE,
    Landed,
    LostRaceError,
    OpsFolder,
    Proposal,
    Propose,
)
from shipway.git.race import pause_seconds
from shipway.git.remote import GitRemote, mending_cache
from shipway.git.signing import Signing

Answer = TypeVar("Answer")

# A race is worth any number of attempts; a server that fails is not.
_FAILURES = 5


class OpsRepository(GitRemote):
    """The Git repository that holds the manifests of every environment."""

    branch: str = Field(default="main", description="The branch that the cluster follows.")
    author_name: str = Field(
        default="Shipway", description="Author and committer of release commits."
    )
    author_email: str = Field(default="shipway@localhost", description="Their e-mail address.")
    signing: Signing | None = Field(
        default=None, description="Sign release commits, with an SSH or an OpenPGP key."
    )
    signing_key: SecretStr | None = Field(
        default=None, description="The private key that signs, without a passphrase."
    )
    review: Forge | None = Field(
        default=None,
        description="For a protected branch: open a pull request there, and wait for its merge.",
    )

    @field_validator("author_name", "author_email")
    @classmethod
    def _author(cls, text: str) -> str:
        if not text.strip(CRUD) or not text.isprintable() or set("<>") & set(text):
            raise ValueError("expected a name or address without <, > and control characters")
        return text

    @mending_cache("ops")
    def fetch(self, app_environment: AppEnvironment) -> OpsFolder:
        """Read one app's folder at the tip of the branch.

        Raises:
            RefuseError: The branch or the repository is not there, or access is denied.
            RetryError: The server cannot be reached.
        """
        with self.mirror("ops") as mirror:
            return self._read(mirror, app_environment)

    @mending_cache("ops")
    def export(self, commit: str, folders: Iterable[str]) -> dict[str, bytes]:
        """Every file in some folders, and in the folders in them, at a commit; by path.

        Raises:
            RefuseError: A folder is not there, or holds a symlink or a submodule.
            RetryError: The server cannot be reached.
        """
        with self.mirror("ops") as mirror:
            self._tip(mirror)
            return {
                path: content
                for folder in dict.fromkeys(folders)
                for path, content in read_below(mirror, commit, folder).items()
            }

    @mending_cache("ops")
    def apps(
        self, *, environment: str | None = None, app: str | None = None
    ) -> list[AppEnvironment]:
        """Every folder at the tip of the branch with a rollout.yaml.

        Args:
            environment: Those of one environment, or of all if None.
            app: Those of one app, or of all if None.
        """
        with self.mirror("ops") as mirror:
            return list(_listings(mirror, self._tip(mirror), environment, app))

    @mending_cache("ops")
    def every_file(self) -> list[bytes]:
        """The content of every file at the tip of the branch, wherever it lies.

        Raises:
            RefuseError: The branch or the repository is not there, or access is denied.
            RetryError: The server cannot be reached.
        """
        with self.mirror("ops") as mirror:
            blobs, level = set[str](), [mirror.root(self._tip(mirror))]
            while level:
                entries = [entry for tree in mirror.trees(level).values() for entry in tree]
                blobs |= {entry.oid for entry in entries if entry.kind == "blob"}
                level = [entry.oid for entry in entries if entry.kind == "tree"]
            return mirror.blobs(sorted(blobs))

    @mending_cache("ops")
    def consult_each(
        self,
        question: Callable[[OpsFolder, Callable[[], History]], Answer],
        *,
        environment: str | None = None,
        app: str | None = None,
    ) -> list[Answer]:
        """What a question finds in each of the same folders, and in its history if it asks for it.

        Args:
            question: Asked about one folder at a time. Its history is refused where it is not all
                there.
            environment: Those of one environment, or of all if None.
            app: Those of one app, or of all if None.
        """
        with self.mirror("ops") as mirror:
            tip = self._tip(mirror)
            found = _listings(mirror, tip, environment, app)
            # All of them at once.
            oids = list({entry.oid for entries in found.values() for entry in entries})
            contents = dict(zip(oids, mirror.blobs(oids), strict=True))
            environments = {each.environment for each in found}
            of_environments = {name: _files_of(mirror, tip, name) for name in environments}
            return [
                question(
                    OpsFolder(
                        app_environment=app_environment,
                        commit=tip,
                        files={entry.name: contents[entry.oid] for entry in entries},
                        **of_environments[app_environment.environment],
                    ),
                    partial(_history, mirror, tip, app_environment),
                )
                for app_environment, entries in found.items()
            ]

    @mending_cache("ops")
    def consult(
        self, app_environment: AppEnvironment, question: Callable[[OpsFolder, History], Answer]
    ) -> Answer:
        """What a question finds in an app's folder at the tip of the branch, and in its history.

        Raises:
            RefuseError: The branch or the repository is not there, or access is denied; or what
                `question` raises.
            RetryError: The server cannot be reached.
        """
        with self.mirror("ops") as mirror:
            folder = self._read(mirror, app_environment)
            return question(folder, _history(mirror, folder.commit, app_environment))

    @mending_cache("ops")
    def branch_tip(self, branch: str) -> BranchTip | None:
        """The newest commit of any branch; None where there is no such branch.

        Raises:
            RefuseError: The repository is not there, or access is denied.
            RetryError: The server cannot be reached.
        """
        ref = f"refs/heads/{check_ref(branch)}"
        with self.mirror("ops") as mirror:
            if not mirror.ask("looking for a branch", "ls-remote", "origin", ref):
                return None
            commit = mirror.fetch_branch("fetching a branch", ref)
            return BranchTip(commit, mirror.commit(commit))

    @mending_cache("ops")
    def since(self, commit: str, others: Iterable[str]) -> frozenset[str]:
        """A commit of the branch, and those of some others there that contain it.

        Raises:
            RefuseError: The branch or the repository is not there, or access is denied.
            RetryError: The server cannot be reached.
        """
        with self.mirror("ops") as mirror:
            tip = self._tip(mirror)
            here = (other for other in others if mirror.is_ancestor(other, tip))
            return frozenset(
                {commit, *(other for other in here if mirror.is_ancestor(commit, other))}
            )

    @mending_cache("ops")
    def look_back(
        self,
        environment: str,
        app: str | None,
        since: datetime,
        question: Callable[[History], Answer],
    ) -> list[Answer]:
        """What a question finds in the history of each app of an environment.

        Args:
            environment: The environment.
            app: One app, or every app that a commit since then changed if None.
            since: How far the question looks back.
            question: Asked about one app's folder at a time.

        Raises:
            RefuseError: The branch or the repository is not there, or access is denied.
            RetryError: The server cannot be reached.
        """
        with self.mirror("ops") as mirror:
            tip = self._tip(mirror)
            _check_whole(mirror)
            apps = [app] if app else changed_below(mirror, tip, environment, since)
            whose = [AppEnvironment(app=app, environment=environment) for app in apps]
            return [question(History(mirror, tip, each)) for each in whose]

    def commit(
        self,
        app_environment: AppEnvironment,
        propose: Propose,
        on_review: Callable[[str], None] = lambda _: None,
    ) -> Landed:
        """Commit what `propose` makes of the tip, and push; start afresh where the tip moves.

        Git's compare-and-swap on the branch is the lock: nothing is rebased, nothing is forced, and
        `propose` sees each new tip. A push whose answer is lost is looked for at the server. Where
        changes are reviewed, the commit goes to a branch of its own, and the call waits until its
        pull request is merged.

        Args:
            app_environment: Whose folder is to change.
            propose: Makes a proposal of that folder and of its history; None where nothing is to
                be done.
            on_review: Told the address of the pull request, where there is one.

        Raises:
            RetryError: The server cannot be reached, or the branch moves on for `timeout_seconds`.
            RefuseError: The server does not allow the push; or what `propose` raises.
            FailError: The server took the push but does not show it.
            HaltError: The pull request was not merged in time.
        """
        return self._commit(app_environment, propose, on_review, pushed=[])

    @mending_cache("ops")
    def _commit(
        self,
        app_environment: AppEnvironment,
        propose: Propose,
        on_review: Callable[[str], None],
        *,
        pushed: list[str],
    ) -> Landed:
        """Commit as `commit` does; `pushed` is what may have been sent, whatever became of it."""
        seconds = list[float]()
        attempts = Retrying(
            retry=retry_if_exception_type(RetryError),
            wait=lambda _: pause_seconds(seconds),
            stop=lambda state: _is_enough(state, self.timeout_seconds),
            reraise=True,
        )
        with self.mirror("ops") as mirror:

            def attempt() -> Landed:
                # Releases on one machine take turns instead of racing each other.
                with locked(Path(f"{mirror.folder}.turn.lock"), self.timeout_seconds):
                    begin = time.monotonic()
                    try:
                        return self._attempt(mirror, app_environment, propose, on_review, pushed)
                    finally:
                        seconds.append(time.monotonic() - begin)

            landed = attempts(attempt)
        if self.review and landed.new:
            landed = self._merged(self.review, app_environment, propose)
        return landed

    def _attempt(
        self,
        mirror: Mirror,
        app_environment: AppEnvironment,
        propose: Propose,
        on_review: Callable[[str], None],
        pushed: list[str],
    ) -> Landed:
        """Commit and push once, on the tip as it is now."""
        folder = self._read(mirror, app_environment)
        # The answer to an earlier push may have been lost.
        for commit in pushed:
            if mirror.is_ancestor(commit, folder.commit):
                return Landed(commit=commit, new=True)
        proposal = propose(folder, _history(mirror, folder.commit, app_environment))
        if proposal is None or not proposal.changes:
            return Landed(commit=folder.commit, new=False)
        author = Author(
            name=self.author_name,
            email=self.author_email,
            signing=self.signing,
            key=self.signing_key,
        )
        commit = commit_files(mirror, folder.commit, proposal.changes, proposal.message, author)
        if self.review is None:
            self._push(mirror, commit, folder.commit, pushed)
        else:
            on_review(self._ask_for_review(self.review, mirror, commit, folder, proposal))
        return Landed(commit=commit, new=True)

    def _ask_for_review(
        self, forge: Forge, mirror: Mirror, commit: str, folder: OpsFolder, proposal: Proposal
    ) -> str:
        """Push to a branch that is named by what it changes, and see to its pull request."""
        branch = f"shipway/{folder.path}/{proposal.identity(folder)[:12]}"
        ref = f"refs/heads/{check_ref(branch)}"
        # Another run of the same release may have pushed it, on an older tip.
        if not mirror.ask("looking for the branch", "ls-remote", "origin", ref):
            rejection = mirror.push("pushing the branch", commit, ref)
            if rejection:
                raise self._rejected(rejection, "pushing the branch", lost=rejection.race)
        subject, _, body = proposal.message.partition("\n\n")
        text = f"```text\n{body}```\n"
        return forge.open_request(
            PullRequest(branch=branch, base=self.branch, title=subject, body=text)
        )

    def _merged(self, forge: Forge, app_environment: AppEnvironment, propose: Propose) -> Landed:
        """Wait until the branch says what is proposed."""
        deadline = time.monotonic() + forge.merge_timeout_seconds
        while time.monotonic() < deadline:
            time.sleep(forge.poll_seconds)
            # Nobody else has to wait for the merge.
            with self.mirror("ops") as mirror:
                folder = self._read(mirror, app_environment)
                proposal = propose(folder, _history(mirror, folder.commit, app_environment))
            if proposal is None or not proposal.changes:
                return Landed(commit=folder.commit, new=True)
        raise HaltError(
            "The pull request was not merged in time.",
            where=f"{forge.project}, {app_environment.folder}",
            expected=f"a merge within {forge.merge_timeout_seconds:.0f} s",
            untouched="the branch that the cluster follows",
            remedy="merge it and start the release again: it goes on from there; or close it",
        )

    def _push(self, mirror: Mirror, commit: str, parent: str, pushed: list[str]) -> None:
        """Push a commit to the branch, and see that it is there; note it in `pushed`."""
        doing = "pushing the release commit"
        rejection, failure = None, None
        # Before it is: nobody knows then how far it came.
        pushed.append(commit)
        try:
            rejection = mirror.push(doing, commit, self._ref)
        except RetryError as error:
            failure = error
        if rejection and not rejection.sent:
            # There is nothing to look for at the server.
            pushed.pop()
            raise self._rejected(rejection, doing, lost=True)
        if not rejection and not failure and mirror.shows(doing, commit, self._ref):
            mirror.follow(self._ref, commit, parent)
            return
        tip = self._tip(mirror)
        # The server may have taken the commit, and the connection broken before it said so: then
        # Git, which sends it once more, is told that the branch has moved.
        if mirror.is_ancestor(commit, tip):
            return
        if failure:
            raise failure
        if rejection:
            raise self._rejected(rejection, doing, lost=rejection.race or tip != parent)
        raise FailError(
            "The pushed commit is not on the branch.",
            where=f"{self.url} {self.branch}",
            expected=commit,
            got=f"another history at {tip}",
            remedy="look for somebody who force-pushes this branch",
        )

    def _rejected(self, rejection: Rejection, doing: str, *, lost: bool) -> ShipwayError:
        """The error of a push that the server rejected, by whether another one came first."""
        if lost:
            return LostRaceError(
                "Somebody else pushed to the ops repository first.",
                where=f"{self.url} {self.branch}",
                got=rejection.words,
                untouched="the ops repository",
            )
        return RefuseError(
            f"The Git server does not allow it; found out while {doing}.",
            where=self.url,
            got=rejection.words,
            remedy="check the branch's protection and the server's hooks",
        )

    def _read(self, mirror: Mirror, app_environment: AppEnvironment) -> OpsFolder:
        """The app's folder at the tip of the branch."""
        tip = self._tip(mirror)
        files = read_files(mirror, tip, app_environment.folder)
        of_environment = _files_of(mirror, tip, app_environment.environment)
        return OpsFolder(app_environment=app_environment, commit=tip, files=files, **of_environment)

    def _tip(self, mirror: Mirror) -> str:
        """Fetch the branch; return its newest commit."""
        return mirror.fetch_branch("fetching the ops repository", self._ref)

    @property
    def _ref(self) -> str:
        """The whole name of the branch."""
        return f"refs/heads/{check_ref(self.branch)}"


def _listings(
    mirror: Mirror, tip: str, environment: str | None, app: str | None
) -> dict[AppEnvironment, list[Entry]]:
    """The plain files of each app's folder: one with a rollout.yaml."""
    level = [((), mirror.root(tip))]
    for name in (environment, app):
        trees = mirror.trees(oid for _, oid in level)
        level = [
            ((*path, entry.name), entry.oid)
            for path, oid in level
            for entry in trees[oid]
            if entry.kind == "tree" and name in {None, entry.name}
        ]
    trees = mirror.trees(oid for _, oid in level)
    return {
        AppEnvironment(environment=path[0], app=path[1]): [
            entry for entry in trees[oid] if entry.mode.startswith("100")
        ]
        for path, oid in level
        if "rollout.yaml" in {entry.name for entry in trees[oid]}
    }


def _files_of(mirror: Mirror, tip: str, environment: str) -> dict[str, bytes | None]:
    """The files of an environment that an `OpsFolder` has, by attribute."""
    files = {"freeze": FREEZE_FILE, "allowed_signers": SIGNERS_FILE}
    return {key: read_file(mirror, tip, environment, name) for key, name in files.items()}


def _history(mirror: Mirror, commit: str, app_environment: AppEnvironment) -> History:
    """The history of the app's folder up to a commit."""
    _check_whole(mirror)
    return History(mirror, commit, app_environment)


def _check_whole(mirror: Mirror) -> None:
    """Refuse a history that is not all there."""
    unknown = "The ops repository is shallow: what ran before cannot be known."
    mirror.check_whole(unknown, "its whole history")


def _is_enough(state: RetryCallState, timeout_seconds: float) -> bool:
    """Whether no further attempt is made: a race is lost for too long, or all else failed often."""
    error = state.outcome.exception() if state.outcome else None
    if isinstance(error, LostRaceError):
        return (state.seconds_since_start or 0) >= timeout_seconds
    return state.attempt_number >= _FAILURES
