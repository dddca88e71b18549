"""Commands that errors tell people to type."""

from __future__ import annotations

from shipway.app_environment import AppEnvironment


def release(whose: AppEnvironment) -> str:
    """What starts a release of the tip."""
    return f"`shipway release {whose.app} --environment {whose.environment}`"


def rollback(whose: AppEnvironment) -> str:
    """What leads back to the release before."""
    return f'`shipway rollback {whose.app} {whose.environment} --reason "it fails"`'


def clear_hold(whose: AppEnvironment, revision: str) -> str:
    """What lets an image be released again that is on hold."""
    held = f"{whose.app} {whose.environment} {revision[:12]}"
    return f"`shipway clear-hold {held} --reason mended`"


def decommission(whose: AppEnvironment) -> str:
    """What removes an app from an environment."""
    return f'`shipway decommission {whose.app} {whose.environment} --reason "replaced"`'


def make_block(kind: str, name: str) -> str:
    """What makes a block that is missing; where an app's repository is, it has to be told."""
    by_hand = "create it in the Prefect UI under Blocks, or run"
    bootstrap = "python -m deployments.bootstrap"
    if kind != "source-repository":
        return f"{by_hand} `{bootstrap}`"
    told = f'SHIPWAY_APPS="{name}=$URL" {bootstrap}'
    return f"{by_hand} `{told}`, where URL is where its repository is"
