"""What a look for new revisions came to: as rows, and in a sentence."""

from __future__ import annotations

from collections.abc import Sequence

from pydantic import BaseModel, ConfigDict

from shipway.git.source_refs import Ref
from shipway.rollout.new_revisions import Left, Next


class Started(BaseModel):
    """A release that was started.

    Attributes:
        new: What was new.
        run: The run, as a link.
    """

    model_config = ConfigDict(frozen=True)

    new: Next
    run: str


def started_rows(found: Sequence[Started | Left]) -> list[dict[str, str]]:
    """One row for each new revision, in the order of ancestry: superseded, or released."""
    rows = list[dict[str, str]]()
    for each in _started(found):
        what = f"superseded by {each.new.ref.title}"
        rows += [_row(each.new, ref, what) for ref in reversed(each.new.superseded)]
        rows.append(_row(each.new, each.new.ref, f"[released]({each.run})"))
    return rows


def started_sentence(found: Sequence[Started | Left]) -> str:
    """What was started, how much was superseded, and in how many environments people decide."""
    started = _started(found)
    superseded, left = sum(len(each.new.superseded) for each in started), len(found) - len(started)
    parts = (
        (len(started), f"{_count(len(started), 'release')} started"),
        (superseded, f"{superseded} superseded"),
        (left, f"{_count(left, 'environment')} left to people, see the log"),
    )
    return ", ".join(text for number, text in parts if number) or "nothing to start"


def _started(found: Sequence[Started | Left]) -> list[Started]:
    return [each for each in found if isinstance(each, Started)]


def _count(number: int, what: str) -> str:
    return f"{number} {what}" if number == 1 else f"{number} {what}s"


def _row(new: Next, ref: Ref, what: str) -> dict[str, str]:
    where = new.app_environment
    return {
        "app": where.app,
        "environment": where.environment,
        "revision": ref.title,
        "commit": ref.commit[:7],
        "what": what,
    }
