"""What runs where, in tests."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from shipway.config.rollout import Promotion
from shipway.rollout.deployed import Deployed
from shipway.rollout.status import AppStatus

NOW = datetime(2026, 11, 29, 14, 0, tzinfo=UTC)


def deployed(letter: str = "a", environment: str = "staging", **more: Any) -> Deployed:
    """What Git asks for: a release of the shop that is whole, of a revision of one letter."""
    facts = {
        "app": "shop",
        "environment": environment,
        "image": f"registry.example.org/shop@sha256:{letter * 64}",
        "revision": letter * 40,
        "subject": f"Change {letter}",
        "step": "1/1 rolling",
        "since": NOW,
        "by": "Ada",
        "run": "https://prefect.example.org/runs/flow-run/1",
        "held": (),
    }
    return Deployed.model_validate({**facts, **more})


def after(*source: str, seconds: float = 0, by_itself: bool = False) -> Promotion:
    """Where an environment takes its versions from."""
    return Promotion(source=source, healthy_for_seconds=seconds, by_itself=by_itself)


def status(asked: Deployed | None, **more: Any) -> AppStatus:
    """What the cluster says of it: all is well, as of now."""
    whose = {"app": asked.app, "environment": asked.environment} if asked else {}
    facts = {"deployed": asked, "commit": "c" * 40, "health": "healthy", "at": NOW}
    return AppStatus.model_validate({**whose, **facts, **more})
