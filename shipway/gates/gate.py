"""A gate: the keys that all kinds share, and what a kind has to bring."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING, Any, ClassVar, Literal, Self

from pydantic import Field, create_model, model_validator

from shipway.documents.document import Strict
from shipway.gates.measurement import Measurement
from shipway.kubernetes.objects import KubeObject
from shipway.parameters import Name
from shipway.prometheus import Prometheus

if TYPE_CHECKING:
    # Whoever reads rollout.yaml, such as `shipway status`, would wait for its import for nothing.
    from shipway.kubernetes.client import KubeClient


@dataclass(frozen=True)
class GateContext:
    """What a gate may look at.

    Attributes:
        client: The cluster.
        namespace: Of the app.
        image: The new version.
        prometheus: The server that has the app's numbers; None where no gate asks it.
        new: The workloads whose pods run the new version.
        old: Those whose pods run the version before; none where the strategy has no such pods.
        since: When the cluster got to the step, as `time.monotonic` says it.
    """

    client: KubeClient
    namespace: str
    image: str
    prometheus: Prometheus | None
    new: Sequence[KubeObject]
    old: Sequence[KubeObject]
    since: float


@dataclass(frozen=True)
class GateProbe:
    """A gate that can be measured, again and again.

    Attributes:
        name: As commits and the timeline call it.
        interval_seconds: Time between two measurements.
        consecutive_failures: How many failures in a row make it fail.
        inconclusive_timeout_seconds: How long after the pause it may be inconclusive.
        measure: Measures once; whatever keeps it from an answer is inconclusive, never an error. It
            may leave it to `run_gate` to say so where the cluster does not answer.
    """

    name: str
    interval_seconds: float
    consecutive_failures: int
    inconclusive_timeout_seconds: float
    measure: Callable[[], Awaitable[Measurement]]


class GateSettings(Strict):
    """The keys of one kind of gate, and how it measures.

    Attributes:
        asks_prometheus: Whether it needs the environment's Metrics block.
        only_looks: Whether a measurement changes nothing, so that a plan may take one.
    """

    asks_prometheus: ClassVar[bool] = False
    only_looks: ClassVar[bool] = False

    async def check(self, where: str, prometheus: Prometheus | None) -> None:
        """See that the gate can be meant, before anything is committed.

        Args:
            where: File and key of the gate, for the error.
            prometheus: The server that has the app's numbers; None where no gate asks it.

        Raises:
            RefuseError: It cannot.
            RetryError: What it has to ask does not answer.
        """

    @abstractmethod
    def probe(self, gate: Gate, context: GateContext) -> GateProbe:
        """What measures the gate in a step; most kinds return `gate.probe_with(measure)`."""


class Gate(Strict):
    """A condition with three answers: pass, fail, and inconclusive, which waits and then halts.

    The model of a file has, beside these keys, one for each kind: see `model_with`.
    """

    name: Name = Field(description="As commits and the timeline call it.")
    when: Literal["preview", "traffic"] = Field(
        default="traffic",
        description="Whether it measures the new version before it has requests, or while it has.",
    )
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

    @property
    def settings(self) -> GateSettings:
        """The settings of the gate's kind."""
        return self._given()[0]

    @property
    def asks(self) -> dict[str, dict[str, Any]]:
        """What it asks, as the file says it: the settings by its kind."""
        kind = next(key for key, value in self if value is self.settings)
        return {kind: self.settings.model_dump(mode="json", exclude_unset=True)}

    def probe_with(self, measure: Callable[[], Awaitable[Measurement]]) -> GateProbe:
        """What measures with a function, as often as the gate's keys say."""
        return GateProbe(
            name=self.name,
            interval_seconds=self.interval_seconds,
            consecutive_failures=self.consecutive_failures,
            inconclusive_timeout_seconds=self.inconclusive_timeout_seconds,
            measure=measure,
        )

    def _given(self) -> list[GateSettings]:
        return [value for _, value in self if isinstance(value, GateSettings)]

    @model_validator(mode="after")
    def _has_one_kind(self) -> Self:
        if len(self._given()) != 1:
            kinds = [key for key in type(self).model_fields if key not in Gate.model_fields]
            raise ValueError(f"exactly one of {', '.join(kinds)}")
        return self


@lru_cache
def model_with(kinds: tuple[tuple[str, type[GateSettings]], ...]) -> type[Gate]:
    """`Gate` with an optional key for the settings of each kind.

    Args:
        kinds: Key and settings of each.
    """
    fields: dict[str, Any] = {
        key: (settings | None, Field(default=None, description=settings.__doc__))
        for key, settings in kinds
    }
    return create_model("Gate", __base__=Gate, **fields)
