"""`freeze.yaml`: when an environment, or some apps in it, take no releases."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Literal
from zoneinfo import ZoneInfo, available_timezones

from cronsim import CronSim, CronSimError
from pydantic import AwareDatetime, Field, field_validator, model_validator

from shipway.documents.document import Strict, read_document

_ONCE = {"begin", "until"}
_AGAIN = {"schedule", "hours"}


class Freeze(Strict):
    """A time without releases: once, or again and again.

    The second kind is that of Argo CD's sync windows: a schedule, a duration and a time zone.
    """

    begin: AwareDatetime | None = Field(
        None, alias="from", strict=False, description="When it begins, in ISO 8601 with a zone."
    )
    until: AwareDatetime | None = Field(
        None, strict=False, description="When it ends, in ISO 8601 with a zone."
    )
    schedule: str | None = Field(
        None, description="When it begins each time, as five fields of cron."
    )
    hours: float | None = Field(
        None, gt=0, description="How long it lasts each time, by the clocks of its time zone."
    )
    time_zone: str = Field("UTC", description="Of `schedule`, such as Europe/Berlin.")
    apps: list[str] | None = Field(None, min_length=1, description="For these apps; all if empty.")
    releases: Literal["refuse", "wait"] = Field(
        "refuse",
        description="Whether a release is refused, or waits until it ends and then goes on by "
        "itself.",
    )
    by: str = Field(description="Who wants it.")
    reason: str = Field(description="Why.")

    @field_validator("schedule")
    @classmethod
    def _cron(cls, schedule: str | None) -> str | None:
        if schedule is not None:
            try:
                CronSim(schedule, datetime.now())
            except CronSimError as error:
                raise ValueError(f"five fields of cron: {error}") from error
        return schedule

    @field_validator("time_zone")
    @classmethod
    def _zone(cls, name: str) -> str:
        if name not in available_timezones():
            raise ValueError("a time zone such as Europe/Berlin")
        return name

    @model_validator(mode="after")
    def _once_or_again(self) -> Freeze:
        given = {key for key, value in self if value is not None and key in self.model_fields_set}
        if given - {"apps", "releases", "by", "reason"} not in (
            _ONCE,
            _AGAIN,
            _AGAIN | {"time_zone"},
        ):
            raise ValueError("`from` and `until`, or `schedule` and `hours`")
        if self.begin and self.until and self.until <= self.begin:
            raise ValueError("an `until` that is later than `from`")
        return self

    def end(self, now: datetime) -> datetime | None:
        """When it ends, if it is going on; None where it is not.

        Args:
            now: A time with a zone.
        """
        begin, end = self.begin, self.until
        if self.schedule and self.hours:
            # The latest beginning that is not after now; a minute is cron's unit.
            latest = now.astimezone(ZoneInfo(self.time_zone)) + timedelta(minutes=1)
            begin = next(CronSim(self.schedule, latest, reverse=True))
            end = begin + timedelta(hours=self.hours)
        return end if begin and end and begin <= now < end else None


class Freezes(Strict):
    """The whole file."""

    freezes: list[Freeze] = Field(default_factory=list)

    def of(self, app: str, now: datetime) -> tuple[Freeze, datetime] | None:
        """The freeze on an app that is going on, and its end.

        Of several, one that refuses releases counts before those that have them wait, and of those
        the last to end.

        Args:
            app: The app.
            now: A time with a zone.
        """
        of_app = (one for one in self.freezes if one.apps is None or app in one.apps)
        ends = [(one, end) for one in of_app if (end := one.end(now)) is not None]
        return max(ends, key=lambda each: (each[0].releases == "refuse", each[1]), default=None)


def read_freezes(content: bytes | None, file: str) -> Freezes:
    """What a `freeze.yaml` says; no freezes where there is no such file.

    Args:
        content: The file.
        file: Its path, for errors.

    Raises:
        RefuseError: With file, line, key, expected and got.
    """
    if content is None:
        return Freezes()
    return read_document(content.decode("utf-8", "replace"), Freezes, file)
