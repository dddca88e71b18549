"""One run of a layer: results as they come in, and what they come to."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal

from shipway.pyramid.results import TestResult
from shipway.pyramid.verdict import Rules, next_step, outcome
from shipway.pytest_plugin.shipway_names import ledger_name


class LayerRun:
    """Keeps every run of every test of a layer.

    Args:
        rules: What the team decided.
        proven: Whether each known test has proven itself, by the name that the ledger keeps; with
            none that has, no test is new.
        earlier: Tests that passed in a run that was killed, and what they took in seconds.
    """

    def __init__(
        self, rules: Rules, proven: Mapping[str, bool], earlier: Mapping[str, float]
    ) -> None:
        self._rules = rules
        self._proven = proven
        self._any_proven = any(proven.values())
        self._earlier = earlier
        self.runs: dict[str, list[TestResult]] = {}

    def record(self, test: TestResult) -> Literal["again", "red", "done"]:
        """Note one run of a test; say what follows.

        Two results of one name in one run are two tests to the tool; the worse one counts.
        """
        runs = self.runs.setdefault(test.name, [])
        runs.append(test)
        return next_step(runs, self._rules, new=self._is_new(test.name))

    def result(self, name: str) -> TestResult:
        """What a test's runs come to so far."""
        return outcome(self.runs[name], self._rules, new=self._is_new(name))

    def has_proven_itself(self, name: str) -> bool:
        """Whether a test has passed as often as it must."""
        runs = self.runs[name]
        passed = self.result(name).outcome in {"passed", "flaky"}
        return passed and next_step(runs, self._rules, new=self._is_new(name)) == "done"

    def results(self) -> tuple[TestResult, ...]:
        """What every test came to; those that had passed before a kill come first.

        One of these that shares a file with others may have run again: that run counts.
        """
        ran_now = {ledger_name(name) for name in self.runs}
        earlier = [
            TestResult(name=name, outcome="passed", seconds=seconds, earlier=True)
            for name, seconds in self._earlier.items()
            if name not in ran_now
        ]
        return (*earlier, *(self.result(name) for name in self.runs))

    def _is_new(self, name: str) -> bool:
        return self._any_proven and not self._proven.get(ledger_name(name), False)
