"""Waves: what waits for its promotion, and for what, by what the ops repository says.

A version goes from wave to wave by promotions that start by themselves. Whoever is halted needs no
note of that: what its sources do not run, or what is on hold in the group, does not go on.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Literal

from pydantic import BaseModel, ConfigDict

from shipway.app_environment import AppEnvironment
from shipway.config.rollout import Promotion
from shipway.rollout.deployed import Deployed

Sources = Mapping[str, Deployed | None]
State = Literal["by hand", "waits", "halted", "due"]


class Waiting(BaseModel):
    """A version that is promoted to an environment next.

    Attributes:
        app_environment: The app, and the environment.
        version: The version, where it runs.
        state: Whether a person starts its promotion, whether it waits for something, whether it is
            halted until somebody decides, or whether it is due by what Git says.
        why: The same in words.
    """

    model_config = ConfigDict(frozen=True)

    app_environment: AppEnvironment
    version: Deployed
    state: State
    why: str

    @property
    def words(self) -> str:
        """The version and what it waits for, for people."""
        return f"{self.version.revision[:7]} {self.why}"


def waiting_for(here: Deployed, everywhere: Sequence[Deployed], now: datetime) -> Waiting | None:
    """What waits for its promotion to an environment; None where nothing does.

    It is released in an environment before, and is neither here nor older nor on hold here. What
    only clusters and the app's repository know, `promote` finds out.

    Args:
        here: The environment.
        everywhere: Every environment, of every app.
        now: The time.
    """
    promotion = here.promotion
    if promotion is None:
        return None
    known = {one.environment: one for one in everywhere if one.app == here.app}
    sources = {name: known.get(name) for name in promotion.source}
    version = _common(here, sources)
    if promotion.by_itself and (version is None or _lacking(sources, version)):
        new = [one for one in _all_before(here, known) if _is_new(here, one)]
        # Of those that say no date, and of two alike, the nearest.
        version = max(new, key=_revision_at, default=None)
    if version is None:
        return None
    state, why = ("by hand", "waits")
    if promotion.by_itself:
        held = [name for name in _group(here, known) if version.revision in known[name].held]
        state, why = _state(here, promotion, sources, version, held, now)
    where = AppEnvironment(app=here.app, environment=here.environment)
    return Waiting(app_environment=where, version=version, state=state, why=why)


def _state(
    here: Deployed,
    promotion: Promotion,
    sources: Sources,
    version: Deployed,
    held: Sequence[str],
    now: datetime,
) -> tuple[State, str]:
    """How far a version has come that is promoted by itself, and what it waits for."""
    if held:
        return "halted", f"halted: on hold in {', '.join(held)}"
    if lacking := _lacking(sources, version):
        return "waits", f"waits for {'; '.join(lacking)}"
    until = _proven_at(sources, promotion)
    if until is not None and now < until:
        end = f"{until.astimezone(UTC):%Y-%m-%d %H:%M:%S} UTC"
        return "waits", f"waits for {promotion.sources}: healthy until {end}"
    if here.frozen:
        return "waits", f"waits: frozen until {here.frozen.end}"
    return "due", "is due"


def _all_before(here: Deployed, known: Mapping[str, Deployed]) -> list[Deployed]:
    """The environments that versions come by on their way to one, the nearest first."""
    way = [here]
    for one in way:
        names = one.promotion.source if one.promotion else ()
        way += [known[name] for name in names if name in known and known[name] not in way]
    return way[1:]


def _group(here: Deployed, known: Mapping[str, Deployed]) -> list[str]:
    """The environments that are connected with one by promotions, with itself."""
    links = [
        {name, *(one.promotion.source if one.promotion else ())} & known.keys()
        for name, one in known.items()
    ]
    group = {here.environment}
    while more := {name for link in links if link & group for name in link} - group:
        group |= more
    return sorted(group)


def _common(here: Deployed, sources: Sources) -> Deployed | None:
    """The version that all sources of an environment run, if it is new there."""
    ran = [one for one in sources.values() if one is not None and _is_new(here, one)]
    is_one = len(ran) == len(sources) and len({one.image for one in ran}) == 1
    return ran[0] if is_one else None


def _is_new(here: Deployed, there: Deployed) -> bool:
    """Whether it is a whole release of what neither runs here nor is older nor on hold here."""
    is_older = here.revision_at and there.revision_at and there.revision_at < here.revision_at
    is_known = there.image == here.image or there.revision in {here.revision, *here.held}
    return there.is_whole_release and not is_older and not is_known


def _lacking(sources: Sources, version: Deployed) -> list[str]:
    """What is missing in the environments before, for a version to be promoted from them."""
    lacks = {name: _lacks(source, version) for name, source in sources.items()}
    return [f"{name}: {what}" for name, what in lacks.items() if what]


def _lacks(source: Deployed | None, version: Deployed) -> str:
    if source is None:
        return "not known"
    if source.revision != version.revision:
        return "not there yet"
    if source.is_under_way:
        return source.step
    return "" if source.image == version.image and source.is_done else "not done yet"


def _proven_at(sources: Sources, promotion: Promotion) -> datetime | None:
    """When all have run their version for long enough, at the earliest."""
    since = [one.since for one in sources.values() if one and one.since]
    return max(since) + timedelta(seconds=promotion.healthy_for_seconds) if since else None


def _revision_at(one: Deployed) -> datetime:
    return one.revision_at or datetime.min.replace(tzinfo=UTC)
