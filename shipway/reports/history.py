"""The history of an environment as people read it: figures, a chart and a table."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from datetime import date, datetime, timedelta

from shipway.git.trailers import OpsCommit
from shipway.history.dora import Dora, is_deployment, is_rollback
from shipway.reports.markdown import escape

_CHART_DAYS = 30
_WIDEST = 40


def history_page(title: str, dora: Dora, history: Sequence[OpsCommit], until: datetime) -> str:
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


def chart(history: Sequence[OpsCommit], today: date) -> str:
    """One line a day: `=` for a deployment, `x` for a rollback."""
    deployments = Counter(commit.at.date() for commit in history if is_deployment(commit))
    rollbacks = Counter(commit.at.date() for commit in history if is_rollback(commit))
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


def history_rows(history: Sequence[OpsCommit], link: Callable[[str], str]) -> list[dict[str, str]]:
    """One row a commit: what, when, who, from which run.

    Args:
        history: The commits.
        link: A commit by its id, as Markdown.
    """
    return [
        {
            "when": commit.at.isoformat(),
            "app": commit.trailers.get("App", ""),
            "what": _what(commit),
            "revision": commit.trailers.get("Revision", "")[:12],
            "image": commit.trailers.get("Image", commit.trailers.get("Hold-Cleared", "")),
            "by": commit.trailers.get("By", commit.by),
            "reason": commit.trailers.get("Reason", ""),
            "commit": link(commit.commit),
            "run": commit.trailers.get("Run", ""),
        }
        for commit in history
    ]


def _what(commit: OpsCommit) -> str:
    """What a commit did, in words."""
    if "Hold-Cleared" in commit.trailers:
        return "hold cleared"
    kinds = {"Downgrade-From": "downgrade ", "Rollback-From": "rollback "}
    kind = "".join(word for trailer, word in kinds.items() if trailer in commit.trailers)
    return kind + commit.trailers.get("Step", "")


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
