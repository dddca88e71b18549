"""What a look for new revisions came to: as rows, and in a sentence."""

from __future__ import annotations

from collections.abc import Sequence

from pydantic import BaseModel, ConfigDict

from shipway.git.source_refs import Ref
from shipway.rollout.new_revisions import Next


class Started(BaseModel):
    """A release that was started.

    Attributes:
        new: What was new.
        run: The run, as a link.
    """

    model_config = ConfigDict(frozen=True)

    new: Next
    run: str


def started_rows(started: Sequence[Started]) -> list[dict[str, str]]:
    """One row for each new revision, in the order of ancestry: superseded, or released."""
    rows = list[dict[str, str]]()
    for each in started:
        what = f"superseded by {each.new.ref.title}"
        rows += [_row(each.new, ref, what) for ref in reversed(each.new.superseded)]
        rows.append(_row(each.new, each.new.ref, f"[released]({each.run})"))
    return rows


def started_sentence(started: Sequence[Started]) -> str:
    """What was started, and how much was superseded."""
    if not started:
        return "nothing is to be released"
    releases = "1 release" if len(started) == 1 else f"{len(started)} releases"
    superseded = sum(len(each.new.superseded) for each in started)
    return f"{releases} started" + (f", {superseded} superseded" if superseded else "")


def _row(new: Next, ref: Ref, what: str) -> dict[str, str]:
    where = new.app_environment
    return {
        "app": where.app,
        "environment": where.environment,
        "revision": ref.title,
        "commit": ref.commit[:7],
        "what": what,
    }
