"""`shipway why`: why this version runs here, from the ops repository alone."""

from __future__ import annotations

import json

from shipway.app_environment import AppEnvironment
from shipway.cli.blocks import ops_repository
from shipway.cli.parameters import App, Environment, Json
from shipway.cli.prefect_server import connect
from shipway.cli.table import moment
from shipway.parameters import check_names
from shipway.rollout.explained import CommittedStep, Explained, explain

# What a person asks, and the trailer that answers.
_FACTS = {
    "promoted from": "Promoted-From",
    "downgrade from": "Downgrade-From",
    "freeze overridden": "Freeze-Override",
    "back from": "Rollback-From",
    "wanted by": "By",
    "because": "Reason",
    "approved by": "Approved-By",
    "approved because": "Approved-Because",
    "approved in": "Approved-In",
    "gates": "Gates",
    "run": "Run",
}


def why(app: App, environment: Environment, *, as_json: Json = False) -> int:
    """Say why this version runs here.

    Its commits, runs, gates and approvals; who wanted it, and what is on hold.
    """
    check_names(app=app, environment=environment)
    where = AppEnvironment(app=app, environment=environment)
    found = ops_repository(connect()).consult(where, explain)
    print(json.dumps(found.model_dump(mode="json"), indent=2) if as_json else _page(found))
    return 0


def _page(found: Explained) -> str:
    now = found.deployed
    what = f"{now.revision[:12]} {now.subject}".rstrip()
    lines = [f"{now.app} in {now.environment} runs {what}", f"  {'image:':<18}{now.image}"]
    lines += [f"  {'on hold:':<18}{revision}" for revision in now.held]
    for step in found.steps:
        lines += _step(step)
    return "\n".join(lines)


def _step(step: CommittedStep) -> list[str]:
    title = step.said.get("Step") or f"by hand, {step.by}"
    lines = [f"{moment(step.at)}  {title}  {step.commit[:7]}"]
    for name, trailer in _FACTS.items():
        if said := step.said.get(trailer):
            lines.append(f"  {f'{name}:':<18}{said}")
    return lines
