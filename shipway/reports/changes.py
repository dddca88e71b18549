"""What changed since the revision before, as a part of a page."""

from __future__ import annotations

from shipway.git.source_changes import Change, Changes, lines
from shipway.reports.markdown import escape


def changes_section(changes: Changes | None) -> str:
    """The part, in Markdown; nothing where there is nothing to tell."""
    if changes is None:
        return ""
    parts = (
        "\n\n".join(filter(None, (sentence, "\n".join(lines(commits, _line)))))
        for sentence, commits in changes.parts.items()
    )
    return "\n\n".join(["## What changed", *parts])


def _line(change: Change) -> str:
    return f"{change.link} {escape(change.about)}"
