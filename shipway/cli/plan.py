"""`shipway plan`: what a release or promotion would do, for people, requests and programs."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from contextlib import nullcontext, redirect_stdout
from typing import Any

from shipway.cli import runs
from shipway.cli.parameters import (
    App,
    Downgrade,
    Environment,
    Json,
    OverrideFreeze,
    Promotion,
    Telling,
)
from shipway.cli.prefect_server import connect
from shipway.cli.start import tell

REFUSED = 3


def plan(
    app: App,
    revision: str | None = None,
    *,
    environment: Environment = "staging",
    downgrade: Downgrade = False,
    override_freeze: OverrideFreeze = None,
    promotion: Promotion = False,
    as_json: Json = False,
) -> int:
    """Say what a release or a promotion would do, and change nothing.

    Prints a page in Markdown. The exit status is 0 if nothing refuses it, 3 if something
    does, and 1 if that could not be found out.

    Parameters
    ----------
    revision
        Branch, tag or commit id; the tip of the default branch if empty.
    """
    given = {"app": app, "revision": revision, "environment": environment}
    more = {"downgrade": downgrade, "override_freeze": override_freeze, "promotion": promotion}
    return show_plan("plan", {**given, **more}, as_json=as_json)


def show_plan(flow: str, parameters: Mapping[str, Any], *, as_json: bool) -> int:
    """Start a run that only plans, wait for it, and print its page; say whether it refuses."""
    server = connect()
    run = runs.start(server, flow, parameters)
    # The page alone goes to where somebody may keep it.
    with nullcontext() if as_json else redirect_stdout(sys.stderr):
        status = tell(server, run, Telling(watch=True, as_json=as_json))
    if status:
        return status
    if not as_json:
        print(runs.artifact_of(server, run.id, "plan"))
    return REFUSED if runs.summary_of(server, run.id)["refusal"] else 0
