"""What became of an app in an environment, commit by commit.

It is read from what the files said, as a rollback reads it; the record and trailers say why.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from itertools import takewhile

from shipway.config.holds import Holds, holds_in
from shipway.errors import RefuseError
from shipway.git.history import History
from shipway.git.ops_repository import OpsRepository
from shipway.git.remembered import Remembered
from shipway.history.change import Change, Kind
from shipway.history.kinds import failed_at, follows_rollback, is_by_hand, kind_at
from shipway.history.removals import removals_since
from shipway.rollout.releases import UNKNOWN, Ran, came_back_to, date_in, what_ran
from shipway.strategies.step import is_released


def changes_in(
    ops: OpsRepository, environment: str, app: str | None, since: datetime
) -> list[Change]:
    """What became of an environment's apps (or of one) since then, newest first.

    Raises:
        RefuseError: The branch or the repository is not there, or access is denied.
        RetryError: The server cannot be reached.
    """
    each = ops.look_back(environment, app, since, lambda history: changes_since(history, since))
    return sorted((one for app in each for one in app), key=lambda one: one.at, reverse=True)


def changes_since(history: History, since: datetime) -> list[Change]:
    """What became of an app since then, newest first."""
    of_what_ran = takewhile(lambda one: one.at >= since, changes_newest_first(history))
    changes = [*removals_since(history, since), *of_what_ran]
    return sorted(changes, key=lambda one: one.at, reverse=True)


def changes_newest_first(history: History) -> Iterator[Change]:
    """What became of what an app runs, for as far as somebody asks; without removals."""
    ran = what_ran(history)
    for position, one in enumerate(ran):
        yield from _changes_at(history.app_environment.app, ran, position, one)


def _changes_at(app: str, ran: Remembered[Ran], position: int, one: Ran) -> list[Change]:
    kind = kind_at(ran, position, one)
    if kind is None:
        return _cleared(app, one, ran.at(position + 1))
    by_hand = is_by_hand(ran, position, one)
    change = _by_hand(app, kind, ran, position, one) if by_hand else _by_run(app, kind, one)
    more = {
        "failed_at": failed_at(ran, position) if kind == "rollback" else None,
        "is_rework": kind == "deployment" and follows_rollback(ran, position),
    }
    return [change.model_copy(update=more)]


def _by_run(app: str, kind: Kind, one: Ran) -> Change:
    """What a run did."""
    said = one.said
    words = {"Downgrade-From": "downgrade ", "Rollback-From": "rollback "}
    what = "".join(word for trailer, word in words.items() if trailer in said)
    return Change(
        app=app,
        commit=one.commit.commit,
        at=one.commit.at,
        kind=kind,
        what=what + said.get("Step", ""),
        image=said["Image"],
        revision=said["Revision"],
        revision_at=date_in(said, "Revision-Date"),
        by=said.get("By", one.commit.by),
        reason=said.get("Reason", ""),
        run=said.get("Run", ""),
    )


def _by_hand(app: str, kind: Kind, ran: Remembered[Ran], position: int, one: Ran) -> Change:
    """What somebody did: the image that is new, or else the one that serves since then."""
    below, image = ran.at(position + 1), one.serving
    if below is not None and below.serving == one.serving:
        new = (each for each in one.images if each not in below.images and is_released(each))
        image = next(new, one.serving)
    said = next((each.said for each in ran if each.said.get("Image") == image), {})
    return Change(
        app=app,
        commit=one.commit.commit,
        at=one.commit.at,
        kind=kind,
        what="by hand" if came_back_to(ran, position) is None else "reverted by hand",
        image=image,
        revision=said.get("Revision", UNKNOWN),
        by=one.commit.by,
    )


def _cleared(app: str, one: Ran, below: Ran | None) -> list[Change]:
    """The holds that were there before, and are not any more."""
    now, before = _holds(one), _holds(below)
    gone = [hold for hold in before.holds if now.of(hold.image) is None] if now and before else []
    said = {block.get("Hold-Cleared"): block for block in one.version.said}
    return [
        Change(
            app=app,
            commit=one.commit.commit,
            at=one.commit.at,
            kind="hold cleared",
            what="hold cleared",
            image=hold.image,
            revision=hold.revision,
            by=said.get(hold.image, {}).get("By", one.commit.by),
            reason=said.get(hold.image, {}).get("Reason", ""),
            run=said.get(hold.image, {}).get("Run", ""),
        )
        for hold in {hold.image: hold for hold in gone}.values()
    ]


def _holds(one: Ran | None) -> Holds | None:
    """What was on hold; None where that cannot be read."""
    try:
        return holds_in(one.version.files) if one else None
    except RefuseError:
        return None
