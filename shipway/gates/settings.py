"""`gates` in rollout.yaml: what must be so before a rollout goes on."""

from __future__ import annotations

from typing import ClassVar, Literal, Self

from pydantic import Field, model_validator

from shipway.documents.document import Strict
from shipway.parameters import Name


class PrometheusGate(Strict):
    """A number that Prometheus knows.

    In queries, `$new` and `$old` match the names of both versions' pods, and `$since` is the time
    since the step began, as in `[$since]`.
    """

    query: str = Field(description="PromQL for one number, of the new version.")
    baseline: str | None = Field(
        default=None,
        description="The same of the version before, at the same time: how much the first number "
        "is above this one is judged, not the number itself.",
    )
    max: float | None = Field(default=None, description="The number must not be above.")
    min: float | None = Field(default=None, description="The number must not be below.")
    samples: str | None = Field(
        default=None, description="PromQL for how many requests or the like stand behind it."
    )
    minimum_samples: float = Field(
        default=0, ge=0, description="How many must stand behind it before it says anything."
    )

    @model_validator(mode="after")
    def _judges(self) -> Self:
        if self.max is None and self.min is None:
            raise ValueError("max or min, or both")
        if (self.samples is None) != (self.minimum_samples == 0):
            raise ValueError("samples and minimum_samples belong together")
        return self


class HttpGate(Strict):
    """A page that must answer."""

    url: str | None = Field(
        default=None, pattern=r"^https?://", description="The page, as Shipway's worker reaches it."
    )
    service: Name | None = Field(
        default=None, description="Or a Service, asked through the cluster's API server."
    )
    port: str = Field(default="", description="Of the Service: name or number, if it has several.")
    path: str = Field(default="/", pattern=r"^/", description="Of the Service's page.")
    status: int = Field(default=200, description="The status that the answer must have.")
    contains: str | None = Field(default=None, description="Text that must be in the answer.")
    timeout_seconds: float = Field(default=5, gt=0, description="How long an answer may take.")

    renamed: ClassVar = {"timeout": "timeout_seconds"}

    @model_validator(mode="after")
    def _one_page(self) -> Self:
        if (self.url is None) == (self.service is None):
            raise ValueError("exactly one of url and service")
        return self


class JobGate(Strict):
    """A command that must succeed, in a pod of its own in the environment's namespace."""

    command: list[str] = Field(min_length=1, description="Program and arguments.")
    image: str | None = Field(
        default=None, description="Its image; the new version's if not given."
    )
    env: dict[str, str] = Field(default_factory=dict, description="Its environment.")
    timeout_seconds: float = Field(
        default=300, gt=0, description="How long it may take, its start included."
    )

    renamed: ClassVar = {"timeout": "timeout_seconds"}


class Gate(Strict):
    """A condition with three answers: pass, fail, and inconclusive, which waits and then halts."""

    name: Name = Field(description="As commits and the timeline call it.")
    when: Literal["preview", "traffic"] = Field(
        default="traffic",
        description="Whether it looks at the new version before it has requests, or while it has.",
    )
    prometheus: PrometheusGate | None = Field(default=None, description="A number.")
    http: HttpGate | None = Field(default=None, description="A page.")
    job: JobGate | None = Field(default=None, description="A command.")
    interval_seconds: float = Field(default=10, gt=0, description="Time between two measurements.")
    consecutive_failures: int = Field(
        default=1, ge=1, description="How many failures in a row make it fail."
    )
    inconclusive_timeout_seconds: float = Field(
        default=300,
        ge=0,
        description="How long after the pause it may be inconclusive before the rollout halts.",
    )

    renamed: ClassVar = {
        "interval": "interval_seconds",
        "failures": "consecutive_failures",
        "patience": "inconclusive_timeout_seconds",
    }

    @model_validator(mode="after")
    def _one_kind(self) -> Self:
        if sum(one is not None for one in (self.prometheus, self.http, self.job)) != 1:
            raise ValueError("exactly one of prometheus, http and job")
        return self
