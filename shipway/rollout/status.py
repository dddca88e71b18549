"""What runs where: what Git asks for, and what the cluster said when somebody looked last."""

from __future__ import annotations

import json
from collections.abc import Collection, Sequence
from datetime import datetime, timedelta
from typing import Literal

from pydantic import BaseModel, ConfigDict, ValidationError

from shipway.app_environment import AppEnvironment
from shipway.rollout.deployed import Deployed
from shipway.rollout.observation import Observation

# The keys of what agents keep on the Prefect server: the page, and the same for programs.
WHAT_RUNS = "what-runs-where"
SUMMARY = f"{WHAT_RUNS}-summary"
# An agent looks every minute: of what is older, nobody knows.
KNOWN_FOR = timedelta(minutes=5)


class AppStatus(BaseModel):
    """What one app runs in one environment.

    Attributes:
        app: The app.
        environment: The environment.
        deployed: What Git asks for; None where its files cannot be read.
        commit: The commit of the ops repository that asked for it; empty where it is not known.
        health: What the cluster says. Whoever was not asked, or did not answer, is `unknown`; what
            has left the ops repository is `removed`.
        reason: That in words.
        is_applied: Whether the cluster has been told to run what Git asks for, as far as is known.
        drift: What differed from Git in the cluster when it was applied last; where another agent
            applies, when it was looked at.
        observed: What else was seen where another agent applies.
        at: When the cluster was looked at.
    """

    model_config = ConfigDict(frozen=True)

    app: str
    environment: str
    deployed: Deployed | None = None
    commit: str = ""
    health: Literal[
        "healthy", "progressing", "failed", "blocked", "not applied", "removed", "unknown"
    ] = "unknown"
    reason: str = ""
    is_applied: bool = True
    drift: tuple[str, ...] = ()
    observed: Observation | None = None
    at: datetime

    @property
    def app_environment(self) -> AppEnvironment:
        """Whose status it is."""
        return AppEnvironment(app=self.app, environment=self.environment)

    @property
    def is_moving(self) -> bool:
        """Whether it may be another one in a moment."""
        return self.health == "progressing"

    def known_at(self, now: datetime) -> AppStatus:
        """What is still known of it: its health is not, where nobody has looked for long."""
        if now - self.at <= KNOWN_FOR:
            return self
        reason = f"nobody has looked since {self.at:%Y-%m-%d %H:%M} UTC"
        forgotten = {"drift": (), "observed": None}
        return self.model_copy(update={"health": "unknown", "reason": reason, **forgotten})


class WhatRuns(BaseModel):
    """The status of every app in every environment, in their order."""

    model_config = ConfigDict(frozen=True)

    statuses: tuple[AppStatus, ...] = ()

    def of(self, app: str, environment: str) -> AppStatus | None:
        """One app's in one environment; None where nobody has looked yet."""
        whose = AppEnvironment(app=app, environment=environment)
        return next((one for one in self.statuses if one.app_environment == whose), None)

    def status_of(self, deployed: Deployed, now: datetime) -> AppStatus:
        """The status of what Git asks for now; unknown until somebody has looked at just that."""
        seen = self.of(deployed.app, deployed.environment)
        if seen is not None and seen.deployed == deployed:
            return seen.known_at(now)
        app, environment = deployed.app, deployed.environment
        unknown = AppStatus(app=app, environment=environment, deployed=deployed, at=now)
        return unknown.model_copy(update={"reason": "nobody has looked at it yet"})

    def removed(self, app: str | None, environment: str | None, now: datetime) -> list[AppStatus]:
        """What has left the ops repository, of one app or environment or of all."""
        return [
            one
            for one in self.statuses
            if one.known_at(now).health == "removed"
            and app in {None, one.app}
            and environment in {None, one.environment}
        ]

    @property
    def deployed(self) -> list[Deployed]:
        """What Git asks for, as far as its files can be read."""
        return [one.deployed for one in self.statuses if one.deployed]

    def after(
        self,
        looked_at: Sequence[AppStatus],
        there: Collection[AppEnvironment],
        environment: str | None,
    ) -> WhatRuns:
        """What is known after a look at one environment, or at all of them.

        Args:
            looked_at: What was seen; it counts unless somebody else has looked since.
            there: What Git has; what it has no longer is forgotten, and what is told to be removed
                is when nobody has told so for a while.
            environment: The environment; all of them if None.
        """
        newest = max((one.at for one in looked_at), default=None)
        kept = (
            one
            for one in self.statuses
            if one.app_environment in there
            or environment not in {None, one.environment}
            or (one.health == "removed" and newest and newest - one.at <= KNOWN_FOR)
        )
        by_time = sorted((*kept, *looked_at), key=lambda one: one.at)
        known = {one.app_environment: one for one in by_time}
        order = sorted(known, key=lambda one: (one.app, one.environment))
        return WhatRuns(statuses=tuple(known[one] for one in order))

    def looked_at(self, now: datetime) -> str:
        """When somebody looked last at all of which something is known."""
        times = [one.at for one in self.statuses if one.known_at(now) is one]
        return f"Looked at {min(times):%Y-%m-%d %H:%M:%S} UTC" if times else "Not looked at yet"

    def summary(self) -> str:
        """The same for programs, as the rows of a table."""
        return json.dumps(self.model_dump(mode="json")["statuses"])


def read_summary(text: str | None) -> WhatRuns:
    """What a summary says; nothing where there is none, or one in words of before."""
    try:
        return WhatRuns.model_validate({"statuses": json.loads(text or "[]")})
    except ValidationError:
        return WhatRuns()
