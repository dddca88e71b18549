"""The history of an environment as people read it: figures, a chart and a table."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from datetime import UTC, date, datetime, timedelta
from textwrap import shorten

from shipway.history.change import Change
from shipway.history.dora import Dora
from shipway.reports.markdown import escape, run_link

_CHART_DAYS = 30
_WIDEST = 40
_LONGEST_REASON = 24


def history_page(title: str, dora: Dora, changes: Sequence[Change], until: datetime) -> str:
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
        f"The last {dora.days:.0f} days, from the ops repository alone.",
        f"| Figure | Value |\n|---|---|\n{rows}",
        "## Deployments a day\n\n```text\n" + chart(changes, until.date()) + "\n```",
    ]
    return "\n\n".join(parts)


def chart(changes: Sequence[Change], today: date) -> str:
    """One line a day: `=` for a deployment, `x` for a rollback."""
    deployments, rollbacks = (
        Counter(change.at.date() for change in changes if change.kind == kind)
        for kind in ("deployment", "rollback")
    )
    days = [today - timedelta(days=ago) for ago in range(_CHART_DAYS - 1, -1, -1)]
    scale = max(1, *(deployments[day] + rollbacks[day] for day in days)) / _WIDEST
    lines: list[str] = []
    for day in days:
        # Short bars are exact; a busy day shrinks all of them alike.
        counts = [deployments[day], rollbacks[day]]
        bars = [round(count / max(1.0, scale)) if count else 0 for count in counts]
        bar = "=" * max(bars[0], counts[0] > 0) + "x" * max(bars[1], counts[1] > 0)
        lines.append(f"{day:%a %d %b}  {bar} {sum(counts) or ''}".rstrip())
    return "\n".join(lines)


def history_rows(changes: Sequence[Change], link: Callable[[str], str]) -> list[dict[str, str]]:
    """One row a change, in Markdown: who, what and why first, in the width of a laptop.

    Args:
        changes: The changes.
        link: A commit by its id, as Markdown.
    """
    return [
        {
            "when (UTC)": f"{change.at.astimezone(UTC):%Y-%m-%d %H:%M}",
            "app": change.app,
            "by": escape(change.by),
            "what": _what(change),
            "revision": run_link(change.revision, change.run),
            "commit": link(change.commit),
            "digest": change.image.rpartition(":")[2][:7],
        }
        for change in changes
    ]


def _what(change: Change) -> str:
    """What was done, and below it why: the Prefect UI breaks no line by itself."""
    why = escape(shorten(change.reason, _LONGEST_REASON, placeholder="…"))
    return f"{escape(change.what)}<br>{why}" if why else escape(change.what)


def _span(span: timedelta | None) -> str:
    """A span of time, in the largest unit that it has two of."""
    if span is None:
        return "–"
    seconds = span.total_seconds()
    for unit, size in (("days", 86400), ("hours", 3600), ("minutes", 60)):
        if seconds >= 2 * size:
            return f"{seconds / size:.1f} {unit}"
    return f"{seconds:.0f} seconds"


def _share(share: float | None, count: int) -> str:
    return "–" if share is None else f"{100 * share:.0f} % ({count})"
