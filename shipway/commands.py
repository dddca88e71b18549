"""Commands of `shipway` that errors tell people to type."""

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
