"""What the commits of the ops repository say: their trailers explain the history of releases."""

from __future__ import annotations

from collections.abc import Mapping

from shipway.app_environment import AppEnvironment
from shipway.git.trailers import with_trailers
from shipway.release import Release


def release_message(
    app_environment: AppEnvironment, release: Release, step: str, more: Mapping[str, str], run: str
) -> str:
    """The message of a commit that changes what an environment runs.

    Args:
        app_environment: What the commit changes.
        release: What is released there.
        step: Of the plan, such as `2/5 canary 10%`.
        more: Further trailers: of a downgrade, a rollback, an approval, a gate.
        run: The run that commits, as a link where there is one.
    """
    app, environment = app_environment.app, app_environment.environment
    revision = release.revision
    trailers = {
        "Release": f"{app}/{environment}/{revision.commit[:12]}",
        "App": app,
        "Environment": environment,
        "Revision": revision.commit,
        "Revision-Date": revision.at.isoformat(),
        "Image": str(release.image),
        "Step": step,
        **more,
        "Run": run,
    }
    return with_trailers(f"{app} {revision.short} → {environment}", trailers)
