"""What the commits of the ops repository say: in their trailers, and in the folder's record."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime

from shipway.config.holds import HOLDS_FILE
from shipway.git.ops_folder import OpsFolder, Proposal
from shipway.git.record import RECORD_FILE, write_record
from shipway.git.trailers import with_trailers
from shipway.release import Release


def release_proposal(
    folder: OpsFolder,
    changes: Mapping[str, bytes | None],
    release: Release,
    step: str,
    more: Mapping[str, str],
    run: str,
) -> Proposal | None:
    """The commit that changes what an environment runs; None where nothing changes.

    Args:
        folder: What it changes.
        changes: The files that change, by path in the repository.
        release: What is released there.
        step: Of the plan, such as `2/5 canary 10%`.
        more: Further trailers: of a downgrade, a rollback, an approval, a gate.
        run: The run that commits, as a link where there is one.
    """
    if not changes:
        return None
    app, environment = folder.app_environment.app, folder.app_environment.environment
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
    # What a way back needs, without the app's repository; and what people ask of what runs.
    about = {
        "At": datetime.now(UTC).isoformat(timespec="seconds"),
        "Revision-Tree": revision.tree,
        "Revision-Author": revision.author,
        "Revision-Subject": revision.subject,
    }
    record, holds = (f"{folder.path}/{name}" for name in (RECORD_FILE, HOLDS_FILE))
    return Proposal(
        changes={**changes, record: write_record({**trailers, **about})},
        message=with_trailers(f"{app} {revision.short} → {environment}", trailers),
        notes=frozenset({record, holds}),
    )
