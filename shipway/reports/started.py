"""What a look for what starts by itself came to: as rows, and in a sentence."""

from __future__ import annotations

from collections.abc import Sequence

from pydantic import BaseModel, ConfigDict

from shipway.git.source_refs import Ref
from shipway.rollout.new_revisions import Left, Next
from shipway.rollout.waves import Waiting


class Started(BaseModel):
    """A release that was started.

    Attributes:
        new: What was new.
        run: The run, as a link.
    """

    model_config = ConfigDict(frozen=True)

    new: Next
    run: str


class Promoted(BaseModel):
    """A promotion that was started.

    Attributes:
        waiting: What was due.
        run: The run, as a link.
    """

    model_config = ConfigDict(frozen=True)

    waiting: Waiting
    run: str


Found = Sequence[Started | Promoted | Left]


def started_rows(found: Found) -> list[dict[str, str]]:
    """One row for each new revision, in the order of ancestry: superseded, released or promoted."""
    rows = list[dict[str, str]]()
    for each in found:
        if isinstance(each, Started):
            what = f"superseded by {each.new.ref.title}"
            rows += [_row(each.new, ref, what) for ref in reversed(each.new.superseded)]
            rows.append(_row(each.new, each.new.ref, f"[released]({each.run})"))
        elif isinstance(each, Promoted):
            rows.append(_promoted(each))
    return rows


def started_sentence(found: Found) -> str:
    """What was started, how much was superseded, and in how many environments people decide."""
    started = [each for each in found if isinstance(each, Started)]
    promoted = sum(isinstance(each, Promoted) for each in found)
    left = sum(isinstance(each, Left) for each in found)
    superseded = sum(len(each.new.superseded) for each in started)
    parts = (
        (len(started), f"{_count(len(started), 'release')} started"),
        (superseded, f"{superseded} superseded"),
        (promoted, f"{_count(promoted, 'promotion')} started"),
        (left, f"{_count(left, 'environment')} left to people, see the log"),
    )
    return ", ".join(text for number, text in parts if number) or "nothing to start"


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


def _promoted(each: Promoted) -> dict[str, str]:
    where, version = each.waiting.app_environment, each.waiting.version
    short = version.revision[:7]
    what = f"[promoted]({each.run})"
    return {**where.model_dump(), "revision": short, "commit": short, "what": what}
