"""What is known of a layer before it runs."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal

from pydantic import BaseModel, ConfigDict

from shipway.ledger.session import KnownTest
from shipway.pyramid.plan import Plan
from shipway.pyramid.results import LayerResult


class LayerHistory(BaseModel):
    """What is known of a layer before it runs.

    Attributes:
        inputs: A hash of all that the layer reads.
        green: Its result, where it was green with these inputs.
        passed: Tests that passed with these inputs in a run that was killed; seconds.
        known: Its tests, by the name that the ledger keeps.
    """

    model_config = ConfigDict(frozen=True)

    inputs: str
    green: LayerResult | None
    passed: dict[str, float]
    known: dict[str, KnownTest]

    @property
    def proven(self) -> Mapping[str, bool]:
        """Whether each known test has passed as often as a new test must."""
        return {name: test.proven for name, test in self.known.items()}

    @property
    def seconds_left(self) -> list[float]:
        """What each test took before that is left to run, where that is known."""
        left = [test.seconds for name, test in self.known.items() if name not in self.passed]
        return [seconds for seconds in left if seconds is not None]

    def plan(self, split: Literal["test", "file"]) -> Plan:
        """What is left to run, and what it took before, by what the tool is asked for.

        A unit is done once all its tests have passed.
        """
        seconds: dict[str, float] = {}
        left: set[str] = set()
        for name, test in self.known.items():
            seconds[test.unit] = seconds.get(test.unit, 0.0) + (test.seconds or 0.0)
            if name not in self.passed:
                left.add(test.unit)
        units = {name: test.unit for name, test in self.known.items()}
        done = {units.get(name, name) for name in self.passed} - left
        return Plan(done=tuple(sorted(done)), seconds=seconds, split=split)
