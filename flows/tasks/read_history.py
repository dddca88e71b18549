"""The history of an environment as people read it: figures, a chart and a table."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Sequence
from datetime import date, datetime, timedelta

from blocks.ops_repository import OpsRepository
from flows.runtime.external_task import external_task
from flows.runtime.load_block import load_block
from shipway.git.trailers import Recorded
from shipway.history.dora import Dora, is_deployment, is_rollback
from shipway.reports.markdown import escape

_CHART_DAYS = 30
_WIDEST = 40


@external_task("read the history of {environment}")
async def read_history(environment: str, app: str | None) -> list[Recorded]:
    """Everything that Shipway committed for an environment (and one app), newest first."""
    ops = await load_block(OpsRepository)
    return await asyncio.to_thread(ops.history, environment, app)


def history_page(title: str, dora: Dora, history: Sequence[Recorded], until: datetime) -> str:
    """The Markdown page."""
    figures = [
        ("Deployment frequency", f"{dora.per_day:.2f} a day ({dora.deployments})"),
        ("Lead time for changes", _span(dora.lead_time)),
        ("Change failure rate", _share(dora.failure_rate, dora.failed)),
        ("Time to restore", _span(dora.restore_time)),
        ("Rework rate", _share(dora.rework_rate, dora.rework)),
    ]
    rows = "\n".join(f"| {name} | {value} |" for name, value in figures)
    parts = [
        f"# {escape(title)}",
        f"The last {dora.days:.0f} days, from `git log` alone.",
        f"| Figure | Value |\n|---|---|\n{rows}",
        "## Deployments a day\n\n```text\n" + chart(history, until.date()) + "\n```",
    ]
    return "\n\n".join(parts)


def chart(history: Sequence[Recorded], today: date) -> str:
    """One line a day: `=` for a deployment, `x` for a rollback."""
    good = Counter(one.at.date() for one in history if is_deployment(one))
    bad = Counter(one.at.date() for one in history if is_rollback(one))
    days = [today - timedelta(days=back) for back in range(_CHART_DAYS - 1, -1, -1)]
    scale = max(1, *(good[day] + bad[day] for day in days)) / _WIDEST
    lines: list[str] = []
    for day in days:
        # Short bars are exact; a busy day shrinks all of them alike.
        counts = [good[day], bad[day]]
        bars = [round(count / max(1.0, scale)) if count else 0 for count in counts]
        bar = "=" * max(bars[0], counts[0] > 0) + "x" * max(bars[1], counts[1] > 0)
        lines.append(f"{day:%a %d %b}  {bar} {sum(counts) or ''}".rstrip())
    return "\n".join(lines)


def history_rows(history: Sequence[Recorded], ops: OpsRepository) -> list[dict[str, str]]:
    """One row a commit: what, when, who, from which run."""
    return [
        {
            "when": one.at.isoformat(),
            "app": one.trailers.get("App", ""),
            "what": _what(one),
            "revision": one.trailers.get("Revision", "")[:12],
            "image": one.trailers.get("Image", one.trailers.get("Hold-Cleared", "")),
            "by": one.trailers.get("By", one.by),
            "reason": one.trailers.get("Reason", ""),
            "commit": ops.link(one.commit),
            "run": one.trailers.get("Run", ""),
        }
        for one in history
    ]


def _what(one: Recorded) -> str:
    if "Hold-Cleared" in one.trailers:
        return "hold cleared"
    kinds = {"Downgrade-From": "downgrade ", "Rollback-From": "rollback "}
    kind = "".join(word for trailer, word in kinds.items() if trailer in one.trailers)
    return kind + one.trailers.get("Step", "")


def _span(span: timedelta | None) -> str:
    if span is None:
        return "–"
    seconds = span.total_seconds()
    for unit, size in (("days", 86400), ("hours", 3600), ("minutes", 60)):
        if seconds >= 2 * size:
            return f"{seconds / size:.1f} {unit}"
    return f"{seconds:.0f} seconds"


def _share(share: float | None, count: int) -> str:
    return "–" if share is None else f"{100 * share:.0f} % ({count})"
