"""What the commits of the ops repository say: their trailers are the history of releases."""

from __future__ import annotations

from collections.abc import Mapping

from prefect.runtime import flow_run
from prefect.utilities.urls import url_for

from blocks.source_repository import Revision
from blocks.vcs.trailers import with_trailers


def this_run() -> str:
    """The run that people started (not a subflow of it), as a link where there is one."""
    return address_of(str(flow_run.root_flow_run_id))


def address_of(run: str) -> str:
    """A run in the Prefect UI; its id where there is no UI."""
    return url_for("flow-run", run) or run


def release_message(
    app: str,
    environment: str,
    revision: Revision,
    image: str,
    step: str,
    more: Mapping[str, str],
) -> str:
    """The message of a commit that changes what an environment runs.

    Args:
        app: The app.
        environment: The environment.
        revision: What the image was built from.
        image: The image, by digest.
        step: Of the plan, such as `2/5 canary 10%`.
        more: Further trailers: of a downgrade, a rollback, an approval, a gate.
    """
    trailers = {
        "Release": f"{app}/{environment}/{revision.commit[:12]}",
        "App": app,
        "Environment": environment,
        "Revision": revision.commit,
        "Revision-Date": revision.at.isoformat(),
        "Image": image,
        "Step": step,
        **more,
        "Run": this_run(),
    }
    return with_trailers(f"{app} {revision.short} → {environment}", trailers)
