"""What tests came to."""

from __future__ import annotations

from collections import Counter
from typing import Literal

from pydantic import BaseModel, ConfigDict

from shipway.errors import FailError

Outcome = Literal["passed", "failed", "skipped", "flaky", "quarantined"]
OUTCOMES: tuple[Outcome, ...] = ("passed", "failed", "flaky", "quarantined", "skipped")


class TestResult(BaseModel):
    """One test: what it came to, how long it took, and why it failed.

    `flaky` failed and passed on the same revision; `quarantined` failed, and its team knows it.

    Attributes:
        name: As the tool selects it: a pytest node id, a Go package and test, or a JUnit name.
        seconds: Of the run that decided.
        message: The assertion or error, or why it was skipped.
        text: The traceback.
        output: What the test printed and logged.
        file: Where it failed, else where it stands.
        line: From 1; 0 where unknown.
        attempts: How often it ran.
        local_command: The command that runs just this test on a developer's machine.
        earlier: It passed in a run of the same inputs that was killed, and did not run again.
    """

    __test__ = False
    model_config = ConfigDict(frozen=True)

    name: str
    outcome: Outcome
    seconds: float
    message: str = ""
    text: str = ""
    output: str = ""
    file: str = ""
    line: int = 0
    attempts: int = 1
    local_command: str = ""
    earlier: bool = False


class CutOff(BaseModel):
    """What a shard was at when it was ended.

    Attributes:
        tests: Those that had begun and were not over, as far as its tool tells.
        last_words: The last lines that it printed.
    """

    model_config = ConfigDict(frozen=True)

    tests: tuple[TestResult, ...]
    last_words: str


class Shard(BaseModel):
    """One shard as it went: how many tests, and the seconds they took and the shard took."""

    model_config = ConfigDict(frozen=True)

    tests: int
    test_seconds: float
    seconds: float


class LayerResult(BaseModel):
    """What a layer of the pyramid came to.

    Attributes:
        weight: Its share of the pyramid in percent, of all layers.
        budget_seconds: What it should take at most.
        seconds: What it took.
        cached: The run that the result is from, where nothing had to run.
    """

    model_config = ConfigDict(frozen=True)

    layer: str
    weight: float
    budget_seconds: float
    tests: tuple[TestResult, ...]
    seconds: float
    shards: tuple[Shard, ...] = ()
    cached: str | None = None

    def count(self, outcome: Outcome) -> int:
        """How many tests ended so."""
        return Counter(test.outcome for test in self.tests)[outcome]

    def with_outcome(self, outcome: Outcome) -> tuple[TestResult, ...]:
        """The tests that ended so, in the order they ran."""
        return tuple(test for test in self.tests if test.outcome == outcome)

    @property
    def test_seconds(self) -> float:
        """What its tests took, one after the other."""
        return sum(test.seconds for test in self.tests)

    @property
    def over_budget(self) -> bool:
        """Whether it took longer than it should."""
        return self.seconds > self.budget_seconds


class RedLayerError(FailError):
    """A layer is red; `result` is what it came to until it was stopped."""

    result: LayerResult | None = None
