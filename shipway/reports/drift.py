"""What differed in the cluster from Git, as a table and as lines of a log."""

from __future__ import annotations

import logging
from collections.abc import Iterator, Sequence

from shipway.kubernetes.differences import Difference
from shipway.rollout.apply import Applied

_MISSING = Difference(field="(all of it)", live="missing", desired="present", writer="unknown")


def drift_rows(applied: Sequence[Applied]) -> list[dict[str, str]]:
    """One row for each field, or whole object, that differed without Git having changed."""
    return [
        {
            "app": folder.folder,
            "object": change.title,
            "field": difference.field,
            "live": difference.live,
            "Git": difference.desired,
            "written by": difference.writer,
            "now": "left as it is" if change.action == "left" else "put back",
        }
        for folder in applied
        for change in folder.changes
        if change.drift
        for difference in change.differences or (_MISSING,)
    ]


def change_lines(applied: Applied) -> Iterator[tuple[int, str]]:
    """What applying a folder changed, as lines with their log level: drift is a warning."""
    for change in applied.changes:
        if change.action == "unchanged":
            continue
        level, note = (logging.WARNING, "drift: ") if change.drift else (logging.INFO, "")
        yield level, f"{applied.folder}: {note}{change.title} {change.action}"
        for difference in change.differences if change.drift else ():
            yield (
                logging.WARNING,
                f"  {difference.field} was {difference.live}, Git says {difference.desired}; "
                f"written by {difference.writer}",
            )
