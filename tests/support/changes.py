"""Changes of an environment, told by the hour."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

from shipway.history.change import Change

START = datetime(2026, 11, 1, tzinfo=UTC)
END = START + timedelta(days=10)


def change(hour: float, **more: Any) -> Change:
    """A deployment, `hour` hours after the start, of a revision one hour old."""
    at = START + timedelta(hours=hour)
    said: dict[str, Any] = {
        "app": "shop",
        "commit": f"{hour:040.1f}",
        "at": at,
        "kind": "deployment",
        "what": "1/1 rolling",
        "image": "shop@sha256:0",
        "revision": "f" * 40,
        "revision_at": at - timedelta(hours=1),
        "by": "Shipway",
    }
    return Change.model_validate(said | more)


def back(hour: float, failed: float | None, **more: Any) -> Change:
    """A rollback of what had been deployed `failed` hours after the start."""
    failed_at = None if failed is None else START + timedelta(hours=failed)
    said = {"kind": "rollback", "what": "rollback 1/1 rolling", "by": "Ada", "failed_at": failed_at}
    return change(hour, **said | more)


HISTORY = [
    change(1),
    change(2, revision_at=START - timedelta(hours=3)),
    back(4, 2),
    change(5, app="cart"),
    change(10, is_rework=True),
    change(12, kind="step", what="1/3 canary 10%"),
    change(13, kind="step", what="2/3 canary 50%"),
    change(14, what="3/3 canary 100%"),
    back(20, 14),
    back(25, None),
    change(30, kind="hold cleared", what="hold cleared"),
]
