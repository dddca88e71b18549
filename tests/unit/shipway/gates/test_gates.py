from __future__ import annotations

import math
import re
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from blocks.metrics import Metrics
from shipway.errors import BadVersionError, HaltError, RefuseError, RetryError
from shipway.gates import http as page
from shipway.gates import job as command
from shipway.gates.measurement import Measurement, Verdict, decide
from shipway.gates.prometheus import (
    Number,
    PrometheusLooker,
    check_queries,
    filled,
    judge,
    number,
    pods_of,
)
from shipway.gates.run import course, seconds_left
from shipway.gates.settings import Gate, HttpGate, PrometheusGate
from shipway.kubernetes.job import JobEnd
from shipway.kubernetes.objects import KubeObject
from shipway.prometheus import Sample

NONE = Number(None, "")


def readings(letters: str) -> list[Measurement]:
    names: dict[str, Verdict] = {"p": "pass", "f": "fail", "i": "inconclusive"}
    return [Measurement(verdict=names[one], words=one) for one in letters]


@pytest.mark.parametrize(
    ("said", "failures", "over", "decision"),
    [
        ("", 1, True, "go on"),
        ("p", 1, False, "go on"),
        ("p", 1, True, "pass"),
        ("f", 1, False, "fail"),
        ("i", 1, True, "go on"),
        ("pi", 1, True, "go on"),
        ("f", 2, True, "go on"),
        ("pff", 2, False, "fail"),
        ("fpf", 2, False, "go on"),
        ("fif", 2, False, "fail"),
        ("ffp", 3, True, "pass"),
        ("iii", 1, True, "go on"),
    ],
)
def test_what_readings_come_to(said: str, failures: int, over: bool, decision: str) -> None:
    assert decide(readings(said), failures, hold_is_over=over) == decision


def samples(*values: float) -> list[Sample]:
    return [Sample(labels={"pod": str(n)}, value=value) for n, value in enumerate(values)]


@pytest.mark.parametrize(
    ("found", "value", "words"),
    [
        (samples(0.125), 0.125, "0.125"),
        (samples(), None, "no data"),
        (samples(1, 2), None, "2 series, where one is expected: {'pod': '0'}, …"),
        (samples(math.nan), None, "nan: no data to divide by"),
        (samples(math.inf), None, "inf: no data to divide by"),
    ],
)
def test_a_query_that_is_not_one_number_has_none(
    found: list[Sample], value: float | None, words: str
) -> None:
    assert number(found) == Number(value, words)


def settings(**more: Any) -> PrometheusGate:
    return PrometheusGate(query="new", **({"max": 0.05} | more))


OF = {"samples": "count", "minimum_samples": 10}


@pytest.mark.parametrize(
    ("gate", "numbers", "verdict", "words"),
    [
        (settings(), (0.05, None, None), "pass", "0.05, max 0.05"),
        (settings(), (0.06, None, None), "fail", "0.06, max 0.05"),
        (settings(max=None, min=0.9), (0.8, None, None), "fail", "0.8, min 0.9"),
        (settings(max=2, min=1), (1.5, None, None), "pass", "1.5, max 2, min 1"),
        (settings(), (None, None, None), "inconclusive", "-"),
        (settings(baseline="old"), (0.5, 0.48, None), "pass", "0.5 - 0.48 = 0.02, max 0.05"),
        (settings(baseline="old"), (0.5, 0.1, None), "fail", "0.5 - 0.1 = 0.4, max 0.05"),
        (settings(baseline="old"), (0.5, None, None), "inconclusive", "baseline: -"),
        (settings(**OF), (0.5, None, 9), "inconclusive", "9 of 10 samples"),
        (settings(**OF), (0.5, None, None), "inconclusive", "samples: -"),
        (settings(**OF), (None, None, 0), "inconclusive", "-; 0 of 10 samples"),
        (settings(**OF), (0.5, None, 10), "fail", "0.5, max 0.05, 10 samples"),
    ],
)
def test_what_numbers_say(
    gate: PrometheusGate, numbers: tuple[float | None, ...], verdict: str, words: str
) -> None:
    found = [Number(one, "-" if one is None else f"{one:g}") for one in numbers]
    reading = judge(gate, *found)
    assert (reading.verdict, reading.words) == (verdict, words)


def workload(kind: str, name: str) -> KubeObject:
    return KubeObject(
        file="a.yaml", api_version="apps/v1", kind=kind, name=name, namespace=None, body={}
    )


def test_the_pods_of_a_workload_are_matched_and_no_others() -> None:
    deployment = pods_of([workload("Deployment", "shop")])
    assert re.fullmatch(deployment, "shop-7d4b9c8f6-x2x4z")
    assert not re.fullmatch(deployment, "shop-canary-7d4b9c8f6-x2x4z")
    both = pods_of([workload("StatefulSet", "db"), workload("DaemonSet", "log")])
    assert [bool(re.fullmatch(both, one)) for one in ("db-10", "log-x2x4z", "db-x", "log-1")] == [
        True,
        True,
        False,
        False,
    ]


def test_queries_are_filled_with_pods_and_time() -> None:
    query = 'rate(a{pod=~"$new"}[$since]) - b{pod=~"$old"} + c{d="$newer"}'
    assert filled(query, "n-.*", "o-.*", 12.4) == (
        'rate(a{pod=~"n-.*"}[12s]) - b{pod=~"o-.*"} + c{d="$newer"}'
    )
    assert filled("[$since]", "", "", 0.2) == "[1s]"


class Prometheus(Metrics):
    """Answers as it is told."""

    _block_type_slug = "metrics-of-tests"

    said: dict[str, Any]

    async def query(self, promql: str) -> list[Sample]:
        found = self.said[promql]
        if isinstance(found, Exception):
            raise found
        return samples(found)

    async def check(self, promql: str) -> None:
        if "(" in promql:
            raise RefuseError("Prometheus does not take the query.", expected="PromQL", got=promql)


GATE = Gate(
    name="errors",
    prometheus=settings(baseline="old", **OF),
    consecutive_failures=2,
    inconclusive_timeout_seconds=7,
)


async def look(**said: Any) -> Measurement:
    metrics = Prometheus(url="http://metrics", said=said)
    assert GATE.prometheus is not None
    looker = PrometheusLooker(GATE, GATE.prometheus, metrics, "n", "o", datetime.now(UTC))
    assert (looker.name, looker.interval, looker.failures, looker.patience) == ("errors", 10, 2, 7)
    return await looker.look()


async def test_a_look_asks_all_three_queries() -> None:
    reading = await look(new=0.2, old=0.0, count=50)
    assert reading.verdict == "fail"
    assert reading.words == "0.2 - 0 = 0.2, max 0.05, 50 samples"


async def test_a_server_that_does_not_answer_is_no_answer() -> None:
    down = RetryError("Prometheus does not answer.", got="connection refused")
    reading = await look(new=down, old=0.0, count=50)
    assert reading.verdict == "inconclusive"
    assert reading.words == "Prometheus does not answer. connection refused"


async def test_a_query_that_is_no_promql_is_refused_by_its_gate() -> None:
    gate = settings(baseline="rate(")
    with pytest.raises(RefuseError) as caught:
        await check_queries(
            gate, Prometheus(url="http://metrics", said={}), "rollout.yaml: gates.0"
        )
    assert caught.value.facts["where"] == "rollout.yaml: gates.0"
    assert caught.value.facts["got"] == "rate("
    await check_queries(settings(baseline="old"), Prometheus(url="http://metrics", said={}), "")


@pytest.mark.parametrize(
    ("status", "text", "verdict", "words"),
    [
        (200, "hello", "pass", "status 200"),
        (503, "hello", "fail", "status 503, not 200"),
        (200, "goodbye", "fail", "no 'hello' in the answer"),
    ],
)
def test_what_a_page_says(status: int, text: str, verdict: str, words: str) -> None:
    reading = page.judge(HttpGate(service="shop", contains="hello"), status, text)
    assert (reading.verdict, reading.words) == (verdict, words)


@pytest.mark.parametrize(("code", "verdict"), [(0, "pass"), (1, "fail"), (None, "inconclusive")])
def test_what_a_command_says(code: int | None, verdict: str) -> None:
    assert command.judge(JobEnd(exit_code=code, words="the end of its log")).verdict == verdict


class Told:
    """A gate that says what it is told, and after that the last of it again and again."""

    name, interval, patience = "told", 0.001, 0.02

    def __init__(self, said: str, failures: int = 1) -> None:
        self.failures = failures
        self._said: Iterator[Measurement] = iter(readings(said))
        self._last = readings("i")[0]
        self.looks = 0

    async def look(self) -> Measurement:
        self.looks += 1
        self._last = next(self._said, self._last)
        return self._last


async def test_a_gate_passes_at_the_end_of_the_hold_and_not_before() -> None:
    gate, told = Told("ip"), list[str]()
    begin = time.monotonic()
    passed = await course(gate, begin + 0.05, lambda _, reading: told.append(reading.verdict))
    assert time.monotonic() >= begin + 0.05
    assert (passed.gate, passed.words) == ("told", "p")
    assert told[:2] == ["inconclusive", "pass"]
    assert len(told) == gate.looks > 2


async def test_a_red_gate_does_not_wait_for_the_end_of_the_hold() -> None:
    gate = Told("pff", failures=2)
    with pytest.raises(BadVersionError, match="'told' is red 2 times in a row"):
        await course(gate, time.monotonic() + 60, lambda *_: None)
    assert gate.looks == 3


@pytest.mark.parametrize("said", ["i", "fi"])
async def test_a_gate_without_an_answer_halts_when_its_patience_ends(said: str) -> None:
    with pytest.raises(HaltError) as caught:
        await course(Told(said, failures=2), time.monotonic(), lambda *_: None)
    assert caught.value.what == "The gate 'told' has no answer: neither pass nor fail."
    assert caught.value.facts["got"] == "i"


async def test_a_gate_that_cannot_make_up_its_mind_halts_too() -> None:
    with pytest.raises(HaltError):
        await course(Told("f", failures=10**6), time.monotonic(), lambda *_: None)


def test_a_hold_counts_from_the_commit_by_whichever_run() -> None:
    since = datetime.now(UTC) - timedelta(seconds=20)
    assert 39 < seconds_left(since, 60) < 41
    assert seconds_left(since, 10) < 0


@pytest.mark.parametrize(
    ("gate", "words"),
    [
        ({"prometheus": {"query": "a"}}, "max or min"),
        ({"prometheus": {"query": "a", "max": 1, "samples": "b"}}, "belong together"),
        ({"prometheus": {"query": "a", "max": 1, "minimum_samples": 2}}, "belong together"),
        ({"http": {}}, "exactly one of url and service"),
        ({"http": {"url": "ftp://a"}}, "pattern"),
        ({"http": {"url": "http://a", "service": "b"}}, "exactly one of url and service"),
        ({"job": {"command": []}}, "at least 1 item"),
        ({}, "exactly one of prometheus, http and job"),
        ({"job": {"command": ["a"]}, "http": {"service": "b"}}, "exactly one of prometheus"),
    ],
)
def test_a_gate_that_cannot_be_meant_is_refused(gate: dict[str, Any], words: str) -> None:
    with pytest.raises(ValueError, match=words):
        Gate.model_validate({"name": "one", **gate})
