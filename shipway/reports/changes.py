"""What a revision is, and what changed since the one before, as parts of a page."""

from __future__ import annotations

from shipway.git.revision import Revision
from shipway.git.source_changes import Change, Changes, lines
from shipway.reports.markdown import escape


def revision_facts(revision: Revision | None) -> list[str]:
    """A revision's id and change, each in Markdown."""
    if revision is None:
        return []
    facts = [f"**Revision** `{revision.commit}`"]
    # Old commits of the ops repository tell the revision's id alone.
    if subject := " ".join(revision.subject.split()):
        facts.append(f"**Change** {escape(subject)} ({escape(revision.author)})")
    return facts


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
