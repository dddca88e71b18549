"""What the commits of the ops repository say: their trailers explain the history of releases."""

from __future__ import annotations

from collections.abc import Mapping

from shipway.git.revision import Revision
from shipway.git.trailers import with_trailers


def release_message(
    app: str,
    environment: str,
    revision: Revision,
    image: str,
    step: str,
    more: Mapping[str, str],
    run: str,
) -> str:
    """The message of a commit that changes what an environment runs.

    Args:
        app: The app.
        environment: The environment.
        revision: What the image was built from.
        image: The image, by digest.
        step: Of the plan, such as `2/5 canary 10%`.
        more: Further trailers: of a downgrade, a rollback, an approval, a gate.
        run: The run that commits, as a link where there is one.
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
        "Run": run,
    }
    return with_trailers(f"{app} {revision.short} → {environment}", trailers)
