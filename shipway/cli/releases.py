"""What starts runs: `shipway release`, `promote`, `rollback`, `clear-hold` and `decommission`."""

from __future__ import annotations

import getpass
from typing import Annotated

from cyclopts import Parameter

from shipway.cli.choices import environments
from shipway.cli.parameters import (
    BRIEFLY,
    App,
    By,
    Downgrade,
    Environment,
    OverrideFreeze,
    ReleaseUntil,
    Telling,
    Until,
)
from shipway.cli.plan import show_plan
from shipway.cli.start import start


def release(
    app: App,
    revision: str | None = None,
    *,
    environment: Environment = "staging",
    until: ReleaseUntil = "healthy",
    downgrade: Downgrade = False,
    override_freeze: OverrideFreeze = None,
    telling: Telling = BRIEFLY,
) -> int:
    """Release one revision of an app to one environment.

    A second time changes nothing.

    Parameters
    ----------
    revision
        Branch, tag or commit id; the tip of the default branch if empty.
    """
    given = {"app": app, "revision": revision, "environment": environment}
    more = {"until": until, "downgrade": downgrade, "override_freeze": override_freeze}
    return start("release", given | more, telling)


def release_services(
    app: App,
    revision: str | None = None,
    *,
    environment: Environment = "staging",
    all_or_nothing: Annotated[bool, Parameter(negative=())] = False,
    until: Until = "healthy",
    telling: Telling = BRIEFLY,
) -> int:
    """Release the services of a repository that changed.

    Those that need others come after them. A second time changes nothing.

    Parameters
    ----------
    app
        Any app of the repository.
    revision
        Branch, tag or commit id; the tip of the default branch if empty.
    all_or_nothing
        Where one fails, lead those back that were released, and start no other.
    """
    given = {"app": app, "revision": revision, "environment": environment}
    more = {"all_or_nothing": all_or_nothing, "until": until}
    return start("release-services", given | more, telling)


def promote(
    app: App,
    environment: Annotated[str, Parameter(completer=environments)],
    *,
    until: Until = "healthy",
    downgrade: Downgrade = False,
    override_freeze: OverrideFreeze = None,
    telling: Telling = BRIEFLY,
) -> int:
    """Take what has proven itself to the next environment.

    Parameters
    ----------
    environment
        Environment to promote to; its rollout.yaml says from where (`promotion`).
    """
    given = {"app": app, "environment": environment}
    more = {"until": until, "downgrade": downgrade, "override_freeze": override_freeze}
    return start("promote", given | more, telling)


def rollback(
    app: App,
    environment: Environment,
    *,
    reason: str,
    by: By = None,
    to: str | None = None,
    until: Until = "healthy",
    telling: Telling = BRIEFLY,
) -> int:
    """Go back to an earlier release.

    What runs now stays on hold until somebody clears it.

    Parameters
    ----------
    reason
        Why; it stands in the commit and in the hold.
    to
        Revision to go back to, or the beginning of its id; the release before if empty.
    """
    given = {"app": app, "environment": environment, "reason": reason}
    parameters = {**given, "by": by or getpass.getuser(), "to": to, "until": until}
    return start("rollback", parameters, telling)


def clear_hold(
    app: App,
    environment: Environment,
    revision: str,
    *,
    reason: str,
    by: By = None,
    telling: Telling = BRIEFLY,
) -> int:
    """Let an image that was rolled back be released again.

    Parameters
    ----------
    revision
        The held revision, or its image's digest; the beginning of either is enough.
    reason
        Why it may come back; it stands in the commit.
    """
    given = {"app": app, "environment": environment, "revision": revision}
    parameters = {**given, "reason": reason, "by": by or getpass.getuser()}
    return start("clear-hold", parameters, telling)


def decommission(
    app: App,
    environment: Environment,
    *,
    reason: str,
    by: By = None,
    override_freeze: OverrideFreeze = None,
    dry_run: Annotated[bool, Parameter(negative=())] = False,
    telling: Telling = BRIEFLY,
) -> int:
    """Remove an app from an environment.

    Its folder goes at once, with one commit; its objects go after the agent's grace.

    Parameters
    ----------
    reason
        Why; it stands in the commit.
    dry_run
        Print what goes, what stays, and what refuses it, and change nothing. The exit status is
        that of `shipway plan`.
    """
    given = {"app": app, "environment": environment, "reason": reason}
    more = {"by": by or getpass.getuser(), "override_freeze": override_freeze, "dry_run": dry_run}
    if dry_run:
        return show_plan("decommission", {**given, **more}, as_json=telling.as_json)
    return start("decommission", {**given, **more}, telling)
