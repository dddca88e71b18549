"""Twenty flaky tests and five broken ones over twenty nights, beside a record of the tests' own."""

from __future__ import annotations

import sys
import tempfile
from collections import Counter
from itertools import accumulate
from math import comb
from pathlib import Path
from typing import Any

from bench.common.section import Section
from bench.pyramid.suite import BARE, LayerOutcome, registered
from blocks.ledger import Ledger
from shipway.pyramid.results import TestResult

NIGHTS, FLAKY, BROKEN, RETRIES = 20, 20, 5, 2
RATE, SEED = 0.3, 11
# Outside of this lies one of a thousand records, were the rate as it is said to be.
CONFIDENCE = 0.999
SUITE = f"""
import os, random
from pathlib import Path
import pytest

STATE = Path(os.environ["STATE"])

def attempt(name, rate):
    record = STATE / name
    number = len(record.read_text().splitlines()) if record.exists() else 0
    failed = random.Random(f"{SEED} {{name}} {{number}}").random() < rate
    with record.open("a") as lines:
        lines.write(f"{{os.environ['NIGHT']}} {{'failed' if failed else 'passed'}}\\n")
    assert not failed

@pytest.mark.parametrize("number", range({FLAKY}))
def test_flaky(number): attempt(f"test_flaky[{{number}}]", {RATE})

@pytest.mark.parametrize("number", range({BROKEN}))
def test_broken(number): attempt(f"test_broken[{{number}}]", 1.0)
"""
PYTEST = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider"]

# What each attempt of a test came to, by test and night.
Record = dict[str, dict[int, list[str]]]


async def nights() -> Section:
    """Run the suite night after night; compare results and ledger with the record."""
    with tempfile.TemporaryDirectory() as code, tempfile.TemporaryDirectory() as state:
        (Path(code) / "pytest.ini").write_text("[pytest]\n")
        async with registered(Path(code)) as suite:
            suite.write({"test_nights.py": SUITE})
            layer: dict[str, Any] = {"command": PYTEST, "retries": RETRIES, "shards": 1}
            outcomes_by_night: list[LayerOutcome] = []
            for night in range(NIGHTS):
                env = {**BARE, "STATE": state, "NIGHT": str(night)}
                outcomes_by_night.append(await suite.run(fresh=True, env=env, **layer))
            async with (await Ledger.aload("default")).open() as session:
                ledger = {_short(known.name): known for known in await session.records(suite.app)}
        record = _record(Path(state))
    results = [{_short(test.name): test for test in _tests(night)} for night in outcomes_by_night]
    pairs = [
        (results[night].get(name), attempts)
        for name, by_night in record.items()
        for night, attempts in by_night.items()
    ]
    broken = [night.get(name) for night in results for name in record if "broken" in name]
    lines = {
        name: [attempt for night in by_night.values() for attempt in night]
        for name, by_night in record.items()
    }
    totals = {name: (len(words), words.count("failed")) for name, words in lines.items()}
    flaky = [total for name, total in totals.items() if "flaky" in name]
    attempts, failures = (sum(total[index] for total in flaky) for index in (0, 1))
    least, most = interval(attempts, RATE, CONFIDENCE)
    hidden = [1 for test, words in pairs if "failed" in words and test and test.outcome == "passed"]
    outcomes = Counter(test.outcome for test, _ in pairs if test and "flaky" in test.name)
    facts = {
        "Attempts by the record, flaky and broken": sum(total[0] for total in totals.values()),
        "Attempts by the ledger": sum(known.runs for known in ledger.values()),
        "Flaky tests: nights passed": outcomes["passed"],
        "nights flaky": outcomes["flaky"],
        "nights failed, every attempt of the night": outcomes["failed"],
        "Passed, though an attempt of the night failed": len(hidden),
        "Broken tests: nights red": sum(
            test is not None and test.outcome == "failed" for test in broken
        ),
        "Flaky tests: failures by the ledger": sum(
            known.failures for name, known in ledger.items() if "flaky" in name
        ),
        "failures by the record": failures,
        f"failures that a rate of {RATE} explains": f"{least} to {most} of {attempts}",
    }
    return Section(
        title=f"{FLAKY} flaky tests and {BROKEN} broken ones, {NIGHTS} nights, {RETRIES} retries",
        about=f"A flaky test fails with a seeded chance of {RATE}. The record is a file to which "
        "each test writes its attempts itself. A test that has never passed yet gets no retry. The "
        f"interval is binomial, {CONFIDENCE:.1%}, over all attempts of the flaky tests.",
        rows=tuple({"": name, "Found": value} for name, value in facts.items()),
        promises={
            "every broken test is red in every night": (
                len(broken) == BROKEN * NIGHTS
                and all(test is not None and test.outcome == "failed" for test in broken)
                and all(night.error is not None for night in outcomes_by_night)
            ),
            "no test that failed in a night has passed in it": (
                len(pairs) == NIGHTS * (FLAKY + BROKEN) and not hidden
            ),
            "every attempt is told": all(
                test and test.attempts == len(words) for test, words in pairs
            ),
            "the ledger's rates are those of the record": totals
            == {name: (known.runs, known.failures) for name, known in ledger.items()},
            f"they are within sampling error of {RATE}": least <= failures <= most,
        },
    )


def interval(count: int, rate: float, confidence: float) -> tuple[int, int]:
    """The numbers of failures between which a binomial variable lies, with equal tails."""
    tail = (1 - confidence) / 2
    chances = (comb(count, n) * rate**n * (1 - rate) ** (count - n) for n in range(count + 1))
    up_to = list(accumulate(chances))
    least = next(n for n, chance in enumerate(up_to) if chance > tail)
    return least, next(n for n, chance in enumerate(up_to) if chance >= 1 - tail)


def _record(folder: Path) -> Record:
    record: Record = {}
    for file in folder.glob("test_*"):
        for line in file.read_text().splitlines():
            night, outcome = line.split()
            record.setdefault(file.name, {}).setdefault(int(night), []).append(outcome)
    return record


def _tests(night: LayerOutcome) -> tuple[TestResult, ...]:
    return night.result.tests if night.result else ()


def _short(name: str) -> str:
    return name.partition("::")[2]
