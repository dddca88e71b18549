"""What kind of change a commit was, by what ran before and since."""

from __future__ import annotations

import re
from datetime import datetime

from shipway.git.remembered import Remembered
from shipway.history.change import Kind
from shipway.rollout.releases import Ran, came_back_to
from shipway.strategies.step import is_released

_STEP = re.compile(r"(\d+)/(\d+) ")


def kind_at(ran: Remembered[Ran], position: int, one: Ran) -> Kind | None:
    """What kind of change it was; None where nothing changed of what runs.

    Args:
        ran: What ran, newest first.
        position: Where it stands there.
        one: What ran from the change on.
    """
    below = ran.at(position + 1)
    if is_by_hand(ran, position, one):
        return _kind_by_hand(ran, position, one, below)
    if below is not None and one.said == below.said:
        return None
    if "Rollback-From" in one.said:
        begins = below is None or (below.said != {} and _way_back(below) != _way_back(one))
        return "rollback" if begins or "Held" in one.said else "step"
    step = _STEP.match(one.said.get("Step", ""))
    return "deployment" if step and step[1] == step[2] else "step"


def is_by_hand(ran: Remembered[Ran], position: int, one: Ran) -> bool:
    """Whether no run did it: nobody says so, or the record is one that stood there before."""
    if one.says_so or not one.record:
        return not one.says_so
    return any(at > position and one.record == each.record for at, each in enumerate(ran))


def failed_at(ran: Remembered[Ran], position: int) -> datetime | None:
    """When the deployment of what served until then was made, if it was taken back there."""
    failed, back = ran.at(position + 1), came_back_to(ran, position)
    if failed is None or back is None:
        return None
    for at, one in enumerate(ran):
        if at >= back:
            break
        is_it = at > position and one.serving == failed.serving
        if is_it and kind_at(ran, at, one) == "deployment":
            return one.commit.at
    return None


def follows_rollback(ran: Remembered[Ran], position: int) -> bool:
    """Whether the deployment or rollback before it was a rollback."""
    kinds = (kind_at(ran, at, one) for at, one in enumerate(ran) if at > position)
    return next((kind for kind in kinds if kind in {"deployment", "rollback"}), None) == "rollback"


def _kind_by_hand(ran: Remembered[Ran], position: int, one: Ran, below: Ran | None) -> Kind | None:
    if below is None:
        # Before the first release, a placeholder stands there.
        return "deployment" if is_released(one.serving) else None
    if one.serving != below.serving:
        return "deployment" if failed_at(ran, position) is None else "rollback"
    is_other = set(one.images) != set(below.images) or one.record not in ({}, below.record)
    return "step" if is_other else None


def _way_back(one: Ran) -> tuple[str | None, str | None]:
    """What tells one rollback from another."""
    return one.said.get("Rollback-From"), one.said.get("Image")
