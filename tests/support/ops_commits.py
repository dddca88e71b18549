"""What Shipway has committed, as a release finds it in the ops repository."""

from __future__ import annotations

from shipway.app_environment import AppEnvironment
from shipway.git.ops_repository import OpsRepository
from shipway.git.trailers import OpsCommit


def ops_commits(ops: OpsRepository, app_environment: AppEnvironment) -> list[OpsCommit]:
    """The commits of one app in one environment, newest first."""
    return ops.consult(app_environment, lambda _, history: history.commits)
