"""The history of one app's folder: what its files said, and what Shipway said that it did."""

from __future__ import annotations

from functools import cached_property

from shipway.app_environment import AppEnvironment
from shipway.git.folder_history import versions_of
from shipway.git.mirror import Mirror
from shipway.git.remembered import Remembered
from shipway.git.trailers import OpsCommit, commits_with


class History:
    """The history of an app's folder up to a commit; it is read while the mirror is open.

    Args:
        mirror: The ops repository.
        commit: The newest commit.
        app_environment: Whose folder it is.

    Attributes:
        app_environment: Whose folder it is.
        versions: What the folder said, newest first; read as far as somebody asks.
    """

    def __init__(self, mirror: Mirror, commit: str, app_environment: AppEnvironment) -> None:
        self._mirror, self._commit = mirror, commit
        self.app_environment = app_environment
        self.versions = Remembered(versions_of(mirror, commit, app_environment.folder))

    @cached_property
    def commits(self) -> list[OpsCommit]:
        """The commits whose trailers name the app in the environment, newest first."""
        whose = self.app_environment
        trailers = {"Environment": whose.environment, "App": whose.app}
        return list(commits_with(self._mirror, self._commit, trailers))

    def contains(self, commit: str) -> bool:
        """Whether a commit is part of it, with all that it changed or did not change."""
        return self._mirror.is_ancestor(commit, self._commit)
