"""`jobs` in rollout.yaml: what runs once for a release, before its first step or after its last."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Literal, Self

from pydantic import Field, field_validator, model_validator

from shipway.documents.document import Strict
from shipway.parameters import Name

JobWhen = Literal["before", "after"]

# Each with why a release could not keep its word with it.
_REFUSED = {
    "ttlSecondsAfterFinished": "no ttlSecondsAfterFinished: until Git says that it ran, the Job "
    "does; Shipway sets it then",
    "suspend": "no suspend: the Job would never run",
}


class ReleaseJob(Strict):
    """A Kubernetes Job that runs once for a release."""

    name: Name = Field(description="As commits and the timeline call it.")
    spec: dict[str, Any] = Field(
        description="The spec of a Kubernetes Job. A container without an image runs the new "
        "version's. Unless it says otherwise: backoffLimit 0, activeDeadlineSeconds 600, "
        "restartPolicy Never.",
    )

    @field_validator("spec")
    @classmethod
    def _is_a_jobs(cls, spec: dict[str, Any]) -> dict[str, Any]:
        for key, why in _REFUSED.items():
            if key in spec:
                raise ValueError(why)
        seconds = spec.get("activeDeadlineSeconds", 1)
        if not isinstance(seconds, int) or seconds < 1:
            raise ValueError("activeDeadlineSeconds: whole seconds, at least 1")
        containers = _part(_part(_part(spec, "template"), "spec"), "containers")
        if not isinstance(containers, list) or not containers:
            raise ValueError("template.spec.containers: at least one")
        if not all(isinstance(container, Mapping) for container in containers):
            raise ValueError("template.spec.containers: a mapping each")
        return spec


class Jobs(Strict):
    """What runs once for a release, in the order of the lists."""

    before: list[ReleaseJob] = Field(
        default_factory=list[ReleaseJob],
        description="What runs before the first step is committed, such as a migration that adds.",
    )
    after: list[ReleaseJob] = Field(
        default_factory=list[ReleaseJob],
        description="What runs once the last step is healthy, such as a migration that removes.",
    )

    @property
    def in_order(self) -> list[tuple[JobWhen, ReleaseJob]]:
        """Each, and when it runs."""
        before: list[tuple[JobWhen, ReleaseJob]] = [("before", job) for job in self.before]
        return [*before, *(("after", job) for job in self.after)]

    @model_validator(mode="after")
    def _have_names(self) -> Self:
        names = [job.name for _, job in self.in_order]
        if len(set(names)) != len(names):
            raise ValueError("jobs with different names")
        return self


def _part(value: object, key: str) -> object:
    return value.get(key) if isinstance(value, Mapping) else None
