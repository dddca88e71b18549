"""`shipway release`, `promote`, `rollback` and `clear-hold`: each starts a run of its flow."""

from __future__ import annotations

import getpass
from typing import Annotated

from cyclopts import Parameter

from shipway.cli.start import Json, Until, Watch, start

By = Annotated[str | None, Parameter(help="Who wants it; your login name if empty.")]


def release(
    app: str,
    revision: str | None = None,
    *,
    environment: str = "staging",
    until: Until = "healthy",
    downgrade: Annotated[bool, Parameter(negative=())] = False,
    watch: Watch = False,
    as_json: Json = False,
) -> int:
    """Release one revision of an app to one environment.

    A second time changes nothing.

    Parameters
    ----------
    app
        App, as its Source Repository block is named.
    revision
        Branch, tag or commit id; the tip of the default branch if empty.
    environment
        Environment, as its folder in the ops repository is named.
    until
        Stop at the GitOps commit, or see the rollout through until healthy.
    downgrade
        Let an older or unrelated revision follow the one that is there now.
    """
    given = {"app": app, "revision": revision, "environment": environment}
    parameters = {**given, "until": until, "downgrade": downgrade}
    return start("release", parameters, watch=watch, as_json=as_json)


def promote(
    app: str,
    environment: str,
    *,
    until: Until = "healthy",
    downgrade: Annotated[bool, Parameter(negative=())] = False,
    watch: Watch = False,
    as_json: Json = False,
) -> int:
    """Take what has proven itself to the next environment.

    Parameters
    ----------
    app
        App, as its Source Repository block is named.
    environment
        Environment to promote to; its rollout.yaml says from where (`promotion`).
    until
        Stop at the GitOps commit, or see the rollout through until healthy.
    downgrade
        Let an older or unrelated revision follow the one that is there now.
    """
    parameters = {"app": app, "environment": environment, "until": until, "downgrade": downgrade}
    return start("promote", parameters, watch=watch, as_json=as_json)


def rollback(
    app: str,
    environment: str,
    *,
    reason: str,
    by: By = None,
    to: str | None = None,
    until: Until = "healthy",
    watch: Watch = False,
    as_json: Json = False,
) -> int:
    """Go back to an earlier release.

    What runs now stays on hold until somebody clears it.

    Parameters
    ----------
    app
        App, as its Source Repository block is named.
    environment
        Environment, as its folder in the ops repository is named.
    reason
        Why; it stands in the commit and in the hold.
    to
        Revision to go back to, or the beginning of its id; the release before if empty.
    until
        Stop at the GitOps commit, or see the rollout through until healthy.
    """
    given = {"app": app, "environment": environment, "reason": reason}
    parameters = {**given, "by": by or getpass.getuser(), "to": to, "until": until}
    return start("rollback", parameters, watch=watch, as_json=as_json)


def clear_hold(
    app: str,
    environment: str,
    revision: str,
    *,
    reason: str,
    by: By = None,
    watch: Watch = False,
    as_json: Json = False,
) -> int:
    """Let an image that was rolled back be released again.

    Parameters
    ----------
    app
        App, as its Source Repository block is named.
    environment
        Environment, as its folder in the ops repository is named.
    revision
        The held revision, or its image's digest; the beginning of either is enough.
    reason
        Why it may come back; it stands in the commit.
    """
    given = {"app": app, "environment": environment, "revision": revision}
    parameters = {**given, "reason": reason, "by": by or getpass.getuser()}
    return start("clear-hold", parameters, watch=watch, as_json=as_json)
